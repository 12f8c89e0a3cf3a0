"""Working days and hours: the examples of rules.md 3, and the table's own edges."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.aggregate import Invalid, Unmet
from chassis.calendar import (
    LONDON,
    add_months,
    at_london,
    bank_holidays,
    effective_start,
    end_of_day,
    is_working_day,
    next_opening,
    working_days_due,
    working_hours_due,
)


def london(year: int, month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=LONDON).astimezone(UTC)


@pytest.mark.parametrize(
    ("start", "days", "pauses", "due"),
    [
        (london(2026, 12, 24, 10), 10, (), date(2027, 1, 12)),
        (london(2026, 4, 2, 13), 2, (), date(2026, 4, 9)),
        (london(2026, 11, 9, 10), 5, (), date(2026, 11, 16)),
        (
            london(2026, 11, 9, 10),
            5,
            ((london(2026, 11, 11, 10), london(2026, 11, 12, 10)),),
            date(2026, 11, 17),
        ),
        (
            london(2026, 11, 9, 10),
            5,
            ((london(2026, 11, 11, 9), london(2026, 11, 11, 12)),),
            date(2026, 11, 16),
        ),
    ],
)
def test_working_days_are_counted_from_the_effective_day(start, days, pauses, due) -> None:
    assert working_days_due(start, days, pauses) == due


def test_four_working_hours_from_friday_afternoon_end_on_monday_at_eleven() -> None:
    assert working_hours_due(london(2026, 11, 13, 15), 4) == london(2026, 11, 16, 11)


def test_ending_at_closing_time_is_in_time() -> None:
    assert working_hours_due(london(2026, 11, 13, 13), 4) == london(2026, 11, 13, 17)


def test_a_clock_started_before_the_cut_off_counts_that_day() -> None:
    assert effective_start(london(2026, 11, 9, 12, 59)) == date(2026, 11, 9)
    assert effective_start(london(2026, 11, 9, 13)) == date(2026, 11, 10)


@pytest.mark.parametrize(
    "day",
    [
        date(2020, 5, 8), date(2022, 6, 2), date(2022, 6, 3), date(2022, 9, 19), date(2023, 5, 8), date(2022, 1, 3),
        date(2021, 12, 27), date(2021, 12, 28), date(2026, 12, 28), date(2023, 1, 2), date(2026, 4, 3),
        date(2026, 4, 6),
    ],
)  # fmt: skip
def test_bank_holidays_are_not_working_days(day) -> None:
    assert not is_working_day(day)


@pytest.mark.parametrize("day", [date(2020, 5, 4), date(2022, 5, 30)])
def test_a_moved_bank_holiday_leaves_its_old_day_free_for_work(day) -> None:
    assert is_working_day(day)


def test_every_year_has_eight_bank_holidays_and_the_three_extra_ones() -> None:
    assert [len(bank_holidays(year)) for year in range(2020, 2029)] == [8, 8, 10, 9, 8, 8, 8, 8, 8]


@pytest.mark.parametrize("day", [date(2019, 12, 31), date(2029, 1, 1)])
def test_outside_its_years_the_table_refuses(day) -> None:
    with pytest.raises(Unmet, match="calendar_ends"):
        is_working_day(day)


def test_months_are_clamped_to_the_last_day() -> None:
    assert add_months(date(2024, 8, 31), 18) == date(2026, 2, 28)


def test_a_wall_time_that_does_not_exist_is_refused() -> None:
    with pytest.raises(Invalid, match="wall_time_does_not_exist"):
        at_london(date(2026, 3, 29), time(1, 30))


def test_a_wall_time_that_occurs_twice_needs_its_offset() -> None:
    with pytest.raises(Invalid, match="offset_required"):
        at_london(date(2026, 10, 25), time(1, 30))
    assert at_london(date(2026, 10, 25), time(1, 30), timedelta(hours=1)) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert at_london(date(2026, 10, 25), time(1, 30), timedelta()) == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


def test_an_offset_that_london_does_not_have_is_refused() -> None:
    with pytest.raises(Invalid) as refused:
        at_london(date(2026, 7, 1), time(12), timedelta(hours=2))
    assert refused.value.fields[0].code == "CONFLICTS_WITH(offset)"


def test_a_london_day_ends_at_london_midnight() -> None:
    assert end_of_day(date(2026, 7, 1)) == datetime(2026, 7, 1, 23, tzinfo=UTC)


@given(st.datetimes(datetime(2020, 1, 2), datetime(2028, 11, 1)), st.integers(1, 20), st.integers(1, 20))
def test_a_longer_promise_is_never_due_earlier(start, fewer, more) -> None:
    start = start.replace(tzinfo=UTC)
    assert working_days_due(start, fewer) <= working_days_due(start, fewer + more)
    assert is_working_day(working_days_due(start, fewer))


@given(st.datetimes(datetime(2020, 1, 2), datetime(2028, 11, 1)))
def test_an_opening_is_within_working_hours(start) -> None:
    opening = next_opening(start.replace(tzinfo=UTC)).astimezone(LONDON)
    assert is_working_day(opening.date())
    assert 9 <= opening.hour < 17
