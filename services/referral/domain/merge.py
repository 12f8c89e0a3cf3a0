"""Two records that turned out to be one man: joined by two service managers, and taken apart again by two (S63).

Nothing moves: what was recorded under either record stays there and is read as his. So taking them apart is the end
of a reference; what came under the record he went on by meanwhile is for a person to sort.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Self
from uuid import UUID

from chassis.aggregate import Aggregate, Event, Fault, Invalid, Unmet

if TYPE_CHECKING:
    from referral.domain.consent import Consent


class MergeReason(StrEnum):
    """Why two records are held to be one man."""

    SAME_IDENTIFIER = "SAME_IDENTIFIER"
    SAME_DETAILS = "SAME_DETAILS"
    MERGED_AT_SOURCE = "MERGED_AT_SOURCE"
    PERSON_CONFIRMED = "PERSON_CONFIRMED"


class UnmergeReason(StrEnum):
    """Why they are not."""

    DIFFERENT_PEOPLE = "DIFFERENT_PEOPLE"
    UNMERGED_AT_SOURCE = "UNMERGED_AT_SOURCE"
    MERGED_BY_MISTAKE = "MERGED_BY_MISTAKE"


class Status(StrEnum):
    """Where it stands; what is asked waits for a second person."""

    ASKED = "ASKED"
    MERGED = "MERGED"
    UNMERGE_ASKED = "UNMERGE_ASKED"
    UNMERGED = "UNMERGED"


WAITING = (Status.ASKED, Status.UNMERGE_ASKED)


@dataclass(frozen=True, kw_only=True)
class Later:
    """A record made under the one he went on by, after the two were joined."""

    kind: str
    record_id: UUID


@dataclass(frozen=True, kw_only=True)
class Asked(Event):
    """Somebody holds them to be one man."""

    reason: MergeReason


@dataclass(frozen=True, kw_only=True)
class Merged(Event):
    """Somebody else does too: they are. `record_version` is that of the record that was joined."""

    from_person_id: UUID
    to_person_id: UUID
    record_version: int


@dataclass(frozen=True, kw_only=True)
class UnmergeAsked(Event):
    """Somebody holds them to be two."""

    reason: UnmergeReason


@dataclass(frozen=True, kw_only=True)
class Unmerged(Event):
    """Somebody else does too: they are two again."""

    from_person_id: UUID
    to_person_id: UUID
    record_version: int


@dataclass(frozen=True, kw_only=True)
class Merge(Aggregate):
    """One joining of two records, from the request to its end; told of the record he goes on by."""

    from_person_id: UUID
    to_person_id: UUID
    reason: MergeReason
    status: Status = Status.ASKED
    asked_by: str = ""
    asked_at: datetime | None = None
    merged_at: datetime | None = None
    unmerge_reason: UnmergeReason | None = None
    unmerge_asked_by: str = ""
    unmerged_at: datetime | None = None
    to_sort: tuple[Later, ...] = ()

    @property
    def person(self) -> UUID:
        """Whom the facts concern: the record he goes on by."""
        return self.to_person_id

    def ask(self, *, by: str, at: datetime) -> Self:
        """Ask a second person."""
        if self.from_person_id == self.to_person_id:
            raise Invalid(Fault("to_person_id", "CONFLICTS_WITH(from_person_id)"))
        return self.telling(Asked(at=at, reason=self.reason), asked_by=by, asked_at=at)

    def must_wait_for(self, by: str, status: Status) -> None:
        """It waits, and for somebody else than who asked."""
        self._must_be(status)
        _second(by, self.asked_by if status is Status.ASKED else self.unmerge_asked_by)

    def merge(self, *, by: str, record_version: int, at: datetime) -> Self:
        """The second person agrees."""
        self.must_wait_for(by, Status.ASKED)
        fact = Merged(
            at=at, from_person_id=self.from_person_id, to_person_id=self.to_person_id, record_version=record_version
        )
        return self.telling(fact, status=Status.MERGED, merged_at=at)

    def ask_unmerge(self, reason: UnmergeReason, *, by: str, at: datetime) -> Self:
        """Ask a second person to take them apart."""
        self._must_be(Status.MERGED)
        fact = UnmergeAsked(at=at, reason=reason)
        return self.telling(fact, status=Status.UNMERGE_ASKED, unmerge_reason=reason, unmerge_asked_by=by)

    def unmerge(self, *, by: str, record_version: int, to_sort: tuple[Later, ...], at: datetime) -> Self:
        """The second person agrees; what came meanwhile is named, to be sorted."""
        self.must_wait_for(by, Status.UNMERGE_ASKED)
        fact = Unmerged(
            at=at, from_person_id=self.from_person_id, to_person_id=self.to_person_id, record_version=record_version
        )
        return self.telling(fact, status=Status.UNMERGED, unmerged_at=at, to_sort=to_sort)

    def _must_be(self, status: Status) -> None:
        if self.status is not status:
            raise Unmet("invalid_transition", "This is not at a point where that can be done.")


def _second(by: str, first: str) -> None:
    if by == first:
        raise Unmet("second_person_required", "Somebody else has to agree: another service manager.")


def ending_of(held: Consent) -> dict[str, str]:
    """An agreement that ends with a merge, as those who decide are shown it."""
    return {
        "consent_id": str(held.id),
        "person_id": str(held.person_id),
        "purpose": held.purpose.value,
        "programme_id": str(held.programme_id or ""),
        "recipient": held.recipient,
    }
