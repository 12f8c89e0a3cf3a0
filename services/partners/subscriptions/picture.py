"""What the picture hears (events.md 6): one translation a kind of message, into plain values and from there into rows.

The picture leads to no command. What a function does not name is left behind here.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from chassis.hearing import Heard, Hears
from partners.projections.picture import heard as facts
from partners.projections.picture.registers import Register, Told
from partners.projections.picture.tables import PROJECTED, caught_up, rows
from throughcare.casework.v1 import events_pb2 as casework
from throughcare.referral.v1 import events_pb2 as referral

if TYPE_CHECKING:
    from google.protobuf.timestamp_pb2 import Timestamp

    from chassis.projection import Row

PICTURE = Hears("picture", tables=PROJECTED, caught_up=caught_up)


def told_of(heard: Heard[Any], *, heard_from: str = "") -> Told:
    """Whom the fact is about, and its place in its stream."""
    of = heard.envelope
    return Told(
        topic=heard.topic,
        key=heard.key,
        seq=of.stream_sequence,
        at=of.occurred_at,
        recorded_at=of.recorded_at,
        aggregate_id=of.aggregate_id,
        version=of.aggregate_version,
        case_id=of.case_id,
        person_id=of.person_id,
        heard_from=heard_from,
    )


def instant_of(stamp: Timestamp) -> datetime:
    """An instant of a message."""
    return stamp.ToDatetime(tzinfo=UTC)


def _dates(message: Any) -> dict[str, str]:
    return {"planned_end_on": message.planned_end_on, "review_due_on": message.review_due_on}


def _left(heard: Heard[Any], fact: Any, **given: Any) -> Iterable[Row]:
    """The rows this fact leaves."""
    told = told_of(heard)
    registers: Iterable[Register] = fact(told, **given)
    return rows(told, registers)


@PICTURE.projection(referral.ReferralSubmitted, referral.ReferralReopened)
def submitted(heard: Heard[Any]) -> Iterable[Row]:
    """A case opens, or opens again."""
    message = heard.message
    return _left(
        heard,
        facts.submitted,
        reference=message.case_reference,
        programme_id=message.programme_id,
        kind=message.kind,
        decision_due_at=instant_of(message.due_at),
    )


@PICTURE.projection(referral.ReferralTriageStarted)
def triage_started(heard: Heard[referral.ReferralTriageStarted]) -> Iterable[Row]:
    """In triage since."""
    return _left(heard, facts.triage_started)


@PICTURE.projection(referral.ReferralAccepted)
def accepted(heard: Heard[referral.ReferralAccepted]) -> Iterable[Row]:
    """Accepted on, allocation due."""
    return _left(heard, facts.accepted)


@PICTURE.projection(referral.ReferralDeclined, referral.ReferralRedirected, referral.ReferralWithdrawn)
def referral_ended(heard: Heard[Any]) -> Iterable[Row]:
    """Ended on; reason and party stay behind, and where the way leads on."""
    return _left(heard, facts.referral_ended)


@PICTURE.projection(referral.PractitionerAssigned, referral.PractitionerChanged)
def practitioner(heard: Heard[Any]) -> Iterable[Row]:
    """Whose caseload he belongs to."""
    return _left(heard, facts.practitioner, ref=heard.message.practitioner_ref, starts_on=heard.message.starts_on)


@PICTURE.projection(referral.PractitionerCoverSet)
def practitioner_cover(heard: Heard[referral.PractitionerCoverSet]) -> Iterable[Row]:
    """Who stands in for the practitioner."""
    message = heard.message
    return _left(
        heard,
        facts.practitioner_cover,
        ref=message.practitioner_ref,
        starts_on=message.starts_on,
        ends_on=message.ends_on,
    )


def _consent(heard: Heard[Any], *, agreed: bool) -> Iterable[Row]:
    """Scope and recipient stay behind."""
    message = heard.message
    return _left(
        heard,
        facts.consent,
        purpose=message.purpose,
        programme_id=message.programme_id,
        agreed=agreed,
        review_on=message.review_on,
        replaces=message.replaces,
    )


@PICTURE.projection(referral.ConsentGranted)
def consent_granted(heard: Heard[referral.ConsentGranted]) -> Iterable[Row]:
    """Agreed to take part, review on."""
    return _consent(heard, agreed=True)


@PICTURE.projection(referral.ConsentDeclined, referral.ConsentWithdrawn, referral.ConsentExpired)
def consent_gone(heard: Heard[Any]) -> Iterable[Row]:
    """Not agreed; whether declined, withdrawn or run out stays behind."""
    return _consent(heard, agreed=False)


@PICTURE.projection(referral.ScreeningRecorded, referral.ScreeningSuperseded)
def screening(heard: Heard[Any]) -> Iterable[Row]:
    """Current or not, completed on; source and result stay behind."""
    message = heard.message
    return _left(heard, facts.screening, completed_on=message.completed_on, is_current=message.is_current)


@PICTURE.projection(referral.AccessListChanged)
def access_list_changed(heard: Heard[referral.AccessListChanged]) -> Iterable[Row]:
    """Who may know of him, before the next read."""
    message = heard.message
    return _left(heard, facts.access_list, kind=message.list, entries=message.entries, version=message.version)


@PICTURE.projection(referral.PersonMerged)
def merged(heard: Heard[referral.PersonMerged]) -> Iterable[Row]:
    """Two records are of one man, whose pictures are one."""
    message = heard.message
    old_id, into_id = UUID(message.from_person_id), UUID(message.to_person_id)
    return _left(heard, facts.joined, old_id=old_id, into_id=into_id, version=message.version)


@PICTURE.projection(referral.PersonUnmerged)
def unmerged(heard: Heard[referral.PersonUnmerged]) -> Iterable[Row]:
    """They are of two men after all."""
    message = heard.message
    return _left(heard, facts.joined, old_id=UUID(message.from_person_id), into_id=None, version=message.version)


@PICTURE.projection(casework.AllocationRequested, casework.AllocationProposed)
def allocation_waits(heard: Heard[Any]) -> Iterable[Row]:
    """Waits for a worker."""
    return _left(heard, facts.allocation_waits, due_at=instant_of(heard.message.due_at))


@PICTURE.projection(casework.AllocationEnded)
def allocation_ended(heard: Heard[casework.AllocationEnded]) -> Iterable[Row]:
    """Waits no more."""
    return _left(heard, facts.allocation_ended)


@PICTURE.projection(casework.WorkerAllocated, casework.WorkerReallocated)
def worker(heard: Heard[Any]) -> Iterable[Row]:
    """Who works with him, since."""
    return _left(heard, facts.worker, ref=heard.message.worker_ref, role=heard.message.role)


@PICTURE.projection(casework.WorkerCoverSet)
def worker_cover(heard: Heard[casework.WorkerCoverSet]) -> Iterable[Row]:
    """Who stands in for the worker."""
    message = heard.message
    return _left(
        heard,
        facts.worker_cover,
        ref=message.worker_ref,
        role=message.role,
        starts_on=message.starts_on,
        ends_on=message.ends_on,
    )


@PICTURE.projection(casework.EngagementOpened)
def engagement_opened(heard: Heard[casework.EngagementOpened]) -> Iterable[Row]:
    """Open since, planned end, next review."""
    return _left(heard, facts.opened, **_dates(heard.message))


@PICTURE.projection(casework.EngagementReopened)
def engagement_reopened(heard: Heard[casework.EngagementReopened]) -> Iterable[Row]:
    """As opened."""
    return _left(heard, facts.reopened, **_dates(heard.message))


@PICTURE.projection(casework.EngagementActivated)
def engagement_activated(heard: Heard[casework.EngagementActivated]) -> Iterable[Row]:
    """State, dates."""
    return _left(heard, facts.activated, **_dates(heard.message))


@PICTURE.projection(casework.EngagementPaused)
def engagement_paused(heard: Heard[casework.EngagementPaused]) -> Iterable[Row]:
    """State, dates."""
    return _left(heard, facts.paused, **_dates(heard.message))


@PICTURE.projection(casework.EngagementResumed)
def engagement_resumed(heard: Heard[casework.EngagementResumed]) -> Iterable[Row]:
    """State, dates."""
    return _left(heard, facts.resumed, **_dates(heard.message))


@PICTURE.projection(casework.EngagementExtended)
def engagement_extended(heard: Heard[casework.EngagementExtended]) -> Iterable[Row]:
    """Dates."""
    return _left(heard, facts.extended, **_dates(heard.message))


@PICTURE.projection(casework.EngagementEndingStarted)
def engagement_ending_started(heard: Heard[casework.EngagementEndingStarted]) -> Iterable[Row]:
    """State, dates; the group of the outcome stays behind."""
    return _left(heard, facts.ending_started, **_dates(heard.message))


@PICTURE.projection(casework.EngagementContactAttempted)
def contact_attempted(heard: Heard[casework.EngagementContactAttempted]) -> Iterable[Row]:
    """Last tried on; the channel stays behind."""
    return _left(heard, facts.tried)


@PICTURE.projection(casework.EngagementClosed)
def engagement_closed(heard: Heard[casework.EngagementClosed]) -> Iterable[Row]:
    """Ended on; the group of the outcome stays behind."""
    return _left(heard, facts.closed)


@PICTURE.projection(casework.NeedRecorded)
def need(heard: Heard[casework.NeedRecorded]) -> Iterable[Row]:
    """What would help him, or does no more."""
    message = heard.message
    return _left(heard, facts.need, aspect=message.aspect_code, needed=message.open, on=message.effective_on)


def _appointment(heard: Heard[Any], *, stands: bool) -> Iterable[Row]:
    message = heard.message
    return _left(
        heard,
        facts.appointment,
        org_id=message.org_id,
        aspect=message.aspect_code,
        starts_at=instant_of(message.starts_at),
        ends_at=instant_of(message.ends_at),
        stands=stands,
    )


@PICTURE.projection(casework.ExternalAppointmentRecorded)
def appointment(heard: Heard[casework.ExternalAppointmentRecorded]) -> Iterable[Row]:
    """When a partner without a house sees him."""
    return _appointment(heard, stands=True)


@PICTURE.projection(casework.ExternalAppointmentCancelled)
def appointment_off(heard: Heard[casework.ExternalAppointmentCancelled]) -> Iterable[Row]:
    """Not after all."""
    return _appointment(heard, stands=False)


@PICTURE.projection(
    referral.ReferralDeadlineMissed,
    referral.ConsentDeadlineMissed,
    casework.AllocationDeadlineMissed,
    casework.EngagementDeadlineMissed,
)
def deadline_missed(heard: Heard[Any]) -> Iterable[Row]:
    """Late since."""
    message = heard.message
    return _left(heard, facts.late, promise=message.promise, due_at=instant_of(message.due_at))
