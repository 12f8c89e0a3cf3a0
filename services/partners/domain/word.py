"""What this house gives its word on, again and again: how many changes a node was told, so that it misses none."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from chassis.aggregate import Aggregate, Event


@dataclass(frozen=True, kw_only=True)
class WordGiven(Event):
    """As of now the node was told so many changes."""

    node_id: str
    consent_changes: int
    list_changes: int


@dataclass(frozen=True, kw_only=True)
class Word(Aggregate):
    """The word given to one node."""

    node_id: str
    given_at: datetime

    def give(self, *, consent_changes: int, list_changes: int, at: datetime) -> Self:
        """Give it anew."""
        fact = WordGiven(node_id=self.node_id, consent_changes=consent_changes, list_changes=list_changes, at=at)
        return self.telling(fact, given_at=at)
