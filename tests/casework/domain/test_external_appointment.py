"""When a partner without a house sees him."""

from datetime import timedelta
from uuid import uuid4

import pytest

from casework.domain.aspect import Aspect
from casework.domain.external_appointment import (
    AppointmentStatus,
    Cancelled,
    ExternalAppointment,
    Recorded,
)
from chassis.aggregate import Invalid, Unmet
from tests.casework.builders import NOW, stored

HOUR = timedelta(hours=1)
STARTS = NOW + timedelta(days=3)


def recording(starts_at=STARTS, ends_at=None):
    return ExternalAppointment.record(
        id=uuid4(),
        case_id=uuid4(),
        person_id=uuid4(),
        org_id="camden-gp",
        aspect=Aspect.GP_REGISTRATION,
        starts_at=starts_at,
        ends_at=ends_at or starts_at + HOUR,
        at=NOW,
    )


def test_it_is_recorded_with_who_which_service_and_when():
    appointment = recording()

    said = {"org_id": "camden-gp", "aspect": Aspect.GP_REGISTRATION, "starts_at": STARTS, "ends_at": STARTS + HOUR}
    assert appointment.status is AppointmentStatus.SCHEDULED
    assert appointment.news == (Recorded(**said, at=NOW),)


@pytest.mark.parametrize(
    ("starts_at", "ends_at", "fault"),
    [
        (NOW - HOUR, NOW, ("starts_at", "IN_PAST")),
        (NOW + timedelta(days=200), None, ("starts_at", "OUT_OF_RANGE")),
        (STARTS, STARTS - HOUR, ("ends_at", "BEFORE_START")),
        (STARTS, STARTS, ("ends_at", "BEFORE_START")),
        (STARTS, STARTS + timedelta(minutes=4), ("ends_at", "OUT_OF_RANGE")),
        (STARTS, STARTS + timedelta(minutes=481), ("ends_at", "OUT_OF_RANGE")),
    ],
)
def test_a_time_that_cannot_be_is_refused_by_its_field(starts_at, ends_at, fault):
    with pytest.raises(Invalid) as refusal:
        recording(starts_at, ends_at)

    assert [(each.path, each.code) for each in refusal.value.fields] == [fault]


@pytest.mark.parametrize("minutes", [5, 480])
def test_the_shortest_and_the_longest_are_taken(minutes):
    assert recording(STARTS, STARTS + timedelta(minutes=minutes)).news


def test_it_is_called_off_until_it_is_over():
    appointment = stored(recording())

    off = appointment.cancel(at=STARTS + HOUR / 2)

    assert off.status is AppointmentStatus.CANCELLED
    assert isinstance(off.news[0], Cancelled)
    for attempt in (lambda: appointment.cancel(at=STARTS + HOUR), lambda: stored(off).cancel(at=NOW)):
        with pytest.raises(Unmet) as refusal:
            attempt()
        assert refusal.value.reason == "invalid_transition"
