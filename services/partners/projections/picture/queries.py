"""What callers ask of the picture, as far as each may see; reads are audited before the answer goes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Text,
    Uuid,
    and_,
    any_,
    bindparam,
    case,
    func,
    or_,
    select,
)

from chassis.access import Role, visible_to
from chassis.aggregate import NotFound
from chassis.database import statement
from chassis.work import Work, query
from partners.projections.picture import reference
from partners.projections.picture.registers import Holder, Register, Registers, Slot, keep
from partners.projections.picture.tables import case_register, last_heard, opened_case, person_register, source
from partners.projections.picture.view import Picture, State, compose, for_practitioner
from partners.projections.picture.visibility import PICTURES, READERS, since_of, slot_of

if TYPE_CHECKING:
    from asyncpg import Record
    from sqlalchemy import FromClause

SERVICES = ("referral", "casework")


def _state() -> tuple[ColumnElement[str], FromClause]:
    """Where a case stands, as `view.compose` says it (a test compares them), and the tables it is read from."""
    (standing, of_standing), (stage, of_stage) = slot_of(Slot.STANDING), slot_of(Slot.STAGE)
    (pause, of_pause), (tried, of_tried) = slot_of(Slot.PAUSE), slot_of(Slot.TRIED)
    held, kept = standing.c.value["state"].astext, stage.c.value["state"].astext
    again = and_(held != State.ENDED.value, since_of(standing) > since_of(stage))
    state = case(
        (stage.c.case_id.is_(None), held),
        (and_(kept == State.CLOSED.value, again), held),
        (kept == State.CLOSED.value, kept),
        (pause.c.value["paused"].astext == "true", State.PAUSED.value),
        (and_(kept == State.OPENED.value, tried.c.seq > stage.c.seq), State.ENGAGING.value),
        else_=kept,
    )
    joined = opened_case.join(standing, of_standing).outerjoin(stage, of_stage)
    return state, joined.outerjoin(pause, of_pause).outerjoin(tried, of_tried)


_STATE, _CASES = _state()
_WANTED = bindparam("states", type_=ARRAY(Text))
_AFTER = bindparam("after", type_=Uuid)
_IDS = bindparam("ids", type_=ARRAY(Uuid))
_OPENED = select(opened_case)

GET = statement(
    _OPENED.where(
        visible_to(PICTURES),
        or_(
            opened_case.c.case_id == bindparam("case_id", type_=Uuid),
            opened_case.c.reference == bindparam("reference", type_=Text),
        ),
    )
)
LIST = statement(
    _OPENED.select_from(_CASES)
    .where(
        visible_to(PICTURES),
        or_(func.cardinality(_WANTED) == 0, any_(_WANTED) == _STATE),
        or_(_AFTER.is_(None), opened_case.c.case_id < _AFTER),
    )
    .order_by(opened_case.c.case_id.desc())
    .limit(bindparam("most", type_=BigInteger))
)
COUNT = statement(
    select(_STATE.label("state"), func.count().label("cases"))
    .select_from(_CASES)
    .where(visible_to(PICTURES))
    .group_by(_STATE)
    .order_by(_STATE)
)
OF_CASES = statement(select(case_register).where(case_register.c.case_id == any_(_IDS)))
OF_PERSONS = statement(select(person_register).where(person_register.c.person_id == any_(_IDS)))
SOURCES = statement(
    select(
        func.coalesce(last_heard.c.topic, source.c.topic).label("topic"), last_heard.c.at, source.c.fresh_at
    ).select_from(last_heard.outerjoin(source, last_heard.c.topic == source.c.topic, full=True))
)


@dataclass(frozen=True, kw_only=True)
class Source:
    """How fresh one source is: a quiet one is not a stale one."""

    service: str
    last_heard_at: datetime | None
    fresh_as_of: datetime | None


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A page of pictures, whether more follow, and the counts and sources of all."""

    pictures: tuple[Picture, ...]
    more: bool
    counts: tuple[tuple[str, int], ...]
    sources: tuple[Source, ...]


async def _sources(work: Work) -> tuple[Source, ...]:
    read = {row["topic"]: row for row in await SOURCES.all(work.conn)}
    return tuple(
        Source(
            service=service,
            last_heard_at=read[topic]["at"] if topic in read else None,
            fresh_as_of=read[topic]["fresh_at"] if topic in read else None,
        )
        for service in SERVICES
        for topic in (f"{work.node}.{service}.v1",)
    )


def _opened(row: Record) -> Register:
    """The register behind a row of `opened_case`."""
    value = {
        "person_id": str(row["person_id"]),
        "reference": row["reference"],
        "programme_id": row["programme_id"],
        "kind": row["kind"],
        "submitted_at": row["submitted_at"].isoformat(),
        "decision_due_at": row["decision_due_at"].isoformat(),
    }
    return Register(holder=Holder.CASE, id=row["case_id"], slot=Slot.OPENED, seq=row["seq"], value=value)


async def _registers(work: Work, opened: Sequence[Record]) -> Registers:
    """Everything kept about these cases and their persons."""
    of_cases = await OF_CASES.all(work.conn, ids=[row["case_id"] for row in opened])
    of_persons = await OF_PERSONS.all(work.conn, ids=[row["person_id"] for row in opened])
    held = [_opened(row) for row in opened]
    for holder, rows in ((Holder.CASE, of_cases), (Holder.PERSON, of_persons)):
        held += [
            Register(holder=holder, id=row[0], slot=row["slot"], seq=row["seq"], value=row["value"]) for row in rows
        ]
    return keep({}, held)


async def _seen(work: Work, opened: Sequence[Record]) -> tuple[Picture, ...]:
    """The pictures of these cases as the caller's role sees them; each is a read in the audit."""
    held = await _registers(work, opened) if opened else {}
    pictures = tuple(found for row in opened if (found := compose(held, row["case_id"])))
    return tuple(map(for_practitioner, pictures)) if work.actor.role is Role.PP else pictures


@query("picture.get", READERS)
async def get_picture(
    work: Work, case_id: UUID | None = None, case_reference: str | None = None
) -> tuple[Picture, tuple[Source, ...]]:
    """The picture of one case, by its id or its reference. Hidden and missing are one answer of one statement."""
    asked: dict[str, Any] = {"case_id": case_id, "reference": None}
    if case_reference is not None:
        asked["reference"] = reference.read(case_reference, path="case_reference")
    found = await GET.all(work.conn, **asked, **work.asking)
    pictures = await _seen(work, found)
    if not pictures:
        raise NotFound
    work.record = str(pictures[0].case_id)
    return pictures[0], await _sources(work)


@query("picture.list", READERS)
async def list_pictures(work: Work, states: Sequence[State] = (), after: UUID | None = None, most: int = 50) -> Listed:
    """A page of pictures, newest case first, those before `after`; with counts of all the caller may see."""
    wanted = [state.value for state in states]
    found = await LIST.all(work.conn, states=wanted, after=after, most=most + 1, **work.asking)
    counted = await COUNT.all(work.conn, **work.asking)
    pictures = await _seen(work, found[:most])
    for picture in pictures:
        work.audit("picture.list", record=picture.case_id, outcome="read")
    return Listed(
        pictures=pictures,
        more=len(found) > most,
        counts=tuple((row["state"], row["cases"]) for row in counted),
        sources=await _sources(work),
    )
