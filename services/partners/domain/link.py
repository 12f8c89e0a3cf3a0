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
class SubjectLink(Aggregate):
    """One reference of one node. `minted_id` is the person made for it, `about` whom the newest fact concerns: taking a
    link back is told where it was told."""

    sender_node: str
    subject_ref: str
    own_org: str
    minted_id: UUID
    person_id: UUID
    about: UUID
    status: Status = Status.NEW

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
        return self.telling(fact, status=Status.UNLINKED, about=self.person_id, person_id=self.minted_id)
