"""Where handoffs are kept, who may see one, and whose case one is offered of."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
    and_,
    bindparam,
    cast,
    column,
    exists,
    func,
    literal_column,
    or_,
    select,
    table,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql.elements import ColumnElement

from chassis.access import ACTOR_ID, ACTOR_ORGANISATION, ACTOR_ROLE, NOW, Records, by
from chassis.database import statement
from partners.storage.known import SAME, access_list
from partners.storage.links import subject_link
from partners.storage.metadata import metadata
from partners.storage.offers import heard_offer

INSTANT = DateTime(timezone=True)
handoff = Table(
    "handoff",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("side", Text, nullable=False),
    Column("partner", Text, nullable=False),
    Column("partner_org", Text, nullable=False),
    Column("own_org", Text, nullable=False),
    Column("to_probation", Boolean, nullable=False),
    Column("subject_ref", Text, nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("case_id", Uuid),
    Column("kind", Text, nullable=False),
    Column("aspects", JSONB, nullable=False),
    Column("offer_id", Uuid),
    Column("categories", JSONB, nullable=False),
    Column("scope_hash", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("grounds", JSONB, nullable=False),
    Column("detail_ref", Text, nullable=False),
    Column("offered_at", INSTANT, nullable=False),
    Column("offered_by", Text, nullable=False),
    Column("expires_at", INSTANT, nullable=False),
    Column("status", Text, nullable=False),
    Column("stage", Text, nullable=False),
    Column("revoking", Boolean, nullable=False),
    Column("own_holds", JSONB, nullable=False),
    Column("their_hold", Boolean, nullable=False),
    Column("hold_group", Text),
    Column("round", Integer, nullable=False),
    Column("answered", Integer, nullable=False),
    Column("lapsed", Integer, nullable=False),
    Column("stops", JSONB, nullable=False),
    Column("due_at", INSTANT),
    Column("refs", JSONB, nullable=False),
    Column("late", JSONB, nullable=False),
    Column("received_at", INSTANT),
    Column("asked_at", INSTANT),
    Column("accepted_at", INSTANT),
    Column("started_at", INSTANT),
    Column("revoke_requested_at", INSTANT),
    Column("ended_at", INSTANT),
    Column("loop_closed_at", INSTANT),
    Column("purged_at", INSTANT),
    Column("worker", Text, nullable=False),
    Column("outcome", Text),
    Column("reason_group", Text),
    Column("next_contact", JSONB),
    Column("sealed", LargeBinary, nullable=False),
    Index("handoff_person", "person_id"),
    Index("handoff_case", "case_id"),
    Index("handoff_subject", "partner", "subject_ref"),
    Index("handoff_status", "status", "due_at"),
    Index("handoff_refs", "refs", postgresql_using="gin"),
)
SEALED = ("reason", "note", "snapshot", "written", "correction")

# What the picture keeps of cases, by name: no code of the picture is used here, and it may be rebuilt meanwhile.
_REGISTER = table(
    "case_register", column("case_id", Uuid), column("slot", Text), column("value", JSONB), schema="picture"
)
_TODAY = cast(func.timezone("Europe/London", NOW), Date)


def _named(case: Any, slot: str) -> ColumnElement[bool]:
    """The actor stands in this slot of the case."""
    held = _REGISTER.alias()
    ref = held.c.value.op("->>", return_type=Text)(literal_column("'ref'"))
    return exists(select(1).where(held.c.case_id == case, held.c.slot == slot, ref == ACTOR_ID))


def _covers(case: Any, slot: str) -> ColumnElement[bool]:
    """He covers today for who does."""
    held = _REGISTER.alias()
    ref = held.c.value.op("->>", return_type=Text)(literal_column("'ref'"))
    first = cast(held.c.value.op("->>", return_type=Text)(literal_column("'starts_on'")), Date)
    last = cast(func.nullif(held.c.value.op("->>", return_type=Text)(literal_column("'ends_on'")), ""), Date)
    lasting = and_(first <= _TODAY, or_(last.is_(None), last >= _TODAY))
    return exists(select(1).where(held.c.case_id == case, held.c.slot == slot, ref == ACTOR_ID, lasting))


def _works_with(case: Any) -> ColumnElement[bool]:
    return or_(_named(case, "worker"), _covers(case, "cover"))


def _is_practitioner_of(case: Any) -> ColumnElement[bool]:
    return or_(_named(case, "practitioner"), _covers(case, "practitioner_cover"))


def _own() -> ColumnElement[bool]:
    """Own: a partner's worker those of his house, others those they offered or were named for, a practitioner those of
    his caseload."""
    held = handoff.c
    return or_(
        and_(ACTOR_ROLE.in_(["PW"]), held.own_org == ACTOR_ORGANISATION),
        and_(ACTOR_ROLE.in_(["EW", "CP"]), or_(held.offered_by == ACTOR_ID, held.worker == ACTOR_ID)),
        and_(ACTOR_ROLE.in_(["PP"]), _is_practitioner_of(held.case_id)),
    )


# Where his reference was linked to somebody known, the lists of that one count.
_WHO = func.coalesce(
    select(subject_link.c.person_id)
    .where(subject_link.c.sender_node == handoff.c.partner, subject_link.c.subject_ref == handoff.c.subject_ref)
    .correlate(handoff)
    .scalar_subquery(),
    handoff.c.person_id,
)
HANDOFFS = Records(
    reads=by("SM, CP, IG, PW own, EW own, PP own"), person=_WHO, own=_own(), lists=access_list, heard=True, same=SAME
)

# Whether the actor works with the man of a case; a house without casework knows of no such case.
WORKS_WITH = statement(select(_works_with(bindparam("case_id", type_=Uuid))))
_OFFER_ID = bindparam("offer_id", type_=Uuid)
_ON_OFFER = select(heard_offer.c.source_node.label("node_id"), heard_offer.c.terms).where(
    heard_offer.c.offer_id == _OFFER_ID, heard_offer.c.status == "PUBLISHED"
)
# An offer of a partner as its node last told it, where it takes people.
OFFERED_BY_NODE = statement(_ON_OFFER)
HEARD_OFFER_OPEN = statement(
    select(_ON_OFFER.where(heard_offer.c.source_node == bindparam("node", type_=Text)).exists())
)
# Whose details a reference of this house means.
BY_REFERENCE = statement(select(handoff.c.id).where(handoff.c.refs.contains(bindparam("refs", type_=JSONB))))
# Taken before one is read to be changed by what was heard or fell due: neither waits for the other in vain.
LOCK_HANDOFF = statement(select(handoff.c.id).where(handoff.c.id == bindparam("id", type_=Uuid)).with_for_update())
