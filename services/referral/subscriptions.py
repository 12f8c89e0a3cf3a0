"""What the service hears, and the one command or projection each leads to."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID

from chassis.hearing import Heard, Hears
from referral import commands, projections
from referral.storage import CASE_COVER, CASE_WORKER, OPEN_WORK
from throughcare.casework.v1.events_pb2 import (
    EngagementClosed,
    EngagementOpened,
    EngagementReopened,
    WorkerAllocated,
    WorkerCoverSet,
    WorkerReallocated,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chassis.projection import Row
    from referral.storage import Work

HEARS = Hears("referral", tables=(CASE_WORKER, CASE_COVER, OPEN_WORK))
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
