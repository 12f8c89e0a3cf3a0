"""What a partner lets us know of a man of his: heard from his house, applied here at once, and answered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Self

from chassis.aggregate import Aggregate, Event

# A house that has not been heard for so long may have told something that has not arrived.
LONGEST_SILENCE: Final = timedelta(minutes=15)


@dataclass(frozen=True, kw_only=True)
class ConsentHeard(Event):
    """His newest answer about us holds here."""

    source_node: str
    subject_ref: str
    consent_version: int
    categories: tuple[str, ...]
    review_on: date | None


@dataclass(frozen=True, kw_only=True)
class ListHeard(Event):
    """The lists of who may know of him hold here."""

    source_node: str
    subject_ref: str
    list_version: int
    excluded: bool


@dataclass(frozen=True, kw_only=True)
class Leave(Aggregate):
    """One person of a partner. `withdrawn`: he has answered, and does not agree; `…_changes` count what was heard."""

    source_node: str
    subject_ref: str
    consent_version: int = 0
    consent_changes: int = 0
    categories: tuple[str, ...] = ()
    review_on: date | None = None
    list_version: int = 0
    list_changes: int = 0
    excluded: bool = False

    @property
    def withdrawn(self) -> bool:
        """Whether he does not agree that we know, or no longer."""
        return self.consent_version > 0 and not self.categories

    def hear_consent(self, version: int, categories: tuple[str, ...], *, review_on: date | None, at: datetime) -> Self:
        """Hold to his newest answer; an older one changes nothing."""
        if version <= self.consent_version:
            return self
        fact = ConsentHeard(
            source_node=self.source_node, subject_ref=self.subject_ref, consent_version=version,
            categories=categories, review_on=review_on, at=at,
        )  # fmt: skip
        return self.telling(
            fact,
            consent_version=version,
            consent_changes=self.consent_changes + 1,
            categories=categories,
            review_on=review_on,
        )

    def hear_lists(self, version: int, *, excluded: bool, at: datetime) -> Self:
        """Hold to the newest lists; older ones change nothing."""
        if version <= self.list_version:
            return self
        fact = ListHeard(
            source_node=self.source_node, subject_ref=self.subject_ref, list_version=version, excluded=excluded, at=at
        )
        return self.telling(fact, list_version=version, list_changes=self.list_changes + 1, excluded=excluded)
