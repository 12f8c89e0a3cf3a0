from datetime import date, timedelta
from uuid import uuid4

import pytest

from casework.domain.fitness import Unfit, judge
from casework.domain.term import Recorded
from casework.domain.worker import (
    CapacityChanged,
    Cleared,
    Lapsed,
    SuspendReason,
    TrainingTopic,
    WorkerProfile,
    WorkerRole,
    WorkerStatus,
)
from chassis.aggregate import Invalid, Unmet
from chassis.calendar import end_of_day
from tests.casework.builders import MANDATORY, NOW, PROBATION, a_cleared_worker, a_worker, stored

TODAY = NOW.date()
INDUCTION = Recorded(on=TODAY, by="staff-sm-1")


def _register(**changes):
    given = {"worker_ref": "staff-ew-1", "organisation": "together", "capacity": 3}
    return WorkerProfile.register(id=uuid4(), role=WorkerRole.EW, probation=PROBATION, at=NOW, **given | changes)


def _trained(worker, *topics, days=400):
    return stored(worker.complete_training(topics, completed_on=TODAY, valid_to=TODAY + timedelta(days=days), at=NOW))


def _clear(worker, **changes):
    given = {"vetting_valid_to": TODAY + timedelta(days=90), "induction": INDUCTION}
    return worker.clear(mandatory=MANDATORY, at=NOW, **given | changes)


def test_a_worker_is_not_employed_by_probation():
    with pytest.raises(Unmet) as refusal:
        _register(organisation="probation")

    assert refusal.value.reason == "employed_by_probation"
    assert _register(organisation="sig-penrose").status is WorkerStatus.REGISTERED


@pytest.mark.parametrize("capacity", [-1, 61])
def test_places_are_within_bounds(capacity):
    with pytest.raises(Invalid) as refusal:
        _register(capacity=capacity)

    assert [(f.path, f.code) for f in refusal.value.fields] == [("capacity", "OUT_OF_RANGE")]


def test_clearance_holds_until_the_first_of_vetting_and_mandatory_training_runs_out():
    worker = _trained(a_worker(), TrainingTopic.SAFEGUARDING, days=400)
    worker = _trained(worker, TrainingTopic.LONE_WORKING, days=30)
    worker = _trained(worker, TrainingTopic.RISK_AWARENESS, days=3)

    cleared = _clear(worker)

    assert cleared.news[0].valid_to == cleared.valid_to == TODAY + timedelta(days=30)
    assert isinstance(cleared.news[0], Cleared)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"vetting_valid_to": TODAY - timedelta(days=1)}, "vetting_not_valid"),
        ({"induction": None}, "induction_incomplete"),
    ],
)
def test_without_vetting_or_induction_nobody_is_cleared(changes, reason):
    worker = _trained(a_worker(), *MANDATORY)

    with pytest.raises(Unmet) as refusal:
        _clear(worker, **changes)

    assert refusal.value.reason == reason
    assert _clear(worker, vetting_valid_to=TODAY).valid_to == TODAY


def test_mandatory_training_must_be_there_and_hold():
    partly = _trained(a_worker(), TrainingTopic.SAFEGUARDING)
    over = stored(
        partly.complete_training(
            (TrainingTopic.LONE_WORKING,),
            completed_on=TODAY - timedelta(days=9),
            valid_to=TODAY - timedelta(days=1),
            at=NOW,
        )
    )

    for worker in (partly, over):
        with pytest.raises(Unmet) as refusal:
            _clear(worker)
        assert refusal.value.reason == "training_incomplete"
    assert _clear(_trained(over, TrainingTopic.LONE_WORKING)).status is WorkerStatus.CLEARED


def test_an_induction_in_the_future_is_a_wrong_field():
    worker = _trained(a_worker(), *MANDATORY)

    with pytest.raises(Invalid) as refusal:
        _clear(worker, induction=Recorded(on=TODAY + timedelta(days=1), by="staff-sm-1"))

    assert [(f.path, f.code) for f in refusal.value.fields] == [("induction.recorded_on", "IN_FUTURE")]


def test_training_names_both_wrong_days_at_once():
    with pytest.raises(Invalid) as refusal:
        a_worker().complete_training(tuple(MANDATORY), completed_on=TODAY + timedelta(days=2), valid_to=TODAY, at=NOW)

    assert {(f.path, f.code) for f in refusal.value.fields} == {
        ("completed_on", "IN_FUTURE"),
        ("valid_to", "BEFORE_START"),
    }


def test_clearance_lapses_once_its_last_day_is_over_and_not_before():
    worker = a_cleared_worker(valid_to=date(2026, 3, 29))
    over = end_of_day(date(2026, 3, 29))

    with pytest.raises(Unmet) as refusal:
        worker.lapse(at=over - timedelta(seconds=1))
    lapsed = worker.lapse(at=over)

    assert refusal.value.reason == "not_due"
    assert lapsed.status is WorkerStatus.LAPSED
    assert isinstance(lapsed.news[0], Lapsed)


def test_a_suspended_worker_may_be_cleared_again_and_is_not_suspended_twice():
    suspended = stored(a_cleared_worker().suspend(reason=SuspendReason.UNDER_REVIEW, at=NOW))

    with pytest.raises(Unmet) as twice:
        suspended.suspend(reason=SuspendReason.OTHER, at=NOW)
    with pytest.raises(Unmet) as lapsing:
        suspended.lapse(at=NOW + timedelta(days=900))

    assert (twice.value.reason, lapsing.value.reason) == ("invalid_transition", "invalid_transition")
    assert _clear(suspended).status is WorkerStatus.CLEARED


def test_a_cleared_worker_is_not_cleared_again():
    with pytest.raises(Unmet) as refusal:
        _clear(a_cleared_worker())

    assert refusal.value.reason == "invalid_transition"


@pytest.mark.parametrize(("taken", "open_"), [(0, 4), (3, 1), (6, 0)])
def test_free_places_are_never_fewer_than_none(taken, open_):
    changed = a_worker().set_capacity(4, taken=taken, at=NOW)

    assert changed.news == (CapacityChanged(worker_ref="staff-ew-1", open=open_, limit=4, at=NOW),)


@pytest.mark.parametrize(
    ("worker", "taken", "conflict", "reasons"),
    [
        (a_cleared_worker(), 1, False, ()),
        (a_cleared_worker(valid_to=TODAY), 0, False, ()),
        (None, 0, False, (Unfit.NOT_CLEARED,)),
        (a_worker(), 0, False, (Unfit.NOT_CLEARED,)),
        (a_cleared_worker(), 2, False, (Unfit.AT_CAPACITY,)),
        (a_cleared_worker(), 0, True, (Unfit.CONFLICT,)),
        (a_worker(), 9, True, (Unfit.NOT_CLEARED, Unfit.AT_CAPACITY, Unfit.CONFLICT)),
    ],
)
def test_fitness_names_every_reason(worker, taken, conflict, reasons):
    assert judge("staff-ew-1", worker, taken=taken, conflict=conflict, today=TODAY).reasons == reasons


def test_a_worker_whose_last_day_is_over_is_unfit_even_before_the_timer_has_been_round():
    worker = a_cleared_worker(valid_to=TODAY)

    verdict = judge("staff-ew-1", worker, taken=0, conflict=False, today=TODAY + timedelta(days=1))

    assert verdict.reasons == (Unfit.NOT_CLEARED,)
