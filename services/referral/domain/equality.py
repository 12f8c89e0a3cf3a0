"""Answers for equality monitoring: kept apart from the case, read by nobody but as counts (rules.md 2).

They meet no eligibility criterion by themselves; a declined answer costs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Self
from uuid import UUID

from chassis.aggregate import Aggregate, Event
from referral.domain.codes import Gender


@dataclass(frozen=True, kw_only=True)
class EqualityAnswered(Event):
    """He answered, or his practitioner did for him; what, nobody reads here."""


@dataclass(frozen=True, kw_only=True)
class EqualityAnswers(Aggregate):
    """What one person answered."""

    person_id: UUID
    ethnicity: str = ""
    gender: Gender | None = None

    def answer(self, *, ethnicity: str, gender: Gender | None, at: datetime) -> Self:
        """Record what was answered; an empty answer leaves what is held."""
        ethnicity, gender = ethnicity or self.ethnicity, gender or self.gender
        if (ethnicity, gender) == (self.ethnicity, self.gender):
            return self
        return self.telling(EqualityAnswered(at=at), ethnicity=ethnicity, gender=gender)
