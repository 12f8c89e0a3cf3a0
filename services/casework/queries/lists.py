"""Every question asked of the casework service: one man's engagement, caseloads, workers, who waits, what is coming.

Each list, each count and each single read goes by the same predicate: what the actor may not see does not exist.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Date,
    DateTime,
    Integer,
    Select,
    Text,
    Uuid,
    and_,
    bindparam,
    cast,
    exists,
    func,
    or_,
    select,
    tuple_,
)

from casework.domain.engagement.aggregate import Engagement
from casework.domain.external_appointment import AppointmentStatus, ExternalAppointment
from casework.domain.worker import WorkerStatus
from casework.storage import (
    ALLOCATIONS,
    ENGAGEMENTS,
    EXPECTED,
    TODAY,
    Work,
    allocation_table,
    engagement_table,
    forecast_case_table,
    forecast_state_table,
    practitioner_table,
    worker_table,
)
from casework.storage.known import let_by_him
from casework.storage.metadata import AGREEMENTS
from chassis.access import Category, Role, by, let_see, visible_to
from chassis.aggregate import NotFound
from chassis.calendar import local_date
from chassis.database import Statement, statement
from chassis.work import query

APPOINTMENTS = (Category.APPOINTMENTS.value,)
A, E, W = allocation_table.c, engagement_table.c, worker_table.c
SIZE: BindParameter[int] = bindparam("size", type_=Integer)


@dataclass(frozen=True, kw_only=True)
class Listed:
    """One page of rows (one more where another follows), how many there are in all, and the day it was read."""

    rows: list[asyncpg.Record]
    total: int
    on: date


@dataclass(frozen=True, kw_only=True)
class Seen:
    """An engagement as far as the actor may see it, with who works with the man."""

    engagement: Engagement
    worker_ref: str
    practitioner_ref: str


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What is coming and what there is room for."""

    programmes: dict[UUID, dict[str, int]]
    places: int
    taken: int


def _given(name: str, kind: Any = Text) -> ColumnElement[Any]:
    return cast(bindparam(name, type_=kind), kind)


def _is(column: ColumnElement[Any], name: str, kind: Any = Text) -> ColumnElement[bool]:
    """The column has this value, where one is given."""
    given = _given(name, kind)
    return or_(given.is_(None), column == given)


def _count(wanted: Select[Any]) -> Statement:
    return statement(select(func.count()).select_from(wanted.subquery()))


_TAKEN = (
    select(func.count())
    .where(A.worker_ref == W.worker_ref, A.status == "ALLOCATED")
    .correlate(worker_table)
    .scalar_subquery()
)
_MAY_WORK = exists(
    select(1).where(W.worker_ref == A.worker_ref, W.status == WorkerStatus.CLEARED.value, W.valid_to >= TODAY)
)
_NEEDS = or_(A.status.in_(["REQUESTED", "PROPOSED"]), and_(A.status == "ALLOCATED", ~_MAY_WORK))

_WORKERS = select(worker_table, _TAKEN.label("taken")).where(_is(W.status, "status"))
_WORKERS_PAGE = statement(
    _WORKERS.where(or_(_given("after_ref").is_(None), W.worker_ref > _given("after_ref")))
    .order_by(W.worker_ref)
    .limit(SIZE)
)
_WORKERS_COUNT = _count(_WORKERS)

_ALLOCATIONS = select(allocation_table, _NEEDS.label("needs_worker")).where(
    visible_to(ALLOCATIONS),
    _is(A.case_id, "case_id", Uuid),
    or_(and_(_given("status").is_(None), A.status != "ENDED"), A.status == _given("status")),
    or_(~bindparam("needs_worker"), _NEEDS),
)
_INSTANT = DateTime(timezone=True)
_ALLOCATIONS_PAGE = statement(
    _ALLOCATIONS.where(
        or_(
            _given("after_id", Uuid).is_(None),
            tuple_(A.accepted_at, A.id) > tuple_(_given("after_at", _INSTANT), _given("after_id", Uuid)),
        )
    )
    .order_by(A.accepted_at, A.id)
    .limit(SIZE)
)
_ALLOCATIONS_COUNT = _count(_ALLOCATIONS)

