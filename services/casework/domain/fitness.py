"""May this worker take this man on, and if not, why not: clearance, places, conflict (S14)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from casework.domain.worker import WorkerProfile, WorkerRole
from chassis.aggregate import Unmet


class Unfit(StrEnum):
    """Why a worker may not be given this man."""

    NOT_CLEARED = "worker_not_cleared"
    AT_CAPACITY = "worker_at_capacity"
    CONFLICT = "worker_conflict"


SENTENCES = {
    Unfit.NOT_CLEARED: "This worker is not cleared for work today.",
    Unfit.AT_CAPACITY: "This worker has no free place.",
    Unfit.CONFLICT: "This worker has a conflict of interest, or may not know of this person.",
}


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Whether a worker may take this man on, with every reason why not."""

    worker_ref: str
    role: WorkerRole = WorkerRole.EW
    reasons: tuple[Unfit, ...] = ()

    def refuse_unless_fit(self) -> None:
        """Raises the first reason."""
        for reason in self.reasons:
            raise Unmet(reason.value, SENTENCES[reason])


def judge(worker_ref: str, worker: WorkerProfile | None, *, taken: int, conflict: bool, today: date) -> Verdict:
    """May this worker take this man on? A worker nobody knows is not cleared."""
    reasons = []
    if worker is None or not worker.cleared_on(today):
        reasons.append(Unfit.NOT_CLEARED)
    if worker is not None and taken >= worker.capacity:
        reasons.append(Unfit.AT_CAPACITY)
    if conflict:
        reasons.append(Unfit.CONFLICT)
    role = worker.role if worker is not None else WorkerRole.EW
    return Verdict(worker_ref=worker_ref, role=role, reasons=tuple(reasons))
