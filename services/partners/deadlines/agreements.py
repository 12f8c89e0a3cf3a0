"""When an agreement warns and ends, and the word that is given to partners again and again."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from chassis.calendar import end_of_day
from chassis.deadlines import Periodic
from chassis.promises import Drop, Make
from partners.commands import agreements as commands
from partners.commands import reach
from partners.deadlines.promises import DEADLINES
from partners.domain.agreement import facts
from partners.domain.agreement.aggregate import WARNED_DAYS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chassis.promises import Change, Promise
    from partners.storage import Work

WORD_EVERY: Final = 15.0
PERIODIC: Final = (Periodic(name="word", seconds=WORD_EVERY, command=reach.give_word),)
_WARN, _END = "ISA_WARN", "ISA_END"


@DEADLINES.on(facts.Proposed, facts.Received)
def agreement_ends(fact: facts.Proposed | facts.Received) -> Iterable[Change]:
    """It is over after its last day, whether or not it ever was in force."""
    yield Make(_END, end_of_day(fact.terms.valid_to))


@DEADLINES.on(facts.Activated)
def agreement_warns(fact: facts.Activated) -> Iterable[Change]:
    """Four weeks before, those who look after it are told."""
    warned_at = end_of_day(fact.terms.valid_to - timedelta(days=WARNED_DAYS + 1))
    if warned_at > fact.at:
        yield Make(_WARN, warned_at)


@DEADLINES.on(facts.Ended)
def agreement_over(fact: facts.Ended) -> Iterable[Change]:
    """Nobody waits for its end any more."""
    yield Drop(_WARN)
    yield Drop(_END)


@DEADLINES.due(_WARN)
async def agreement_near_its_end(work: Work, promise: Promise) -> None:
    await commands.warn_of_end.inside(work, promise.aggregate_id)


@DEADLINES.due(_END)
async def agreement_expired(work: Work, promise: Promise) -> None:
    await commands.expire_isa.inside(work, promise.aggregate_id)
