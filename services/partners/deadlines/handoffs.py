"""The clocks of handoffs: L7 acknowledged, decided, started, the loop closed; L22 what came with it deleted.

Three timers tell no promise: `expiry` ends an offer that nobody acknowledged, `information` a question that nobody
answered, `purge` what is kept of a declined one.
"""

from __future__ import annotations

from collections.abc import Iterable

from chassis.promises import Change, Drop, Keep, Make, Promise
from partners.commands.handoffs import empty_handoff, expire_handoff, fall_due, lapse_handoff_information
from partners.deadlines.promises import DEADLINES
from partners.domain.handoff import facts
from partners.storage import Work

EXPIRY, INFORMATION, PURGE = "expiry", "information", "purge"
_KEEP_L7 = (facts.Received, facts.Accepted, facts.Waitlisted, facts.Declined, facts.Started, facts.LoopClosed)


@DEADLINES.on(*facts.ALL)
def what_falls_due(fact: facts.HandoffFact) -> Iterable[Change]:
    """What this side waits for from now on; a miss that was told is not promised again."""
    if isinstance(fact, _KEEP_L7):
        yield Keep("L7")
    if isinstance(fact, facts.PurgeConfirmed):
        yield Keep("L22")
    timers = fact.timers
    yield Make("L7", due_at=timers.l7) if timers.l7 else Drop("L7")
    yield Make("L22", due_at=timers.l22) if timers.l22 else Drop("L22")
    for code, due_at in ((EXPIRY, timers.expiry), (INFORMATION, timers.information), (PURGE, timers.purge)):
        yield Make(code, due_at=due_at) if due_at else Drop(code)


@DEADLINES.due("L7", "L22")
async def promise_due(work: Work, promise: Promise) -> None:
    """The loop is closed by itself in the end; any other promise that is due is missed."""
    await fall_due.inside(work, promise.aggregate_id, promise=promise.code, due_at=promise.due_at)


@DEADLINES.due(EXPIRY)
async def offer_ends(work: Work, promise: Promise) -> None:
    """Nobody has acknowledged it."""
    await expire_handoff.inside(work, promise.aggregate_id)


@DEADLINES.due(INFORMATION)
async def question_ends(work: Work, promise: Promise) -> None:
    """Nobody has answered."""
    await lapse_handoff_information.inside(work, promise.aggregate_id)


@DEADLINES.due(PURGE)
async def keeping_ends(work: Work, promise: Promise) -> None:
    """What is kept of a declined one is deleted."""
    await empty_handoff.inside(work, promise.aggregate_id)
