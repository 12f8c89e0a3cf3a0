"""Who alone may know of a person, or who may not (access.md 1): outside an allow list, or on a deny list, he does
not exist for the reader."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Self
from uuid import UUID

from chassis.aggregate import Aggregate, Event, Fault, Invalid

if TYPE_CHECKING:
    from collections.abc import Sequence

_ENTRY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}")


class List(StrEnum):
    """A restriction names those who may, an exclusion those who may not."""

    ALLOW = "ALLOW"
    DENY = "DENY"


@dataclass(frozen=True, kw_only=True)
class AccessListChanged(Event):
    """One of the lists changed; an empty list holds nobody back."""

    list: List
    entries: tuple[str, ...]
    list_version: int


@dataclass(frozen=True, kw_only=True)
class AccessList(Aggregate):
    """The lists of one person; entries are staff and organisation ids."""

    person_id: UUID
    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()

    def change(self, which: List, entries: Sequence[str], *, at: datetime) -> Self:
        """Replace one list."""
        if any(not _ENTRY.fullmatch(entry) for entry in entries):
            raise Invalid(Fault("entries", "INVALID_FORMAT"))
        given = tuple(sorted(set(entries)))
        fact = AccessListChanged(at=at, list=which, entries=given, list_version=self.version + len(self.news) + 1)
        if which is List.ALLOW:
            return self.telling(fact, allow=given)
        return self.telling(fact, deny=given)
