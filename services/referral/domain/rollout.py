"""A programme opens quadrant by quadrant, when what must come before is done (S12)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Self
from uuid import UUID

from chassis.aggregate import Aggregate, Event, Fault, Invalid, Unmet
from chassis.calendar import local_date
from referral.domain.places import Quadrant

if TYPE_CHECKING:
    from collections.abc import Iterable


class PhaseState(StrEnum):
    """Where the roll-out to a quadrant stands."""

    PLANNED = "PLANNED"
    OPEN = "OPEN"
    SUSPENDED = "SUSPENDED"


class Prerequisite(StrEnum):
    """What must be done before a quadrant opens."""

    CAMPAIGN = "CAMPAIGN"
    STAFF = "STAFF"
    PREMISES = "PREMISES"
    AGREEMENTS = "AGREEMENTS"


@dataclass(frozen=True, kw_only=True)
class PhasePlanned(Event):
    """The opening was planned."""

    programme_id: UUID
    quadrant: Quadrant
    opens_on: date


@dataclass(frozen=True, kw_only=True)
class PrerequisiteCompleted(Event):
    """One thing that must come before is done."""

    prerequisite: Prerequisite
    done_on: date


@dataclass(frozen=True, kw_only=True)
class PhaseOpened(Event):
    """The quadrant opened."""

    programme_id: UUID
    quadrant: Quadrant
    opens_on: date


@dataclass(frozen=True, kw_only=True)
class PhaseSuspended(Event):
    """The quadrant closed for now."""

    programme_id: UUID
    quadrant: Quadrant
    opens_on: date
    reason: str


@dataclass(frozen=True, kw_only=True)
class RolloutPhase(Aggregate):
    """The roll-out of one programme to one quadrant."""

    programme_id: UUID
    quadrant: Quadrant
    opens_on: date
    open_prerequisites: tuple[Prerequisite, ...] = ()
    state: PhaseState = PhaseState.PLANNED

    def plan(self, *, at: datetime) -> Self:
        """Plan the opening; telling the practitioners there always comes before it."""
        asked = tuple(sorted({Prerequisite.CAMPAIGN, *self.open_prerequisites}))
        fact = PhasePlanned(at=at, programme_id=self.programme_id, quadrant=self.quadrant, opens_on=self.opens_on)
        return self.telling(fact, open_prerequisites=asked)

    def complete(self, prerequisite: Prerequisite, *, done_on: date, at: datetime) -> Self:
        """Record that one thing is done."""
        if done_on > local_date(at):
            raise Invalid(Fault("done_on", "IN_FUTURE"))
        if prerequisite not in self.open_prerequisites:
            raise Unmet("invalid_transition", "This is done already, or was never asked for.")
        left = tuple(held for held in self.open_prerequisites if held is not prerequisite)
        fact = PrerequisiteCompleted(at=at, prerequisite=prerequisite, done_on=done_on)
        return self.telling(fact, open_prerequisites=left)

    def open(self, *, at: datetime) -> Self:
        """Open the quadrant today."""
        if self.state is PhaseState.OPEN:
            raise Unmet("invalid_transition", "This quadrant is open.")
        if self.open_prerequisites:
            raise Unmet("prerequisite_open", f"Still to be done: {', '.join(self.open_prerequisites)}.")
        today = local_date(at)
        fact = PhaseOpened(at=at, programme_id=self.programme_id, quadrant=self.quadrant, opens_on=today)
        return self.telling(fact, state=PhaseState.OPEN, opens_on=today)

    def suspend(self, reason: str, *, at: datetime) -> Self:
        """Close it for now."""
        if self.state is not PhaseState.OPEN:
            raise Unmet("invalid_transition", "This quadrant is not open.")
        fact = PhaseSuspended(
            at=at, programme_id=self.programme_id, quadrant=self.quadrant, opens_on=self.opens_on, reason=reason
        )
        return self.telling(fact, state=PhaseState.SUSPENDED)


def quadrant_refusal(phases: Iterable[RolloutPhase], quadrant: Quadrant) -> Unmet | None:
    """Why a referral from this quadrant cannot be sent yet, with the day it opens; nothing where it is open."""
    phase = next((held for held in phases if held.quadrant is quadrant), None)
    if phase is not None and phase.state is PhaseState.OPEN:
        return None
    if phase is not None and phase.state is PhaseState.PLANNED:
        return Unmet("quadrant_not_open", f"This area opens on {phase.opens_on.isoformat()}. Your draft is kept.")
    return Unmet("quadrant_not_open", "This area is not open, and no day is set. Your draft is kept.")
