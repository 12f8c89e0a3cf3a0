"""The feeds of the house: every change of what somebody agreed to, and of who may know of somebody, numbered without
gaps, so that a hearer can see whether it has applied them all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from chassis.aggregate import Aggregate, Event

CONSENTS = "consent"
LISTS = "access_list"


@dataclass(frozen=True, kw_only=True)
class FeedsConfirmed(Event):
    """As of now these are the newest numbers."""

    consent_number: int
    access_list_number: int


@dataclass(frozen=True, kw_only=True)
class Feeds(Aggregate):
    """The house's word on its feeds, given again and again."""

    confirmed_at: datetime

    def confirm(self, *, consent_number: int, access_list_number: int, at: datetime) -> Self:
        """Give it anew."""
        fact = FeedsConfirmed(consent_number=consent_number, access_list_number=access_list_number, at=at)
        return self.telling(fact, confirmed_at=at)
