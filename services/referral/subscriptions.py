"""What the service hears, and the one command or projection each leads to."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID

from chassis.access import covers_of
from chassis.hearing import Heard, Hears
from referral import commands, projections
from referral.storage import AGREEMENTS, CASE_COVER, CASE_WORKER, OFFER, ONWARD, ONWARD_STATE, OPEN_WORK
from throughcare.casework.v1.events_pb2 import (
    EngagementClosed,
    EngagementOpened,
    EngagementReopened,
    WorkerAllocated,
    WorkerCoverSet,
    WorkerReallocated,
)
from throughcare.partners.v1 import events_pb2 as partners

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chassis.projection import Row
    from referral.storage import Work

HEARS = Hears("referral", tables=(*AGREEMENTS.tables, CASE_WORKER, CASE_COVER, OPEN_WORK, OFFER, ONWARD, ONWARD_STATE))
_RACES = ("superseded_acceptance", "invalid_transition")


def _case(heard: Heard[Any]) -> UUID:
    case_id = heard.envelope.case_id
    if case_id is None:
        raise ValueError("a fact of a case without its case")
    return case_id


@HEARS.command(WorkerAllocated, ignored_when=_RACES)
async def record_allocated(work: Work, heard: Heard[WorkerAllocated]) -> None:
    message = heard.message
    await commands.record_allocated.inside(work, _case(heard), worker=message.worker_ref, acceptance=message.acceptance)


@HEARS.command(EngagementOpened, ignored_when=_RACES)
async def record_converted(work: Work, heard: Heard[EngagementOpened]) -> None:
    await commands.record_converted.inside(work, _case(heard), acceptance=heard.message.acceptance)


@HEARS.projection(WorkerAllocated)
def worker_named(heard: Heard[WorkerAllocated]) -> Iterable[Row]:
    message = heard.message
    yield projections.case_worker(_case(heard), worker_ref=message.worker_ref, role=message.role, seq=heard.seq)


@HEARS.projection(WorkerReallocated)
def worker_changed(heard: Heard[WorkerReallocated]) -> Iterable[Row]:
    message = heard.message
    yield projections.case_worker(_case(heard), worker_ref=message.worker_ref, role=message.role, seq=heard.seq)


@HEARS.projection(WorkerCoverSet)
def worker_covered(heard: Heard[WorkerCoverSet]) -> Iterable[Row]:
    message = heard.message
    yield projections.case_cover(
        _case(heard),
        worker_ref=message.worker_ref,
        starts_on=date.fromisoformat(message.starts_on),
        ends_on=date.fromisoformat(message.ends_on) if message.ends_on else None,
        seq=heard.seq,
    )


@HEARS.projection(EngagementOpened)
def work_opened(heard: Heard[EngagementOpened]) -> Iterable[Row]:
    yield projections.work_open(_case(heard), seq=heard.seq)


@HEARS.projection(EngagementReopened)
def work_reopened(heard: Heard[EngagementReopened]) -> Iterable[Row]:
    yield projections.work_open(_case(heard), seq=heard.seq)


@HEARS.projection(EngagementClosed)
def work_closed(heard: Heard[EngagementClosed]) -> Iterable[Row]:
    yield projections.work_closed(_case(heard), closed_at=heard.envelope.occurred_at, seq=heard.seq)


@HEARS.projection(partners.OfferPublished)
def offer_open(heard: Heard[partners.OfferPublished]) -> Iterable[Row]:
    yield projections.offer(UUID(heard.message.offer_id), state="PUBLISHED", seq=heard.seq)


@HEARS.projection(partners.OfferPaused)
def offer_paused(heard: Heard[partners.OfferPaused]) -> Iterable[Row]:
    yield projections.offer(UUID(heard.message.offer_id), state="PAUSED", seq=heard.seq)


@HEARS.projection(partners.OfferRetired)
def offer_retired(heard: Heard[partners.OfferRetired]) -> Iterable[Row]:
    yield projections.offer(UUID(heard.message.offer_id), state="RETIRED", seq=heard.seq)


_ONWARD: dict[type[Any], str] = {
    partners.HandoffReceived: "RECEIVED",
    partners.HandoffWaitlisted: "WAITLISTED",
    partners.HandoffAccepted: "ACCEPTED",
    partners.HandoffStarted: "IN_PROGRESS",
    partners.HandoffDeclined: "DECLINED",
    partners.HandoffCompleted: "COMPLETED",
    partners.HandoffRevoked: "REVOKED",
    partners.HandoffExpired: "EXPIRED",
    partners.HandoffFailed: "FAILED",
    partners.HandoffEnteredInError: "ENTERED_IN_ERROR",
}


@HEARS.projection(partners.HandoffOffered)
def redirect_offered(heard: Heard[partners.HandoffOffered]) -> Iterable[Row]:
    """The redirect of a case was offered there."""
    message, case = heard.message, heard.envelope.case_id
    if message.side == "SENDER" and message.origin == "REDIRECT" and case is not None:
        yield projections.onward(UUID(message.handoff_id), case_id=case, seq=heard.seq)
        yield projections.onward_state(UUID(message.handoff_id), state="OFFERED", seq=heard.seq)


@HEARS.projection(
    partners.HandoffReceived,
    partners.HandoffWaitlisted,
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
    """What became of it; of other handoffs it is kept too, and shown nowhere."""
    if heard.message.side == "SENDER":
        state = _ONWARD[type(heard.message)]
        yield projections.onward_state(UUID(heard.message.handoff_id), state=state, seq=heard.seq)


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
