"""Which fact makes, keeps or ends a promise, and what a due one leads to."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from chassis.calendar import end_of_day, local_date
from chassis.promises import Deadlines, Drop, Keep, Make
from referral import commands
from referral.domain import consent, programme
from referral.domain import referral_facts as facts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chassis.promises import Change, Promise
    from referral.storage import Work

DEADLINES = Deadlines()
DRAFT_WARNED, DRAFT_KEPT = (60, 80), 90
REVIEW_WARNED = (28, 14, 7)
_TRIAGE = ("L1", "L2", "RANK_1", "RANK_2")


def _days_after(day: date, days: int) -> date:
    return day + timedelta(days=days)


def _start_of(day: date) -> date:
    """Due at the start of a day is due at the end of the one before."""
    return day - timedelta(days=1)


@DEADLINES.on(facts.Drafted)
def draft_clock(fact: facts.Drafted) -> Iterable[Change]:
    """Warned after 60 and 80 days, ended after 90."""
    day = local_date(fact.at)
    for days in DRAFT_WARNED:
        yield Make(f"DRAFT_{days}", end_of_day(_start_of(_days_after(day, days))), {"expires_on": _ends(day)})
    yield Make("DRAFT_END", end_of_day(_start_of(_days_after(day, DRAFT_KEPT))))


def _ends(day: date) -> str:
    return _days_after(day, DRAFT_KEPT).isoformat()


@DEADLINES.on(facts.Submitted, facts.Reopened)
def triage_clock(fact: facts.Sent) -> Iterable[Change]:
    """L1: triage begins within one working day; L2: it decides within five."""
    yield from (Drop(f"DRAFT_{days}") for days in DRAFT_WARNED)
    yield Drop("DRAFT_END")
    yield Make("L1", fact.clock.acknowledge_by)
    yield Make("L2", fact.clock.due_at)


@DEADLINES.on(facts.PriorityAssigned)
def waiting_clock(fact: facts.PriorityAssigned) -> Iterable[Change]:
    """Counted again in the nights in which a step of waiting is full; two steps lead from the last band to the first."""
    for step in (1, 2):
        day = _days_after(fact.submitted_on, step * fact.step_days)
        yield Make(f"RANK_{step}", end_of_day(_start_of(day)))


@DEADLINES.on(facts.TriageStarted)
def acknowledged(fact: facts.TriageStarted) -> Iterable[Change]:
    yield Keep("L1")


@DEADLINES.on(facts.Accepted, facts.Declined)
def decided(fact: facts.Accepted | facts.Declined) -> Iterable[Change]:
    yield Keep("L2")
    yield from (Drop(code) for code in ("RANK_1", "RANK_2"))


@DEADLINES.on(facts.Withdrawn, facts.Expired)
def over(fact: facts.Withdrawn | facts.Expired) -> Iterable[Change]:
    """Nobody waits for it any more."""
    yield from (Drop(code) for code in (*_TRIAGE, "DRAFT_60", "DRAFT_80", "DRAFT_END"))


@DEADLINES.on(consent.Granted)
def consent_clock(fact: consent.Granted) -> Iterable[Change]:
    """Sharing and evaluation stop at their review date, after warnings; the others are to be asked again by it."""
    if not fact.scope.purpose.ends_at_review:
        yield Make("L20", end_of_day(fact.review_on))
        return
    for days in REVIEW_WARNED:
        warned = end_of_day(_start_of(_days_after(fact.review_on, -days)))
        if warned > fact.at:
            yield Make(f"REVIEW_{days}", warned)
    yield Make("REVIEW_END", end_of_day(_start_of(fact.review_on)))


@DEADLINES.on(consent.Withdrawn, consent.Replaced)
def asked_again(fact: consent.Withdrawn | consent.Replaced) -> Iterable[Change]:
    yield Keep("L20")
    yield from (Drop(f"REVIEW_{days}") for days in REVIEW_WARNED)
    yield Drop("REVIEW_END")


@DEADLINES.on(
    programme.Published,
    programme.Amended,
    programme.CommissionSet,
    programme.CommissionExtended,
    programme.AreaSet,
    programme.DeliveryModeSet,
    programme.EligibilityPublished,
    programme.PriorityPublished,
    programme.PolicySuperseded,
)
def next_version(fact: programme.PolicyPublished | programme.PolicySuperseded) -> Iterable[Change]:
    """Older rules are set aside on the day on which newer ones begin."""
    if fact.next_change_on is not None:
        yield Make("SUPERSEDE", end_of_day(_start_of(fact.next_change_on)))


@DEADLINES.due("L1", "L2")
async def triage_late(work: Work, promise: Promise) -> None:
    await commands.miss_referral_deadline.inside(work, promise.aggregate_id, promise.code, promise.due_at)


@DEADLINES.due("RANK_1", "RANK_2")
async def waited(work: Work, promise: Promise) -> None:
    await commands.rank_referral.inside(work, promise.aggregate_id)


@DEADLINES.due("DRAFT_60", "DRAFT_80")
async def draft_ends_soon(work: Work, promise: Promise) -> None:
    expires_on = date.fromisoformat(str(promise.detail["expires_on"]))
    await commands.warn_of_end.inside(work, promise.aggregate_id, expires_on)


@DEADLINES.due("DRAFT_END")
async def draft_ended(work: Work, promise: Promise) -> None:
    await commands.expire_referral.inside(work, promise.aggregate_id)


@DEADLINES.due("L20")
async def review_late(work: Work, promise: Promise) -> None:
    await commands.miss_consent_deadline.inside(work, promise.aggregate_id, promise.code, promise.due_at)


@DEADLINES.due("REVIEW_28", "REVIEW_14", "REVIEW_7")
async def review_near(work: Work, promise: Promise) -> None:
    await commands.warn_of_review.inside(work, promise.aggregate_id)


@DEADLINES.due("REVIEW_END")
async def review_passed(work: Work, promise: Promise) -> None:
    await commands.expire_consent.inside(work, promise.aggregate_id)


@DEADLINES.due("SUPERSEDE")
async def newer_rules_begin(work: Work, promise: Promise) -> None:
    await commands.supersede_policies.inside(work, promise.aggregate_id)
