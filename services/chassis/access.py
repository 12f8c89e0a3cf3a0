"""Who may do and see what: one policy function for single reads, lists, counts and commands; fails closed.

A role reaches records of the whole house, its own, or those it was proposed for. Limited-access lists bound
everybody: outside an allow list, or on a deny list, a record does not exist. Missing and hidden are one predicate
in one statement, so they look alike and take the same time. Agreements and the gate's `decide` come with the
houses; until then role and caseload alone bound a guest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    MetaData,
    Table,
    Text,
    Uuid,
    and_,
    bindparam,
    cast,
    column,
    exists,
    false,
    func,
    or_,
    select,
    table,
    true,
)
from sqlalchemy.dialects.postgresql import JSONB

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import ColumnElement


class Role(StrEnum):
    """The roles of access.md 2, and three that no person holds: the house itself, an adapter of its node, and the gate
    of another node, which sees what names it and nothing else."""

    PP = "PP"
    SPO = "SPO"
    PPU = "PPU"
    APS = "APS"
    EW = "EW"
    PS = "PS"
    VOL = "VOL"
    CO = "CO"
    SM = "SM"
    CP = "CP"
    PW = "PW"
    PA = "PA"
    CG = "CG"
    CH = "CH"
    TR = "TR"
    CMR = "CMR"
    EV = "EV"
    IG = "IG"
    OPS = "OPS"
    PER = "PER"
    SYSTEM = "SYSTEM"
    ADAPTER = "ADAPTER"
    NODE = "NODE"


class Purpose(StrEnum):
    """Why somebody acts or reads (rules.md 11); logged with every entry."""

    REFERRAL_TRIAGE = "REFERRAL_TRIAGE"
    DELIVER_SUPPORT = "DELIVER_SUPPORT"
    HANDOFF = "HANDOFF"
    RISK_MANAGEMENT = "RISK_MANAGEMENT"
    SAFEGUARDING = "SAFEGUARDING"
    CO_ORDINATION = "CO_ORDINATION"
    CLINICAL_CARE = "CLINICAL_CARE"
    RECALL_CONSULTATION = "RECALL_CONSULTATION"
    EVALUATION = "EVALUATION"
    SUBJECT_REQUEST = "SUBJECT_REQUEST"
    COMPLAINT = "COMPLAINT"
    AUDIT = "AUDIT"
    WORKFORCE = "WORKFORCE"
    OPERATE = "OPERATE"


class Reach(StrEnum):
    """How far a role reaches."""

    HOUSE = "house"
    OWN = "own"
    PROPOSED = "proposed"


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Who acts: an opaque staff id, in one role, employed by one organisation, for one purpose."""

    id: str
    role: Role
    organisation: str
    purpose: Purpose = Purpose.OPERATE


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request as a door established it. `key` makes it happen once; `fingerprint` is its body's digest."""

    actor: Actor
    correlation_id: UUID
    key: UUID | None = None
    fingerprint: bytes = b""
    causation_id: UUID | None = None
    traceparent: str = ""


def system(node: str) -> Actor:
    """The house itself: timers and heard facts."""
    return Actor(id=node, role=Role.SYSTEM, organisation=node)


Grants = Mapping[Role, frozenset[Reach]]


def by(text: str) -> Grants:
    """Roles with their reach, as access.md 7 writes them: `by("SM, CP, EW own or proposed, SYSTEM")`."""
    grants: dict[Role, frozenset[Reach]] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        role, _, reach = part.partition(" ")
        reaches = frozenset(Reach(word) for word in reach.replace(" or ", " ").split()) or {Reach.HOUSE}
        grants[Role(role)] = grants.get(Role(role), frozenset()) | reaches
    return grants


# What a statement is told of who asks; `asking(actor, now)` gives the values.
ACTOR_ID = bindparam("actor_id", type_=Text)
ACTOR_ROLE = bindparam("actor_role", type_=Text)
ACTOR_ORGANISATION = bindparam("actor_organisation", type_=Text)
NOW = bindparam("now", type_=DateTime(timezone=True))


def asking(actor: Actor, now: object) -> dict[str, object]:
    """The parameters of every statement that holds `visible_to`."""
    return {
        "actor_id": actor.id,
        "actor_role": actor.role.value,
        "actor_organisation": actor.organisation,
        "now": now,
    }


def access_lists(metadata: MetaData) -> Table:
    """The table of allow and deny lists: entries are staff and organisation ids; one row a person and list."""
    return Table(
        "access_list",
        metadata,
        Column("person_id", Uuid, primary_key=True),
        Column("list", Text, primary_key=True),
        Column("entries", JSONB, nullable=False),
        Column("version", BigInteger, nullable=False),
        Column("seq", BigInteger, nullable=False),
    )


@dataclass(frozen=True, kw_only=True)
class Records:
    """How a service tells who stands in what relation to a record of one table.

    `reads`: who may know of it; `person`: the column naming whom it is about, to which access lists apply;
    `own`, `proposed`: predicates over ACTOR_ID, ACTOR_ROLE, ACTOR_ORGANISATION and NOW; absent means nobody.
    `heard`: the lists are those of another service, so while facts of the person are parked or held, nobody reads.
    """

    reads: Grants
    person: ColumnElement[UUID] | Column[UUID] | None = None
    own: ColumnElement[bool] | None = None
    proposed: ColumnElement[bool] | None = None
    lists: Table | None = None
    heard: bool = False


def _reached(records: Records, grants: Grants) -> ColumnElement[bool]:
    relation = {Reach.HOUSE: true(), Reach.OWN: records.own, Reach.PROPOSED: records.proposed}
    ways: list[ColumnElement[bool]] = []
    for reach, holds in relation.items():
        roles = sorted(role.value for role, reaches in grants.items() if reach in reaches)
        if roles and holds is not None:
            ways.append(and_(ACTOR_ROLE.in_(roles), holds))
    return or_(*ways) if ways else false()


def _unlisted(records: Records) -> Iterable[ColumnElement[bool]]:
    if records.person is None:
        return
    if records.lists is not None:
        lists = records.lists.alias()
        named = or_(lists.c.entries.has_key(ACTOR_ID), lists.c.entries.has_key(ACTOR_ORGANISATION))
        excluded = or_(and_(lists.c.list == "DENY", named), and_(lists.c.list == "ALLOW", ~named))
        concerned = and_(lists.c.person_id == records.person, func.jsonb_array_length(lists.c.entries) > 0)
        yield ~exists(select(1).select_from(lists).where(concerned, excluded))
    if records.heard:
        parked = table("parked", column("key", Text)).alias()
        yield ~exists(select(1).select_from(parked).where(parked.c.key == cast(records.person, Text)))


def visible_to(records: Records, *, also: Grants | None = None) -> ColumnElement[bool]:
    """The predicate of what the actor may know of; `also` adds the roles a command is open to.

    The house itself (SYSTEM) sees everything: its commands carry no human role.
    """
    seen = _reached(records, records.reads)
    if also:
        seen = or_(seen, _reached(records, also))
    return or_(ACTOR_ROLE.in_([Role.SYSTEM.value]), and_(seen, *_unlisted(records)))


def reached_by(records: Records, grants: Grants) -> ColumnElement[bool]:
    """The predicate of what a command open to these roles may act on, for a record that is visible."""
    return or_(ACTOR_ROLE.in_([Role.SYSTEM.value]), _reached(records, grants))
