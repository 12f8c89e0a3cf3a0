"""What the picture keeps: for each case and each person the newest value of each slot.

A slot is written by facts of one stream only (one topic, one key), so their stream sequences tell which is newer.
Keeping the newest of each slot needs no order and no memory of what was applied: interleaving, repetition and
restart cannot change the outcome.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from uuid import UUID

Plain = str | int | bool | tuple[str, ...] | None


class Holder(StrEnum):
    """Whose slot it is."""

    CASE = "CASE"
    PERSON = "PERSON"


class Slot(StrEnum):
    """The slots, by the stream that writes them. `LATE`, `TAKING_PART`, `SCREENING` and `ACCESS` are families: a
    colon and what distinguishes the member follow."""

    # together.referral.v1, key case
    OPENED = "opened"
    STANDING = "standing"
    PRACTITIONER = "practitioner"
    PRACTITIONER_COVER = "practitioner_cover"
    # together.casework.v1, key case
    ALLOCATION = "allocation"
    WORKER = "worker"
    COVER = "cover"
    WORK = "work"
    STAGE = "stage"
    PAUSE = "pause"
    DATES = "dates"
    TRIED = "tried"
    # together.referral.v1, key person
    TAKING_PART = "taking_part"
    SCREENING = "screening"
    ACCESS = "access"
    # whichever made the promise
    LATE = "late"

    def of(self, member: object) -> str:
        """The name of one member of a family."""
        return f"{self.value}:{member}"


@dataclass(frozen=True, kw_only=True)
class Told:
    """What the picture keeps of an envelope: whom the fact is about, and its place in its stream."""

    topic: str
    key: str
    seq: int
    at: datetime
    recorded_at: datetime
    aggregate_id: UUID
    version: int
    case_id: UUID | None = None
    person_id: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class Register:
    """The value of one slot as of one sequence of its stream."""

    holder: Holder
    id: UUID
    slot: str
    seq: int
    value: Mapping[str, Plain]


Registers = dict[tuple[Holder, "UUID"], dict[str, Register]]


def keep(held: Registers, news: Iterable[Register]) -> Registers:
    """The newest of each slot; commutative, associative and idempotent."""
    kept = dict(held)
    for register in news:
        slots = kept.get((register.holder, register.id), {})
        if register.slot not in slots or slots[register.slot].seq < register.seq:
            kept[register.holder, register.id] = {**slots, register.slot: register}
    return kept


def fold(facts: Iterable[Iterable[Register]]) -> Registers:
    """What remains of facts heard in this order."""
    held: Registers = {}
    for fact in facts:
        held = keep(held, fact)
    return held
