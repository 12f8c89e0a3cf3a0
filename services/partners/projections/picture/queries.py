"""What callers ask of the picture, as far as each may see; reads are audited before the answer goes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
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

from chassis.access import ACTOR_ROLE, Category, let_see, visible_to
from chassis.aggregate import NotFound
from chassis.database import statement
from chassis.work import Work, query
from partners.projections.picture import reference
from partners.projections.picture.across import House
from partners.projections.picture.registers import Holder, Register, Registers, Slot, keep
from partners.projections.picture.shapes import Picture, State
from partners.projections.picture.tables import (
    AGREEMENTS,
    SAME,
    SHARES,
    across_register,
    case_register,
    last_heard,
    merged,
    opened_case,
    person_register,
    source,
)
from partners.projections.picture.view import compose
from partners.projections.picture.viewers import seen_by
from partners.projections.picture.visibility import IS_SHOWN, PICTURES, READERS, since_of, slot_of, text_of

if TYPE_CHECKING:
    from asyncpg import Record
    from sqlalchemy import FromClause

_APPOINTMENTS = (Category.APPOINTMENTS.value,)
SERVICES = ("referral", "casework", "partners")


def _state() -> tuple[ColumnElement[str], FromClause]:
    """Where a case stands, as `view.compose` says it (a test compares them), and the tables it is read from."""
    (standing, of_standing), (stage, of_stage) = slot_of(Slot.STANDING), slot_of(Slot.STAGE)
    (pause, of_pause), (tried, of_tried) = slot_of(Slot.PAUSE), slot_of(Slot.TRIED)
    held, kept = standing.c.value["state"].astext, stage.c.value["state"].astext
    again = and_(held != State.ENDED.value, since_of(standing) > since_of(stage))
    state = case(
        (ACTOR_ROLE == "PW", State.SHARED.value),
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
        IS_SHOWN,
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
        IS_SHOWN,
        or_(func.cardinality(_WANTED) == 0, any_(_WANTED) == _STATE),
        or_(_AFTER.is_(None), opened_case.c.case_id < _AFTER),
    )
    .order_by(opened_case.c.case_id.desc())
    .limit(bindparam("most", type_=BigInteger))
)
COUNT = statement(
    select(_STATE.label("state"), func.count().label("cases"))
    .select_from(_CASES)
    .where(visible_to(PICTURES), IS_SHOWN)
    .group_by(_STATE)
    .order_by(_STATE)
)
# Which records of these people were joined to which; all of a man, wherever in the chain each stands.
JOINED = statement(
    select(merged).where(
        merged.c.into_id.is_not(None),
        or_(
            merged.c.old_id == any_(_IDS),
            merged.c.into_id == any_(_IDS),
            merged.c.old_id.in_(select(SAME.c.other_id).where(SAME.c.person_id == any_(_IDS))),
        ),
    )
)
OF_CASES = statement(select(case_register).where(case_register.c.case_id == any_(_IDS)))
OF_PERSONS = statement(select(person_register).where(person_register.c.person_id == any_(_IDS)))
_TEXTS = bindparam("texts", type_=ARRAY(Text))
_A = across_register.c
LINKS = statement(
    select(across_register).where(
        _A.holder == "LINK",
        or_(
            text_of(across_register, "known_as") == any_(_TEXTS), text_of(across_register, "person_id") == any_(_TEXTS)
        ),
    )
)
_ABOUT = across_register.alias()
_CONCERNED = select(_ABOUT.c.id).where(
    _ABOUT.c.holder == "HANDOFF",
    _ABOUT.c.slot == Slot.ABOUT.value,
    or_(text_of(_ABOUT, "person_id") == any_(_TEXTS), text_of(_ABOUT, "case_id") == any_(_TEXTS)),
)
HANDOFFS = statement(select(across_register).where(_A.holder == "HANDOFF", _A.id.in_(_CONCERNED)))
NODES = statement(select(across_register).where(_A.holder == "NODE"))
SOURCES = statement(
    select(
        func.coalesce(last_heard.c.topic, source.c.topic).label("topic"), last_heard.c.at, source.c.fresh_at
    ).select_from(last_heard.outerjoin(source, last_heard.c.topic == source.c.topic, full=True))
)


@dataclass(frozen=True, kw_only=True)
class Source:
    """How fresh one source is, a service of the house or another house: a quiet one is not a stale one."""

    service: str = ""
    last_heard_at: datetime | None
    fresh_as_of: datetime | None
    node_id: str = ""
    unheard_since: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A page of pictures, whether more follow, and the counts and sources of all."""

    pictures: tuple[Picture, ...]
    more: bool
    counts: tuple[tuple[str, int], ...]
    sources: tuple[Source, ...]


async def _sources(work: Work, nodes: Nodes) -> tuple[Source, ...]:
    """The services of the house that were ever read or heard, then the other houses."""
    read = {row["topic"]: (row["at"], row["fresh_at"]) for row in await SOURCES.all(work.conn)}
    own = [
        Source(service=service, last_heard_at=read[topic][0], fresh_as_of=read[topic][1])
        for service in SERVICES
        if (topic := f"{work.node}.{service}.v1") in read
    ]
    through = read.get(f"{work.node}.partners.v1", (None, None))[1]
    heard = {topic.removeprefix(SHARES): at for topic, (at, _) in read.items() if topic.startswith(SHARES)}
    others = sorted({*heard, *nodes.organisations} - {work.node})
    return (*own, *(_of_node(node, heard.get(node), nodes.unheard.get(node), through) for node in others))


