"""When a notice leaves, and who is told next."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.aggregate import Unmet
from notifications.domain.codes import Channel, Urgency, channels_of
from notifications.domain.timing import (
    STAFF_HOURS,
    Leaves,
    Policy,
    Step,
    To,
    Unit,
    Wait,
    in_force,
    next_digest,
    person_hours,
    send_after,
    step_after,
)
from tests.notifications.builders import DAY, FROM, MONDAY, SAFETY, TODAY

P, E, S = Channel.PAGE, Channel.EMAIL, Channel.SMS


def london(day, hour, minute=0):
    return datetime(2026, *day, hour, minute, tzinfo=UTC)  # winter time: London is UTC


@pytest.mark.parametrize(
    ("asked", "leaves"),
    [
        (london((3, 2), 10), london((3, 2), 10)),
        (london((3, 2), 7, 59), london((3, 2), 8)),
        (london((3, 2), 8), london((3, 2), 8)),
        (london((3, 2), 19, 59), london((3, 2), 19, 59)),
        (london((3, 2), 20), london((3, 3), 8)),
        (london((3, 7), 20), london((3, 9), 8)),  # Saturday evening: not on Sunday
        (london((3, 8), 12), london((3, 9), 8)),
        (london((12, 26), 21), london((12, 29), 8)),  # a Sunday, then a day in lieu
    ],
)
def test_the_quiet_hours_of_staff_delay_what_is_for_today(asked, leaves):
    assert send_after(TODAY, asked, STAFF_HOURS) == leaves


def test_in_summer_the_quiet_hours_are_londons():
    assert send_after(TODAY, datetime(2026, 7, 1, 6, 30, tzinfo=UTC), STAFF_HOURS) == datetime(
        2026, 7, 1, 7, tzinfo=UTC
    )


def test_safety_knows_no_quiet_hours():
    night = london((3, 8), 3)
    assert send_after(SAFETY, night, STAFF_HOURS) == night


@pytest.mark.parametrize(
    ("asked", "leaves"),
    [
        (london((3, 2), 8), london((3, 2), 8, 30)),
        (london((3, 2), 8, 31), london((3, 3), 8, 30)),
        (london((3, 6), 9), london((3, 9), 8, 30)),
    ],
)
def test_a_digest_leaves_at_half_past_eight_on_working_days(asked, leaves):
    assert next_digest(asked) == leaves


def test_what_is_routine_waits_for_the_next_opening():
    routine = Policy(
        urgency=Urgency.ROUTINE, valid_from=FROM, version="1", leaves=Leaves.NEXT_OPENING, steps=(), use_by_hours=336
    )
    assert send_after(routine, london((3, 6), 17), STAFF_HOURS) == london((3, 9), 9)


def test_a_man_is_never_rung_before_nine_whatever_he_asked_for():
    early = person_hours(days=frozenset({1, 7}), from_hour=6, to_hour=23)

    assert early.next_within(london((3, 2), 6)) == london((3, 2), 9)
    assert early.next_within(london((3, 2), 20)) == london((3, 8), 9)
    assert person_hours(days=frozenset(), from_hour=9, to_hour=20).next_within(MONDAY) is None


@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 1), timezones=st.just(UTC)))
def test_quiet_hours_delay_and_never_hasten(asked):
    leaves = send_after(TODAY, asked, STAFF_HOURS)
    assert leaves >= asked
    assert STAFF_HOURS.within(leaves)
    assert leaves - asked <= timedelta(days=5)


def ladder(policy, channels, anchor=MONDAY, steps=8):
    found, step = [], 0
    while (planned := step_after(policy, channels_of(channels), step, anchor)) and step < steps:
        found.append((planned.to, planned.channels, planned.rung, planned.due_at))
        step += 1
    return found


def test_what_is_for_today_goes_to_the_next_channel_then_to_the_service_manager_twice():
    assert ladder(TODAY, "P+E,S") == [
        (To.NEXT_CHANNEL, (S,), 2, london((3, 2), 12)),
        (To.SM, (P, E), 3, london((3, 2), 14)),
        (To.SM, (P, E), 5, london((3, 3), 10)),
    ]


def test_where_no_channel_is_left_the_service_manager_is_next():
    assert ladder(TODAY, "P+E")[0] == (To.SM, (P, E), 2, london((3, 2), 14))


def test_four_working_hours_do_not_pass_over_night():
    friday = london((3, 6), 15)
    assert ladder(TODAY, "E", friday)[0][3] == london((3, 9), 11)


def test_safety_goes_up_by_the_minute_and_does_not_stop():
    steps = ladder(SAFETY, "P+E+S")

    assert [(to, (due - MONDAY) / timedelta(minutes=1)) for to, _, _, due in steps] == [
        (To.BACKUP, 5), (To.SM, 10), (To.EVERY_SM, 15), *((To.EVERY_SM, 15 + 15 * n) for n in range(1, 6)),
    ]  # fmt: skip
    assert [rung for _, _, rung, _ in steps] == [3 * n for n in range(1, 9)]


def test_a_digest_to_the_service_manager_goes_by_e_mail_alone():
    digest = Step(to=To.SM, wait=Wait(unit=Unit.WORKING_DAYS, amount=3), urgency=Urgency.DIGEST)
    routine = Policy(
        urgency=Urgency.ROUTINE,
        valid_from=FROM,
        version="1",
        leaves=Leaves.NEXT_OPENING,
        steps=(digest,),
        use_by_hours=1,
    )
    planned = step_after(routine, channels_of("P,E"), 0, MONDAY)

    assert (planned.channels, planned.urgency, planned.due_at) == ((E,), Urgency.DIGEST, london((3, 5), 9))


def test_the_policy_of_a_day_is_the_newest_that_has_begun():
    later = Policy(**{**vars(TODAY), "valid_from": DAY + timedelta(days=1), "version": "2"})

    assert in_force((later, TODAY), Urgency.TODAY, DAY).version == "1"
    assert in_force((later, TODAY), Urgency.TODAY, DAY + timedelta(days=1)).version == "2"
    with pytest.raises(Unmet, match="no_policy"):
        in_force((TODAY,), Urgency.DIGEST, DAY)
