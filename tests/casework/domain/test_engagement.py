"""One engagement from its opening through pauses, extensions and ratings."""

from datetime import date, timedelta
from uuid import uuid4

import pytest

from casework.domain.ending import ContactChannel, Outcome
from casework.domain.engagement import closing
from casework.domain.engagement.aggregate import EngagementStatus as S
from casework.domain.engagement.facts import EmphasisArea, Rating, RatingPhase
from casework.domain.engagement.opening import open_engagement
from casework.domain.term import PauseReason, Recorded
from chassis.aggregate import Invalid, Unmet
from tests.casework.builders import (
    NOW,
    TERMS,
    active,
    an_allocated,
    an_allocation,
    an_engagement,
    answered,
    engaging,
    stored,
)

TODAY = NOW.date()


DAY = timedelta(days=1)


def _open(allocation, *, participates=True, at=NOW):
    return open_engagement(id=uuid4(), allocation=allocation, participates=participates, terms=TERMS, at=at)


def _paused(engagement, reason=PauseReason.RECALLED, *, at=NOW):
    return stored(engagement.pause(reason, on=None, review_on=at.date() + DAY, earliest_out_on=None, at=at))


def _ending(engagement, outcome=Outcome.MOVED_AREA, *, at=NOW):
    return stored(closing.start_ending(engagement, outcome, at=at))


def _refused(attempt, reason):
    with pytest.raises(Unmet) as refusal:
        attempt()
    assert refusal.value.reason == reason


def _faults(attempt):
    with pytest.raises(Invalid) as refusal:
        attempt()
    return {(fault.path, fault.code) for fault in refusal.value.fields}


def test_an_engagement_opens_for_twelve_months_with_a_cap_of_eighteen():
    opened = _open(an_allocated())

    assert (opened.started_on, opened.planned_end_on, opened.cap_on) == (
        TODAY,
        date(2027, 3, 2),
        date(2027, 9, 2),
    )
    assert opened.review_due_on == date(2026, 6, 2)


def test_it_opens_only_with_a_worker_and_with_his_agreement():
    _refused(lambda: _open(an_allocation()), "worker_not_allocated")
    _refused(lambda: _open(stored(an_allocated().end(at=NOW))), "allocation_ended")
    _refused(lambda: _open(an_allocated(), participates=False), "consent_missing")


@pytest.mark.parametrize(("days", "contact", "session"), [(0, True, True), (8, False, True), (20, False, False)])
def test_promises_that_are_late_already_are_not_made_again(days, contact, session):
    fact = _open(an_allocated(), at=NOW + days * DAY).news[0]

    assert (fact.contact_due_at is not None, fact.session_due_at is not None) == (contact, session)


def test_a_contact_attempt_needs_a_safe_way_to_reach_him():
    engagement = an_engagement()

    _refused(
        lambda: engagement.record_contact_attempt(ContactChannel.PHONE, on=None, safe_contact=False, at=NOW),
        "safe_contact_missing",
    )
    assert engaging(engagement).status is S.ENGAGING


@pytest.mark.parametrize(
    ("started", "back", "fault"),
    [(0, -1, "IN_FUTURE"), (0, 1, "BEFORE_START"), (60, 29, "OUT_OF_RANGE"), (60, 28, None)],
)
def test_the_day_of_an_attempt(started, back, fault):
    at = NOW + started * DAY
    engagement = an_engagement()

    def attempt():
        return engagement.record_contact_attempt(
            ContactChannel.SMS, on=at.date() - back * DAY, safe_contact=True, at=at
        )

    if fault is None:
        assert attempt().attempts[0].on == at.date() - back * DAY
    else:
        assert _faults(attempt) == {("attempted_on", fault)}


def test_attempts_are_numbered():
    engagement = engaging(engaging(an_engagement()))

    third = engagement.record_contact_attempt(ContactChannel.SMS, on=None, safe_contact=True, at=NOW)

    assert third.news[0].ordinal == 3


@pytest.mark.parametrize(
    ("session", "plan", "reason"),
    [(None, answered(), "no_attended_session"), (answered(), None, "contact_plan_missing")],
)
def test_support_is_agreed_after_a_session_and_with_a_contact_plan(session, plan, reason):
    engagement = engaging(an_engagement())

    _refused(
        lambda: engagement.agree_support(attended_session=session, contact_plan=plan, contacts_per_week=2, at=NOW),
        reason,
    )
    assert active(an_engagement()).status is S.ACTIVE


