from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from casework.domain.allocation import facts
from casework.domain.allocation.aggregate import AllocationStatus
from casework.domain.fitness import Unfit, Verdict
from casework.domain.term import Recorded
from chassis.aggregate import Invalid, Unmet
from tests.casework.builders import NOW, an_allocated, an_allocation, answered, fit, stored

UNFIT = Verdict(worker_ref="staff-ew-2", reasons=(Unfit.AT_CAPACITY,))
TODAY = NOW.date()


def test_the_promises_of_a_request_count_from_the_acceptance():
    # Accepted on Monday 2 March at 10:00: three, five and ten working days.
    allocation = an_allocation()

    assert allocation.due_at == datetime(2026, 3, 6, tzinfo=UTC)
    assert allocation.contact_due_at == datetime(2026, 3, 10, tzinfo=UTC)
    assert allocation.session_due_at == datetime(2026, 3, 17, tzinfo=UTC)


def test_a_worker_is_proposed_only_while_one_is_asked_for():
    proposed = stored(an_allocation().propose(fit(), at=NOW))

    with pytest.raises(Unmet) as again:
        proposed.propose(fit("staff-ew-2"), at=NOW)
    with pytest.raises(Unmet) as unfit:
        an_allocation().propose(UNFIT, at=NOW)

    assert proposed.status is AllocationStatus.PROPOSED
    assert (again.value.reason, unfit.value.reason) == ("invalid_transition", "worker_at_capacity")


def test_a_proposal_that_no_longer_holds_is_asked_for_anew_with_its_code():
    proposed = stored(an_allocation().propose(fit("staff-ew-2"), at=NOW))

    again = proposed.take_back_proposal(UNFIT, at=NOW)

    assert (again.status, again.worker_ref, again.failed_code) == (
        AllocationStatus.REQUESTED,
        None,
        "worker_at_capacity",
    )
    with pytest.raises(Unmet):
        proposed.take_back_proposal(fit("staff-ew-2"), at=NOW)


def test_another_worker_than_the_one_proposed_may_be_named():
    proposed = stored(an_allocation().propose(fit(), at=NOW))

    assert proposed.allocate(fit("staff-ew-2"), other_primary=False, at=NOW).worker_ref == "staff-ew-2"


@pytest.mark.parametrize("other_primary", [True, False])
def test_there_is_one_primary_worker_at_a_time(other_primary):
    allocation = an_allocation() if other_primary else an_allocated()

    with pytest.raises(Unmet) as refusal:
        allocation.allocate(fit("staff-ew-2"), other_primary=other_primary, at=NOW)

    assert refusal.value.reason == "primary_exists"


def test_an_unfit_worker_is_refused_with_the_first_reason():
    with pytest.raises(Unmet) as refusal:
        an_allocation().allocate(UNFIT, other_primary=False, at=NOW)

    assert refusal.value.reason == "worker_at_capacity"


def test_after_the_end_every_command_is_refused():
    ended = stored(an_allocated().end(at=NOW))

    for attempt in (
        lambda: ended.propose(fit(), at=NOW),
        lambda: ended.allocate(fit(), other_primary=False, at=NOW),
        lambda: ended.reallocate(fit("staff-ew-2"), reason="leave", handover=answered(), met=True, at=NOW),
        lambda: ended.set_cover(fit("staff-ew-2"), starts_on=TODAY, ends_on=TODAY, at=NOW),
        lambda: ended.take_up(uuid4(), at=NOW),
        lambda: ended.end(at=NOW),
    ):
        with pytest.raises(Unmet) as refusal:
            attempt()
        assert refusal.value.reason == "allocation_ended"


def test_once_they_have_met_another_worker_needs_a_handover():
    allocated = an_allocated()

    with pytest.raises(Unmet) as refusal:
        allocated.reallocate(fit("staff-ew-2"), reason="leave", handover=None, met=True, at=NOW)
    unmet = allocated.reallocate(fit("staff-ew-2"), reason="leave", handover=None, met=False, at=NOW)

    assert refusal.value.reason == "handover_missing"
    assert unmet.news[0].previous_worker_ref == "staff-ew-1"


