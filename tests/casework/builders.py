"""Plausible workers, allocations and engagements; one argument to differ."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar
from uuid import UUID, uuid4

from casework.domain.allocation.aggregate import Allocation
from casework.domain.ending import ContactChannel, EndAnswers
from casework.domain.engagement.aggregate import Engagement
from casework.domain.engagement.opening import open_engagement
from casework.domain.fitness import Verdict
from casework.domain.term import Clocks, Recorded, Terms
from casework.domain.worker import TrainingTopic, WorkerProfile, WorkerRole
from chassis.aggregate import Aggregate

A = TypeVar("A", bound=Aggregate)
NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)  # a Monday
CLOCKS = Clocks(version="clocks-1")
TERMS = Terms(planned_months=12, cap_months=18)
PROGRAMME = UUID("0190e2a0-0000-7000-8000-0000000000e1")
MANDATORY = frozenset({TrainingTopic.SAFEGUARDING, TrainingTopic.LONE_WORKING})
PROBATION = frozenset({"probation"})


def stored(value: A) -> A:
    """The value as a repository gives it back: at its new version, its news told."""
    return replace(value, version=value.version + len(value.news), news=())


def a_worker(**changes) -> WorkerProfile:
    worker = WorkerProfile.register(
        id=uuid4(),
        worker_ref=changes.pop("worker_ref", "staff-ew-1"),
        role=WorkerRole.EW,
        organisation="together",
        capacity=changes.pop("capacity", 2),
        probation=PROBATION,
        at=NOW,
    )
    return replace(stored(worker), **changes)


def a_cleared_worker(*, at: datetime = NOW, valid_to: date | None = None, **changes) -> WorkerProfile:
    today = at.date()
    last = valid_to or today + timedelta(days=365)
    trained = a_worker(**changes).complete_training(
        tuple(MANDATORY), completed_on=today, valid_to=today + timedelta(days=700), at=at
    )
    return stored(
        trained.clear(
            vetting_valid_to=last,
            induction=Recorded(on=today, by="staff-sm-1"),
            mandatory=MANDATORY,
            at=at,
        )
    )


def fit(worker_ref: str = "staff-ew-1") -> Verdict:
    return Verdict(worker_ref=worker_ref)


def an_allocation(**changes) -> Allocation:
    given = {
        "id": uuid4(),
        "case_id": uuid4(),
        "person_id": uuid4(),
        "programme_id": PROGRAMME,
        "programme_version": 1,
        "acceptance": 5,
        "accepted_at": NOW,
        "clocks": CLOCKS,
        "at": NOW,
    }
    return stored(Allocation.request(**given | changes))


def an_allocated(worker_ref: str = "staff-ew-1", **changes) -> Allocation:
    return stored(an_allocation(**changes).allocate(fit(worker_ref), other_primary=False, at=NOW))


def an_engagement(*, at: datetime = NOW, terms: Terms = TERMS, **changes) -> Engagement:
    opened = open_engagement(id=uuid4(), allocation=an_allocated(), participates=True, terms=terms, at=at)
    return replace(stored(opened), **changes)


def engaging(engagement: Engagement, *, at: datetime = NOW) -> Engagement:
    return stored(engagement.record_contact_attempt(ContactChannel.PHONE, on=None, safe_contact=True, at=at))


def active(engagement: Engagement, *, at: datetime = NOW) -> Engagement:
    return stored(
        engaging(engagement, at=at).agree_support(
            attended_session=answered(at), contact_plan=answered(at), contacts_per_week=2, at=at
        )
    )


def answered(at: datetime = NOW) -> Recorded:
    return Recorded(on=at.date(), by="staff-ew-1")


def all_answers(at: datetime = NOW) -> EndAnswers:
    return EndAnswers(
        ending_session=answered(at),
        final_ratings=answered(at),
        handoffs_settled=answered(at),
        end_report=answered(at),
    )