def _of_node(node: str, heard: datetime | None, unheard: datetime | None, through: datetime | None) -> Source:
    """Another house is as fresh as what its gate has let through was read, while the house itself is heard."""
    silent = unheard if unheard and (heard is None or heard <= unheard) else None
    return Source(node_id=node, last_heard_at=heard, fresh_as_of=silent or through, unheard_since=silent)


@dataclass(frozen=True, kw_only=True)
class Nodes:
    """Other houses, as heard: whose each is, and since when one has been silent."""

    organisations: dict[str, str]
    unheard: dict[str, datetime]


async def _nodes(work: Work) -> Nodes:
    slots: dict[UUID, dict[str, Any]] = {}
    for row in await NODES.all(work.conn):
        slots.setdefault(row["id"], {})[row["slot"]] = row["value"]
    known = [held for held in slots.values() if Slot.NODE in held]
    since = {held[Slot.NODE]["node_id"]: held.get(Slot.HEARING, {}).get("unheard_since") for held in known}
    return Nodes(
        organisations={held[Slot.NODE]["node_id"]: held[Slot.NODE]["org_id"] for held in known},
        unheard={node: datetime.fromisoformat(text) for node, text in since.items() if text},
    )


def _house(work: Work, nodes: Nodes) -> House:
    return House(node=work.node, organisation=work.settings.node_organisation, organisations=nodes.organisations)


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


def _joined(row: Record) -> Register:
    """The register behind a row of `merged_people`."""
    value = {"into": str(row["into_id"])}
    return Register(holder=Holder.PERSON, id=row["old_id"], slot=Slot.JOINED, seq=row["seq"], value=value)


async def _registers(work: Work, opened: Sequence[Record]) -> Registers:
    """Everything kept about these cases, their persons, and what was handed over of them."""
    held = [_opened(row) for row in opened]
    persons = {row["person_id"] for row in opened}
    joined = await JOINED.all(work.conn, ids=sorted(persons))
    persons |= {each for row in joined for each in (row["old_id"], row["into_id"])}
    held += [_joined(row) for row in joined]
    of_links = await LINKS.all(work.conn, texts=[str(each) for each in persons])
    persons |= {UUID(row["value"]["person_id"]) for row in of_links if row["value"]["holds"]}
    cases = [row["case_id"] for row in opened]
    for holder, rows in (
        (Holder.CASE, await OF_CASES.all(work.conn, ids=cases)),
        (Holder.PERSON, await OF_PERSONS.all(work.conn, ids=sorted(persons))),
    ):
        held += [
            Register(holder=holder, id=row[0], slot=row["slot"], seq=row["seq"], value=row["value"]) for row in rows
        ]
    concerned = [str(id_) for id_ in {*persons, *cases}]
    for row in (*of_links, *await HANDOFFS.all(work.conn, texts=concerned)):
        held.append(
            Register(holder=Holder(row["holder"]), id=row["id"], slot=row["slot"], seq=row["seq"], value=row["value"])
        )
    return keep({}, held)


async def _seen(work: Work, opened: Sequence[Record], house: House) -> tuple[Picture, ...]:
    """The pictures of these cases as the caller's role sees them; each is a read in the audit."""
    held = await _registers(work, opened) if opened else {}
    composed = (compose(held, row["case_id"], house=house, at=work.now) for row in opened)
    return tuple([await _let(work, seen_by(work.actor, picture, house)) for picture in composed if picture is not None])


async def _let(work: Work, picture: Picture) -> Picture:
    """For a guest without who sees him when, where his employer may not know appointments. What he agreed to is not
    kept here by recipient, so that rests on a standing basis or on nothing."""
    if await let_see(work, AGREEMENTS, picture.person_id, _APPOINTMENTS):
        return picture
    return replace(picture, contacts=None, clashes=None)


@query("picture.get", READERS)
async def get_picture(
    work: Work, case_id: UUID | None = None, case_reference: str | None = None
) -> tuple[Picture, tuple[Source, ...]]:
    """The picture of one case, by its id or its reference. Hidden and missing are one answer of one statement."""
    asked: dict[str, Any] = {"case_id": case_id, "reference": None}
    if case_reference is not None:
        asked["reference"] = reference.read(case_reference, path="case_reference")
    nodes = await _nodes(work)
    found = await GET.all(work.conn, **asked, **work.asking)
    pictures = await _seen(work, found, _house(work, nodes))
    if not pictures:
        raise NotFound
    work.record = str(pictures[0].case_id)
    return pictures[0], await _sources(work, nodes)


@query("picture.list", READERS)
async def list_pictures(work: Work, states: Sequence[State] = (), after: UUID | None = None, most: int = 50) -> Listed:
    """A page of pictures, newest case first, those before `after`; with counts of all the caller may see."""
    wanted = [state.value for state in states]
    nodes, asked = await _nodes(work), work.asking
    found = await LIST.all(work.conn, states=wanted, after=after, most=most + 1, **asked)
    counted = await COUNT.all(work.conn, **asked)
    pictures = await _seen(work, found[:most], _house(work, nodes))
    for picture in pictures:
        work.audit("picture.list", record=picture.case_id, outcome="read")
    return Listed(
        pictures=pictures,
        more=len(found) > most,
        counts=tuple((row["state"], row["cases"]) for row in counted),
        sources=await _sources(work, nodes),
    )
