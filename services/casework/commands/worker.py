"""What may be asked about workers: registered, trained, cleared, suspended, their places (S14)."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from casework.domain.allocation.aggregate import AllocationStatus
from casework.domain.term import Recorded
from casework.domain.worker import SuspendReason, TrainingTopic, WorkerProfile, WorkerRole
from casework.storage import Work, known
from chassis.access import by
from chassis.aggregate import Conflict, Exists, NotFound
from chassis.promises import Make
from chassis.work import command

PROPOSALS = "proposals"


async def _worker(work: Work, worker_ref: str, expected: int | None) -> WorkerProfile:
    worker = await known.worker_of(work, worker_ref)
    if worker is None:
        raise NotFound
    work.record = work.record or str(worker.id)
    if expected is not None and worker.version != expected:
        raise Conflict
    return worker


@command("worker.register", by("SM"))
async def register_worker(
    work: Work, *, worker_ref: str, role: WorkerRole, organisation: str, capacity: int
) -> dict[str, str | int]:
    """A new worker; each staff id is registered once."""
    if await known.worker_of(work, worker_ref) is not None:
        raise Exists("worker_exists", "This worker is registered already.")
    worker = WorkerProfile.register(
        id=work.new_id(),
        worker_ref=worker_ref,
        role=role,
        organisation=organisation,
        capacity=capacity,
        probation=work.settings.probation_organisations,
        at=work.now,
    )
    return {"worker_id": str(worker.id), "version": await work.workers.put(worker)}


@command("worker.record_training", by("SM"))
async def record_training_complete(
    work: Work,
    *,
    worker_ref: str,
    topics: tuple[TrainingTopic, ...],
    completed_on: date,
    valid_to: date,
    expected: int,
) -> int:
    """Training that he has completed."""
    worker = await _worker(work, worker_ref, expected)
    done = worker.complete_training(topics, completed_on=completed_on, valid_to=valid_to, at=work.now)
    return await work.workers.put(done)


@command("worker.clear", by("SM"))
async def clear_worker(
    work: Work, *, worker_ref: str, vetting_valid_to: date, induction: Recorded | None, expected: int
) -> dict[str, str | int]:
    """Cleared for work by vetting, mandatory training and induction."""
    worker = await _worker(work, worker_ref, expected)
    cleared = worker.clear(
        vetting_valid_to=vetting_valid_to, induction=induction, mandatory=known.mandatory(work), at=work.now
    )
    version = await work.workers.put(cleared)
    return {"valid_to": str(cleared.valid_to), "version": version}


@command("worker.set_capacity", by("SM"))
async def set_capacity(work: Work, *, worker_ref: str, capacity: int, expected: int) -> int:
    """Other places."""
    await known.lock_worker(work, worker_ref)
    worker = await _worker(work, worker_ref, expected)
    taken = await known.taken(work, worker_ref)
    return await work.workers.put(worker.set_capacity(capacity, taken=taken, at=work.now))


@command("worker.suspend", by("SM"))
async def suspend_worker(work: Work, *, worker_ref: str, reason: SuspendReason, expected: int) -> int:
    """No more work for him; his men stand on the manager's list."""
    worker = await _worker(work, worker_ref, expected)
    return await work.workers.put(worker.suspend(reason=reason, at=work.now))


@command("worker.lapse", by("SYSTEM"))
async def lapse_worker(work: Work, worker_id: UUID) -> int:
    """The last day of his clearance is over."""
    await known.lock_profile(work, worker_id)
    worker = await work.workers.get(worker_id)
    return await work.workers.put(worker.lapse(at=work.now))


@command("worker.review_proposals", by("SYSTEM"))
async def review_proposals(work: Work, worker_id: UUID) -> int:
    """He may not be fit any more: proposals of him that no longer hold are taken back. Returns how many."""
    worker = await work.workers.get(worker_id)
    gone = 0
    for allocation in await work.allocations.find(worker_ref=worker.worker_ref, status=AllocationStatus.PROPOSED):
        verdict = await known.fitness(work, worker.worker_ref, allocation.person_id)
        if verdict.reasons:
            await work.allocations.put(allocation.take_back_proposal(verdict, at=work.now))
            gone += 1
    return gone


def look_at_proposals(work: Work, worker_id: UUID) -> None:
    """Have the house look at his proposals next: it sees them all, whoever acts here."""
    work.change(Make(PROPOSALS, due_at=work.now), aggregate_type="worker", aggregate_id=worker_id)
