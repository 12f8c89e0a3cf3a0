"""What falls due of handoffs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chassis.access import by
from chassis.aggregate import NotFound
from chassis.work import command
from partners.commands.handoffs.looking import locked
from partners.domain.handoff import receiver, sender
from partners.domain.handoff.states import Status

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from partners.domain.handoff.aggregate import Handoff
    from partners.storage import Work

HOUSE = by("SYSTEM")


async def _due(work: Work, handoff_id: UUID) -> Handoff:
    found = await locked(work, handoff_id)
    if found is None:
        raise NotFound
    return found


@command("handoff.fall_due", HOUSE)
async def fall_due(work: Work, handoff_id: UUID, *, promise: str, due_at: datetime) -> int:
    """A promise is due: the loop is closed by itself; whatever else is waited for was not done in time."""
    handoff = await _due(work, handoff_id)
    if handoff.status is Status.COMPLETED:
        return await work.handoffs.put(sender.confirm_loop(handoff, at=work.now))
    missed = handoff.miss(promise, due_at=due_at, policy_version=work.settings.promise_rules, at=work.now)
    return await work.handoffs.put(missed)


@command("handoff.expire", HOUSE)
async def expire_handoff(work: Work, handoff_id: UUID) -> int:
    """Nobody has acknowledged it."""
    return await work.handoffs.put(sender.expire(await _due(work, handoff_id), at=work.now))


@command("handoff.lapse_information", HOUSE)
async def lapse_handoff_information(work: Work, handoff_id: UUID) -> int:
    """Nobody has answered."""
    return await work.handoffs.put(receiver.lapse(await _due(work, handoff_id), at=work.now))


@command("handoff.empty", HOUSE)
async def empty_handoff(work: Work, handoff_id: UUID) -> int:
    """What is kept of a declined one is deleted."""
    return await work.handoffs.put(receiver.empty(await _due(work, handoff_id), at=work.now))
