"""What an organisation offers, and whether there is room: draft, published, paused, retired (S33; states.md 12)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from chassis.aggregate import Aggregate, Event, Fault, Invalid, Unmet
from partners.domain.terms import LONGEST_DAYS, Terms

FRESH_FOR = timedelta(days=30)
# A word about room may be recorded late, as anything may be (rules.md 3).
_BACK_DATED = timedelta(days=28)


class Status(StrEnum):
    """How an offer stands."""

    DRAFT = "DRAFT"
    PUBLISHED = "PUBLISHED"
    PAUSED = "PAUSED"
    RETIRED = "RETIRED"


class Capacity(StrEnum):
    """Whether there is room."""

    HAS_CAPACITY = "HAS_CAPACITY"
    WAITLIST = "WAITLIST"
    NO_CAPACITY = "NO_CAPACITY"
    ASSESSMENT_FIRST = "ASSESSMENT_FIRST"


@dataclass(frozen=True, kw_only=True)
class Room:
    """Whether there is room, as of when, and how long one waits."""

    capacity: Capacity
    as_at: datetime
    wait_days: int | None = None

    def stale_at(self) -> datetime:
        """From when on it counts as stale: check before you send."""
        return self.as_at + FRESH_FOR


@dataclass(frozen=True, kw_only=True)
class Standing:
    """An offer as every partner may know it."""

    offer_id: UUID
    org_id: str
    status: Status
    terms: Terms
    room: Room
    version: int


@dataclass(frozen=True, kw_only=True)
class Drafted(Event):
    """An offer is being prepared."""

    offer_id: UUID
    org_id: str
    terms: Terms


@dataclass(frozen=True, kw_only=True)
class Changed(Event):
    """Something that partners hear of: the offer as it stands, and the nodes that are told."""

    standing: Standing
    to: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Published(Changed):
    """It is on offer, for the first time or again."""


@dataclass(frozen=True, kw_only=True)
class Paused(Changed):
    """It takes nobody for now."""


@dataclass(frozen=True, kw_only=True)
class CapacityChanged(Changed):
    """It was said anew whether there is room."""


@dataclass(frozen=True, kw_only=True)
class Retired(Changed):
    """It is no more."""


@dataclass(frozen=True, kw_only=True)
class Announced(Changed):
    """A node that has begun to know this house is told of it as it stands; nothing about it has changed."""


@dataclass(frozen=True, kw_only=True)
class Discarded(Event):
    """A draft was given up; nobody had been told of it."""

    offer_id: UUID


@dataclass(frozen=True, kw_only=True)
class GrownStale(Event):
    """Nobody has said for thirty days whether there is room."""

    offer_id: UUID
    as_at: datetime


@dataclass(frozen=True, kw_only=True)
class Offer(Aggregate):
    """One offer. `org_id` stays as it was said; who stands for that organisation is resolved when it is read."""

    org_id: str
    status: Status
    terms: Terms
    room: Room | None = None
    stale: bool = False

    @classmethod
    def draft(cls, id: UUID, *, org_id: str, terms: Terms, at: datetime) -> Offer:
        """An offer to prepare; nobody is told."""
        value = cls(id=id, org_id=org_id, status=Status.DRAFT, terms=terms.tidied())
        return value.telling(Drafted(offer_id=id, org_id=org_id, terms=value.terms, at=at))

    def publish(self, *, terms: Terms | None, room: Room, to: tuple[str, ...], at: datetime) -> Offer:
        """Put it on offer, with new terms where some are given; a pause ends with it."""
        self._must_be(Status.DRAFT, Status.PUBLISHED, Status.PAUSED)
        kept = self.terms if terms is None else terms.tidied()
        self._room_faults(room, at)
        return self._changed(Published, to=to, at=at, status=Status.PUBLISHED, terms=kept, room=room)

    def pause(self, *, to: tuple[str, ...], at: datetime) -> Offer:
        """It takes nobody for now."""
        self._must_be(Status.PUBLISHED)
        return self._changed(Paused, to=to, at=at, status=Status.PAUSED)

    def update_capacity(self, room: Room, *, to: tuple[str, ...], at: datetime) -> Offer:
        """Say anew whether there is room; to say the same again is news too: it is fresh."""
        self._must_be(Status.PUBLISHED)
        self._room_faults(room, at)
        return self._changed(CapacityChanged, to=to, at=at, room=room)

    def retire(self, *, to: tuple[str, ...], at: datetime) -> Offer:
        """End it. A draft nobody knew of ends without a word."""
        self._must_be(Status.DRAFT, Status.PUBLISHED, Status.PAUSED)
        if self.room is None:
            return self.telling(Discarded(offer_id=self.id, at=at), status=Status.RETIRED)
        return self._changed(Retired, to=to, at=at, status=Status.RETIRED)

    def announce(self, *, to: tuple[str, ...], at: datetime) -> Offer:
        """Tell a node that has begun to know this house, where partners may know of it."""
        if self.status not in {Status.PUBLISHED, Status.PAUSED}:
            return self
        return self._changed(Announced, to=to, at=at)

    def grow_stale(self, *, at: datetime) -> Offer:
        """Thirty days have passed without a word; told once, until somebody says anew."""
        if self.stale or self.room is None or self.status is not Status.PUBLISHED or at < self.room.stale_at():
            return self
        return self.telling(GrownStale(offer_id=self.id, as_at=self.room.as_at, at=at), stale=True)

    def _changed(
        self,
        fact: type[Changed],
        *,
        to: tuple[str, ...],
        at: datetime,
        status: Status | None = None,
        terms: Terms | None = None,
        room: Room | None = None,
    ) -> Offer:
        """The next value with the fact that tells it as it then stands."""
        said = room or self.room
        if said is None:
            raise AssertionError("an offer that partners know has said whether there is room")
        standing = Standing(
            offer_id=self.id,
            org_id=self.org_id,
            status=status or self.status,
            terms=terms or self.terms,
            room=said,
            version=self.version + len(self.news) + 1,
        )
        return self.telling(
            fact(standing=standing, to=to, at=at),
            status=standing.status,
            terms=standing.terms,
            room=said,
            stale=self.stale and room is None,
        )

    def _must_be(self, *wanted: Status) -> None:
        if self.status not in wanted:
            raise Unmet("invalid_transition", "This offer is not in a state that allows it. Load it again.")

    def _room_faults(self, room: Room, at: datetime) -> None:
        faults: list[Fault] = []
        if room.as_at > at:
            faults.append(Fault("room.as_at", "IN_FUTURE"))
        elif room.as_at < at - _BACK_DATED:
            faults.append(Fault("room.as_at", "OUT_OF_RANGE"))
        elif self.room is not None and room.as_at < self.room.as_at:
            faults.append(Fault("room.as_at", "BEFORE_START"))
        if room.wait_days is not None and not 0 <= room.wait_days <= LONGEST_DAYS:
            faults.append(Fault("room.wait_days", "OUT_OF_RANGE"))
        if faults:
            raise Invalid(*faults)
