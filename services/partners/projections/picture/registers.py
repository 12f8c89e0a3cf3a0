"""What the picture keeps: for each case, person, handoff, node and link the newest value of each slot.

A slot of a case or a person is written by facts of one stream only (one topic, one key), so their stream sequences
tell which is newer. A handoff, a node and a link are aggregates of their own, which may change their stream: there the
version of the aggregate tells it. Keeping the newest of each slot needs no order and no memory of what was applied:
interleaving, repetition and restart cannot change the outcome.
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
    HANDOFF = "HANDOFF"
    NODE = "NODE"
    LINK = "LINK"


class Slot(StrEnum):
    """The slots, by the stream that writes them. `LATE`, `TAKING_PART`, `SCREENING`, `ACCESS`, `NEED`,
    `APPOINTMENT` and `BUSY` are families: a colon and what distinguishes the member follow."""

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
    NEED = "need"
    APPOINTMENT = "appointment"
    # together.referral.v1, key person
    TAKING_PART = "taking_part"
    SCREENING = "screening"
    ACCESS = "access"
    # the same, by the version of the record that was joined: it may be told on several keys
    JOINED = "joined"
    # whichever made the promise
    LATE = "late"
    # together.partners.v1: of a handoff (with STANDING and LATE), by its version
    ABOUT = "about"
    TERMS = "terms"
    REST = "rest"
    REVOKING = "revoking"
    PURGED = "purged"
    CONTACT = "contact"
    # together.partners.v1: of an hour another house told, by the version of that
    BUSY = "busy"
    # together.partners.v1: of a node, of a link
    NODE = "node"
    HEARING = "hearing"
    LINK = "link"

    def of(self, member: object) -> str:
        """The name of one member of a family."""
        return f"{self.value}:{member}"


@dataclass(frozen=True, kw_only=True)
class Told:
    """What the picture keeps of an envelope: whom the fact is about, and its place in its stream. `heard_from` is the
    other house whose doing it was, where it was one's."""

    topic: str
    key: str
    seq: int
    at: datetime
    recorded_at: datetime
    aggregate_id: UUID
    version: int
    case_id: UUID | None = None
    person_id: UUID | None = None
    heard_from: str = ""


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