_MAIN = practitioner_table.alias()
_PRACTITIONER = (
    select(_MAIN.c.practitioner_ref)
    .where(_MAIN.c.case_id == E.case_id, _MAIN.c.kind == "MAIN", _MAIN.c.starts_on <= TODAY)
    .order_by(_MAIN.c.seq.desc())
    .limit(1)
    .correlate(engagement_table)
    .scalar_subquery()
)
_WORKER = (
    select(A.worker_ref)
    .where(A.id == E.allocation_id, A.status.in_(["ALLOCATED", "ENDED"]))
    .correlate(engagement_table)
    .scalar_subquery()
)
_HIS = exists(
    select(1).where(
        A.id == E.allocation_id,
        or_(
            A.worker_ref == _given("worker_ref"),
            and_(A.cover_ref == _given("worker_ref"), TODAY.between(A.cover_from, A.cover_to)),
        ),
    )
)
_CASELOAD = select(engagement_table, _WORKER.label("worker_ref"), _PRACTITIONER.label("practitioner_ref")).where(
    visible_to(ENGAGEMENTS),
    or_(_given("worker_ref").is_(None), _HIS),
    or_(and_(_given("status").is_(None), E.status != "CLOSED"), E.status == _given("status")),
)
_CASELOAD_PAGE = statement(
    _CASELOAD.where(
        or_(
            _given("after_id", Uuid).is_(None),
            tuple_(E.started_on, E.id) > tuple_(_given("after_on", Date), _given("after_id", Uuid)),
        )
    )
    .order_by(E.started_on, E.id)
    .limit(SIZE)
)
_CASELOAD_COUNT = _count(_CASELOAD)
_BESIDE = statement(
    select(_WORKER.label("worker_ref"), _PRACTITIONER.label("practitioner_ref")).where(E.id == bindparam("id"))
)

_STILL = select(forecast_case_table.c.programme_id, func.count().label("n")).select_from(
    forecast_case_table.join(forecast_state_table, forecast_state_table.c.case_id == forecast_case_table.c.case_id)
)
_COUNTS = {
    "expected": statement(
        _STILL.where(forecast_state_table.c.expected, visible_to(EXPECTED)).group_by(forecast_case_table.c.programme_id)
    ),
    "waiting": statement(
        select(A.programme_id, func.count().label("n"))
        .where(A.status.in_(["REQUESTED", "PROPOSED"]), visible_to(ALLOCATIONS))
        .group_by(A.programme_id)
    ),
    "open": statement(
        select(E.programme_id, func.count().label("n"))
        .where(E.status != "CLOSED", visible_to(ENGAGEMENTS))
        .group_by(E.programme_id)
    ),
}
_PLACES = statement(
    select(
        func.coalesce(func.sum(W.capacity), 0).label("places"),
        func.coalesce(func.sum(_TAKEN), 0).label("taken"),
    ).where(W.status == WorkerStatus.CLEARED.value, W.valid_to >= TODAY)
)


@query("worker.list", by("SM, CP"))
async def list_workers(work: Work, *, status: str | None, size: int, after: tuple[Any, ...] | None) -> Listed:
    """The workers of the house with their places, by staff id."""
    given = work.asking | {"status": status}
    rows = await _WORKERS_PAGE.all(work.conn, **given, after_ref=after[0] if after else None, size=size + 1)
    return Listed(rows=rows, total=await _WORKERS_COUNT.value(work.conn, **given), on=local_date(work.now))


