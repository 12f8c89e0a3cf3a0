"""What the casework service hears, and the one command or projection each fact leads to (`events.md` 6)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date
from typing import Any
from uuid import UUID

from casework import projections
from casework.commands import allocation, engagement
from casework.storage import (
    Work,
    access_list_table,
    consents_table,
    forecast_case_table,
    forecast_state_table,
    person_flags_table,
    practitioner_table,
    programme_media_table,
    programmes_table,
    safe_contact_table,
)
from casework.storage.appointments import onward_state_table, onward_table
from casework.storage.metadata import AGREEMENTS, MERGED
from chassis.access import covers_of
from chassis.hearing import Heard, Hears
from chassis.projection import Row
from throughcare.partners.v1 import events_pb2 as partners
from throughcare.referral.v1.events_pb2 import (
    AccessListChanged,
    ConsentDeclined,
    ConsentExpired,
    ConsentGranted,
    ConsentWithdrawn,
    PersonDetailsChanged,
    PersonMerged,
    PersonSafeContactSet,
    PersonUnmerged,
    PractitionerAssigned,
    PractitionerChanged,
    PractitionerCoverSet,
    ProgrammeAmended,
    ProgrammeDeliveryModeSet,
    ProgrammePublished,
    ReferralAccepted,
    ReferralDeclined,
    ReferralRedirected,
    ReferralReopened,
    ReferralSubmitted,
    ReferralWithdrawn,
)

_WORDS = re.compile(r"(?<=[a-z])(?=[A-Z])")
HEARS = Hears(
    "casework",
    tables=(
        *AGREEMENTS.tables,
        MERGED,
        access_list_table,
        consents_table,
        forecast_case_table,
        forecast_state_table,
        onward_state_table,
        onward_table,
        person_flags_table,
        practitioner_table,
        programme_media_table,
        programmes_table,
        safe_contact_table,
    ),
)
PARTICIPATE = "PARTICIPATE"


def _case(heard: Heard[Any]) -> UUID:
    return UUID(str(heard.envelope.case_id))


def _person(heard: Heard[Any]) -> UUID:
    return UUID(str(heard.envelope.person_id))


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


@HEARS.projection(ReferralSubmitted, ReferralReopened)
def expected(heard: Heard[Any]) -> Iterable[Row]:
    """One case more for the programme."""
    return projections.expected(
        case_id=_case(heard),
        person_id=_person(heard),
        programme_id=UUID(heard.message.programme_id),
        kind=heard.message.kind,
        submitted_at=heard.envelope.occurred_at.astimezone(UTC),
        seq=heard.seq,
    )


@HEARS.projection(ReferralAccepted, ReferralDeclined, ReferralRedirected, ReferralWithdrawn)
def decided(heard: Heard[Any]) -> Iterable[Row]:
    """One case less to come."""
    return projections.decided(case_id=_case(heard), still_expected=False, seq=heard.seq)


@HEARS.command(ReferralAccepted, ignored_when=("allocation_exists",))
async def request_allocation(work: Work, heard: Heard[ReferralAccepted]) -> None:
    """A worker is needed for this acceptance."""
    await allocation.request_allocation.inside(
        work,
        case_id=_case(heard),
        person_id=_person(heard),
        programme_id=UUID(heard.message.programme_id),
        acceptance=heard.envelope.aggregate_version,
        accepted_at=heard.envelope.occurred_at,
        proposed_worker=heard.message.proposed_worker_ref,
    )


@HEARS.command(ReferralWithdrawn, ignored_when=("no_allocation", "allocation_ended", "invalid_transition"))
async def end_with_referral(work: Work, heard: Heard[ReferralWithdrawn]) -> None:
    """The search ends, or the engagement comes to its end."""
    await engagement.end_with_referral.inside(work, case_id=_case(heard), by_person=heard.message.by_party == "PERSON")


def _consent(heard: Heard[Any], state: str) -> Iterable[Row]:
    message = heard.message
    return projections.consent(
        person_id=_person(heard),
        purpose=message.purpose,
        programme_id=message.programme_id,
        recipient=message.recipient,
        scope_codes=message.scope_codes,
        state=state,
        version=message.version,
        review_on=_day(message.review_on),
        seq=heard.seq,
    )


@HEARS.projection(ConsentGranted)
def consent_granted(heard: Heard[ConsentGranted]) -> Iterable[Row]:
    """He agreed."""
    return _consent(heard, "GRANTED")


@HEARS.projection(ConsentDeclined)
def consent_declined(heard: Heard[ConsentDeclined]) -> Iterable[Row]:
    """He said no."""
    return _consent(heard, "DECLINED")


@HEARS.projection(ConsentWithdrawn)
def consent_withdrawn(heard: Heard[ConsentWithdrawn]) -> Iterable[Row]:
    """He does not agree any more."""
    return _consent(heard, "WITHDRAWN")


@HEARS.projection(ConsentExpired)
def consent_expired(heard: Heard[ConsentExpired]) -> Iterable[Row]:
    """It ended at its review date."""
    return _consent(heard, "EXPIRED")


@HEARS.command(ConsentWithdrawn, ignored_when=("no_engagement", "invalid_transition"))
async def end_with_consent(work: Work, heard: Heard[ConsentWithdrawn]) -> None:
    """Where he no longer takes part, what stands on it comes to its end; other purposes end nothing here."""
    if heard.message.purpose == PARTICIPATE:
        await engagement.end_with_consent.inside(
            work, person_id=_person(heard), programme_id=UUID(heard.message.programme_id)
        )


@HEARS.projection(AccessListChanged)
def access_list(heard: Heard[AccessListChanged]) -> Iterable[Row]:
    """Who may or may not know of him."""
    return projections.access_list(
        person_id=_person(heard),
        listed=heard.message.list,
        entries=heard.message.entries,
        version=heard.message.version,
        seq=heard.seq,
    )


@HEARS.projection(PersonSafeContactSet)
def safe_contact(heard: Heard[PersonSafeContactSet]) -> Iterable[Row]:
    """How he can be reached safely."""
    message = heard.message
    return projections.safe_contact(
        person_id=_person(heard),
        channels=message.channels,
        days=message.days,
        from_hour=message.from_hour,
        to_hour=message.to_hour,
        voicemail=message.voicemail,
        unnamed=message.unnamed,
        version=message.version,
        seq=heard.seq,
    )


@HEARS.projection(PersonDetailsChanged)
def person_flags(heard: Heard[PersonDetailsChanged]) -> Iterable[Row]:
    """Whether he has died."""
    return projections.person_flags(
        person_id=_person(heard),
        deceased=heard.message.deceased,
        version=heard.message.version,
        seq=heard.seq,
    )


@HEARS.projection(PersonMerged)
def merged(heard: Heard[PersonMerged]) -> Iterable[Row]:
    """Two records are of one man; what is told of the first concerns the second."""
    message = heard.message
    return projections.merged(
        old_id=UUID(message.from_person_id), into_id=UUID(message.to_person_id), version=message.version
    )


@HEARS.projection(PersonUnmerged)
def unmerged(heard: Heard[PersonUnmerged]) -> Iterable[Row]:
    """They are of two men after all."""
    message = heard.message
    return projections.merged(old_id=UUID(message.from_person_id), into_id=None, version=message.version)


@HEARS.command(PersonUnmerged)
async def end_apart(work: Work, heard: Heard[PersonUnmerged]) -> None:
    """What rests on the agreement of another man ends."""
    await engagement.end_apart.inside(
        work,
        from_person_id=UUID(heard.message.from_person_id),
        to_person_id=UUID(heard.message.to_person_id),
    )


def _practitioner(heard: Heard[Any], kind: str) -> Iterable[Row]:
    message = heard.message
    return projections.practitioner(
        case_id=_case(heard),
        kind=kind,
        practitioner_ref=message.practitioner_ref,
        pdu_code=message.pdu_code,
        starts_on=date.fromisoformat(message.starts_on),
        ends_on=_day(message.ends_on),
        seq=heard.seq,
    )


@HEARS.projection(PractitionerAssigned, PractitionerChanged)
def practitioner(heard: Heard[Any]) -> Iterable[Row]:
    """Who the practitioner of the case is: whose caseload it stands in."""
    return _practitioner(heard, "MAIN")


@HEARS.projection(PractitionerCoverSet)
def practitioner_cover(heard: Heard[PractitionerCoverSet]) -> Iterable[Row]:
    """Who covers for him."""
    return _practitioner(heard, "COVER")


@HEARS.projection(ProgrammePublished, ProgrammeAmended)
def programme(heard: Heard[Any]) -> Iterable[Row]:
    """The lengths of a programme, in one version."""
    message = heard.message
    return projections.programme(
        programme_id=UUID(message.programme_id),
        version=message.version,
        code=message.code,
        valid_from=date.fromisoformat(message.valid_from),
        planned_months=message.planned_months,
        cap_months=message.cap_months,
        counted_pauses=message.counted_pauses,
        seq=heard.seq,
    )


@HEARS.projection(ProgrammeDeliveryModeSet)
def delivery_mode(heard: Heard[ProgrammeDeliveryModeSet]) -> Iterable[Row]:
    """How a programme is delivered in a quadrant."""
    message = heard.message
    return projections.delivery_mode(
        programme_id=UUID(message.programme_id),
        quadrant=message.quadrant,
        valid_from=date.fromisoformat(message.valid_from),
        mode=message.mode,
        seq=heard.seq,
    )


@HEARS.projection(partners.HandoffOffered)
def onward(heard: Heard[partners.HandoffOffered]) -> Iterable[Row]:
    """Work of this case was offered to another house."""
    message = heard.message
    if message.side == "SENDER" and heard.envelope.case_id is not None:
        yield from projections.onward(
            handoff_id=UUID(message.handoff_id), case_id=_case(heard), kind=message.kind, seq=heard.seq
        )


@HEARS.projection(
    partners.HandoffReceived,
    partners.HandoffAccepted,
    partners.HandoffStarted,
    partners.HandoffDeclined,
    partners.HandoffCompleted,
    partners.HandoffRevoked,
    partners.HandoffExpired,
    partners.HandoffFailed,
    partners.HandoffEnteredInError,
)
def onward_state(heard: Heard[Any]) -> Iterable[Row]:
    """The step it is at for whoever offered it: before it is settled the case is not closed."""
    if heard.message.side == "SENDER":
        step = _WORDS.sub("_", heard.message.DESCRIPTOR.name.removeprefix("Handoff")).upper()
        yield from projections.onward_state(handoff_id=UUID(heard.message.handoff_id), state=step, seq=heard.seq)


@HEARS.projection(
    partners.IsaActivated, partners.IsaSuspended, partners.IsaResumed, partners.IsaExpired, partners.IsaEnded
)
def agreement_stands(heard: Heard[Any]) -> Iterable[Row]:
    """Whether guests of its recipients may see anything here."""
    message = heard.message
    in_force = isinstance(message, partners.IsaActivated | partners.IsaResumed)
    since, seq = heard.envelope.occurred_at, heard.seq
    yield projections.agreement_stands(message.isa_id, in_force=in_force, since=since, seq=seq)
    if isinstance(message, partners.IsaActivated):
        yield projections.agreement_signed(
            message.isa_id,
            parties=message.parties,
            recipients=message.recipients,
            valid_from=date.fromisoformat(message.valid_from),
            valid_to=date.fromisoformat(message.valid_to),
            covers=covers_of(message),
            seq=seq,
        )
