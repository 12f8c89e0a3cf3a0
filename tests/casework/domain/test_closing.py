"""How an engagement ends, is closed, and is reopened."""

from dataclasses import replace
from datetime import date, timedelta
from uuid import uuid4

import pytest

from casework.domain.ending import ContactChannel, EndAnswers, Outcome, OutcomeGroup, group_of
from casework.domain.engagement import closing, facts
from casework.domain.engagement.aggregate import EngagementStatus as S
from casework.domain.engagement.facts import RatingPhase
from casework.domain.engagement.opening import reopen
from casework.domain.term import PauseReason, Recorded, Terms
from chassis.aggregate import Invalid, Unmet
from tests.casework.builders import (
    CLOCKS,
    NOW,
    active,
    all_answers,
    an_engagement,
    answered,
    engaging,
    stored,
)

TODAY = NOW.date()


DAY = timedelta(days=1)


def _paused(engagement, reason=PauseReason.RECALLED, *, at=NOW):
    return stored(engagement.pause(reason, on=None, review_on=at.date() + DAY, earliest_out_on=None, at=at))


def _ending(engagement, outcome=Outcome.MOVED_AREA, *, at=NOW):
    return stored(closing.start_ending(engagement, outcome, at=at))


def _close(engagement, *, outcome=None, answers=None, at=NOW):
    return closing.close(engagement, outcome=outcome, answers=answers or all_answers(at), clocks=CLOCKS, at=at)


def _refused(attempt, reason):
    with pytest.raises(Unmet) as refusal:
        attempt()
    assert refusal.value.reason == reason


def _faults(attempt):
    with pytest.raises(Invalid) as refusal:
        attempt()
    return {(fault.path, fault.code) for fault in refusal.value.fields}


def _tried(days, channels):
    engagement = an_engagement()
    for day, channel in zip(days, channels, strict=True):
        engagement = stored(engagement.record_contact_attempt(channel, on=None, safe_contact=True, at=NOW + day * DAY))
    return engagement


@pytest.mark.parametrize(
    ("days", "channels", "agreed_by", "reason"),
    [
        ((0, 5, 10, 15, 20, 28), "PSPSPS", "staff-sm-1", None),
        ((0, 5, 10, 15, 20, 28), "PSPSPS", "", "manager_agreement_missing"),
        ((0, 5, 10, 15, 20, 27), "PSPSPS", "staff-sm-1", "not_enough_attempts"),
        ((0, 5, 10, 15, 20, 28), "PPPPPP", "staff-sm-1", "not_enough_attempts"),
        ((0, 5, 10, 15, 28), "PSPSP", "staff-sm-1", "not_enough_attempts"),
    ],
)
def test_nobody_is_given_up_before_six_attempts_over_four_weeks_by_two_channels(days, channels, agreed_by, reason):
    engagement = _tried(days, [ContactChannel.PHONE if c == "P" else ContactChannel.SMS for c in channels])

    def give_up():
        return closing.start_ending(engagement, Outcome.NOT_REACHED, agreed_by=agreed_by, at=NOW + 30 * DAY)

    if reason is None:
        assert give_up().status is S.ENDING
    else:
        _refused(give_up, reason)


def test_an_ending_is_promised_four_weeks_before_or_says_why_not():
    engagement = active(an_engagement())
    last_day = NOW + (engagement.planned_end_on - TODAY - 28 * DAY)

    in_time = closing.start_ending(engagement, Outcome.COMPLETED, at=last_day)
    _refused(
        lambda: closing.start_ending(engagement, Outcome.COMPLETED, at=last_day + DAY),
        "ending_reason_missing",
    )
    explained = closing.start_ending(engagement, Outcome.COMPLETED, reason="moved", at=last_day + DAY)

    assert (in_time.status, explained.status) == (S.ENDING, S.ENDING)


@pytest.mark.parametrize("outcome", ["UNSAFE", "MOVED_AREA", "TRANSFERRED", "PERSON_WITHDREW", "REFERRAL_WITHDRAWN"])
@pytest.mark.parametrize(
    "state", [an_engagement(), engaging(an_engagement()), active(an_engagement()), _paused(an_engagement())]
)
def test_some_endings_start_at_once_from_every_state_before(state, outcome):
    ending = closing.start_ending(state, Outcome(outcome), at=NOW)

    assert (ending.status, ending.paused_from) == (S.ENDING, None)


