"""Who works with whom: the search for a worker for one acceptance, and his part until it ends (S13)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Self
from uuid import UUID

from casework.domain.allocation import facts
from casework.domain.fitness import Unfit, Verdict
from casework.domain.term import Clocks, Recorded, due
from casework.domain.worker import WorkerRole
from chassis.aggregate import Aggregate, Fault, Invalid, Unmet
from chassis.calendar import local_date

COVER_DAYS_AHEAD = 366


class AllocationStatus(StrEnum):
    """Where the search stands."""

    REQUESTED = "REQUESTED"
    PROPOSED = "PROPOSED"
    ALLOCATED = "ALLOCATED"
    ENDED = "ENDED"


OPEN = (AllocationStatus.REQUESTED, AllocationStatus.PROPOSED, AllocationStatus.ALLOCATED)


@dataclass(frozen=True, kw_only=True)
class Allocation(Aggregate):
    """The answer to one acceptance: requested, proposed, allocated, ended."""

    case_id: UUID
    person_id: UUID
    programme_id: UUID
    programme_version: int
    acceptance: int
    accepted_at: datetime
    due_at: datetime
    contact_due_at: datetime
    session_due_at: datetime
    clocks_version: str
    status: AllocationStatus = AllocationStatus.REQUESTED
    worker_ref: str | None = None
    worker_role: WorkerRole | None = None
    failed_code: str | None = None
    cover_ref: str | None = None
    cover_from: date | None = None
    cover_to: date | None = None
    engagement_id: UUID | None = None
    ended_at: datetime | None = None

    @classmethod
    def request(
        cls,
        *,
        id: UUID,
        case_id: UUID,
        person_id: UUID,
        programme_id: UUID,
        programme_version: int,
        acceptance: int,
        accepted_at: datetime,
        clocks: Clocks,
        at: datetime,
        engagement_id: UUID | None = None,
        failed_code: str = "",
    ) -> Self:
        """A worker is needed. With `engagement_id` it is for an engagement that was reopened."""
        new = cls(
            id=id,
            case_id=case_id,
            person_id=person_id,
            programme_id=programme_id,
            programme_version=programme_version,
            acceptance=acceptance,
            accepted_at=accepted_at,
            due_at=due(accepted_at, clocks.worker_days),
            contact_due_at=due(accepted_at, clocks.contact_days),
            session_due_at=due(accepted_at, clocks.session_days),
            clocks_version=clocks.version,
            engagement_id=engagement_id,
            failed_code=failed_code or None,
        )
        own = engagement_id is None
        fact = facts.Requested(
            acceptance=acceptance,
            programme_id=programme_id,
            due_at=new.due_at,
            contact_due_at=new.contact_due_at if own else None,
            session_due_at=new.session_due_at if own else None,
            failed_code=failed_code,
            at=at,
        )
        return new.telling(fact)

    def propose(self, verdict: Verdict, *, at: datetime) -> Self:
        """Name somebody who could; the manager allocates."""
        self._must_be(AllocationStatus.REQUESTED)
        verdict.refuse_unless_fit()
        return self.telling(
            facts.Proposed(acceptance=self.acceptance, worker_ref=verdict.worker_ref, due_at=self.due_at, at=at),
            status=AllocationStatus.PROPOSED,
            worker_ref=verdict.worker_ref,
            worker_role=verdict.role,
            failed_code=None,
        )

    def take_back_proposal(self, verdict: Verdict, *, at: datetime) -> Self:
        """The worker proposed is not fit any more: asked for anew, with the code."""
        self._must_be(AllocationStatus.PROPOSED)
        if not verdict.reasons:
            raise Unmet("invalid_transition", "The worker proposed is still fit.")
        code = verdict.reasons[0].value
        fact = facts.ProposalFailed(
            acceptance=self.acceptance,
            programme_id=self.programme_id,
            worker_ref=verdict.worker_ref,
            due_at=self.due_at,
            failed_code=code,
            at=at,
        )
        return self.telling(
            fact, status=AllocationStatus.REQUESTED, worker_ref=None, worker_role=None, failed_code=code
        )

    def allocate(self, verdict: Verdict, *, other_primary: bool, at: datetime) -> Self:
        """Name the worker: one primary at a time."""
        self._must_not_be_ended()
        if self.status is AllocationStatus.ALLOCATED or other_primary:
            raise Unmet("primary_exists", "Another worker is named for this person. Reallocate instead.")
        verdict.refuse_unless_fit()
        return self.telling(
            facts.Allocated(acceptance=self.acceptance, worker_ref=verdict.worker_ref, role=verdict.role, at=at),
            status=AllocationStatus.ALLOCATED,
            worker_ref=verdict.worker_ref,
            worker_role=verdict.role,
            failed_code=None,
        )

    def reallocate(self, verdict: Verdict, *, reason: str, handover: Recorded | None, met: bool, at: datetime) -> Self:
        """Name another worker; where person and worker have `met`, a handover session goes with it."""
        self._must_be(AllocationStatus.ALLOCATED)
        if verdict.worker_ref == self.worker_ref:
            raise Invalid(Fault("worker_ref", "CONFLICTS_WITH(worker_ref)"))
        verdict.refuse_unless_fit()
        if met and handover is None:
            raise Unmet("handover_missing", "Say when the handover session is held, and by whom.")
        fact = facts.Reallocated(
            acceptance=self.acceptance,
            worker_ref=verdict.worker_ref,
            role=verdict.role,
            previous_worker_ref=self.worker_ref or "",
            reason=reason,
            handover=handover,
            at=at,
        )
        return self.telling(
            fact,
            worker_ref=verdict.worker_ref,
            worker_role=verdict.role,
            cover_ref=None,
            cover_from=None,
            cover_to=None,
        )

    def set_cover(self, verdict: Verdict, *, starts_on: date, ends_on: date, at: datetime) -> Self:
        """Somebody covers from the first to the last day; places do not matter for it."""
        self._must_be(AllocationStatus.ALLOCATED)
        today = local_date(at)
        faults = [Fault("ends_on", "BEFORE_START")] if ends_on < starts_on else []
        faults += [Fault("ends_on", "IN_PAST")] if ends_on < today else []
        faults += [Fault("ends_on", "OUT_OF_RANGE")] if ends_on > today + timedelta(days=COVER_DAYS_AHEAD) else []
        faults += [Fault("cover_ref", "CONFLICTS_WITH(worker_ref)")] if verdict.worker_ref == self.worker_ref else []
        if faults:
            raise Invalid(*faults)
        without_places = tuple(reason for reason in verdict.reasons if reason is not Unfit.AT_CAPACITY)
        replace(verdict, reasons=without_places).refuse_unless_fit()
        fact = facts.CoverSet(
            acceptance=self.acceptance,
            worker_ref=verdict.worker_ref,
            role=verdict.role,
            starts_on=starts_on,
            ends_on=ends_on,
            at=at,
        )
        return self.telling(fact, cover_ref=verdict.worker_ref, cover_from=starts_on, cover_to=ends_on)

    def take_up(self, engagement_id: UUID, *, at: datetime) -> Self:
        """The engagement opens; promises that are not late yet pass to it, late ones stay to be told here."""
        self._must_be(AllocationStatus.ALLOCATED)
        if self.engagement_id is not None:
            raise Unmet("engagement_exists", "The engagement of this allocation is open already.")
        clocks = {"L3": self.contact_due_at, "L4": self.session_due_at}
        passed = tuple(code for code, due_at in clocks.items() if due_at > at)
        return self.telling(
            facts.TakenUp(engagement_id=engagement_id, passed=passed, at=at), engagement_id=engagement_id
        )

    def end(self, *, at: datetime) -> Self:
        """The referral ended or the engagement closed."""
        self._must_not_be_ended()
        return self.telling(facts.Ended(acceptance=self.acceptance, at=at), status=AllocationStatus.ENDED, ended_at=at)

    def miss(self, promise: str, *, due_at: datetime, at: datetime) -> Self:
        """The timer's word that a promise was due and is not kept."""
        if at < due_at:
            raise Unmet("not_due", "This promise is not due yet.")
        return self.telling(
            facts.DeadlineMissed(promise=promise, due_at=due_at, policy_version=self.clocks_version, at=at)
        )

    def _must_not_be_ended(self) -> None:
        if self.status is AllocationStatus.ENDED:
            raise Unmet("allocation_ended", "This allocation has ended.")

    def _must_be(self, *allowed: AllocationStatus) -> None:
        self._must_not_be_ended()
        if self.status not in allowed:
            raise Unmet("invalid_transition", "The allocation is not at a point where this can be done.")
