"""Which fact makes, keeps or ends a promise, and what a due one leads to."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from chassis.aggregate import Event
from chassis.calendar import end_of_day, local_date
from chassis.deadlines import Periodic
from chassis.promises import Deadlines, Drop, Keep, Make
from referral import commands
from referral.domain import consent, programme
from referral.domain import referral_facts as facts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chassis.promises import Change, Promise
    from referral.storage import Work

DEADLINES = Deadlines()
FEEDS_EVERY = 15.0
PERIODIC = (Periodic(name="feeds", seconds=FEEDS_EVERY, command=commands.confirm_feeds),)
DRAFT_KEPT = 90
_DRAFT = ("DRAFT_60", "DRAFT_80", "DRAFT_END")
_WAITING = ("RANK_1", "RANK_2")


def _start_of(day: date, days: int = 0) -> datetime:
    """The instant at which the day that many days later begins."""
    return end_of_day(day + timedelta(days=days - 1))


@DEADLINES.on(facts.Drafted)
def draft_clock(fact: facts.Drafted) -> Iterable[Change]:
    """Warned after 60 and 80 days, ended after 90."""
    day = local_date(fact.at)
    detail = {"expires_on": (day + timedelta(days=DRAFT_KEPT)).isoformat()}
    yield Make("DRAFT_60", _start_of(day, 60), detail)
    yield Make("DRAFT_80", _start_of(day, 80), detail)
    yield Make("DRAFT_END", _start_of(day, DRAFT_KEPT))


@DEADLINES.on(facts.Submitted, facts.Reopened)
def triage_clock(fact: facts.Sent) -> Iterable[Change]:
    """L1: triage begins within one working day; L2: it decides within five."""
    yield from (Drop(code) for code in _DRAFT)
    yield Make("L1", fact.clock.acknowledge_by)
    yield Make("L2", fact.clock.due_at)


@DEADLINES.on(facts.PriorityAssigned)
def waiting_clock(fact: facts.PriorityAssigned) -> Iterable[Change]:
    """Counted again in the nights in which a step of waiting is full: two lead from the last band to the first."""
    yield Make("RANK_1", _start_of(fact.submitted_on, fact.step_days))
    yield Make("RANK_2", _start_of(fact.submitted_on, 2 * fact.step_days))


@DEADLINES.on(facts.TriageStarted)
def acknowledged(fact: facts.TriageStarted) -> Iterable[Change]:
    yield Keep("L1")


@DEADLINES.on(facts.Accepted, facts.Declined, facts.Redirected)
def decided(fact: Event) -> Iterable[Change]:
    yield Keep("L2")
    yield from (Drop(code) for code in _WAITING)


@DEADLINES.on(facts.Withdrawn, facts.Expired)
def over(fact: Event) -> Iterable[Change]:
    """Nobody waits for it any more."""
    yield from (Drop(code) for code in ("L1", "L2", *_WAITING, *_DRAFT))


@DEADLINES.on(consent.Granted)
def consent_clock(fact: consent.Granted) -> Iterable[Change]:
    """Sharing and evaluation stop at their review date, after warnings; the others are to be asked again by it."""
    if not fact.scope.purpose.ends_at_review:
        yield Make("L20", end_of_day(fact.review_on))
        return
    for warning in (
        Make("REVIEW_28", _start_of(fact.review_on, -28)),
        Make("REVIEW_14", _start_of(fact.review_on, -14)),
        Make("REVIEW_7", _start_of(fact.review_on, -7)),
    ):
        if warning.due_at > fact.at:
            yield warning
    yield Make("REVIEW_END", _start_of(fact.review_on))


@DEADLINES.on(consent.Withdrawn, consent.EndedByMerge, consent.Replaced)
def asked_again(fact: Event) -> Iterable[Change]:
    yield Keep("L20")
    yield from (Drop(code) for code in ("REVIEW_28", "REVIEW_14", "REVIEW_7", "REVIEW_END"))


@DEADLINES.on(
    programme.Published,
    programme.Amended,
    programme.CommissionSet,
    programme.CommissionExtended,
    programme.AreaSet,
    programme.DeliveryModeSet,
    programme.EligibilityPublished,
    programme.PriorityPublished,
)
def next_version(fact: programme.PolicyPublished) -> Iterable[Change]:
    """Older rules are set aside on the day on which newer ones begin."""
    yield from _superseding(fact.next_change_on)


@DEADLINES.on(programme.PolicySuperseded)
def the_one_after(fact: programme.PolicySuperseded) -> Iterable[Change]:
    """And again, where more are to come."""
    yield from _superseding(fact.next_change_on)


def _superseding(day: date | None) -> Iterable[Change]:
    if day is not None:
        yield Make("SUPERSEDE", _start_of(day))


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
