"""How an engagement comes to its end and is closed; the end report (L12)."""

from __future__ import annotations

from datetime import datetime

from casework.domain import ending
from casework.domain.ending import EndAnswers, Outcome
from casework.domain.engagement import facts
from casework.domain.engagement.aggregate import OPEN, Engagement, S, not_now, refuse
from casework.domain.term import Clocks, Recorded, due, due_from
from chassis.aggregate import Fault, Invalid, Unmet
from chassis.calendar import end_of_day, local_date


def start_ending(
    engagement: Engagement, outcome: Outcome, *, reason: str = "", agreed_by: str = "", at: datetime
) -> Engagement:
    """It comes to its end: told four weeks before, or at once for safety, a move or his own wish."""
    _may_end(engagement, outcome)
    today = local_date(at)
    pauses = engagement.pauses_ended(today) if engagement.status is S.PAUSED else engagement.pauses
    dates = engagement.dates(pauses, today)
    if engagement.status is S.ENGAGING and outcome is Outcome.NOT_REACHED:
        ending.refuse_unless_tried(engagement.attempts, agreed_by=agreed_by)
    elif outcome not in ending.STARTS_AT_ONCE:
        ending.refuse_if_late(dates["planned_end_on"], today=today, reason=reason)
    fact = facts.EndingStarted(
        outcome=outcome,
        group=ending.group_of(outcome),
        reason=reason,
        agreed_by=agreed_by,
        planned_end_on=dates["planned_end_on"],
        review_due_on=None,
        at=at,
    )
    changes = {"status": S.ENDING, "paused_from": None, "outcome": outcome, "review_due_on": None}
    return engagement.telling(fact, pauses=pauses, **changes, **dates)


def close(
    engagement: Engagement,
    *,
    outcome: Outcome | None,
    answers: EndAnswers,
    clocks: Clocks,
    settled: bool | None = None,
    at: datetime,
) -> Engagement:
    """It ended. Where he withdrew, the referral was withdrawn or he died it may be at once."""
    today = local_date(at)
    final = _final_outcome(engagement, outcome)
    refuse(engagement.wrong_days(dict(answers.given()), today))
    at_once = final in ending.CLOSES_AT_ONCE
    if not at_once:
        ending.refuse_unless_complete(answers, rated=engagement.rated_at_end, settled=settled)
    fact = facts.Closed(
        outcome=final,
        group=ending.group_of(final),
        acceptance=engagement.acceptance,
        answers=answers,
        report_due_at=due(at, clocks.report_days) if answers.end_report is None else None,
        at=at,
    )
    late = () if at_once else _report_late(engagement, answers, clocks, at)
    pauses = engagement.pauses_ended(today) if engagement.status is S.PAUSED else engagement.pauses
    return engagement.telling(
        *late,
        fact,
        status=S.CLOSED,
        paused_from=None,
        pauses=pauses,
        outcome=final,
        review_due_on=None,
        report_shared_on=answers.end_report.on if answers.end_report else None,
        closed_on=today,
        **engagement.dates(pauses, today),
    )


def share_end_report(engagement: Engagement, end_report: Recorded, *, at: datetime) -> Engagement:
    """The end report of an engagement that was closed at once was shared."""
    engagement.must_be(S.CLOSED)
    if engagement.report_shared_on is not None:
        raise Unmet("invalid_transition", "The end report was shared already.")
    refuse(engagement.wrong_days({"end_report": end_report}, local_date(at)))
    fact = facts.EndReportShared(end_report=end_report, at=at)
    return engagement.telling(fact, report_shared_on=end_report.on)


def _report_late(
    engagement: Engagement, answers: EndAnswers, clocks: Clocks, at: datetime
) -> tuple[facts.DeadlineMissed, ...]:
    """The missed promise (L12) of a report shared too long after the ending session."""
    if answers.ending_session is None or answers.end_report is None:
        return ()
    due_at = due_from(answers.ending_session.on, clocks.report_days)
    if end_of_day(answers.end_report.on) <= due_at:
        return ()
    return (engagement.missed("L12", due_at, at, None),)


def _may_end(engagement: Engagement, outcome: Outcome) -> None:
    if engagement.status is S.PAUSED and engagement.paused_from is S.ENDING:
        raise not_now()
    if engagement.status in (S.ACTIVE, S.PAUSED):
        return
    if engagement.status is S.ENGAGING and outcome is Outcome.NOT_REACHED:
        return
    if engagement.status not in (S.OPENED, S.ENGAGING) or outcome not in ending.STARTS_AT_ONCE:
        raise not_now()


def _final_outcome(engagement: Engagement, outcome: Outcome | None) -> Outcome:
    """The outcome of a close: the one the ending started with, or one that closes at once."""
    engagement.must_be(*OPEN)
    if outcome in ending.CLOSES_AT_ONCE:
        return outcome
    if engagement.outcome in ending.CLOSES_AT_ONCE and outcome is None:
        return engagement.outcome
    if engagement.status is not S.ENDING or engagement.outcome is None:
        raise not_now()
    if outcome not in (None, engagement.outcome):
        raise Invalid(Fault("outcome", "CONFLICTS_WITH(outcome)"))
    return engagement.outcome
