"""A programme opens quadrant by quadrant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chassis.access import by
from chassis.aggregate import Exists
from chassis.work import command
from referral.domain.rollout import Prerequisite, RolloutPhase

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from uuid import UUID

    from referral.domain.places import Quadrant
    from referral.storage import Work

_MANAGERS = by("SM")


@command("rollout.plan_phase", _MANAGERS)
async def plan_phase(
    work: Work, programme_id: UUID, quadrant: Quadrant, opens_on: date, prerequisites: Sequence[Prerequisite]
) -> dict[str, object]:
    """Plan the opening of a quadrant."""
    programme = await work.programmes.get(programme_id)
    if await work.phases.first(programme_id=programme.id, quadrant=quadrant) is not None:
        raise Exists("phase_exists", "The opening of this quadrant is planned already.", reference=quadrant.value)
    phase = RolloutPhase(
        id=work.new_id(),
        programme_id=programme.id,
        quadrant=quadrant,
        opens_on=opens_on,
        open_prerequisites=tuple(prerequisites),
    )
    return {"phase_id": str(phase.id), "version": await work.phases.put(phase.plan(at=work.now))}


@command("rollout.complete_prerequisite", _MANAGERS)
async def complete_prerequisite(
    work: Work, phase_id: UUID, prerequisite: Prerequisite, done_on: date, expected: int | None
) -> int:
    """Record that something that must come before is done."""
    phase = await work.phases.get(phase_id, expected)
    return await work.phases.put(phase.complete(prerequisite, done_on=done_on, at=work.now))


@command("rollout.open_phase", _MANAGERS)
async def open_phase(work: Work, phase_id: UUID, expected: int | None) -> int:
    """Open a quadrant."""
    phase = await work.phases.get(phase_id, expected)
    return await work.phases.put(phase.open(at=work.now))


@command("rollout.suspend_phase", _MANAGERS)
async def suspend_phase(work: Work, phase_id: UUID, reason: str, expected: int | None) -> int:
    """Close a quadrant for now."""
    phase = await work.phases.get(phase_id, expected)
    return await work.phases.put(phase.suspend(reason, at=work.now))
