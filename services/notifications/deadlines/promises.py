"""L19, and the timers of a notice: its use-by and its ladder. A due one leads to one command."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from chassis.promises import Change, Deadlines, Drop, Keep, Make, Promise
from notifications import commands
from notifications.domain.codes import Suppression
from notifications.domain.notice_facts import (
    Acknowledged,
    Escalated,
    Expired,
    Failed,
    Resolved,
    Retried,
    Scheduled,
    Sent,
    Suppressed,
)
from notifications.storage import Work

DEADLINES = Deadlines()
NOBODY_TOLD = (Suppression.RECIPIENT_LEFT, Suppression.CASE_RESTRICTED)


@DEADLINES.on(Scheduled)
def scheduled(fact: Scheduled) -> Iterable[Change]:
    """It is handed over in time (L19), is of use until its use-by, and goes up where nobody acknowledges it."""
    yield Make("USE_BY", due_at=fact.use_by)
    if fact.handed_by is not None:
        yield Make("L19", due_at=fact.handed_by)
    if fact.next_step_at is not None:
        yield Make("LADDER", due_at=fact.next_step_at)


@DEADLINES.on(Retried)
def retried(fact: Retried) -> Iterable[Change]:
    """A new use-by."""
    yield Make("USE_BY", due_at=fact.use_by)


@DEADLINES.on(Sent)
def sent(_: Sent) -> Iterable[Change]:
    """Handed over."""
    yield Keep("L19")
    yield Drop("USE_BY")


@DEADLINES.on(Resolved)
def resolved(_: Resolved) -> Iterable[Change]:
    """A person has looked: nothing is promised of it any more."""
    yield Drop("L19")
    yield Drop("USE_BY")


@DEADLINES.on(Failed)
def failed(fact: Failed) -> Iterable[Change]:
    """For good: it needs no use-by. L19 stays: it was not handed over."""
    if fact.status != "TEMPORARY_FAILURE":
        yield Drop("USE_BY")


@DEADLINES.on(Suppressed)
def suppressed(fact: Suppressed) -> Iterable[Change]:
    """Nothing is to be handed over; where nobody could be told, the ladder goes on."""
    yield Drop("L19")
    yield Drop("USE_BY")
    if fact.reason not in NOBODY_TOLD:
        yield Drop("LADDER")


@DEADLINES.on(Acknowledged)
def acknowledged(_: Acknowledged) -> Iterable[Change]:
    """Nobody is told further."""
    yield Drop("LADDER")


@DEADLINES.on(Escalated)
def escalated(_: Escalated) -> Iterable[Change]:
    """The next step is asked for."""
    yield Keep("LADDER")


@DEADLINES.on(Expired)
def expired(_: Expired) -> Iterable[Change]:
    """Its time is over."""
    yield Keep("USE_BY")
    yield Drop("LADDER")


@DEADLINES.due("L19")
async def not_handed_over(work: Work, promise: Promise) -> None:
    """It was to be handed to its channel by now."""
    was_due = promise.detail.get("due_at")
    due_at = datetime.fromisoformat(was_due) if was_due else promise.due_at
    await commands.miss_handing_over.inside(work, promise.aggregate_id, due_at, looked=bool(was_due))


@DEADLINES.due("USE_BY")
async def out_of_use(work: Work, promise: Promise) -> None:
    """It is of no use any more."""
    await commands.expire_notice.inside(work, promise.aggregate_id)


@DEADLINES.due("LADDER")
async def next_step(work: Work, promise: Promise) -> None:
    """The next step of its ladder is due."""
    await commands.escalate_notice.inside(work, promise.aggregate_id)