@pytest.mark.parametrize("state", [an_engagement(), engaging(an_engagement())])
def test_before_support_is_agreed_nothing_is_completed(state):
    _refused(lambda: closing.start_ending(state, Outcome.COMPLETED, at=NOW), "invalid_transition")


def test_a_second_ending_does_not_start():
    ending = _ending(active(an_engagement()))

    for state in (ending, _paused(ending)):
        _refused(
            lambda state=state: closing.start_ending(state, Outcome.PERSON_WITHDREW, at=NOW),
            "invalid_transition",
        )


@pytest.mark.parametrize(
    ("missing", "reason"),
    [
        ("ending_session", "ending_session_missing"),
        ("final_ratings", "final_ratings_missing"),
        ("handoffs_settled", "handoffs_open"),
        ("end_report", "end_report_missing"),
    ],
)
def test_a_close_needs_session_ratings_handoffs_and_report(missing, reason):
    ending = _ending(active(an_engagement()))

    _refused(lambda: _close(ending, answers=replace(all_answers(), **{missing: None})), reason)
    assert _close(ending).status is S.CLOSED


def test_ratings_recorded_before_count_as_final():
    ending = stored(_ending(active(an_engagement())).rate(RatingPhase.END, (), at=NOW))

    assert _close(ending, answers=replace(all_answers(), final_ratings=None)).status is S.CLOSED


@pytest.mark.parametrize("outcome", ["PERSON_WITHDREW", "REFERRAL_WITHDRAWN", "DIED"])
@pytest.mark.parametrize(
    "state",
    [
        an_engagement(),
        engaging(an_engagement()),
        active(an_engagement()),
        _paused(an_engagement()),
        _ending(an_engagement()),
    ],
)
def test_some_outcomes_close_at_once_and_promise_the_report(state, outcome):
    closed = closing.close(state, outcome=Outcome(outcome), answers=EndAnswers(), clocks=CLOCKS, at=NOW)

    assert (closed.status, closed.outcome) == (S.CLOSED, Outcome(outcome))
    assert closed.news[-1].report_due_at is not None


def test_what_began_as_his_withdrawal_closes_without_further_answers():
    ending = _ending(active(an_engagement()), Outcome.PERSON_WITHDREW)

    assert closing.close(ending, outcome=None, answers=EndAnswers(), clocks=CLOCKS, at=NOW).status is S.CLOSED


def test_an_ending_closes_with_the_outcome_it_began_with():
    ending = _ending(active(an_engagement()), Outcome.TRANSFERRED)

    assert _faults(lambda: _close(ending, outcome=Outcome.COMPLETED)) == {("outcome", "CONFLICTS_WITH(outcome)")}
    assert _close(ending, outcome=Outcome.TRANSFERRED).outcome is Outcome.TRANSFERRED


@pytest.mark.parametrize("state", [an_engagement(), active(an_engagement()), _paused(an_engagement())])
def test_without_an_ending_only_some_outcomes_close(state):
    _refused(lambda: _close(state, outcome=Outcome.COMPLETED), "invalid_transition")
    _refused(lambda: _close(state), "invalid_transition")


@pytest.mark.parametrize(("report_days", "missed"), [(5, []), (8, ["L12"])])
def test_a_report_shared_too_late_is_told_with_the_close(report_days, missed):
    # The session on Monday 2 March: five working days end on Monday 9 March.
    at = NOW + 20 * DAY
    answers = replace(
        all_answers(),
        ending_session=Recorded(on=TODAY, by="staff-ew-1"),
        end_report=Recorded(on=TODAY + (report_days + 2 * (report_days > 5)) * DAY, by="staff-ew-1"),
    )

    closed = _close(_ending(active(an_engagement())), answers=answers, at=at)

    assert [f.promise for f in closed.news if isinstance(f, facts.DeadlineMissed)] == missed


