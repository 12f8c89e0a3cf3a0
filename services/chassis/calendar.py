"""Days and hours of the service: London dates, working days and working hours (rules.md 3); pure.

Instants are aware and in UTC, days are London's. Outside the years of the bank-holiday table every question
about a working day is refused `calendar_ends`: it never guesses.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from chassis.aggregate import Fault, Invalid, Unmet

if TYPE_CHECKING:
    from collections.abc import Sequence

LONDON = ZoneInfo("Europe/London")
CUT_OFF = time(13)
OPENS, CLOSES = time(9), time(17)
FIRST_YEAR, LAST_YEAR = 2020, 2028
MONDAY, FRIDAY, SATURDAY = 0, 4, 5
_EASTER = {
    2020: (4, 12), 2021: (4, 4), 2022: (4, 17), 2023: (4, 9), 2024: (3, 31),
    2025: (4, 20), 2026: (4, 5), 2027: (3, 28), 2028: (4, 16),
}  # fmt: skip
# Years in which a proclamation moved the early May day or the spring day, or added a day.
_MOVED = {date(2020, 5, 4): date(2020, 5, 8), date(2022, 5, 30): date(2022, 6, 2)}
_EXTRA = frozenset({date(2022, 6, 3), date(2022, 9, 19), date(2023, 5, 8)})


def local_date(instant: datetime) -> date:
    """The London day of an instant."""
    return instant.astimezone(LONDON).date()


def local_time(instant: datetime) -> time:
    """The London wall time of an instant."""
    return instant.astimezone(LONDON).time()


def _monday_of(year: int, month: int, *, last: bool) -> date:
    day = date(year, month, monthrange(year, month)[1] if last else 1)
    step = -1 if last else 1
    while day.weekday() != MONDAY:
        day += timedelta(days=step)
    return day


def _free_weekday(day: date, taken: set[date]) -> date:
    while day.weekday() >= SATURDAY or day in taken:
        day += timedelta(days=1)
    return day


@cache
def bank_holidays(year: int) -> frozenset[date]:
    """The bank holidays of England and Wales in a year of the table; `calendar_ends` outside it."""
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise Unmet("calendar_ends", f"Bank holidays are known from {FIRST_YEAR} to {LAST_YEAR} only.")
    easter = date(year, *_EASTER[year])
    regular = {
        easter - timedelta(days=2),
        easter + timedelta(days=1),
        _monday_of(year, 5, last=False),
        _monday_of(year, 5, last=True),
        _monday_of(year, 8, last=True),
    }
    days = {_MOVED.get(day, day) for day in regular}
    for month, day in ((1, 1), (12, 25), (12, 26)):
        days.add(_free_weekday(date(year, month, day), days))
    return frozenset(days | {day for day in _EXTRA if day.year == year})


def is_working_day(day: date) -> bool:
    """Monday to Friday and not a bank holiday in England and Wales."""
    holidays = bank_holidays(day.year)
    return day.weekday() <= FRIDAY and day not in holidays


def next_working_day(day: date) -> date:
    """The first working day after this one."""
    day += timedelta(days=1)
    while not is_working_day(day):
        day += timedelta(days=1)
    return day


def add_working_days(day: date, days: int) -> date:
    """The n-th working day after a day; backwards for a negative number; the day itself for 0."""
    step = timedelta(days=1 if days >= 0 else -1)
    for _ in range(abs(days)):
        day += step
        while not is_working_day(day):
            day += step
    return day


def working_days_between(first: date, last: date) -> int:
    """How many working days lie after `first`, up to and including `last`."""
    count, day = 0, first
    while day < last:
        day += timedelta(days=1)
        count += is_working_day(day)
    return count


def effective_start(instant: datetime) -> date:
    """The day a clock counts from: that day if it is a working day before 13:00 London, else the next one."""
    day = local_date(instant)
    if is_working_day(day) and local_time(instant) < CUT_OFF:
        return day
    return next_working_day(day)


def working_days_due(start: datetime, days: int, pauses: Sequence[tuple[datetime, datetime]] = ()) -> date:
    """The day by whose end a promise of n working days falls due; each pause (from, to) moves it."""
    due = add_working_days(effective_start(start), days)
    for begun, ended in pauses:
        due = add_working_days(due, working_days_between(effective_start(begun), effective_start(ended)))
    return due


def end_of_day(day: date) -> datetime:
    """The instant at which a London day has ended: a promise due that day is missed from then on."""
    return datetime.combine(day + timedelta(days=1), time(0), LONDON).astimezone(UTC)


def next_opening(instant: datetime) -> datetime:
    """The instant itself within working hours (09:00-17:00 on working days), else the next opening."""
    day, at = local_date(instant), local_time(instant)
    if is_working_day(day) and OPENS <= at < CLOSES:
        return instant
    if not (is_working_day(day) and at < OPENS):
        day = next_working_day(day)
    return datetime.combine(day, OPENS, LONDON).astimezone(UTC)


def working_hours_due(start: datetime, hours: int) -> datetime:
    """The instant at which n working hours have passed; ending at 17:00 sharp is in time."""
    left, at = timedelta(hours=hours), next_opening(start)
    while True:
        closing = datetime.combine(local_date(at), CLOSES, LONDON).astimezone(UTC)
        if left <= closing - at:
            return at + left
        left -= closing - at
        at = next_opening(closing)


def add_months(day: date, months: int) -> date:
    """That many months later, clamped to the month's last day. Always add to the first date."""
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def at_london(day: date, at: time, offset: timedelta | None = None) -> datetime:
    """The instant of a London wall time.

    Refuses `wall_time_does_not_exist` (spring), `offset_required` (autumn, without an offset) and an offset
    that London does not have then (`CONFLICTS_WITH(offset)`).
    """
    early, late = (datetime.combine(day, at, LONDON).replace(fold=fold) for fold in (0, 1))
    offsets = {early.utcoffset(), late.utcoffset()}
    if early.astimezone(UTC).astimezone(LONDON).replace(tzinfo=None) != early.replace(tzinfo=None):
        raise Invalid(Fault("time", "OUT_OF_RANGE"), reason="wall_time_does_not_exist")
    if offset is not None and offset not in offsets:
        raise Invalid(Fault("time", "CONFLICTS_WITH(offset)"))
    if offset is None and len(offsets) > 1:
        raise Invalid(Fault("offset", "REQUIRED"), reason="offset_required")
    chosen = late if offset is not None and late.utcoffset() == offset else early
    return chosen.astimezone(UTC)
