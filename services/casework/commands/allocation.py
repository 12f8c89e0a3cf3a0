"""What may be asked about who works with whom (S13)."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from casework.commands.worker import look_at_proposals
from casework.domain.allocation.aggregate import Allocation, AllocationStatus
from casework.domain.engagement.aggregate import EngagementStatus
from casework.domain.fitness import Verdict
from casework.domain.term import Recorded
from casework.storage import Work, known
from chassis.access import by
from chassis.aggregate import Fault, Invalid, Unmet
from chassis.calendar import local_date
from chassis.work import command


@command("allocation.request", by("SYSTEM"))
async def request_allocation(
    work: Work,
    *,
    case_id: UUID,
    person_id: UUID,
    programme_id: UUID,
    acceptance: int,
    accepted_at: datetime,
    proposed_worker: str,
) -> int:
    """A worker is needed for this acceptance; the one named with it is judged at once."""
    if await work.allocations.find(case_id=case_id, acceptance=acceptance):
        raise Unmet("allocation_exists", "A worker is asked for already.")
    programme = await known.programme_on(work, programme_id, local_date(accepted_at))
    verdict = await known.fitness(work, proposed_worker, person_id) if proposed_worker else None
    failed = verdict.reasons[0].value if verdict and verdict.reasons else ""
    requested = Allocation.request(
        id=work.new_id(),
        case_id=case_id,
        person_id=person_id,
        programme_id=programme_id,
        programme_version=programme.version,
        acceptance=acceptance,
        accepted_at=accepted_at,
        clocks=known.clocks(work),
        failed_code=failed,
        at=work.now,
    )
    if verdict is not None and not failed:
        requested = requested.propose(verdict, at=work.now)
    return await work.allocations.put(requested)


@command("allocation.propose", by("SM"))
async def propose_worker(
    work: Work, *, allocation_id: UUID, worker_ref: str, conflict_declared: bool, expected: int
) -> int:
    """Name somebody who could take him on."""
    await known.lock_allocation(work, allocation_id)
    allocation = await work.allocations.get(allocation_id, expected)
    verdict = await known.fitness(work, worker_ref, allocation.person_id, conflict_declared=conflict_declared)
    return await work.allocations.put(allocation.propose(verdict, at=work.now))


@command("allocation.allocate", by("SM"))
async def allocate_worker(
    work: Work, *, allocation_id: UUID, worker_ref: str, conflict_declared: bool, expected: int
) -> int:
    """Name the worker; judged here and now, with his places locked."""
    await known.lock_allocation(work, allocation_id)
    allocation = await work.allocations.get(allocation_id, expected)
    others = await work.allocations.find(case_id=allocation.case_id, status=AllocationStatus.ALLOCATED)
    verdict = await known.fitness(work, worker_ref, allocation.person_id, conflict_declared=conflict_declared)
    allocated = allocation.allocate(
        verdict, other_primary=any(other.id != allocation.id for other in others), at=work.now
    )
    await _fill(work, verdict)
    return await work.allocations.put(allocated)


@command("allocation.reallocate", by("SM"))
async def reallocate_worker(
    work: Work,
    *,
    allocation_id: UUID,
    worker_ref: str,
    conflict_declared: bool,
    reason: str,
    handover: Recorded | None,
    expected: int,
) -> int:
    """Name another worker."""
    await known.lock_allocation(work, allocation_id)
    allocation = await work.allocations.get(allocation_id, expected)
    verdict = await known.fitness(work, worker_ref, allocation.person_id, conflict_declared=conflict_declared)
    return await _reallocate(work, allocation, verdict, reason=reason, handover=handover)


@command("allocation.hand_over_caseload", by("SM"))
async def hand_over_caseload(
    work: Work, *, from_worker: str, to_worker: str, reason: str, handover: Recorded | None
) -> int:
    """Hand every man of one worker whom the manager may see to another, or none; returns how many."""
    if from_worker == to_worker:
        raise Invalid(Fault("to_worker_ref", "CONFLICTS_WITH(from_worker_ref)"))
    theirs = await work.allocations.find(worker_ref=from_worker, status=AllocationStatus.ALLOCATED)
    for nth, allocation in enumerate(theirs):
        verdict = await known.fitness(work, to_worker, allocation.person_id, also_taken=nth)
        await _reallocate(work, allocation, verdict, reason=reason, handover=handover, also_taken=nth)
    return len(theirs)


async def _reallocate(
    work: Work,
    allocation: Allocation,
    verdict: Verdict,
    *,
    reason: str,
    handover: Recorded | None,
    also_taken: int = 0,
) -> int:
    """While it stands still, and before it opens, there is no handover session to hold."""
    engagement = await work.engagements.first(case_id=allocation.case_id, id=allocation.engagement_id)
    met = engagement is not None and engagement.status is not EngagementStatus.PAUSED
    moved = allocation.reallocate(verdict, reason=reason, handover=handover, met=met, at=work.now)
    await _fill(work, verdict, also_taken=also_taken)
    return await work.allocations.put(moved)


@command("allocation.set_cover", by("SM"))
async def set_worker_cover(
    work: Work, *, allocation_id: UUID, cover_ref: str, starts_on: date, ends_on: date, expected: int
) -> int:
    """Somebody covers for his worker on dated days."""
    await known.lock_allocation(work, allocation_id)
    allocation = await work.allocations.get(allocation_id, expected)
    verdict = await known.fitness(work, cover_ref, allocation.person_id)
    covered = allocation.set_cover(verdict, starts_on=starts_on, ends_on=ends_on, at=work.now)
    return await work.allocations.put(covered)


@command("allocation.miss_deadline", by("SYSTEM"))
async def miss_allocation_deadline(work: Work, allocation_id: UUID, promise: str, due_at: datetime) -> int:
    """A promise was due and is not kept."""
    await known.lock_allocation(work, allocation_id)
    allocation = await work.allocations.get(allocation_id)
    return await work.allocations.put(allocation.miss(promise, due_at=due_at, at=work.now))


async def _fill(work: Work, verdict: Verdict, *, also_taken: int = 0) -> None:
    """Where this takes the last place, proposals of the same worker no longer hold."""
    worker = await known.worker_of(work, verdict.worker_ref)
    places = await known.taken(work, verdict.worker_ref) + also_taken + 1
    if worker is not None and places >= worker.capacity:
        look_at_proposals(work, worker.id)
