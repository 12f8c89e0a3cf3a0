"""What one notice may do, by example."""

from datetime import timedelta

import pytest

from chassis.aggregate import Invalid, Unmet
from notifications.domain.codes import Failure
from notifications.domain.notice import RETRY_AFTER, Found, Status
from tests.notifications.builders import MONDAY, SECOND, a_notice, a_sending_notice, stored

MINUTE = timedelta(minutes=1)


def sent(**given):
    return stored(a_sending_notice(**given).send(at=MONDAY))


def test_a_channel_that_cannot_now_is_tried_five_times_at_growing_distance_and_then_no_more():
    notice, at, waits = stored(a_sending_notice()), MONDAY, []
    for _ in RETRY_AFTER:
        notice = stored(notice.fail_for_now(Failure.BUSY, at=at))
        waits.append(notice.send_after - at)
        at = notice.send_after
        notice = stored(notice.claim(notice.id, at=at))

    failed = notice.fail_for_now(Failure.BUSY, at=at)

    assert [wait / MINUTE for wait in waits] == [1, 5, 30, 120, 360]
    assert (failed.status, failed.reason) == (Status.PERMANENT_FAILURE, "BUSY")


def test_before_its_lease_is_over_nobody_says_that_it_is_lost():
    notice = stored(a_sending_notice())

    with pytest.raises(Unmet, match="lease_running"):
        notice.lose(at=MONDAY + 59 * SECOND)

    assert notice.lose(at=MONDAY + 60 * SECOND).status is Status.UNKNOWN


def test_an_unknown_one_is_not_sent_again_by_itself():
    notice = stored(a_sending_notice().lose(at=MONDAY + 60 * SECOND))

    for act in (
        lambda: notice.claim(notice.id, at=MONDAY + MINUTE),
        lambda: notice.retry(use_by=MONDAY + timedelta(days=1), send_after=MONDAY + MINUTE, at=MONDAY + MINUTE),
        lambda: notice.send(at=MONDAY + MINUTE),
    ):
        with pytest.raises(Unmet, match="invalid_transition"):
            act()


def test_whoever_resolves_it_says_how_he_knows():
    notice = stored(a_sending_notice().lose(at=MONDAY + 60 * SECOND))

    with pytest.raises(Invalid) as refusal:
        notice.resolve(Found.SENT, note="  ", at=MONDAY + MINUTE)

    assert [(fault.path, fault.code) for fault in refusal.value.fields] == [("note", "REQUIRED")]
    resolved = notice.resolve(Found.PERMANENT_FAILURE, note="The server's log has no such message.", at=MONDAY)
    assert resolved.status is Status.PERMANENT_FAILURE


def test_one_that_wants_no_acknowledgement_takes_none_and_goes_no_further_up():
    notice = sent(ack_wanted=False)

    with pytest.raises(Unmet, match="acknowledgement_not_wanted"):
        notice.acknowledge(by="staff-ew-1", at=MONDAY)
    with pytest.raises(Unmet, match="acknowledgement_not_wanted"):
        notice.escalate(at=MONDAY)


def test_one_that_failed_goes_up_whether_or_not_it_wants_an_acknowledgement():
    failed = stored(a_sending_notice(ack_wanted=False).fail_for_good(Failure.REFUSED, at=MONDAY))

    assert failed.escalate(at=MONDAY).status is Status.ESCALATED


def test_it_is_not_taken_after_its_use_by():
    notice = a_notice(use_by=MONDAY + MINUTE).request(at=MONDAY).schedule(at=MONDAY).render(1, at=MONDAY)

    with pytest.raises(Unmet, match="not_its_time"):
        stored(notice).claim(notice.id, at=MONDAY + MINUTE)

    assert stored(notice).expire(at=MONDAY + MINUTE).status is Status.EXPIRED


def test_one_that_expired_may_be_sent_after_all_until_a_new_day():
    expired = stored(a_notice().request(at=MONDAY).schedule(at=MONDAY).expire(at=MONDAY + timedelta(days=3)))
    late = MONDAY + timedelta(days=4)

    with pytest.raises(Invalid):
        expired.retry(use_by=late, send_after=late, at=late)
    again = expired.retry(use_by=late + MINUTE, send_after=late, at=late)

    assert (again.status, again.tries, again.use_by) == (Status.SCHEDULED, 0, late + MINUTE)


def test_it_is_asked_for_once():
    with pytest.raises(Unmet, match="invalid_transition"):
        stored(a_notice().request(at=MONDAY)).request(at=MONDAY)
