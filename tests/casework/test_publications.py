"""What leaves the service: every fact that is told has its message, and no message says more than it may."""

from dataclasses import fields
from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from pydantic import TypeAdapter

from casework.domain import external_appointment, worker
from casework.domain.allocation import facts as allocation
from casework.domain.aspect import Aspect
from casework.domain.ending import ContactChannel, EndAnswers, Outcome, OutcomeGroup
from casework.domain.engagement import facts as engagement
from casework.domain.term import PauseReason, Recorded
from casework.domain.worker import WorkerRole
from casework.publications import PUBLICATIONS
from chassis.aggregate import Event
from chassis.envelope import check
from tests.casework.house import PROGRAMME

AT = datetime(2026, 3, 2, 10, tzinfo=UTC)
DAY = date(2026, 3, 2)
SECRET = "Canary-7731"
KEPT_INSIDE = {
    "TrainingCompleted",
    "TakenUp",
    "RatingRecorded",
    "EndReportShared",
}
GIVEN = {
    "at": AT,
    "worker_ref": "staff-ew-1",
    "previous_worker_ref": "staff-ew-2",
    "role": WorkerRole.EW,
    "organisation": "together",
    "capacity": 3,
    "open": 2,
    "limit": 3,
    "valid_to": DAY,
    "vetting_valid_to": DAY,
    "completed_on": DAY,
    "topics": (),
    "induction": Recorded(on=DAY, by=SECRET),
    "acceptance": 5,
    "programme_id": PROGRAMME,
    "engagement_id": UUID("0190e2a0-0000-7000-8000-0000000000e9"),
    "due_at": AT,
    "contact_due_at": AT,
    "session_due_at": AT,
    "report_due_at": AT,
    "failed_code": "worker_at_capacity",
    "handover": Recorded(on=DAY, by=SECRET),
    "starts_on": DAY,
    "ends_on": DAY,
    "passed": ("L3",),
    "promise": "L3",
    "policy_version": "casework-clocks-1",
    "planned_end_on": DAY,
    "review_due_on": DAY,
    "channel": ContactChannel.PHONE,
    "on": DAY,
    "ordinal": 1,
    "attended_session": Recorded(on=DAY, by=SECRET),
    "contact_plan": Recorded(on=DAY, by=SECRET),
    "contacts_per_week": 2,
    "began_on": DAY,
    "review_on": DAY,
    "earliest_out_on": DAY,
    "resumed_on": DAY,
    "planned_months": 12,
    "beyond_cap": False,
    "phase": engagement.RatingPhase.REVIEW,
    "ratings": (),
    "outcome": Outcome.DIED,
    "group": OutcomeGroup.ENDED_EARLY,
    "reason": SECRET,
    "agreed_by": SECRET,
    "answers": EndAnswers(end_report=Recorded(on=DAY, by=SECRET)),
    "end_report": Recorded(on=DAY, by=SECRET),
    "aspect": Aspect.GP_REGISTRATION,
    "org_id": "camden-gp",
    "starts_at": AT,
    "ends_at": AT,
}
FACTS = [
    kind
    for module in (worker, allocation, engagement, external_appointment)
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, Event) and kind not in {Event, external_appointment.Appointed}
]


def made(kind):
    given = {field.name: GIVEN[field.name] for field in fields(kind)}
    if kind is engagement.Paused:
        given["reason"] = PauseReason.RECALLED
    if kind is engagement.NeedRecorded:
        given["open"] = True
    if kind is worker.Suspended:
        given["reason"] = worker.SuspendReason.UNDER_REVIEW
    return kind(**given)


@pytest.mark.parametrize("kind", FACTS, ids=lambda kind: f"{kind.__module__.split('.')[2]}.{kind.__name__}")
def test_a_fact_is_told_or_kept_on_purpose_and_nothing_private_leaves(kind):
    messages = PUBLICATIONS.messages(made(kind))

    assert bool(messages) != (kind.__name__ in KEPT_INSIDE)
    for message in messages:
        check(message)
        text = str(message)
        assert SECRET not in text
        assert "DIED" not in text
        assert not {"RECALLED", "UNDER_REVIEW"} & set(text.replace('"', " ").split())
        unset = {field.name for field in message.DESCRIPTOR.fields} - {f.name for f, _ in message.ListFields()}
        assert unset == set()


@pytest.mark.parametrize("kind", FACTS, ids=lambda kind: kind.__name__)
def test_a_fact_is_read_back_as_it_was_kept(kind):
    adapter, fact = TypeAdapter(kind), made(kind)

    assert adapter.validate_json(adapter.dump_json(fact)) == fact


def test_a_day_that_is_not_there_is_empty():
    fact = made(engagement.EndingStarted)

    (message,) = PUBLICATIONS.messages(type(fact)(**{**vars(fact), "review_due_on": None}))

    assert message.review_due_on == ""