def test_agreeing_names_every_wrong_field_at_once():
    engagement = engaging(an_engagement())
    tomorrow = Recorded(on=TODAY + DAY, by="staff-ew-1")
    before = Recorded(on=TODAY - DAY, by="staff-ew-1")

    faults = _faults(
        lambda: engagement.agree_support(attended_session=tomorrow, contact_plan=before, contacts_per_week=0, at=NOW)
    )

    assert faults == {
        ("attended_session.recorded_on", "IN_FUTURE"),
        ("contact_plan.recorded_on", "BEFORE_START"),
        ("contacts_per_week", "OUT_OF_RANGE"),
    }


def test_a_pause_is_looked_at_again_within_28_days_or_when_he_may_come_out():
    engagement = an_engagement()

    def pause(reason=PauseReason.HOSPITAL, review=None, out=None):
        return engagement.pause(reason, on=None, review_on=review, earliest_out_on=out, at=NOW)

    assert _faults(pause) == {("review_on", "REQUIRED")}
    assert _faults(lambda: pause(review=TODAY + 29 * DAY)) == {("review_on", "OUT_OF_RANGE")}
    assert _faults(lambda: pause(out=TODAY + DAY)) == {("earliest_out_on", "CONFLICTS_WITH(reason)")}
    assert _faults(lambda: pause(PauseReason.REMANDED, out=TODAY - DAY)) == {("earliest_out_on", "BEFORE_START")}
    assert pause(review=TODAY + 28 * DAY).status is S.PAUSED
    assert pause(PauseReason.RECALLED, out=TODAY + 200 * DAY).status is S.PAUSED


def test_a_counted_pause_moves_end_and_cap_when_he_comes_back():
    paused = _paused(active(an_engagement()))

    resumed = paused.resume(on=None, at=NOW + 10 * DAY)

    assert resumed.status is S.ACTIVE
    assert (resumed.planned_end_on, resumed.cap_on) == (date(2027, 3, 12), date(2027, 9, 12))
    assert resumed.review_due_on == date(2026, 6, 2)


@pytest.mark.parametrize(
    "state", [an_engagement(), engaging(an_engagement()), active(an_engagement()), _ending(an_engagement())]
)
def test_it_goes_on_in_the_state_it_was_paused_from(state):
    assert _paused(state).resume(on=None, at=NOW).status is state.status


def test_pauses_neither_overlap_nor_end_before_they_begin():
    resumed = stored(_paused(an_engagement()).resume(on=None, at=NOW + 5 * DAY))
    paused = _paused(an_engagement(), at=NOW + 5 * DAY)

    assert _faults(
        lambda: resumed.pause(
            PauseReason.ABROAD,
            on=TODAY + 3 * DAY,
            review_on=TODAY + 9 * DAY,
            earliest_out_on=None,
            at=NOW + 8 * DAY,
        )
    ) == {("paused_on", "BEFORE_START")}
    assert _faults(lambda: paused.resume(on=TODAY + 4 * DAY, at=NOW + 6 * DAY)) == {("resumed_on", "BEFORE_START")}


def test_it_is_extended_to_the_cap_and_beyond_by_exception_alone():
    engagement = active(an_engagement())

    to_cap = engagement.extend(18, reason="more time", beyond_cap=False, at=NOW)
    _refused(lambda: engagement.extend(19, reason="more", beyond_cap=False, at=NOW), "duration_cap")
    beyond = engagement.extend(19, reason="more", beyond_cap=True, at=NOW)

    assert to_cap.planned_end_on == to_cap.cap_on == date(2027, 9, 2)
    assert (beyond.planned_end_on, beyond.news[0].beyond_cap) == (date(2027, 10, 2), True)


@pytest.mark.parametrize("months", [12, 0, 61])
def test_an_extension_is_longer_and_has_a_limit(months):
    assert _faults(lambda: an_engagement().extend(months, reason="more", beyond_cap=True, at=NOW)) == {
        ("planned_months", "OUT_OF_RANGE")
    }


def test_a_review_is_done_by_its_rating_and_the_next_one_follows():
    ratings = (Rating(area=EmphasisArea.RELATIONSHIPS, score=7),)

    at_start = stored(an_engagement().rate(RatingPhase.START, ratings, at=NOW))
    reviewed = at_start.rate(RatingPhase.REVIEW, ratings, at=NOW)

    assert at_start.review_due_on == date(2026, 6, 2)
    assert reviewed.review_due_on == date(2026, 9, 2)


def test_scores_are_from_0_to_10_and_each_area_is_rated_once():
    twice = (Rating(area=EmphasisArea.RELATIONSHIPS, score=11), Rating(area=EmphasisArea.RELATIONSHIPS, score=0))

    assert _faults(lambda: an_engagement().rate(RatingPhase.END, twice, at=NOW)) == {
        ("ratings.score", "OUT_OF_RANGE"),
        ("ratings.area", "CONFLICTS_WITH(ratings)"),
    }
