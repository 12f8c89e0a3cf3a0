"""An organisation we work with: its names by date, and who stands for it after a merger (S33)."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from chassis.aggregate import Aggregate, Event, Fault, Invalid, Unmet

LONGEST_NAME = 200
_ORG_ID = re.compile(r"[a-z0-9][a-z0-9-]{1,62}")


class Sector(StrEnum):
    """The sectors of S40."""

    VOLUNTARY = "VOLUNTARY"
    PRIMARY_CARE = "PRIMARY_CARE"
    SECONDARY_CARE = "SECONDARY_CARE"
    PROBATION = "PROBATION"
    PRISON = "PRISON"
    POLICE = "POLICE"
    LOCAL_AUTHORITY = "LOCAL_AUTHORITY"
    HOUSING = "HOUSING"


class Status(StrEnum):
    """How an organisation stands."""

    ACTIVE = "ACTIVE"
    MERGED_INTO = "MERGED_INTO"
    CLOSED = "CLOSED"


@dataclass(frozen=True, kw_only=True)
class Name:
    """A name and its first day."""

    name: str
    effective_on: date


@dataclass(frozen=True, kw_only=True)
class Registered(Event):
    """We work with it."""

    org_id: str
    name: str
    sector: Sector
    effective_on: date


@dataclass(frozen=True, kw_only=True)
class Renamed(Event):
    """It has a new name from a day on."""

    org_id: str
    name: str
    effective_on: date


@dataclass(frozen=True, kw_only=True)
class MergedInto(Event):
    """It became part of another."""

    org_id: str
    successor_id: str
    effective_on: date


@dataclass(frozen=True, kw_only=True)
class Closed(Event):
    """It ended without a successor."""

    org_id: str
    effective_on: date


@dataclass(frozen=True, kw_only=True)
class Organisation(Aggregate):
    """An organisation. What others keep is its `org_id`; whom that means is resolved when it is read."""

    org_id: str
    sector: Sector
    status: Status
    since: date
    names: tuple[Name, ...]
    successor_id: str | None = None
    ended_on: date | None = None

    @classmethod
    def register(
        cls, id: UUID, *, org_id: str, name: str, sector: Sector, effective_on: date, at: datetime
    ) -> Organisation:
        """An organisation we begin to work with."""
        shape = () if _ORG_ID.fullmatch(org_id) else (Fault("org_id", "INVALID_FORMAT"),)
        _refuse(*shape, *_name_faults(name))
        name = _tidied(name)
        value = cls(
            id=id,
            org_id=org_id,
            sector=sector,
            status=Status.ACTIVE,
            since=effective_on,
            names=(Name(name=name, effective_on=effective_on),),
        )
        return value.telling(Registered(org_id=org_id, name=name, sector=sector, effective_on=effective_on, at=at))

    def rename(self, name: str, *, effective_on: date, at: datetime) -> Organisation:
        """It has a new name from a day on; names before and after that day stay."""
        self._must_be_active()
        taken = any(held.effective_on == effective_on for held in self.names)
        clash = (Fault("effective_on", "CONFLICTS_WITH(names)"),) if taken else ()
        _refuse(*_name_faults(name), *self._day_faults(effective_on), *clash)
        name = _tidied(name)
        names = sorted((*self.names, Name(name=name, effective_on=effective_on)), key=lambda n: n.effective_on)
        return self.telling(
            Renamed(org_id=self.org_id, name=name, effective_on=effective_on, at=at), names=tuple(names)
        )

    def merge(self, successor: Organisation, *, effective_on: date, at: datetime) -> Organisation:
        """It becomes part of another, which must stand by itself: so no chain of successors is ever a ring."""
        self._must_be_active()
        if successor.org_id == self.org_id:
            raise Invalid(Fault("successor_id", "CONFLICTS_WITH(org_id)"))
        if successor.status is not Status.ACTIVE:
            raise Unmet("successor_not_active", "Name the organisation that stands for the successor today.")
        _refuse(*dict.fromkeys((*self._day_faults(effective_on), *successor._day_faults(effective_on))))
        return self.telling(
            MergedInto(org_id=self.org_id, successor_id=successor.org_id, effective_on=effective_on, at=at),
            status=Status.MERGED_INTO,
            successor_id=successor.org_id,
            ended_on=effective_on,
        )

    def close(self, *, effective_on: date, at: datetime) -> Organisation:
        """It ends; nobody stands for it."""
        self._must_be_active()
        _refuse(*self._day_faults(effective_on))
        return self.telling(
            Closed(org_id=self.org_id, effective_on=effective_on, at=at),
            status=Status.CLOSED,
            ended_on=effective_on,
        )

    def name_on(self, day: date) -> str:
        """Its name on a day; before its first day, its first."""
        held = [name.name for name in self.names if name.effective_on <= day]
        return held[-1] if held else self.names[0].name

    def status_on(self, day: date) -> Status:
        """How it stands on a day."""
        return Status.ACTIVE if self.ended_on is None or day < self.ended_on else self.status

    def successor_on(self, day: date) -> str | None:
        """Who stands for it on a day, where another does; that one may have a successor of its own."""
        return self.successor_id if self.status_on(day) is Status.MERGED_INTO else None

    def _must_be_active(self) -> None:
        if self.status is not Status.ACTIVE:
            raise Unmet("invalid_transition", "This organisation has merged or closed.")

    def _day_faults(self, day: date) -> tuple[Fault, ...]:
        return (Fault("effective_on", "BEFORE_START"),) if day < self.since else ()


def _tidied(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip()


def _name_faults(name: str) -> tuple[Fault, ...]:
    tidied = _tidied(name)
    if not tidied:
        return (Fault("name", "REQUIRED"),)
    if len(tidied) > LONGEST_NAME:
        return (Fault("name", "TOO_LONG"),)
    # Control and format characters, bidirectional overrides among them, are in no name.
    unfit = any(unicodedata.category(character) in {"Cc", "Cf"} for character in tidied)
    return (Fault("name", "INVALID_FORMAT"),) if unfit else ()


def _refuse(*faults: Fault) -> None:
    if faults:
        raise Invalid(*faults)
