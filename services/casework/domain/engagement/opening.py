"""How an engagement begins, and begins again within 90 days of its close (S10)."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from casework.domain.allocation.aggregate import Allocation, AllocationStatus
from casework.domain.ending import Outcome
from casework.domain.engagement import facts
from casework.domain.engagement.aggregate import Engagement, S
from casework.domain.term import Clocks, Terms, due, next_review
from chassis.aggregate import Unmet
from chassis.calendar import local_date

REOPEN_WITHIN = timedelta(days=90)


def open_engagement(*, id: UUID, allocation: Allocation, participates: bool, terms: Terms, at: datetime) -> Engagement:
    """Begin, for an allocation that has its worker and a man who agrees to take part."""
    if allocation.status is AllocationStatus.ENDED:
        raise Unmet("allocation_ended", "This allocation has ended.")
    if allocation.status is not AllocationStatus.ALLOCATED:
        raise Unmet("worker_not_allocated", "No worker is named for this case yet.")
    _refuse_without_consent(participates=participates)
    today = local_date(at)
    new = Engagement(
        id=id,
        case_id=allocation.case_id,
        person_id=allocation.person_id,
        programme_id=allocation.programme_id,
        allocation_id=allocation.id,
        acceptance=allocation.acceptance,
        started_on=today,
        planned_months=terms.planned_months,
        cap_months=terms.cap_months,
        counts_pauses=terms.counts_pauses,
        planned_end_on=terms.planned_end(today, (), today),
        cap_on=terms.cap(today, (), today),
        review_due_on=next_review(today, today),
        clocks_version=allocation.clocks_version,
    )
    fact = facts.Opened(
        acceptance=new.acceptance,
        programme_id=new.programme_id,
        planned_end_on=new.planned_end_on,
        review_due_on=new.review_due_on,
        contact_due_at=allocation.contact_due_at if allocation.contact_due_at > at else None,
        session_due_at=allocation.session_due_at if allocation.session_due_at > at else None,
        at=at,
    )
    return new.telling(fact)


def reopen(
    engagement: Engagement,
    *,
    participates: bool,
    allocation_id: UUID,
    searching: bool,
    clocks: Clocks,
    at: datetime,
) -> Engagement:
    """It goes on, within 90 days of its close, while no other worker is searched for this case."""
    engagement.must_be(S.CLOSED)
    today = local_date(at)
    if engagement.outcome is Outcome.DIED:
        raise Unmet("invalid_transition", "An engagement that ended by a death is not reopened.")
    if engagement.closed_on is None or today > engagement.closed_on + REOPEN_WITHIN:
        raise Unmet("reopen_window_passed", "More than 90 days have passed. Start a new referral.")
    _refuse_without_consent(participates=participates)
    if searching:
        raise Unmet("allocation_exists", "A worker is searched or named for this case already.")
    dates = engagement.dates(engagement.pauses, today)
    review = next_review(engagement.started_on, today)
    fact = facts.Reopened(
        acceptance=engagement.acceptance,
        programme_id=engagement.programme_id,
        planned_end_on=dates["planned_end_on"],
        review_due_on=review,
        contact_due_at=due(at, clocks.contact_days),
        session_due_at=due(at, clocks.session_days),
        at=at,
    )
    return engagement.telling(
        fact,
        status=S.OPENED,
        allocation_id=allocation_id,
        review_due_on=review,
        attempts=(),
        attempts_before=engagement.ordinal,
        contacts_per_week=None,
        outcome=None,
        rated_at_end=False,
        report_shared_on=None,
        closed_on=None,
        **dates,
    )


def _refuse_without_consent(*, participates: bool) -> None:
    if not participates:
        raise Unmet("consent_missing", "He has not agreed to take part, as far as is known here.")
