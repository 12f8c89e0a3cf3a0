"""What a command must know beyond its own record: what others told, whose places are taken; and the locks for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import ARRAY, Table, Uuid, and_, any_, bindparam, func, or_, select

from casework.domain.allocation.aggregate import OPEN, Allocation, AllocationStatus
from casework.domain.fitness import Verdict, judge
from casework.domain.term import Clocks, Terms
from casework.domain.worker import TrainingTopic, WorkerProfile
from casework.storage import (
    Work,
    access_list_table,
    allocation_table,
    consents_table,
    engagement_table,
    programmes_table,
    safe_contact_table,
    worker_table,
)
from casework.storage.appointments import onward_state_table, onward_table
from chassis.access import Consent, Lists, OneMan, Role, newest, one_man
from chassis.aggregate import Unmet
from chassis.calendar import local_date
from chassis.database import Statement, statement

OWNER = "referral"

_PARTICIPATE = select(consents_table.c.state).where(
    consents_table.c.person_id == bindparam("person_id"),
    consents_table.c.purpose == "PARTICIPATE",
    consents_table.c.programme_id == bindparam("programme_id"),
)
# Shared by whoever relies on it, exclusive for whoever acts on its end: the two cannot pass each other unseen.
_PARTICIPATES = statement(_PARTICIPATE.with_for_update(read=True))
_STOPPING = statement(_PARTICIPATE.with_for_update())
_PROGRAMME = statement(
    select(programmes_table)
    .where(
        programmes_table.c.programme_id == bindparam("programme_id"),
        programmes_table.c.valid_from <= bindparam("day"),
    )
    .order_by(programmes_table.c.valid_from.desc(), programmes_table.c.version.desc())
    .limit(1)
)
_VERSION = statement(
    select(programmes_table).where(
        programmes_table.c.programme_id == bindparam("programme_id"),
        programmes_table.c.version == bindparam("version"),
    )
)
_SAFE = statement(
    select(safe_contact_table.c.person_id).where(
        safe_contact_table.c.person_id == bindparam("person_id"),
        func.jsonb_array_length(safe_contact_table.c.channels) > 0,
    )
)
_LISTS = statement(
    select(access_list_table.c.list, access_list_table.c.entries).where(
        access_list_table.c.person_id == any_(bindparam("people", type_=ARRAY(Uuid)))
    )
)
_SHARED = statement(
    select(consents_table)
    .where(consents_table.c.person_id == bindparam("person_id"), consents_table.c.purpose == "SHARE")
    .order_by(consents_table.c.version)
)
# Until the other house has decided, work offered to it is still ours; a transfer until it has begun.
_UNDECIDED = ("OFFERED", "RECEIVED")
_UNSETTLED = or_(
    onward_state_table.c.state.in_(_UNDECIDED),
    and_(onward_state_table.c.state == "ACCEPTED", onward_table.c.kind == "TRANSFER"),
)
_SETTLED = statement(
    select(func.bool_and(~_UNSETTLED))
    .select_from(onward_table.join(onward_state_table, onward_table.c.handoff_id == onward_state_table.c.handoff_id))
    .where(onward_table.c.case_id == bindparam("case_id"))
)
_TAKEN = statement(
    select(func.count())
    .select_from(allocation_table)
    .where(allocation_table.c.worker_ref == bindparam("worker_ref"), allocation_table.c.status == "ALLOCATED")
)


def _locking(table: Table, column: str) -> Statement:
    """Locks rows until the commit, in order of their ids, so that two works never wait for each other."""
    wanted = table.c[column] == bindparam(column)
    return statement(select(table.c.id).where(wanted).order_by(table.c.id).with_for_update())


_LOCK_WORKER, _LOCK_PROFILE = _locking(worker_table, "worker_ref"), _locking(worker_table, "id")
_LOCK_ALLOCATION, _LOCK_CASE = _locking(allocation_table, "id"), _locking(allocation_table, "case_id")
_LOCK_PROPOSALS = statement(
    select(allocation_table.c.id)
    .where(allocation_table.c.worker_ref == bindparam("worker_ref"), allocation_table.c.status == "PROPOSED")
    .order_by(allocation_table.c.id)
    .with_for_update()
)
_LOCK_ENGAGEMENT = _locking(engagement_table, "id")
_LOCK_ENGAGEMENTS = _locking(engagement_table, "case_id")
_LOCK_ENGAGEMENTS_OF = _locking(engagement_table, "person_id")


@dataclass(frozen=True, kw_only=True)
class ProgrammeVersion:
    """The rules of a programme in one of its versions."""

    version: int
    terms: Terms


def clocks(work: Work) -> Clocks:
    """The lengths of this service's promises."""
    settings = work.settings
    return Clocks(
        version=settings.casework_clocks_version,
        worker_days=settings.worker_named_days,
        contact_days=settings.first_contact_days,
        session_days=settings.first_session_days,
        report_days=settings.end_report_days,
    )


