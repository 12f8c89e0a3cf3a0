"""When a notice leaves and who is told next: quiet hours, urgency and the ladder; pure, its rules are dated rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from chassis.aggregate import Unmet
from chassis.calendar import (
    OPENS,
    add_working_days,
    at_london,
    bank_holidays,
    is_working_day,
    local_date,
    local_time,
    next_opening,
    next_working_day,
    working_hours_due,
)
from notifications.domain.codes import Channel, Groups, Urgency

DIGEST_AT = time(8, 30)
SUNDAY = 7
_LOOK_AHEAD_DAYS = 21


@dataclass(frozen=True, kw_only=True)
class Hours:
    """When somebody may be reached, London time; `to_hour` is the first hour that is quiet again."""

    from_hour: int = 8
    to_hour: int = 20
    days: frozenset[int] = frozenset(range(1, SUNDAY))
    holidays: bool = False

    def within(self, instant: datetime) -> bool:
        """Whether an instant is not in the quiet hours."""
        return self._open_on(local_date(instant)) and self.from_hour <= local_time(instant).hour < self.to_hour

    def next_within(self, instant: datetime) -> datetime | None:
        """The instant itself, or the end of the quiet hours it falls in; None where there is no such time."""
        if self.within(instant):
            return instant
        day = local_date(instant)
        for ahead in range(_LOOK_AHEAD_DAYS):
            opening = day + timedelta(days=ahead)
            if self._open_on(opening) and (at := at_london(opening, time(self.from_hour))) >= instant:
                return at
        return None

    def _open_on(self, day: date) -> bool:
        free = day in bank_holidays(day.year)
        return self.from_hour < self.to_hour and day.isoweekday() in self.days and (self.holidays or not free)


STAFF_HOURS = Hours()
PERSON_HOURS = Hours(from_hour=9, days=frozenset(range(1, SUNDAY + 1)), holidays=True)


def person_hours(*, days: frozenset[int], from_hour: int, to_hour: int) -> Hours:
    """The hours a man asked for, inside the hours in which nobody is rung at all."""
    return Hours(
        from_hour=max(from_hour, PERSON_HOURS.from_hour),
        to_hour=min(to_hour, PERSON_HOURS.to_hour),
        days=days,
        holidays=True,
    )


class Leaves(StrEnum):
    """When a notice of some urgency leaves."""

    AT_ONCE = "AT_ONCE"
    OUTSIDE_QUIET_HOURS = "OUTSIDE_QUIET_HOURS"
    NEXT_OPENING = "NEXT_OPENING"
    DIGEST = "DIGEST"


class To(StrEnum):
    """Who is told on a step of the ladder."""

    NEXT_CHANNEL = "NEXT_CHANNEL"
    BACKUP = "BACKUP"
    SM = "SM"
    EVERY_SM = "EVERY_SM"


class Unit(StrEnum):
    """How a wait is counted."""

    MINUTES = "MINUTES"
    WORKING_HOURS = "WORKING_HOURS"
    WORKING_DAYS = "WORKING_DAYS"
    NEXT_WORKING_DAY_AT = "NEXT_WORKING_DAY_AT"


@dataclass(frozen=True, kw_only=True)
class Wait:
    """How long after the first notice left a step is due; NEXT_WORKING_DAY_AT takes the hour as its amount."""

    unit: Unit
    amount: int

    def after(self, instant: datetime) -> datetime:
        """The instant at which it is over."""
        match self.unit:
            case Unit.MINUTES:
                return instant + timedelta(minutes=self.amount)
            case Unit.WORKING_HOURS:
                return working_hours_due(instant, self.amount)
            case Unit.WORKING_DAYS:
                return at_london(add_working_days(local_date(instant), self.amount), OPENS)
            case Unit.NEXT_WORKING_DAY_AT:
                return at_london(next_working_day(local_date(instant)), time(self.amount))


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of a ladder. `every` repeats the last step each so many minutes; `urgency` is that of its notices."""

    to: To
    wait: Wait
    every: int = 0
    urgency: Urgency | None = None


@dataclass(frozen=True, kw_only=True)
class Policy:
    """How notices of one urgency are handled from a day on."""

    urgency: Urgency
    valid_from: date
    version: str
    leaves: Leaves
    steps: tuple[Step, ...]
    use_by_hours: int
    handed_within_minutes: int | None = None


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A step of one notice's ladder: whom, by which channels, from which rung on, when."""

    to: To
    channels: tuple[Channel, ...]
    rung: int
    due_at: datetime
    urgency: Urgency


def in_force(policies: tuple[Policy, ...], urgency: Urgency, day: date) -> Policy:
    """The policy of an urgency on a day. Refuses `no_policy` where none is."""
    held = [each for each in policies if each.urgency is urgency and each.valid_from <= day]
    if not held:
        raise Unmet("no_policy", "Nobody has said how notices of this urgency are handled on this day.")
    return max(held, key=lambda each: each.valid_from)


def send_after(policy: Policy, at: datetime, hours: Hours) -> datetime | None:
    """When a notice asked for at this instant leaves; None where its recipient has no hour for it."""
    match policy.leaves:
        case Leaves.AT_ONCE:
            return at
        case Leaves.OUTSIDE_QUIET_HOURS:
            return hours.next_within(at)
        case Leaves.NEXT_OPENING:
            return hours.next_within(next_opening(at))
        case Leaves.DIGEST:
            return next_digest(at)


def next_digest(at: datetime) -> datetime:
    """08:30 of this working day where it is still to come, else of the next one."""
    day = local_date(at)
    if is_working_day(day) and local_time(at) <= DIGEST_AT:
        return at_london(day, DIGEST_AT)
    return at_london(next_working_day(day), DIGEST_AT)


def step_after(policy: Policy, groups: Groups, step: int, anchor: datetime) -> Planned | None:
    """The step of the ladder that follows this one (the first notices are step 0); None where it ends."""
    plan = _plan(policy, groups, anchor)
    following = step + 1
    if following < len(plan):
        return plan[following]
    last = policy.steps[-1] if policy.steps else None
    if last is None or not last.every:
        return None
    beyond = following - len(plan) + 1
    end = plan[-1]
    return Planned(
        to=end.to,
        channels=end.channels,
        rung=end.rung + beyond * len(end.channels),
        due_at=end.due_at + timedelta(minutes=beyond * last.every),
        urgency=end.urgency,
    )


def _plan(policy: Policy, groups: Groups, anchor: datetime) -> list[Planned]:
    """Every step from the first on; one for each channel group that is left stands for NEXT_CHANNEL."""
    first = Planned(to=To.NEXT_CHANNEL, channels=groups[0], rung=0, due_at=anchor, urgency=policy.urgency)
    plan = [first]
    for step in policy.steps:
        ways = groups[1:] if step.to is To.NEXT_CHANNEL else (_for_others(step, groups),)
        due = anchor
        for channels in ways:
            due = step.wait.after(due)
            before = plan[-1]
            plan.append(
                Planned(
                    to=step.to,
                    channels=channels,
                    rung=before.rung + len(before.channels),
                    due_at=max(due, before.due_at),
                    urgency=step.urgency or policy.urgency,
                )
            )
    return plan


def _for_others(step: Step, groups: Groups) -> tuple[Channel, ...]:
    """A digest goes by e-mail alone; everybody else is told as the first was."""
    return (Channel.EMAIL,) if step.urgency is Urgency.DIGEST else groups[0]