def test_the_report_of_an_engagement_closed_at_once_is_shared_once():
    closed = stored(closing.close(an_engagement(), outcome=Outcome.DIED, answers=EndAnswers(), clocks=CLOCKS, at=NOW))
    shared = stored(closing.share_end_report(closed, answered(), at=NOW))

    _refused(lambda: closing.share_end_report(shared, answered(), at=NOW), "invalid_transition")
    _refused(lambda: closing.share_end_report(an_engagement(), answered(), at=NOW), "invalid_transition")


def _reopen(engagement, *, participates=True, searching=False, at=NOW):
    return reopen(
        engagement,
        participates=participates,
        allocation_id=uuid4(),
        searching=searching,
        clocks=CLOCKS,
        at=at,
    )


def test_it_is_reopened_within_90_days_with_his_agreement_while_nobody_else_is_searched():
    closed = stored(_close(_ending(active(engaging(an_engagement())))))

    reopened = _reopen(closed, at=NOW + 90 * DAY)

    assert (reopened.status, reopened.outcome, reopened.ordinal) == (S.OPENED, None, 2)
    assert reopened.review_due_on == date(2026, 6, 2)
    _refused(lambda: _reopen(closed, at=NOW + 91 * DAY), "reopen_window_passed")
    _refused(lambda: _reopen(closed, participates=False), "consent_missing")
    _refused(lambda: _reopen(closed, searching=True), "allocation_exists")
    _refused(lambda: _reopen(active(an_engagement())), "invalid_transition")


def test_a_death_is_not_reopened():
    closed = stored(closing.close(an_engagement(), outcome=Outcome.DIED, answers=EndAnswers(), clocks=CLOCKS, at=NOW))

    _refused(lambda: _reopen(closed), "invalid_transition")


def test_after_a_reopening_attempts_are_counted_anew_for_giving_up():
    days, channels = (0, 5, 10, 15, 20, 28), [ContactChannel.PHONE, ContactChannel.SMS] * 3
    tried = _tried(days, channels)
    closed = stored(
        closing.close(tried, outcome=Outcome.PERSON_WITHDREW, answers=EndAnswers(), clocks=CLOCKS, at=NOW + 29 * DAY)
    )
    again = engaging(stored(_reopen(closed, at=NOW + 30 * DAY)), at=NOW + 31 * DAY)

    _refused(
        lambda: closing.start_ending(again, Outcome.NOT_REACHED, agreed_by="staff-sm-1", at=NOW + 32 * DAY),
        "not_enough_attempts",
    )


def test_a_missed_review_gives_way_to_the_next():
    engagement = an_engagement(terms=Terms(planned_months=12, cap_months=18))

    _refused(lambda: engagement.miss("L21", due_at=NOW + DAY, at=NOW), "not_due")
    missed = engagement.miss("L21", due_at=NOW, at=NOW)

    assert (missed.review_due_on, missed.news[0].policy_version) == (date(2026, 9, 2), "clocks-1")


@pytest.mark.parametrize(
    ("outcome", "group"),
    [
        (Outcome.COMPLETED, OutcomeGroup.COMPLETED),
        (Outcome.TRANSFERRED, OutcomeGroup.TRANSFERRED),
        (Outcome.MOVED_AREA, OutcomeGroup.TRANSFERRED),
        (Outcome.SENTENCE_ENDED_CONTINUING_ELSEWHERE, OutcomeGroup.TRANSFERRED),
        (Outcome.PERSON_WITHDREW, OutcomeGroup.ENDED_EARLY),
        (Outcome.REFERRAL_WITHDRAWN, OutcomeGroup.ENDED_EARLY),
        (Outcome.NOT_REACHED, OutcomeGroup.ENDED_EARLY),
        (Outcome.LONG_CUSTODY, OutcomeGroup.ENDED_EARLY),
        (Outcome.UNSAFE, OutcomeGroup.ENDED_EARLY),
        (Outcome.DIED, OutcomeGroup.ENDED_EARLY),
    ],
)
def test_all_that_is_told_of_an_outcome_is_its_group(outcome, group):
    assert group_of(outcome) is group
