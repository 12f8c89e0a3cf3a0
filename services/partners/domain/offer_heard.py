"""An offer of another house as its node last said, so that the services of this one may hear how it stands.

Whoever spoke of it first owns its id here: another node that speaks under it is not believed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Self
from uuid import UUID

from chassis.aggregate import Aggregate, Event, Unmet
from partners.domain.codes import Aspect
from partners.domain.offer import Room, Status


@dataclass(frozen=True, kw_only=True)
class Word:
    """What a node says of an offer: nothing of it is about a person."""

    org_id: str
    status: Status
    aspects: tuple[Aspect, ...]
    room: Room | None


@dataclass(frozen=True, kw_only=True)
class HeardPublished(Event):
    """It is on offer, or again, or says anew whether there is room."""

    offer_id: UUID
    org_id: str
    aspects: tuple[Aspect, ...]
    room: Room


@dataclass(frozen=True, kw_only=True)
class HeardPaused(Event):
    """It takes nobody for now."""

    offer_id: UUID


@dataclass(frozen=True, kw_only=True)
class HeardRetired(Event):
    """It is no more."""

    offer_id: UUID


@dataclass(frozen=True, kw_only=True)
class OfferHeard(Aggregate):
    """One offer of one other house; its id is the offer's."""

    source_node: str
    org_id: str
    status: Status
    aspects: tuple[Aspect, ...]
    room: Room | None = None

    @classmethod
    def first(cls, offer_id: UUID, source_node: str, word: Word, *, at: datetime) -> Self:
        """The first word of it."""
        value = cls(
            id=offer_id,
            source_node=source_node,
            org_id=word.org_id,
            status=word.status,
            aspects=word.aspects,
            room=word.room,
        )
        return value.telling(value.fact(at))

    def hear(self, source_node: str, word: Word, *, at: datetime) -> Self:
        """The next word of it; what says nothing new tells nothing."""
        if source_node != self.source_node:
            raise Unmet("offer_of_another", "Another node speaks for this offer.")
        changes = {"org_id": word.org_id, "status": word.status, "aspects": word.aspects, "room": word.room}
        if all(getattr(self, name) == value for name, value in changes.items()):
            return self
        value = self.telling(**changes)
        return value.telling(value.fact(at))

    def fact(self, at: datetime) -> Event:
        """What is to be told of how it stands."""
        if self.status is Status.RETIRED:
            return HeardRetired(offer_id=self.id, at=at)
        if self.status is not Status.PUBLISHED or self.room is None:
            return HeardPaused(offer_id=self.id, at=at)
        return HeardPublished(offer_id=self.id, org_id=self.org_id, aspects=self.aspects, room=self.room, at=at)
