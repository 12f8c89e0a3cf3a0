"""What is asked of handoffs: one, lists by direction and by what waits or is late, and what this house wrote of one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import BigInteger, Boolean, DateTime, Text, Uuid, and_, any_, bindparam, cast, or_, select, tuple_
from sqlalchemy.dialects.postgresql import ARRAY

from chassis.access import NOW, Role, by, visible_to
from chassis.aggregate import NotFound
from chassis.database import statement
from chassis.work import query
from partners.domain.handoff.codes import Side
from partners.domain.handoff.states import Status
from partners.storage.handoffs import BY_REFERENCE, HANDOFFS, handoff
from partners.storage.whose import person_of

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from asyncpg import Record
    from sqlalchemy import ColumnElement

    from partners.domain.handoff.aggregate import Handoff
    from partners.domain.handoff.states import Written
    from partners.storage import Work

READERS = by("SM, CP, IG, PW own, EW own, PP own")
# Who reads what was written about it: those who work on it, not those who look on.
_WORKERS: Final = (Role.SM, Role.CP, Role.EW, Role.PW)
H = handoff.c
S = Status


def _given(name: str, kind: Any) -> ColumnElement[Any]:
    return cast(bindparam(name, type_=kind), kind)


# What waits for this house: as receiver to decide or begin, as sender to answer or to look at the outcome.
_WAITS = or_(
    and_(H.side == Side.RECEIVER.value, H.status.in_([S.RECEIVED, S.WAITLISTED, S.ACCEPTED])),
    and_(H.side == Side.SENDER.value, H.status == S.INFO_REQUESTED),
    and_(H.side == Side.SENDER.value, H.status == S.COMPLETED, H.loop_closed_at.is_(None)),
)
_LIST = statement(
    select(handoff)
    .where(
        visible_to(HANDOFFS),
        or_(_given("side", Text).is_(None), H.side == _given("side", Text)),
        or_(_given("statuses", ARRAY(Text)).is_(None), H.status == any_(_given("statuses", ARRAY(Text)))),
        or_(_given("case_id", Uuid).is_(None), H.case_id == _given("case_id", Uuid)),
        or_(~_given("waiting", Boolean), _WAITS),
        or_(~_given("overdue", Boolean), H.due_at <= NOW),
        or_(
            _given("after_id", Uuid).is_(None),
            tuple_(H.offered_at, H.id) < tuple_(_given("after_at", DateTime(timezone=True)), _given("after_id", Uuid)),
        ),
    )
    .order_by(H.offered_at.desc(), H.id.desc())
    .limit(bindparam("most", type_=BigInteger))
)


@dataclass(frozen=True, kw_only=True)
class HandoffSeen:
    """A handoff as far as the actor may see it, and when it was looked at."""

    handoff: Handoff
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which handoffs: None asks for all."""

    side: Side | None = None
    statuses: tuple[Status, ...] = ()
    case_id: UUID | None = None
    waiting: bool = False
    overdue: bool = False


@dataclass(frozen=True, kw_only=True)
class Listed:
    """One page of rows, and when it was read."""

    rows: list[Record]
    at: datetime
    grouped: bool


@dataclass(frozen=True, kw_only=True)
class Referred:
    """What a reference means: the handoff, and what was written where it is not the offer itself."""

    handoff: Handoff
    written: Written | None


def reads_groups(role: Role) -> bool:
    """Probation never reads the group of a reason (access.md 3)."""
    return role is not Role.PP


@query("handoff.prepare", by("EW own, CP own, SM, PW own"))
async def whom_to_offer(work: Work, *, case_id: UUID | None, person_id: UUID | None) -> UUID:
    """Whom an offer would be about, where the actor may make one: asked before anything of him is read."""
    found = await person_of(work, case_id, person_id)
    work.record = str(found)
    return found


@query("handoff.get", READERS)
async def get_handoff(work: Work, handoff_id: UUID) -> HandoffSeen:
    """One handoff; reasons, notes and texts for those alone who work on it."""
    found = await work.handoffs.first(id=handoff_id)
    if found is None:
        raise NotFound
    work.record = str(handoff_id)
    if work.actor.role not in _WORKERS:
        found = replace(found, reason=None, note="", written=())
    if work.actor.role not in (*_WORKERS, Role.IG):
        found = replace(found, correction=None)
    if not reads_groups(work.actor.role):
        found = replace(found, reason_group=None, hold_group=None)
    return HandoffSeen(handoff=found, at=work.now)


@query("handoff.read_by_reference", by("SYSTEM"))
async def read_by_reference(work: Work, *, detail_ref: str, reader: str) -> Referred:
    """What a reference of this house means, for the node at the other side and nobody else: the offer itself, or what
    was written. Whether it may still be read is for the gate to judge, by its grounds and categories."""
    row = await BY_REFERENCE.one(work.conn, refs=[detail_ref])
    found = await work.handoffs.first(id=row["id"]) if row else None
    if found is None or found.partner != reader or found.status in (S.REVOKED, S.EXPIRED, S.ENTERED_IN_ERROR):
        raise NotFound
    work.record = str(found.id)
    written = next((each for each in found.written if each.detail_ref == detail_ref), None)
    return Referred(handoff=found, written=written)


@query("handoff.list", READERS)
async def list_handoffs(
    work: Work, *, wanted: Wanted, after: tuple[datetime, UUID] | None = None, most: int = 50
) -> Listed:
    """Handoffs, the newest offer first."""
    at, last = after or (None, None)
    rows = await _LIST.all(
        work.conn,
        **work.asking,
        side=wanted.side.value if wanted.side else None,
        statuses=[status.value for status in wanted.statuses] or None,
        case_id=wanted.case_id,
        waiting=wanted.waiting,
        overdue=wanted.overdue,
        after_at=at,
        after_id=last,
        most=most,
    )
    return Listed(rows=rows, at=work.now, grouped=reads_groups(work.actor.role))
