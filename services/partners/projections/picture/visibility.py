"""Who stands in what relation to a case, as the picture knows it: worker, practitioner, cover, party to a handoff."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import (
    ColumnElement,
    Date,
    DateTime,
    Text,
    and_,
    cast,
    exists,
    func,
    literal_column,
    or_,
    select,
    text,
)

from chassis.access import ACTOR_ID, ACTOR_ORGANISATION, ACTOR_ROLE, HOUSE, NOW, Records, by
from partners.projections.picture.across import ENDS, FORGOTTEN
from partners.projections.picture.handoffs import HANDED_OVER
from partners.projections.picture.registers import Slot
from partners.projections.picture.tables import (
    AGREEMENTS,
    SAME,
    access_list,
    across_register,
    case_register,
    opened_case,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from sqlalchemy import FromClause, Select

# Where access.md 3 says "team", "resident" or "listed", no record says yet whose team, who lives where, which case is
# listed: an officer sees whom he is named for or covers for, and whoever has nothing but such a reach sees nobody.
READERS = by("SM, CP, IG, EW own, PP own, SPO own, PPU own, PW own")
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


def text_of(held: FromClause, name: str) -> ColumnElement[str]:
    """A member of what a register says, as the indexes have it."""
    said: ColumnElement[str] = held.c.value.op("->>", return_type=Text)(literal_column(f"'{name}'"))
    return said


def is_known_as_another() -> ColumnElement[bool]:
    """Whoever this is about turned out to be a person known here."""
    link = across_register.alias()
    linked = and_(link.c.holder == "LINK", text_of(link, "person_id") == cast(opened_case.c.person_id, Text))
    return exists(select(1).select_from(link).where(linked, text_of(link, "holds") == "true"))


def _concerns() -> tuple[FromClause, ColumnElement[bool]]:
    """The handoffs about this case, or about this person under any of his ids."""
    about, link, same = across_register.alias(), across_register.alias(), SAME.alias()
    person = cast(opened_case.c.person_id, Text)
    others = select(cast(same.c.other_id, Text)).where(same.c.person_id == opened_case.c.person_id)
    known = or_(text_of(link, "known_as") == person, text_of(link, "known_as").in_(others))
    known_as = and_(link.c.holder == "LINK", known, text_of(link, "holds") == "true")
    his = or_(
        text_of(about, "person_id") == person,
        text_of(about, "person_id").in_(others),
        text_of(about, "person_id").in_(select(text_of(link, "person_id")).where(known_as)),
        text_of(about, "case_id") == cast(opened_case.c.case_id, Text),
    )
    return about, and_(about.c.holder == "HANDOFF", about.c.slot == Slot.ABOUT.value, his)


def _stands(about: FromClause, *, past: Iterable[str]) -> ColumnElement[bool]:
    """This handoff is in none of these states, and nothing of it was deleted."""
    held, purged = across_register.alias(), across_register.alias()
    of = and_(held.c.holder == "HANDOFF", held.c.id == about.c.id, held.c.slot == Slot.STANDING.value)
    over = text_of(held, "state").in_(sorted(past))
    gone = and_(purged.c.holder == "HANDOFF", purged.c.id == about.c.id, purged.c.slot == Slot.PURGED.value)
    return and_(
        exists(select(1).select_from(held).where(of, ~over)), ~exists(select(1).select_from(purged).where(gone))
    )


def is_remembered() -> ColumnElement[bool]:
    """Of what brought somebody here something is left."""
    about, concerns = _concerns()
    return exists(select(1).select_from(about).where(concerns, _stands(about, past=FORGOTTEN)))


def _takes_part() -> ColumnElement[bool]:
    """A handoff of his that has not ended is his house's, or, where he is a guest, one with his employer."""
    (about, concerns), node = _concerns(), across_register.alias()
    partner = text_of(about, "partner")
    is_partner = and_(node.c.holder == "NODE", node.c.slot == Slot.NODE.value, text_of(node, "node_id") == partner)
    behind = select(text_of(node, "org_id")).where(is_partner).limit(1).scalar_subquery()
    between = or_(ACTOR_ORGANISATION == HOUSE, func.coalesce(behind, partner) == ACTOR_ORGANISATION)
    return exists(select(1).select_from(about).where(concerns, between, _stands(about, past=ENDS)))


def has_a_case() -> ColumnElement[bool]:
    """A referral of this house is about him."""
    other = opened_case.alias()
    return exists(select(1).where(other.c.person_id == opened_case.c.person_id, other.c.kind != HANDED_OVER))


IS_SHOWN = or_(opened_case.c.kind != HANDED_OVER, and_(~is_known_as_another(), ~has_a_case(), is_remembered()))
PICTURES = Records(
    reads=READERS,
    person=opened_case.c.person_id,
    own=or_(and_(ACTOR_ROLE != "PW", or_(_is_worker(), _is_practitioner())), and_(ACTOR_ROLE == "PW", _takes_part())),
    lists=access_list,
    heard=True,
    agreements=AGREEMENTS,
    same=SAME,
)
