"""Dates of an engagement against an oracle that counts days one by one."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casework.domain.term import Pause, PauseReason, Terms, due, next_review
from chassis.calendar import end_of_day

TERMS = Terms(planned_months=12, cap_months=18)


def _months_later(day: date, months: int) -> date:
    """The oracle: the same day number that many months on, or the last day that month has."""
    year, month = day.year, day.month
    for _ in range(months):
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    for number in range(day.day, 27, -1):
        try:
            return date(year, month, number)
        except ValueError:
            continue
    return date(year, month, day.day)


def test_the_end_of_a_month_is_clamped_and_never_carried_over():
    assert Terms(planned_months=18, cap_months=18).planned_end(date(2024, 8, 31), (), date(2024, 8, 31)) == date(
        2026, 2, 28
    )


def test_reviews_count_from_the_start_and_not_from_the_review_before():
    started = date(2025, 11, 30)

    days, after = [], started
    while (day := next_review(started, after)) is not None:
        days.append(day)
        after = day

    assert days == [
        date(2026, 2, 28),
        date(2026, 5, 30),
        date(2026, 8, 30),
        date(2026, 11, 30),
        date(2027, 2, 28),
    ]


def test_a_pause_counts_its_first_day_and_not_the_day_it_ends():
    pause = Pause(reason=PauseReason.RECALLED, began_on=date(2026, 3, 2), ended_on=date(2026, 3, 5))

    assert TERMS.planned_end(date(2026, 1, 5), (pause,), date(2026, 4, 1)) == date(2027, 1, 8)
    assert TERMS.cap(date(2026, 1, 5), (pause,), date(2026, 4, 1)) == date(2027, 7, 8)


def test_a_pause_begun_and_ended_on_one_day_adds_nothing():
    pause = Pause(reason=PauseReason.HOSPITAL, began_on=date(2026, 3, 2), ended_on=date(2026, 3, 2))

    assert TERMS.planned_end(date(2026, 1, 5), (pause,), date(2026, 4, 1)) == date(2027, 1, 5)


def test_a_pause_that_is_not_over_is_counted_up_to_today():
    pause = Pause(reason=PauseReason.REMANDED, began_on=date(2026, 3, 2))

    assert TERMS.planned_end(date(2026, 1, 5), (pause,), date(2026, 3, 12)) == date(2027, 1, 15)


@pytest.mark.parametrize("reason", ["PERSON_REQUEST", "WORKER_ABSENCE", "SAFETY_REVIEW", "ABROAD"])
def test_pauses_for_other_reasons_do_not_move_the_end(reason):
    pause = Pause(reason=PauseReason(reason), began_on=date(2026, 3, 2), ended_on=date(2026, 4, 2))

    assert TERMS.planned_end(date(2026, 1, 5), (pause,), date(2026, 5, 1)) == date(2027, 1, 5)


def test_no_pause_counts_where_the_programme_says_so():
    pause = Pause(reason=PauseReason.RECALLED, began_on=date(2026, 3, 2), ended_on=date(2026, 4, 2))
    terms = Terms(planned_months=12, cap_months=18, counts_pauses=False)

    assert terms.planned_end(date(2026, 1, 5), (pause,), date(2026, 5, 1)) == date(2027, 1, 5)


@st.composite
def _pauses(draw):
    day, pauses = draw(st.dates(date(2024, 1, 1), date(2024, 12, 31))), []
    for _ in range(draw(st.integers(0, 4))):
        began = day + timedelta(days=draw(st.integers(0, 60)))
        day = began + timedelta(days=draw(st.integers(0, 90)))
        pauses.append(Pause(reason=draw(st.sampled_from(PauseReason)), began_on=began, ended_on=day))
    return tuple(pauses)


@given(st.dates(date(2022, 1, 1), date(2024, 1, 1)), _pauses(), st.integers(1, 18))
def test_planned_end_and_cap_are_what_counting_day_by_day_gives(started, pauses, months):
    terms = Terms(planned_months=months, cap_months=18)
    still = {
        pause.began_on + timedelta(days=n)
        for pause in pauses
        if pause.reason.value in ("RECALLED", "REMANDED", "HOSPITAL")
        for n in range((pause.ended_on - pause.began_on).days)
    }

    planned_end = terms.planned_end(started, pauses, date(2027, 1, 1))

    assert planned_end == _months_later(started, months) + timedelta(days=len(still))
    assert terms.cap(started, pauses, date(2027, 1, 1)) == _months_later(started, 18) + timedelta(days=len(still))


def test_a_promise_of_working_days_is_missed_once_its_last_day_is_over():
    # Thursday before Christmas: `rules.md` 3 gives Tuesday 12 January for ten working days.
    start = datetime(2026, 12, 24, 10, tzinfo=UTC)

    assert due(start, 10) == end_of_day(date(2027, 1, 12)) == datetime(2027, 1, 13, tzinfo=UTC)