def mandatory(work: Work) -> frozenset[TrainingTopic]:
    """The training nobody is cleared without."""
    return frozenset(TrainingTopic(topic) for topic in work.settings.mandatory_training)


async def participates(work: Work, person_id: UUID, programme_id: UUID) -> bool:
    """Whether he agrees to take part, as last heard of the record he goes on by; not while facts about him, under
    whichever record, are parked or held here."""
    agreed = await has_agreed(work, person_id, programme_id)
    return agreed and not await _waiting(work, await one_man(work.conn, person_id))


async def has_agreed(work: Work, person_id: UUID, programme_id: UUID) -> bool:
    """Whether the record he goes on by says that he takes part, be it that facts about him wait."""
    man = await one_man(work.conn, person_id)
    state = await _PARTICIPATES.value(work.conn, person_id=man.goes_by, programme_id=str(programme_id))
    return bool(state == "GRANTED")


async def _waiting(work: Work, man: OneMan) -> bool:
    for person_id in man.records:
        if await work.blocked(OWNER, person_id):
            return True
    return False


async def lock_participation(work: Work, person_id: UUID, programme_id: UUID) -> None:
    """Wait for whoever opens something on his agreement just now, and keep others from it until the commit."""
    await _STOPPING.all(work.conn, person_id=person_id, programme_id=str(programme_id))


async def programme_on(work: Work, programme_id: UUID, day: date) -> ProgrammeVersion:
    """The version in force on a day, as heard; refused `programme_unknown` until it is."""
    row = await _PROGRAMME.one(work.conn, programme_id=programme_id, day=day)
    return _programme(row)


async def programme_version(work: Work, programme_id: UUID, version: int) -> ProgrammeVersion:
    """The version a case was accepted under."""
    return _programme(await _VERSION.one(work.conn, programme_id=programme_id, version=version))


def _programme(row: object) -> ProgrammeVersion:
    if row is None:
        raise Unmet("programme_unknown", "This version of the programme has not been heard of yet.")
    held = dict(row)  # type: ignore[call-overload]
    terms = Terms(
        planned_months=held["planned_months"],
        cap_months=held["cap_months"],
        counts_pauses=held["counted_pauses"],
    )
    return ProgrammeVersion(version=held["version"], terms=terms)


async def let_by_him(work: Work, person_id: UUID) -> Mapping[str, Consent]:
    """What he lets each recipient know, by his newest answer as heard of the record he goes on by; nothing while facts
    of him wait here."""
    man = await one_man(work.conn, person_id)
    if await _waiting(work, man):
        return {}
    rows = await _SHARED.all(work.conn, person_id=man.goes_by)
    return newest(
        Consent(
            recipient=row["recipient"],
            categories=frozenset(row["scope"].split()),
            version=row["version"],
            granted=row["state"] == "GRANTED",
            review_on=row["review_on"],
        )
        for row in rows
    )


