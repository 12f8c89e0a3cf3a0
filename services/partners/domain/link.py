"""Whom a partner's reference means here: somebody new, until a person says that he is known already (S35).

A link is made by a person who has opened the details, and can be taken back.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from chassis.aggregate import Aggregate, Event, Fault, Invalid, Unmet


class Status(StrEnum):
    """How a link stands."""

    NEW = "NEW"
    LINKED = "LINKED"
    UNLINKED = "UNLINKED"


@dataclass(frozen=True, kw_only=True)
class Noted(Event):
    """A reference that was not known came in, and got a person of its own; told to nobody."""

    sender_node: str
    subject_ref: str


@dataclass(frozen=True, kw_only=True)
class Confirmed(Event):
    """It means somebody known here."""

    sender_node: str
    subject_ref: str
    previous_person_id: UUID


@dataclass(frozen=True, kw_only=True)
class Undone(Event):
    """It does not mean him after all."""

    sender_node: str
    subject_ref: str
    person_id: UUID


@dataclass(frozen=True, kw_only=True)
class Renamed(Event):
    """By which of its references his house names him now; told to nobody."""

    goes_by: str


@dataclass(frozen=True, kw_only=True)
class SubjectLink(Aggregate):
    """One reference of one node. `minted_id` is the person made for it, `about` whom the newest fact concerns: taking a
    link back is told where it was told. `goes_by`: the reference by which his house names him, where it is another;
    `by_house`: linked because it says so, not by a person."""

    sender_node: str
    subject_ref: str
    own_org: str
    minted_id: UUID
    person_id: UUID
    about: UUID
    status: Status = Status.NEW
    goes_by: str = ""
    by_house: bool = False

    @property
    def person(self) -> UUID | None:
        """Whom the facts concern."""
        return self.about

    @classmethod
    def note(
        cls, id: UUID, *, sender_node: str, subject_ref: str, own_org: str, minted_id: UUID, at: datetime
    ) -> SubjectLink:
        """A reference that was not known: a person of its own."""
        value = cls(
            id=id,
            sender_node=sender_node,
            subject_ref=subject_ref,
            own_org=own_org,
            minted_id=minted_id,
            person_id=minted_id,
            about=minted_id,
        )
        return value.telling(Noted(sender_node=sender_node, subject_ref=subject_ref, at=at))

    def link(self, person_id: UUID, *, at: datetime) -> SubjectLink:
        """It means this person, whom we know."""
        if person_id == self.minted_id:
            raise Invalid(Fault("person_id", "NOT_ALLOWED_FOR_PROGRAMME"))
        if self.status is Status.LINKED:
            raise Unmet("invalid_transition", "It is linked already. Take that back first.")
        fact = Confirmed(
            sender_node=self.sender_node, subject_ref=self.subject_ref, previous_person_id=self.person_id, at=at
        )
        return self.telling(fact, status=Status.LINKED, person_id=person_id, about=person_id)

    def unlink(self, *, at: datetime) -> SubjectLink:
        """It does not mean him: it stands for the person made for it again."""
        if self.status is not Status.LINKED:
            raise Unmet("invalid_transition", "It is not linked.")
        fact = Undone(sender_node=self.sender_node, subject_ref=self.subject_ref, person_id=self.minted_id, at=at)
        return self.telling(
            fact, status=Status.UNLINKED, about=self.person_id, person_id=self.minted_id, by_house=False
        )

    def rename(self, goes_by: str, *, at: datetime) -> SubjectLink:
        """His house names him by this reference."""
        other = "" if goes_by == self.subject_ref else goes_by
        return self if other == self.goes_by else self.telling(Renamed(goes_by=goes_by, at=at), goes_by=other)

    def follow(self, person_id: UUID, *, at: datetime) -> SubjectLink:
        """His house says that it means this person; what a person has linked stays as it is."""
        if person_id in (self.minted_id, self.person_id) or (self.status is Status.LINKED and not self.by_house):
            return self
        fact = Confirmed(
            sender_node=self.sender_node, subject_ref=self.subject_ref, previous_person_id=self.minted_id, at=at
        )
        return self.telling(fact, status=Status.LINKED, person_id=person_id, about=person_id, by_house=True)

    def part(self, *, at: datetime) -> SubjectLink:
        """His house does not say so any more."""
        return self.unlink(at=at) if self.by_house else self
