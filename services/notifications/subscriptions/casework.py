"""Facts of the work: who does it, and how it goes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from chassis.calendar import local_date
from chassis.hearing import Heard
from chassis.projection import Row
from notifications import commands, projections
from notifications.domain import words
from notifications.storage import Work
from notifications.subscriptions.group import HEARS, case_of, day_of, ended_by, fact_of, instant_of, kept_by
from throughcare.casework.v1 import events_pb2 as casework


@HEARS.projection(casework.WorkerAllocated, casework.WorkerReallocated)
def worker(heard: Heard[Any]) -> Iterable[Row]:
    """Who works with him."""
    yield from projections.case_person(
        case_id=case_of(heard),
        kind="WORKER",
        ref=heard.message.worker_ref,
        role=heard.message.role,
        starts_on=local_date(heard.envelope.occurred_at),
        seq=heard.seq,
    )
    yield from kept_by("worker.allocated", heard, case_of(heard))


@HEARS.projection(casework.WorkerCoverSet)
def worker_cover(heard: Heard[casework.WorkerCoverSet]) -> Iterable[Row]:
    """Who covers for his worker on dated days."""
    return projections.case_person(
        case_id=case_of(heard),
        kind="WORKER_COVER",
        ref=heard.message.worker_ref,
        role=heard.message.role,
        starts_on=date.fromisoformat(heard.message.starts_on),
        ends_on=day_of(heard.message.ends_on),
        seq=heard.seq,
    )


@HEARS.command(casework.WorkerAllocated)
async def tell_of_worker(work: Work, heard: Heard[casework.WorkerAllocated]) -> None:
    """The worker and the practitioner hear."""
    fact = fact_of("worker.allocated", heard, what="a worker is named", worker=heard.message.worker_ref)
    await commands.request_notices.inside(work, fact)


@HEARS.command(casework.WorkerReallocated)
async def tell_of_new_worker(work: Work, heard: Heard[casework.WorkerReallocated]) -> None:
    """Both workers and the practitioner hear; open notices move."""
    message = heard.message
    fact = fact_of(
        "worker.reallocated",
        heard,
        what="another worker is named",
        worker=message.worker_ref,
        worker_before=message.previous_worker_ref,
    )
    await commands.request_notices.inside(work, fact)


@HEARS.command(casework.WorkerCoverSet)
async def tell_of_cover(work: Work, heard: Heard[casework.WorkerCoverSet]) -> None:
    """Both workers and the practitioner hear; open notices move once the cover has begun."""
    fact = fact_of("worker.cover_set", heard, what="a colleague covers", worker=heard.message.worker_ref)
    await commands.request_notices.inside(work, fact)


@HEARS.command(casework.AllocationRequested)
async def tell_of_search(work: Work, heard: Heard[casework.AllocationRequested]) -> None:
    """The service manager hears."""
    what = "the one proposed cannot" if heard.message.failed_code else "nobody is named yet"
    due_on = words.written(instant_of(heard.message.due_at))
    await commands.request_notices.inside(work, fact_of("allocation.requested", heard, what=what, due_on=due_on))


@HEARS.command(casework.AllocationProposed)
async def tell_of_proposal(work: Work, heard: Heard[casework.AllocationProposed]) -> None:
    """The service manager hears."""
    due_on = words.written(instant_of(heard.message.due_at))
    fact = fact_of("allocation.proposed", heard, what="somebody is proposed", due_on=due_on)
    await commands.request_notices.inside(work, fact)


@HEARS.projection(casework.AllocationEnded)
def allocation_ended(heard: Heard[casework.AllocationEnded]) -> Iterable[Row]:
    """Nobody works with him in this case."""
    yield from projections.case_person(
        case_id=case_of(heard),
        kind="WORKER",
        ref="",
        starts_on=local_date(heard.envelope.occurred_at),
        seq=heard.seq,
    )
    yield from kept_by("allocation.ended", heard, case_of(heard))


@HEARS.command(casework.AllocationEnded)
async def answer_with_allocation(work: Work, heard: Heard[casework.AllocationEnded]) -> None:
    """What was open of it is answered."""
    await commands.request_notices.inside(work, fact_of("allocation.ended", heard))


@HEARS.projection(casework.EngagementOpened, casework.EngagementReopened)
def engagement_runs(heard: Heard[Any]) -> Iterable[Row]:
    """The work has begun."""
    return ended_by(heard, ended=False)


@HEARS.projection(casework.EngagementClosed)
def engagement_ends(heard: Heard[casework.EngagementClosed]) -> Iterable[Row]:
    """The case ends."""
    yield from ended_by(heard, ended=True)
    yield from kept_by("engagement.closed", heard, case_of(heard))


_ENGAGEMENTS: dict[type[Any], tuple[str, str]] = {
    casework.EngagementOpened: ("engagement.opened", "the work has begun"),
    casework.EngagementReopened: ("engagement.reopened", "the work goes on after its end"),
    casework.EngagementPaused: ("engagement.paused", "the work is paused"),
    casework.EngagementResumed: ("engagement.resumed", "the work goes on"),
    casework.EngagementClosed: ("engagement.closed", "the work has ended"),
}


@HEARS.command(
    casework.EngagementOpened,
    casework.EngagementReopened,
    casework.EngagementPaused,
    casework.EngagementResumed,
    casework.EngagementClosed,
)
async def tell_of_engagement(work: Work, heard: Heard[Any]) -> None:
    """The practitioner hears, without a group."""
    name, what = _ENGAGEMENTS[type(heard.message)]
    await commands.request_notices.inside(work, fact_of(name, heard, what=what))
