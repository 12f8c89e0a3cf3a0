"""Registers → which records are of one man, and which of them he goes on by. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from partners.projections.picture.registers import Holder, Slot

if TYPE_CHECKING:
    from partners.projections.picture.registers import Register, Registers


@dataclass(frozen=True, kw_only=True)
class Man:
    """`goes_by` is None while what was heard so far goes in a circle."""

    goes_by: UUID | None
    records: frozenset[UUID]


def man_of(registers: Registers, person_id: UUID) -> Man:
    """The man of this record."""
    into = {
        id_: UUID(str(slots[Slot.JOINED].value["into"]))
        for (holder, id_), slots in registers.items()
        if holder is Holder.PERSON and Slot.JOINED in slots and slots[Slot.JOINED].value["into"]
    }
    records = {person_id}
    while more := {each for pair in into.items() if records & {*pair} for each in pair} - records:
        records |= more
    return Man(goes_by=next(iter(records - {*into}), None), records=frozenset(records))


def of_all(registers: Registers, man: Man) -> dict[str, Register]:
    """What is kept of him under all records; where two keep the same, the one he goes on by counts."""
    rest = sorted(man.records - {man.goes_by})
    found: dict[str, Register] = {}
    for each in (*rest, *((man.goes_by,) if man.goes_by else ())):
        found |= registers.get((Holder.PERSON, each), {})
    return found