async def safe_contact_set(work: Work, person_id: UUID) -> bool:
    """Whether it is agreed, under the record he goes on by, how he can be reached safely, by any channel."""
    man = await one_man(work.conn, person_id)
    return await _SAFE.value(work.conn, person_id=man.goes_by) is not None


async def handoffs_settled(work: Work, case_id: UUID) -> bool | None:
    """Whether everything offered to other houses is settled, as last heard; None where nothing was offered."""
    settled: bool | None = await _SETTLED.value(work.conn, case_id=case_id)
    return settled


async def taken(work: Work, worker_ref: str) -> int:
    """How many places of a worker are taken, whoever may see them.

    The house sees them all, what it changes in this work included; others are told what is stored.
    """
    if work.actor.role is Role.SYSTEM:
        return len(await work.allocations.find(worker_ref=worker_ref, status=AllocationStatus.ALLOCATED))
    return int(await _TAKEN.value(work.conn, worker_ref=worker_ref))


async def lock_worker(work: Work, worker_ref: str) -> None:
    """Nobody else takes a place of this worker until the commit."""
    await _LOCK_WORKER.all(work.conn, worker_ref=worker_ref)


async def lock_profile(work: Work, worker_id: UUID) -> None:
    """Nobody else changes this worker until the commit."""
    await _LOCK_PROFILE.all(work.conn, id=worker_id)


async def lock_allocation(work: Work, allocation_id: UUID) -> None:
    """Nobody else ends, names or takes up this allocation until the commit."""
    await _LOCK_ALLOCATION.all(work.conn, id=allocation_id)


async def open_allocations(work: Work, case_id: UUID) -> list[Allocation]:
    """The allocations of a case that have not ended; none of them ends or begins elsewhere before the commit."""
    await _LOCK_CASE.all(work.conn, case_id=case_id)
    return await work.allocations.find(case_id=case_id, status=OPEN)


async def lock_proposals(work: Work, worker_ref: str) -> None:
    """The same for every allocation for which this worker is proposed."""
    await _LOCK_PROPOSALS.all(work.conn, worker_ref=worker_ref)


async def lock_engagement(work: Work, engagement_id: UUID) -> None:
    """Nobody else changes this engagement until the commit."""
    await _LOCK_ENGAGEMENT.all(work.conn, id=engagement_id)


async def lock_engagements(work: Work, case_id: UUID) -> None:
    """The same for every engagement of a case."""
    await _LOCK_ENGAGEMENTS.all(work.conn, case_id=case_id)


async def lock_engagements_of(work: Work, person_id: UUID) -> None:
    """The same for every engagement of a man."""
    await _LOCK_ENGAGEMENTS_OF.all(work.conn, person_id=person_id)


async def worker_of(work: Work, worker_ref: str) -> WorkerProfile | None:
    """The profile of a worker, or None."""
    return await work.workers.first(worker_ref=worker_ref)


async def fitness(
    work: Work, worker_ref: str, person_id: UUID, *, conflict_declared: bool = False, also_taken: int = 0
) -> Verdict:
    """May this worker take this man on, with his row locked: his places cannot be taken twice."""
    await lock_worker(work, worker_ref)
    worker = await worker_of(work, worker_ref)
    organisation = worker.organisation if worker else ""
    conflict = conflict_declared or await _hidden_from(work, person_id, worker_ref, organisation)
    places = await taken(work, worker_ref) + also_taken
    return judge(worker_ref, worker, taken=places, conflict=conflict, today=local_date(work.now))


async def _hidden_from(work: Work, person_id: UUID, worker_ref: str, organisation: str) -> bool:
    """Whether the man's lists, those of every record of his, keep him from this worker; while they are not known for
    sure, they do."""
    man = await one_man(work.conn, person_id)
    if await _waiting(work, man):
        return True
    rows = await _LISTS.all(work.conn, people=list(man.records))
    return Lists.of((row["list"], row["entries"]) for row in rows).keep_out(worker_ref, organisation)
