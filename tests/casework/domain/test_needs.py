"""What he needs help with is opened and closed by date."""

from datetime import timedelta

import pytest

from casework.domain.aspect import Aspect
from casework.domain.engagement import facts, needs
from casework.domain.engagement.aggregate import EngagementStatus as S
from casework.domain.engagement.facts import Need
from chassis.aggregate import Invalid, Unmet
from tests.casework.builders import NOW, an_engagement, stored

TODAY, DAY = NOW.date(), timedelta(days=1)
GP = Aspect.GP_REGISTRATION
LATER = NOW + 20 * DAY


def an_engagement_with_a_need(aspect=GP):
    return stored(needs.open_need(an_engagement(), aspect, on=None, at=NOW))


def _faults(attempt):
    with pytest.raises(Invalid) as refusal:
        attempt()
    return {(fault.path, fault.code) for fault in refusal.value.fields}


def test_a_need_is_recorded_from_today_unless_a_day_is_named():
    today = needs.open_need(an_engagement(), GP, on=None, at=LATER)
    earlier = needs.open_need(an_engagement(), GP, on=TODAY + DAY, at=LATER)

    assert today.needs == (Need(aspect=GP, opened_on=LATER.date()),)
    assert today.news == (facts.NeedRecorded(aspect=GP, open=True, on=LATER.date(), at=LATER),)
    assert earlier.needs[0].opened_on == TODAY + DAY


def test_a_need_that_is_met_is_closed_and_kept_with_its_days():
    engagement = an_engagement_with_a_need()

    closed = needs.close_need(engagement, GP, on=TODAY + 3 * DAY, at=LATER)

    assert closed.needs == (Need(aspect=GP, opened_on=TODAY, closed_on=TODAY + 3 * DAY),)
    assert closed.news == (facts.NeedRecorded(aspect=GP, open=False, on=TODAY + 3 * DAY, at=LATER),)


def test_it_may_be_needed_again_once_it_was_closed_and_not_before_that_day():
    closed = stored(needs.close_need(an_engagement_with_a_need(), GP, on=TODAY + 3 * DAY, at=LATER))

    again = needs.open_need(closed, GP, on=TODAY + 3 * DAY, at=LATER)

    assert [need.closed_on for need in again.needs] == [TODAY + 3 * DAY, None]
    faults = _faults(lambda: needs.open_need(closed, GP, on=TODAY + DAY, at=LATER))
    assert faults == {("on", "BEFORE_START")}


def test_each_service_stands_for_itself():
    both = stored(needs.open_need(an_engagement_with_a_need(), Aspect.FAMILY, on=None, at=NOW))

    closed = needs.close_need(both, Aspect.FAMILY, on=None, at=NOW)

    assert [(need.aspect, need.closed_on) for need in closed.needs] == [(GP, None), (Aspect.FAMILY, TODAY)]


@pytest.mark.parametrize(
    ("days", "code"), [(21, "IN_FUTURE"), (-1, "BEFORE_START")], ids=["to come", "before he was with us"]
)
def test_a_day_that_cannot_be_is_refused(days, code):
    assert _faults(lambda: needs.open_need(an_engagement(), GP, on=TODAY + days * DAY, at=LATER)) == {("on", code)}


def test_a_day_too_far_back_is_refused():
    late = NOW + 60 * DAY

    assert _faults(lambda: needs.open_need(an_engagement(), GP, on=TODAY, at=late)) == {("on", "OUT_OF_RANGE")}


def test_a_need_is_not_closed_before_it_was_opened():
    engagement = stored(needs.open_need(an_engagement(), GP, on=TODAY + 5 * DAY, at=LATER))

    assert _faults(lambda: needs.close_need(engagement, GP, on=TODAY + DAY, at=LATER)) == {("on", "BEFORE_START")}


def test_a_need_is_opened_once_and_only_an_open_one_is_closed():
    engagement = an_engagement_with_a_need()

    for attempt, reason in (
        (lambda: needs.open_need(engagement, GP, on=None, at=NOW), "need_open"),
        (lambda: needs.close_need(engagement, Aspect.FAMILY, on=None, at=NOW), "need_not_open"),
    ):
        with pytest.raises(Unmet) as refusal:
            attempt()
        assert refusal.value.reason == reason


@pytest.mark.parametrize("status", S)
def test_needs_are_recorded_while_he_is_with_us(status):
    engagement = an_engagement(status=status)

    if status is S.CLOSED:
        with pytest.raises(Unmet):
            needs.open_need(engagement, GP, on=None, at=NOW)
    else:
        assert needs.open_need(engagement, GP, on=None, at=NOW).needs
