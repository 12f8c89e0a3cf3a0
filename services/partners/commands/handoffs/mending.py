"""A record of a handoff that is wrong: one proposes, another approves; or it should never have been."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chassis.access import by
from chassis.work import command
from partners.domain.handoff import mending
from partners.domain.handoff.states import Correction

if TYPE_CHECKING:
    from uuid import UUID

    from partners.storage import Work

WRITERS = by("EW own, CP, SM, PW own")
APPROVERS = by("EW own, CP, SM, PW own, IG")


@command("handoff.correct", WRITERS)
async def correct_handoff(work: Work, handoff_id: UUID, *, expected: int | None, **given: Any) -> int:
    """Say what is wrong with what this side has said, and what it should be."""
    handoff = await work.handoffs.get(handoff_id, expected)
    correction = Correction(proposed_by=work.actor.id, **given)
    return await work.handoffs.put(mending.propose(handoff, correction, at=work.now))


@command("handoff.approve_correction", APPROVERS)
async def approve_handoff_correction(work: Work, handoff_id: UUID, *, expected: int | None) -> int:
    """A second person agrees; the other house is told in the same work."""
    handoff = await work.handoffs.get(handoff_id, expected)
    return await work.handoffs.put(mending.approve(handoff, by=work.actor.id, at=work.now))


@command("handoff.mark_entered_in_error", by("EW own, CP own, SM, PW own"))
async def mark_handoff_entered_in_error(work: Work, handoff_id: UUID, *, reason: str, expected: int | None) -> int:
    """It should never have been offered; the other house is told in the same work, and deletes what came with it."""
    handoff = await work.handoffs.get(handoff_id, expected)
    return await work.handoffs.put(mending.mark_entered_in_error(handoff, note=reason, at=work.now))
