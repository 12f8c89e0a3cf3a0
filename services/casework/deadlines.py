"""Which fact makes, keeps or ends a promise of this service, and what a due one leads to (`measures.md` 1).

L18 a worker is named · L3 a first attempt at contact · L4 a first attended session · L12 the end report ·
L21 the reviews. L3 and L4 begin at the allocation and pass to the engagement when it opens. Two timers tell no
promise: `clearance` ends a worker's clearance, `proposals` has proposals of a worker looked at again.
"""

from __future__ import annotations

from collections.abc import Iterable

from casework.commands.allocation import miss_allocation_deadline
from casework.commands.engagement import miss_engagement_deadline
from casework.commands.worker import PROPOSALS, lapse_worker, review_proposals
from casework.domain import worker
from casework.domain.allocation import facts as allocation
from casework.domain.engagement import facts as engagement
from casework.domain.engagement.facts import RatingPhase
from casework.storage import Work
from chassis.calendar import end_of_day
from chassis.promises import Change, Deadlines, Drop, Keep, Make, Promise

DEADLINES = Deadlines()
CLEARANCE = "clearance"


@DEADLINES.on(worker.Cleared)
def clearance_holds(fact: worker.Cleared) -> Iterable[Change]:
    yield Make(CLEARANCE, due_at=end_of_day(fact.valid_to))


@DEADLINES.on(worker.Suspended)
def clearance_is_taken(fact: worker.Suspended) -> Iterable[Change]:
    yield Drop(CLEARANCE)
    yield Make(PROPOSALS, due_at=fact.at)


@DEADLINES.on(worker.Lapsed)
def clearance_is_over(fact: worker.Lapsed) -> Iterable[Change]:
    yield Keep(CLEARANCE)
    yield Make(PROPOSALS, due_at=fact.at)


@DEADLINES.on(worker.CapacityChanged)
def places_change(fact: worker.CapacityChanged) -> Iterable[Change]:
    if not fact.open:
        yield Make(PROPOSALS, due_at=fact.at)


@DEADLINES.on(allocation.Requested)
def a_worker_is_needed(fact: allocation.Requested) -> Iterable[Change]:
    yield Make("L18", due_at=fact.due_at)
    if fact.contact_due_at is not None:
        yield Make("L3", due_at=fact.contact_due_at)
    if fact.session_due_at is not None:
        yield Make("L4", due_at=fact.session_due_at)


@DEADLINES.on(allocation.Allocated)
def a_worker_is_named(_: allocation.Allocated) -> Iterable[Change]:
    yield Keep("L18")


@DEADLINES.on(allocation.TakenUp)
def promises_pass_on(fact: allocation.TakenUp) -> Iterable[Change]:
    for code in fact.passed:
        yield Drop(code)


@DEADLINES.on(allocation.Ended)
def nobody_is_searched(_: allocation.Ended) -> Iterable[Change]:
    yield Keep("L18")
    yield Drop("L3")
    yield Drop("L4")


def _begun(fact: engagement.Opened | engagement.Reopened) -> Iterable[Change]:
    if fact.contact_due_at is not None:
        yield Make("L3", due_at=fact.contact_due_at)
    if fact.session_due_at is not None:
        yield Make("L4", due_at=fact.session_due_at)
    if fact.review_due_on is not None:
        yield Make("L21", due_at=end_of_day(fact.review_due_on))


@DEADLINES.on(engagement.Opened)
def it_begins(fact: engagement.Opened) -> Iterable[Change]:
    yield from _begun(fact)


@DEADLINES.on(engagement.Reopened)
def it_begins_again(fact: engagement.Reopened) -> Iterable[Change]:
    yield Drop("L12")
    yield from _begun(fact)


@DEADLINES.on(engagement.ContactAttempted)
def he_was_tried(_: engagement.ContactAttempted) -> Iterable[Change]:
    yield Keep("L3")


@DEADLINES.on(engagement.Activated)
def he_came(_: engagement.Activated) -> Iterable[Change]:
    yield Keep("L3")
    yield Keep("L4")


@DEADLINES.on(engagement.RatingRecorded)
def a_review_is_done(fact: engagement.RatingRecorded) -> Iterable[Change]:
    if fact.phase is RatingPhase.REVIEW:
        yield Keep("L21")
        if fact.review_due_on is not None:
            yield Make("L21", due_at=end_of_day(fact.review_due_on))


@DEADLINES.on(engagement.EndingStarted)
def it_comes_to_its_end(_: engagement.EndingStarted) -> Iterable[Change]:
    yield Drop("L3")
    yield Drop("L4")
    yield Drop("L21")


@DEADLINES.on(engagement.Closed)
def it_ends(fact: engagement.Closed) -> Iterable[Change]:
    yield from (Drop("L3"), Drop("L4"), Drop("L21"))
    if fact.report_due_at is not None:
        yield Make("L12", due_at=fact.report_due_at)


@DEADLINES.on(engagement.EndReportShared)
def the_report_is_shared(_: engagement.EndReportShared) -> Iterable[Change]:
    yield Keep("L12")


@DEADLINES.on(engagement.DeadlineMissed)
def a_review_was_missed(fact: engagement.DeadlineMissed) -> Iterable[Change]:
    """The next review is promised; the one that was missed stays a fact."""
    if fact.promise == "L21" and fact.review_due_on is not None:
        yield Make("L21", due_at=end_of_day(fact.review_due_on))


@DEADLINES.due("L3", "L4", "L12", "L18", "L21")
async def missed(work: Work, promise: Promise) -> None:
    """A promise is not kept: its aggregate says so, once."""
    miss = miss_allocation_deadline if promise.aggregate_type == "allocation" else miss_engagement_deadline
    await miss.inside(work, promise.aggregate_id, promise.code, promise.due_at)


@DEADLINES.due(CLEARANCE)
async def clearance_ends(work: Work, promise: Promise) -> None:
    await lapse_worker.inside(work, promise.aggregate_id)


@DEADLINES.due(PROPOSALS)
async def proposals_are_looked_at(work: Work, promise: Promise) -> None:
    await review_proposals.inside(work, promise.aggregate_id)