def test_the_same_worker_is_no_reallocation():
    with pytest.raises(Invalid):
        an_allocated().reallocate(fit(), reason="leave", handover=answered(), met=True, at=NOW)


def test_a_new_worker_ends_the_cover_of_the_one_before():
    covered = stored(an_allocated().set_cover(fit("staff-ew-3"), starts_on=TODAY, ends_on=TODAY, at=NOW))

    moved = covered.reallocate(fit("staff-ew-2"), reason="leave", handover=answered(), met=True, at=NOW)

    assert (moved.cover_ref, moved.cover_from, moved.cover_to) == (None, None, None)


def test_a_full_worker_may_cover_but_one_who_is_not_cleared_may_not():
    covered = an_allocated().set_cover(UNFIT, starts_on=TODAY, ends_on=TODAY, at=NOW)

    assert covered.cover_ref == "staff-ew-2"
    with pytest.raises(Unmet) as refusal:
        an_allocated().set_cover(replace(UNFIT, reasons=(Unfit.NOT_CLEARED,)), starts_on=TODAY, ends_on=TODAY, at=NOW)
    assert refusal.value.reason == "worker_not_cleared"


@pytest.mark.parametrize(
    ("first", "last", "cover", "faults"),
    [
        (0, 0, "staff-ew-2", set()),
        (3, 1, "staff-ew-2", {("ends_on", "BEFORE_START")}),
        (-3, -1, "staff-ew-2", {("ends_on", "IN_PAST")}),
        (0, 400, "staff-ew-1", {("ends_on", "OUT_OF_RANGE"), ("cover_ref", "CONFLICTS_WITH(worker_ref)")}),
    ],
)
def test_the_days_of_a_cover(first, last, cover, faults):
    found = set()
    try:
        an_allocated().set_cover(
            fit(cover),
            starts_on=TODAY + timedelta(days=first),
            ends_on=TODAY + timedelta(days=last),
            at=NOW,
        )
    except Invalid as refusal:
        found = {(f.path, f.code) for f in refusal.fields}

    assert found == faults


@pytest.mark.parametrize(("days", "passed"), [(0, ("L3", "L4")), (8, ("L4",)), (20, ())])
def test_promises_that_are_late_already_stay_with_the_allocation(days, passed):
    taken_up = an_allocated().take_up(uuid4(), at=NOW + timedelta(days=days))

    assert taken_up.news[0].passed == passed


def test_an_allocation_is_taken_up_once():
    taken_up = stored(an_allocated().take_up(uuid4(), at=NOW))

    with pytest.raises(Unmet) as refusal:
        taken_up.take_up(uuid4(), at=NOW)

    assert refusal.value.reason == "engagement_exists"


def test_for_a_reopened_engagement_the_allocation_promises_the_worker_alone():
    from casework.domain.allocation.aggregate import Allocation
    from tests.casework.builders import CLOCKS, PROGRAMME

    requested = Allocation.request(
        id=uuid4(),
        case_id=uuid4(),
        person_id=uuid4(),
        programme_id=PROGRAMME,
        programme_version=1,
        acceptance=5,
        accepted_at=NOW,
        clocks=CLOCKS,
        engagement_id=uuid4(),
        at=NOW,
    )

    fact = requested.news[0]
    assert isinstance(fact, facts.Requested)
    assert (fact.due_at, fact.contact_due_at, fact.session_due_at) == (requested.due_at, None, None)


def test_a_promise_is_not_missed_before_it_is_due():
    allocation = an_allocation()

    with pytest.raises(Unmet) as refusal:
        allocation.miss("L18", due_at=allocation.due_at, at=allocation.due_at - timedelta(seconds=1))

    assert refusal.value.reason == "not_due"
    assert allocation.miss("L18", due_at=allocation.due_at, at=allocation.due_at).news[0].promise == "L18"


def test_the_handover_is_kept_in_the_fact():
    fact = an_allocated().reallocate(fit("staff-ew-2"), reason="leave", handover=answered(), met=True, at=NOW).news[0]

    assert fact.handover == Recorded(on=TODAY, by="staff-ew-1")
