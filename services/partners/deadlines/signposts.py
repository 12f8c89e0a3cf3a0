"""When it is asked what came of a signpost: after 14 and 42 days (S41); timers that promise nobody anything."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from chassis.promises import Change, Keep, Make, Promise
from partners.commands import signposts as commands
from partners.deadlines.promises import DEADLINES
from partners.domain.signpost import ASKED_AFTER, Given, Outcome, OutcomeRecorded
from partners.storage import Work

ASKS: Final = ("ASK_14", "ASK_42")


@DEADLINES.on(Given)
def he_was_told(fact: Given) -> Iterable[Change]:
    """Asked twice."""
    for code, after in zip(ASKS, ASKED_AFTER, strict=True):
        yield Make(code, due_at=fact.at + after)


@DEADLINES.on(OutcomeRecorded)
def it_is_known(fact: OutcomeRecorded) -> Iterable[Change]:
    """What was not taken up by now may be later: so it is asked again, unless it was."""
    yield Keep("ASK_14")
    if fact.outcome is Outcome.TAKEN_UP:
        yield Keep("ASK_42")


@DEADLINES.due("ASK_14", "ASK_42")
async def time_to_ask(work: Work, promise: Promise) -> None:
    await commands.ask_signpost_outcome.inside(work, promise.aggregate_id, ASKS.index(promise.code) + 1)
