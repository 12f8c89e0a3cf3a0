"""A node of a partner that holds a man of ours: what it was told of his agreement and of the lists, and holds to.

What he agreed to is told to that partner alone, and only once it knows of him at all: before that, the telling would
betray him. The version it has answered says since when a change is in force there.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Self
from uuid import UUID

from chassis.aggregate import Aggregate, Event, Unmet


@dataclass(frozen=True, kw_only=True)
class Begun(Event):
    """Something of him was let be known there for the first time."""

    node_id: str


@dataclass(frozen=True, kw_only=True)
class ConsentTold(Event):
    """It was told his newest answer about itself; without categories he does not agree, or no longer."""

    node_id: str
    consent_version: int
    categories: tuple[str, ...]
    review_on: date | None


@dataclass(frozen=True, kw_only=True)
class ConsentApplied(Event):
    """It holds to this answer."""

    node_id: str
    consent_version: int
    applied_at: datetime


@dataclass(frozen=True, kw_only=True)
class ListTold(Event):
    """It was told that the lists have changed, and whether it is excluded by them."""

    node_id: str
    list_version: int
    excluded: bool


@dataclass(frozen=True, kw_only=True)
class ListApplied(Event):
    """It holds to these lists."""

    node_id: str
    list_version: int
    applied_at: datetime


@dataclass(frozen=True, kw_only=True)
class SubjectTold(Event):
    """It was told by which of its references he goes from now on."""

    node_id: str
    goes_by: str


@dataclass(frozen=True, kw_only=True)
class Holding(Aggregate):
    """One person at one node. `…_changes` count what was told, for the partner to see that it has heard all."""

    person_id: UUID
    node_id: str
    org_id: str
    subject_ref: str
    since: datetime
    consent_told: int = 0
    consent_changes: int = 0
    consent_applied: int = 0
    consent_applied_at: datetime | None = None
    list_told: int = 0
    list_changes: int = 0
    list_applied: int = 0
    list_applied_at: datetime | None = None
    goes_by: str = ""

    @classmethod
    def begin(cls, id: UUID, *, person_id: UUID, node_id: str, org_id: str, subject_ref: str, at: datetime) -> Holding:
        """From now on the node knows of him."""
        value = cls(id=id, person_id=person_id, node_id=node_id, org_id=org_id, subject_ref=subject_ref, since=at)
        return value.telling(Begun(node_id=node_id, at=at))

    def tell_consent(self, version: int, categories: tuple[str, ...], *, review_on: date | None, at: datetime) -> Self:
        """Tell it his newest answer; an older one changes nothing."""
        if version <= self.consent_told:
            return self
        fact = ConsentTold(
            node_id=self.node_id, consent_version=version, categories=categories, review_on=review_on, at=at
        )
        return self.telling(fact, consent_told=version, consent_changes=self.consent_changes + 1)

    def hear_consent_applied(self, version: int, *, applied_at: datetime, at: datetime) -> Self:
        """It answers that it holds to a version."""
        if version > self.consent_told:
            raise Unmet("never_told", "It answers a version it was never told.")
        if version <= self.consent_applied:
            return self
        fact = ConsentApplied(node_id=self.node_id, consent_version=version, applied_at=applied_at, at=at)
        return self.telling(fact, consent_applied=version, consent_applied_at=applied_at)

    def tell_lists(self, version: int, *, excluded: bool, at: datetime) -> Self:
        """Tell it that the lists have changed; an older version changes nothing."""
        if version <= self.list_told:
            return self
        fact = ListTold(node_id=self.node_id, list_version=version, excluded=excluded, at=at)
        return self.telling(fact, list_told=version, list_changes=self.list_changes + 1)

    def tell_subject(self, goes_by: str, *, at: datetime) -> Self:
        """Tell it by which reference he goes; what it knows already is not told again."""
        if goes_by == (self.goes_by or self.subject_ref):
            return self
        return self.telling(SubjectTold(node_id=self.node_id, goes_by=goes_by, at=at), goes_by=goes_by)

    def hear_lists_applied(self, version: int, *, applied_at: datetime, at: datetime) -> Self:
        """It answers that it holds to a version."""
        if version > self.list_told:
            raise Unmet("never_told", "It answers a version it was never told.")
        if version <= self.list_applied:
            return self
        fact = ListApplied(node_id=self.node_id, list_version=version, applied_at=applied_at, at=at)
        return self.telling(fact, list_applied=version, list_applied_at=applied_at)
