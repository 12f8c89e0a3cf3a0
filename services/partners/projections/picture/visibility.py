"""Who stands in what relation to a case, as the picture knows it: his worker, his practitioner, and their cover."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, Date, DateTime, and_, cast, exists, func, or_, select, text

from chassis.access import ACTOR_ID, NOW, Records, by
from partners.projections.picture.registers import Slot
from partners.projections.picture.tables import access_list, case_register, opened_case

if TYPE_CHECKING:
    from sqlalchemy import FromClause

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


def _stands_in(slot: Slot) -> ColumnElement[bool]:
    """The caller covers today."""
    cover, tied = slot_of(slot)
    starts_on, ends_on = (cover.c.value[name].astext for name in ("starts_on", "ends_on"))
    within = and_(cast(starts_on, Date) <= _TODAY, or_(ends_on == "", cast(func.nullif(ends_on, ""), Date) >= _TODAY))
    return exists(select(1).select_from(cover).where(tied, cover.c.value["ref"].astext == ACTOR_ID, within))


def _is_worker() -> ColumnElement[bool]:
    """The caller works with him, covers for who does, or did until 28 days ago."""
    worker, of_worker = slot_of(Slot.WORKER)
    allocation, of_allocation = slot_of(Slot.ALLOCATION)
    stage, of_stage = slot_of(Slot.STAGE)
    named = exists(select(1).select_from(worker).where(of_worker, worker.c.value["ref"].astext == ACTOR_ID))
    state = allocation.c.value["state"].astext
    lately = and_(state == "ENDED", since_of(allocation) + _AFTERWARDS > NOW)
    holds = exists(select(1).select_from(allocation).where(of_allocation, or_(state == "HELD", lately)))
    long_closed = and_(stage.c.value["state"].astext == "CLOSED", since_of(stage) + _AFTERWARDS <= NOW)
    over = exists(select(1).select_from(stage).where(of_stage, long_closed))
    return and_(or_(named, _stands_in(Slot.COVER)), holds, ~over)


def _is_practitioner() -> ColumnElement[bool]:
    """The caller is his practitioner, or covers for him today."""
    practitioner, tied = slot_of(Slot.PRACTITIONER)
    named = exists(select(1).select_from(practitioner).where(tied, practitioner.c.value["ref"].astext == ACTOR_ID))
    return or_(named, _stands_in(Slot.PRACTITIONER_COVER))


PICTURES = Records(
    reads=READERS,
    person=opened_case.c.person_id,
    own=or_(_is_worker(), _is_practitioner()),
    lists=access_list,
    heard=True,
)
