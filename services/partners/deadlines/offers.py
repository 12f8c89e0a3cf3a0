"""When an offer counts as stale; a timer that promises nobody anything."""

from __future__ import annotations

from collections.abc import Iterable

from chassis.promises import Change, Drop, Make, Promise
from partners.commands import offers as commands
from partners.deadlines.promises import DEADLINES
from partners.domain.offer import CapacityChanged, Paused, Published, Retired
from partners.storage import Work

STALE = "STALE"


@DEADLINES.on(Published, CapacityChanged)
def room_was_said(fact: Published | CapacityChanged) -> Iterable[Change]:
    """Fresh for thirty days from then."""
    yield Make(STALE, due_at=fact.standing.room.stale_at())


@DEADLINES.on(Paused, Retired)
def nobody_is_taken(_: Paused | Retired) -> Iterable[Change]:
    """Nobody waits for a word."""
    yield Drop(STALE)


@DEADLINES.due("STALE")
async def nobody_has_said(work: Work, promise: Promise) -> None:
    await commands.grow_offer_stale.inside(work, promise.aggregate_id)