@query("allocation.list", by("SM, CP, IG, EW own or proposed"))
async def list_allocations(
    work: Work,
    *,
    case_id: UUID | None,
    status: str | None,
    needs_worker: bool,
    size: int,
    after: tuple[Any, ...] | None,
) -> Listed:
    """Open allocations, oldest acceptance first."""
    given = work.asking | {"case_id": case_id, "status": status, "needs_worker": needs_worker}
    at, last = after or (None, None)
    rows = await _ALLOCATIONS_PAGE.all(work.conn, **given, after_at=at, after_id=last, size=size + 1)
    return Listed(rows=rows, total=await _ALLOCATIONS_COUNT.value(work.conn, **given), on=local_date(work.now))


@query("engagement.list", by("SM, CP, IG, EW own, PP own"))
async def list_caseload(
    work: Work, *, worker_ref: str | None, status: str | None, size: int, after: tuple[Any, ...] | None
) -> Listed:
    """The engagements of a worker, or all that may be seen, oldest first."""
    given = work.asking | {"worker_ref": worker_ref, "status": status}
    on, last = after or (None, None)
    rows = await _CASELOAD_PAGE.all(work.conn, **given, after_on=on, after_id=last, size=size + 1)
    for row in rows:
        await let_see(work, AGREEMENTS, row["person_id"], ())
    return Listed(rows=rows, total=await _CASELOAD_COUNT.value(work.conn, **given), on=local_date(work.now))


@query("engagement.get", by("SM, CP, IG, EW own, PP own"))
async def get_engagement(work: Work, *, engagement_id: UUID | None, case_id: UUID | None) -> Seen:
    """One engagement, or the newest of a case. Probation sees its state and dates, without reason or outcome."""
    wanted = {"id": engagement_id} if engagement_id else {"case_id": case_id}
    found = await work.engagements.find(**wanted)
    if not found:
        raise NotFound
    engagement = found[-1]
    work.record = str(engagement.id)
    await let_see(work, AGREEMENTS, engagement.person_id, ())
    beside = await _BESIDE.one(work.conn, **work.asking, id=engagement.id)
    if work.actor.role is Role.PP:
        engagement = replace(engagement, pauses=(), outcome=None, attempts=(), attempts_before=0)
    return Seen(
        engagement=engagement,
        worker_ref=(beside["worker_ref"] if beside else None) or "",
        practitioner_ref=(beside["practitioner_ref"] if beside else None) or "",
    )


@query("external_appointment.list", by("SM, CP, IG, EW own, PP own"))
async def list_external_appointments(
    work: Work, *, case_id: UUID, after: tuple[Any, ...] = ()
) -> list[ExternalAppointment]:
    """What is still to come with partners without a house, the next first: a man has few at a time. Guests see it as
    far as their employer may know appointments."""
    held = await work.appointments.find(case_id=case_id, status=AppointmentStatus.SCHEDULED)
    if held:
        person_id = held[0].person_id
        let = await let_see(work, AGREEMENTS, person_id, APPOINTMENTS, await let_by_him(work, person_id))
        held = held if let else []
    coming = [each for each in held if each.ends_at > work.now and (each.starts_at, each.id) > after]
    return sorted(coming, key=lambda each: (each.starts_at, each.id))


@query("casework.forecast", by("SM, CP"))
async def get_forecast(work: Work) -> Forecast:
    """By programme: submitted and not decided, waiting for a worker, open; and the places there are."""
    programmes: dict[UUID, dict[str, int]] = {}
    for name, counted in _COUNTS.items():
        for row in await counted.all(work.conn, **work.asking):
            programmes.setdefault(row["programme_id"], dict.fromkeys(_COUNTS, 0))[name] = row["n"]
    places = await _PLACES.one(work.conn, **work.asking)
    return Forecast(
        programmes=programmes,
        places=int(places["places"]) if places else 0,
        taken=int(places["taken"]) if places else 0,
    )


def holding_on(trainings: list[dict[str, str]], day: date) -> list[str]:
    """The topics that hold on a day, as a list of workers shows them."""
    return sorted(each["topic"] for each in trainings if date.fromisoformat(each["valid_to"]) >= day)
