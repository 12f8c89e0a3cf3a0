"""What the casework service hears, and the one command or projection each fact leads to (`events.md` 6)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date
from uuid import UUID

from casework import projections
from casework.commands import allocation, engagement
from casework.storage import Work
from chassis.inbox import Heard, Hears
from chassis.projection import Row
from throughcare.referral.v1.events_pb2 import (
    AccessListChanged,
    ConsentDeclined,
    ConsentExpired,
    ConsentGranted,
    ConsentWithdrawn,
    PersonDetailsChanged,
    PersonSafeContactSet,
    PractitionerAssigned,
    PractitionerChanged,
    PractitionerCoverSet,
    ProgrammeAmended,
    ProgrammeDeliveryModeSet,
    ProgrammePublished,
    ReferralAccepted,
    ReferralDeclined,
    ReferralReopened,
    ReferralSubmitted,
    ReferralWithdrawn,
)

HEARS = Hears("casework")
PARTICIPATE = "PARTICIPATE"


def _case(heard: Heard) -> UUID:
    return UUID(str(heard.envelope.case_id))


def _person(heard: Heard) -> UUID:
    return UUID(str(heard.envelope.person_id))


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


@HEARS.projection(ReferralSubmitted)
@HEARS.projection(ReferralReopened)
def expected(heard: Heard) -> Iterable[Row]:
    """One case more for the programme."""
    return projections.expected(
        case_id=_case(heard),
        person_id=_person(heard),
        programme_id=UUID(heard.message.programme_id),
        kind=heard.message.kind,
        submitted_at=heard.envelope.occurred_at.astimezone(UTC),
        seq=heard.envelope.stream_sequence,
    )


@HEARS.projection(ReferralAccepted)
@HEARS.projection(ReferralDeclined)
@HEARS.projection(ReferralWithdrawn)
def decided(heard: Heard) -> Iterable[Row]:
    """One case less to come."""
    return projections.decided(case_id=_case(heard), still_expected=False, seq=heard.envelope.stream_sequence)


@HEARS.command(ReferralAccepted, ignored_when=("allocation_exists",))
async def request_allocation(work: Work, heard: Heard) -> None:
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
async def end_with_referral(work: Work, heard: Heard) -> None:
    """The search ends, or the engagement comes to its end."""
    await engagement.end_with_referral.inside(work, case_id=_case(heard), by_person=heard.message.by_party == "PERSON")


def _consent(heard: Heard, state: str) -> Iterable[Row]:
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
        seq=heard.envelope.stream_sequence,
    )


@HEARS.projection(ConsentGranted)
def consent_granted(heard: Heard) -> Iterable[Row]:
    """He agreed."""
    return _consent(heard, "GRANTED")


@HEARS.projection(ConsentDeclined)
def consent_declined(heard: Heard) -> Iterable[Row]:
    """He said no."""
    return _consent(heard, "DECLINED")


@HEARS.projection(ConsentWithdrawn)
def consent_withdrawn(heard: Heard) -> Iterable[Row]:
    """He does not agree any more."""
    return _consent(heard, "WITHDRAWN")


@HEARS.projection(ConsentExpired)
def consent_expired(heard: Heard) -> Iterable[Row]:
    """It ended at its review date."""
    return _consent(heard, "EXPIRED")


@HEARS.command(ConsentWithdrawn, ignored_when=("no_engagement", "invalid_transition"))
async def end_with_consent(work: Work, heard: Heard) -> None:
    """Where he no longer takes part, what stands on it comes to its end; other purposes end nothing here."""
    if heard.message.purpose == PARTICIPATE:
        await engagement.end_with_consent.inside(
            work, person_id=_person(heard), programme_id=UUID(heard.message.programme_id)
        )


@HEARS.projection(AccessListChanged)
def access_list(heard: Heard) -> Iterable[Row]:
    """Who may or may not know of him."""
    return projections.access_list(
        person_id=_person(heard),
        listed=heard.message.list,
        entries=heard.message.entries,
        version=heard.message.version,
        seq=heard.envelope.stream_sequence,
    )


@HEARS.projection(PersonSafeContactSet)
def safe_contact(heard: Heard) -> Iterable[Row]:
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
        seq=heard.envelope.stream_sequence,
    )


@HEARS.projection(PersonDetailsChanged)
def person_flags(heard: Heard) -> Iterable[Row]:
    """Whether he has died."""
    return projections.person_flags(
        person_id=_person(heard),
        deceased=heard.message.deceased,
        version=heard.message.version,
        seq=heard.envelope.stream_sequence,
    )


def _practitioner(heard: Heard, kind: str) -> Iterable[Row]:
    message = heard.message
    return projections.practitioner(
        case_id=_case(heard),
        kind=kind,
        practitioner_ref=message.practitioner_ref,
        pdu_code=message.pdu_code,
        starts_on=date.fromisoformat(message.starts_on),
        ends_on=_day(message.ends_on),
        seq=heard.envelope.stream_sequence,
    )


@HEARS.projection(PractitionerAssigned)
@HEARS.projection(PractitionerChanged)
def practitioner(heard: Heard) -> Iterable[Row]:
    """Who the practitioner of the case is: whose caseload it stands in."""
    return _practitioner(heard, "MAIN")


@HEARS.projection(PractitionerCoverSet)
def practitioner_cover(heard: Heard) -> Iterable[Row]:
    """Who covers for him."""
    return _practitioner(heard, "COVER")


@HEARS.projection(ProgrammePublished)
@HEARS.projection(ProgrammeAmended)
def programme(heard: Heard) -> Iterable[Row]:
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
        seq=heard.envelope.stream_sequence,
    )


@HEARS.projection(ProgrammeDeliveryModeSet)
def delivery_mode(heard: Heard) -> Iterable[Row]:
    """How a programme is delivered in a quadrant."""
    message = heard.message
    return projections.delivery_mode(
        programme_id=UUID(message.programme_id),
        quadrant=message.quadrant,
        valid_from=date.fromisoformat(message.valid_from),
        mode=message.mode,
        seq=heard.envelope.stream_sequence,
    )
