"""A service of somebody else's directory, taken in from a file: known by its source and its id there (S41)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis.aggregate import Aggregate, Event, Fault, Invalid
from partners.domain.offer import Room, Status
from partners.domain.terms import Terms

_SOURCE = re.compile(r"[A-Z][A-Z0-9_]{1,31}")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What a record of a directory says. `org_id` is empty where it names no organisation by an id of ours."""

    source_id: UUID
    org_id: str
    organisation: str
    status: Status
    terms: Terms
    room: Room | None = None


@dataclass(frozen=True, kw_only=True)
class Listed(Event):
    """It came into the directory."""

    source: str
    entry: Entry


@dataclass(frozen=True, kw_only=True)
class ListingChanged(Event):
    """Its source says something else of it."""

    source: str
    entry: Entry


@dataclass(frozen=True, kw_only=True)
class Listing(Aggregate):
    """An imported service as its source last said it."""

    source: str
    source_id: UUID
    entry: Entry
    imported_at: datetime

    @classmethod
    def take(cls, id: UUID, *, source: str, entry: Entry, at: datetime) -> Listing:
        """It comes into the directory."""
        value = cls(id=id, source=source, source_id=entry.source_id, entry=entry, imported_at=at)
        return value.telling(Listed(source=source, entry=entry, at=at))

    def take_again(self, entry: Entry, *, at: datetime) -> Listing:
        """Its source says it again; the same words change nothing."""
        if entry == self.entry:
            return self
        return self.telling(ListingChanged(source=self.source, entry=entry, at=at), entry=entry, imported_at=at)


def source_of(source: str) -> str:
    """The code of a source. Raises Invalid for another shape."""
    if not _SOURCE.fullmatch(source):
        raise Invalid(Fault("source", "INVALID_FORMAT" if source else "REQUIRED"))
    return source
