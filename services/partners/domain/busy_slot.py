"""An hour at which a man is seen for work that is not a handoff: told to a house that works with him too, or heard of
one. Who sees him, and for what, is not said; two of them at one hour can be seen all the same (S34).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from chassis.aggregate import Aggregate, Event
from partners.domain.handoff.codes import Side
from partners.domain.handoff.states import Grounds


@dataclass(frozen=True, kw_only=True)
class Hours:
    """From when until when, and whether that is off."""

    starts_at: datetime
    ends_at: datetime
    off: bool = False


@dataclass(frozen=True, kw_only=True)
class Told(Event):
    """The other house is told; `subject_ref` is its own name for him, where he is its man."""

    to: str
    handoff_id: UUID
    subject_ref: str
    grounds: Grounds
    hours: Hours


@dataclass(frozen=True, kw_only=True)
class Heard(Event):
    """The other house says so."""

    handoff_id: UUID
    side: Side
    partner: str
    hours: Hours


@dataclass(frozen=True, kw_only=True)
class Through:
    """The handoff by which the two houses know him."""

    handoff_id: UUID
    side: Side
    partner: str
    subject_ref: str


@dataclass(frozen=True, kw_only=True)
class BusySlot(Aggregate):
    """One hour between this house and one other, whichever of them says it."""

    person_id: UUID
    case_id: UUID | None
    through: Through
    hours: Hours | None = None

    def is_news(self, hours: Hours) -> bool:
        """Not what the other house was told already, nor the end of what it was never told."""
        return hours != self.hours and not (hours.off and self.hours is None)

    def tell(self, hours: Hours, *, grounds: Grounds, at: datetime) -> BusySlot:
        """Tell the other house what is news to it."""
        if not self.is_news(hours):
            return self
        through = self.through
        fact = Told(
            to=through.partner, handoff_id=through.handoff_id, subject_ref=through.subject_ref, grounds=grounds,
            hours=hours, at=at,
        )  # fmt: skip
        return replace(self, hours=hours).telling(fact)

    def hear(self, hours: Hours, *, at: datetime) -> BusySlot:
        """The other house says so; the same word again changes nothing."""
        if hours == self.hours:
            return self
        through = self.through
        fact = Heard(handoff_id=through.handoff_id, side=through.side, partner=through.partner, hours=hours, at=at)
        return replace(self, hours=hours).telling(fact)
