"""How long a man's time with the service lasts, by date, and by when promises fall due.

Months are added to the first day and clamped to the month's last; days of pauses that count come after (S10,
`states.md` 3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from chassis.aggregate import Fault
from chassis.calendar import LONDON, add_months, end_of_day, working_days_due

REVIEW_MONTHS = (3, 6, 9, 12, 15)
BACK_DATED_DAYS = 28
MORNING = time(9)


class PauseReason(StrEnum):
    """Why an engagement stands still."""

    RECALLED = "RECALLED"
    REMANDED = "REMANDED"
    HOSPITAL = "HOSPITAL"
    PERSON_REQUEST = "PERSON_REQUEST"
    WORKER_ABSENCE = "WORKER_ABSENCE"
    SAFETY_REVIEW = "SAFETY_REVIEW"
    ABROAD = "ABROAD"


COUNTED = frozenset({PauseReason.RECALLED, PauseReason.REMANDED, PauseReason.HOSPITAL})
IN_CUSTODY = frozenset({PauseReason.RECALLED, PauseReason.REMANDED})


@dataclass(frozen=True, kw_only=True)
class Pause:
    """A time in which an engagement stood still, up to but not including the day it went on."""

    reason: PauseReason
    began_on: date
    ended_on: date | None = None
    review_on: date | None = None
    earliest_out_on: date | None = None

    def days(self, on: date) -> int:
        """Its days; one that is not over is counted up to `on`."""
        return max(0, ((self.ended_on or on) - self.began_on).days)


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What the programme says about length, in the version the case was accepted under."""

    planned_months: int
    cap_months: int
    counts_pauses: bool = True

    def _after(self, months: int, started_on: date, pauses: Sequence[Pause], on: date) -> date:
        counted = sum(pause.days(on) for pause in pauses if self.counts_pauses and pause.reason in COUNTED)
        return add_months(started_on, months) + timedelta(days=counted)

    def planned_end(self, started_on: date, pauses: Sequence[Pause], on: date) -> date:
        """The planned last day, as known on a day."""
        return self._after(self.planned_months, started_on, pauses, on)

    def cap(self, started_on: date, pauses: Sequence[Pause], on: date) -> date:
        """The last day it may be extended to, as known on a day."""
        return self._after(self.cap_months, started_on, pauses, on)

    def longer(self, planned_months: int) -> Terms:
        """The same with another planned length."""
        return replace(self, planned_months=planned_months)


def next_review(started_on: date, after: date) -> date | None:
    """The first review day later than `after`; reviews count from the start, never from the one before."""
    days = (add_months(started_on, months) for months in REVIEW_MONTHS)
    return next((day for day in days if day > after), None)


@dataclass(frozen=True, kw_only=True)
class Clocks:
    """The lengths of the promises in working days (`measures.md` 1), and the version of these rules."""

    version: str
    worker_days: int = 3
    contact_days: int = 5
    session_days: int = 10
    report_days: int = 5


def due(start: datetime, days: int) -> datetime:
    """The instant from which a promise of so many working days is missed."""
    return end_of_day(working_days_due(start, days))


def due_from(day: date, days: int) -> datetime:
    """The same for what was recorded by its day alone."""
    return due(datetime.combine(day, MORNING, LONDON), days)


def wrong_day(path: str, day: date, *, today: date, earliest: date | None = None) -> list[Fault]:
    """What is wrong with a day on which something was done: in the future, or before it could be."""
    if day > today:
        return [Fault(path, "IN_FUTURE")]
    if earliest is not None and day < earliest:
        return [Fault(path, "BEFORE_START")]
    return []


def too_far_back(path: str, day: date, *, today: date) -> list[Fault]:
    """What is wrong with a day that is entered late: at most 28 days back."""
    return [Fault(path, "OUT_OF_RANGE")] if day < today - timedelta(days=BACK_DATED_DAYS) else []


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """Something that was done, as somebody answers for it, until the service keeps it itself."""

    on: date
    by: str
