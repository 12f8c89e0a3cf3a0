"""Who stands in what relation to a case, as the picture knows it: his worker, his practitioner, and their cover."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, Date, DateTime, Text, and_, cast, exists, func, literal_column, or_, select, text

from chassis.access import ACTOR_ID, NOW, Records, by
from partners.projections.picture.registers import Slot
from partners.projections.picture.tables import access_list, case_register, opened_case

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import FromClause, Select

READERS = by("SM, CP, IG, EW own, PP own")
# A worker's access ends 28 days after the work has (access.md 3, "Further rules").
_AFTERWARDS = text("interval '28 days'")
_TODAY = cast(func.timezone("Europe/London", NOW), Date)


def slot_of(slot: Slot) -> tuple[FromClause, ColumnElement[bool]]:
    """The register of this slot of the case, and what ties it to the case."""
    held = case_register.alias()
    return held, and_(held.c.case_id == opened_case.c.case_id, held.c.slot == slot.value)


def since_of(held: FromClause) -> ColumnElement[datetime]:
    """Since when what this register says has been so."""
    return cast(held.c.value["since"].astext, DateTime(timezone=True))


def _named(slot: Slot) -> Select[tuple[UUID]]:
    """The cases in which the caller stands in this slot; found by the index on whom a register names."""
    held = case_register.alias()
    ref = held.c.value.op("->>", return_type=Text)(literal_column("'ref'"))
    return select(held.c.case_id).where(held.c.slot == slot.value, ref == ACTOR_ID)


def _covered(slot: Slot) -> Select[tuple[UUID]]:
    """The cases in which he stands there today."""
    named = _named(slot)
    value = named.selected_columns.case_id.table.c.value
    starts_on, ends_on = (value[name].astext for name in ("starts_on", "ends_on"))
    last = cast(func.nullif(ends_on, ""), Date)
    return named.where(cast(starts_on, Date) <= _TODAY, or_(last.is_(None), last >= _TODAY))


def _is_worker() -> ColumnElement[bool]:
    """The caller works with him, covers for who does, or did until 28 days ago."""
    allocation, of_allocation = slot_of(Slot.ALLOCATION)
    stage, of_stage = slot_of(Slot.STAGE)
    state = allocation.c.value["state"].astext
    lately = and_(state == "ENDED", since_of(allocation) + _AFTERWARDS > NOW)
    holds = exists(select(1).select_from(allocation).where(of_allocation, or_(state == "HELD", lately)))
    long_closed = and_(stage.c.value["state"].astext == "CLOSED", since_of(stage) + _AFTERWARDS <= NOW)
    over = exists(select(1).select_from(stage).where(of_stage, long_closed))
    his = or_(opened_case.c.case_id.in_(_named(Slot.WORKER)), opened_case.c.case_id.in_(_covered(Slot.COVER)))
    return and_(his, holds, ~over)


def _is_practitioner() -> ColumnElement[bool]:
    """The caller is his practitioner, or covers for him today."""
    named, covered = _named(Slot.PRACTITIONER), _covered(Slot.PRACTITIONER_COVER)
    return or_(opened_case.c.case_id.in_(named), opened_case.c.case_id.in_(covered))


PICTURES = Records(
    reads=READERS,
    person=opened_case.c.person_id,
    own=or_(_is_worker(), _is_practitioner()),
    lists=access_list,
    heard=True,
)
