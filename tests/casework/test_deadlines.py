"""Promises are made, passed on, kept and missed; each miss is told once."""

from datetime import timedelta

import pytest

from casework.commands import engagement, worker
from casework.domain.ending import ContactChannel, EndAnswers, Outcome
from casework.domain.engagement.facts import RatingPhase
from casework.domain.term import Recorded
from casework.domain.worker import SuspendReason
from chassis.calendar import add_months, end_of_day, working_days_due
from tests.casework.giving import allocating, names, on, withdrawn
from tests.casework.house import SM, WORKER
from throughcare.casework.v1.events_pb2 import AllocationDeadlineMissed, EngagementDeadlineMissed


async def promises(house, kind=None):
    """Open promises by code, timers apart."""
    rows = await house.rows(
        "select aggregate_type, code, due_at from promises where kept_at is null and missed_at is null"
        " and code like 'L%' order by code"
    )
    return {row["code"]: row["due_at"] for row in rows if kind in (None, row["aggregate_type"])}


async def missed(house):
    rows = await house.rows("select aggregate_type, fact_type, fact from journal order by position")
    return [row["aggregate_type"] for row in rows if row["fact_type"] == "DeadlineMissed"]


MISSED = {"allocation": AllocationDeadlineMissed, "engagement": EngagementDeadlineMissed}


async def told(house):
    """The misses as they were told."""
    rows = await house.rows(
        "select aggregate_type, message from journal where fact_type = 'DeadlineMissed' order by position"
    )
    return [MISSED[row["aggregate_type"]].FromString(row["message"]) for row in rows]


async def until(house, instant):
    """Wind the clock to an instant and do what is due."""
    await house.wind(seconds=max(0.0, (instant - await house.now()).total_seconds()))
    await house.fire()


async def test_an_acceptance_promises_worker_contact_and_session(staffed):
    at = await staffed.now()
    await staffed.accepted()

    made = await promises(staffed)

    assert made == {
        "L18": end_of_day(working_days_due(at, 3)),
        "L3": end_of_day(working_days_due(at, 5)),
        "L4": end_of_day(working_days_due(at, 10)),
    }


async def test_a_worker_named_in_time_keeps_l18_and_one_named_late_does_not(staffed):
    early, late = await staffed.accepted(), await staffed.accepted()
    await allocating(staffed, early)
    due = (await staffed.allocation_of(late))["due_at"]

    await until(staffed, due - timedelta(seconds=5))
    assert await missed(staffed) == []
    await until(staffed, due)
    await staffed.fire()

    (message,) = await told(staffed)
    assert (message.promise, message.due_at.ToDatetime(tzinfo=due.tzinfo)) == ("L18", due)
    assert message.policy_version == "casework-clocks-1"
    await allocating(staffed, late)


async def test_promises_pass_to_the_engagement_with_their_due_times(staffed):
    case = await staffed.accepted()
    before = await promises(staffed, "allocation")
    await allocating(staffed, case)
    await staffed.open(case)

    after = await promises(staffed, "engagement")

    assert await promises(staffed, "allocation") == {}
    assert {code: after[code] for code in ("L3", "L4")} == {code: before[code] for code in ("L3", "L4")}
    assert after["L21"] == end_of_day(add_months(await staffed.today(), 3))


async def test_a_promise_missed_before_the_opening_is_told_by_the_allocation_and_not_again(staffed):
    case = await staffed.accepted()
    await allocating(staffed, case)
    due = (await staffed.allocation_of(case))["contact_due_at"]
    await until(staffed, due)

    await staffed.open(case)
    await until(staffed, due + timedelta(days=1))

    assert await missed(staffed) == ["allocation"]
    assert "L3" not in await promises(staffed)


async def test_one_that_is_late_but_not_told_yet_stays_to_be_told_by_the_allocation(staffed):
    case = await staffed.accepted()
    await allocating(staffed, case)
    due = (await staffed.allocation_of(case))["contact_due_at"]
    await staffed.wind(seconds=(due - await staffed.now()).total_seconds() + 1)

    await staffed.open(case)
    await staffed.fire()

    (message,) = await told(staffed)
    assert (await missed(staffed), message.promise) == (["allocation"], "L3")
    assert "L4" in await promises(staffed, "engagement")


async def test_attempt_and_session_keep_their_promises(staffed):
    case, id_ = await staffed.opened()
    await staffed.safe(case)

    await on(staffed, id_, engagement.record_contact_attempt, channel=ContactChannel.PHONE, on=None)
    assert set(await promises(staffed)) == {"L4", "L21"}
    here = Recorded(on=await staffed.today(), by="staff-ew-1")
    await on(
        staffed,
        id_,
        engagement.agree_support,
        attended_session=here,
        contact_plan=here,
        contacts_per_week=1,
    )

    assert set(await promises(staffed)) == {"L21"}


async def test_without_them_both_are_missed_by_the_engagement(staffed):
    case, _ = await staffed.opened()
    due = (await staffed.allocation_of(case))["session_due_at"]

    await until(staffed, due)

    assert await missed(staffed) == ["engagement", "engagement"]
    assert [message.promise for message in await told(staffed)] == ["L3", "L4"]


async def test_reviews_are_promised_one_after_the_other_from_the_start(staffed):
    _, id_ = await staffed.opened()
    started = await staffed.today()

    await on(staffed, id_, engagement.record_rating, phase=RatingPhase.REVIEW, ratings=())
    assert (await promises(staffed))["L21"] == end_of_day(add_months(started, 6))
    await until(staffed, end_of_day(add_months(started, 6)))

    assert [m.promise for m in await told(staffed)][-1] == "L21"
    assert (await promises(staffed))["L21"] == end_of_day(add_months(started, 9))


async def test_an_ending_drops_what_nobody_waits_for_any_more(staffed):
    _, id_ = await staffed.opened()

    await on(staffed, id_, engagement.start_ending, outcome=Outcome.MOVED_AREA, reason="", agreed_by="")

    assert await promises(staffed) == {}


async def test_an_allocation_that_ends_leaves_no_promise(staffed):
    case = await staffed.accepted()
    await staffed.tell(withdrawn(), case)

    assert await promises(staffed) == {}
    (kept,) = await staffed.rows("select kept_at from promises where code = 'L18'")
    assert kept["kept_at"] is not None


@pytest.mark.parametrize("in_time", [True, False])
async def test_after_a_close_at_once_the_report_is_promised(staffed, in_time):
    _, id_ = await staffed.opened()
    at = await staffed.now()
    await on(staffed, id_, engagement.close_engagement, outcome=Outcome.PERSON_WITHDREW, answers=EndAnswers())
    due = end_of_day(working_days_due(at, 5))
    assert await promises(staffed) == {"L12": due}

    if in_time:
        report = Recorded(on=await staffed.today(), by="staff-ew-1")
        await on(staffed, id_, engagement.share_end_report, WORKER, end_report=report)
    await until(staffed, due)

    assert await missed(staffed) == ([] if in_time else ["engagement"])


async def test_a_reopening_promises_worker_contact_session_and_review_anew(staffed):
    case, id_ = await staffed.opened()
    started = await staffed.today()
    await on(staffed, id_, engagement.close_engagement, outcome=Outcome.PERSON_WITHDREW, answers=EndAnswers())
    await staffed.wind(days=3)
    at = await staffed.now()

    await on(staffed, id_, engagement.reopen_engagement, SM)

    assert await promises(staffed, "allocation") == {"L18": (await staffed.allocation_of(case))["due_at"]}
    assert await promises(staffed, "engagement") == {
        "L3": end_of_day(working_days_due(at, 5)),
        "L4": end_of_day(working_days_due(at, 10)),
        "L21": end_of_day(add_months(started, 3)),
    }


async def test_a_clearance_lapses_by_the_timer_once_its_last_day_is_over(house):
    await house.a_worker(days=10)
    over = end_of_day(await house.today() + timedelta(days=10))

    await until(house, over - timedelta(seconds=5))
    assert "Lapsed" not in names(await house.facts())
    await until(house, over)

    assert names(await house.facts())[-1] == "Lapsed"
    (row,) = await house.rows("select status from worker")
    assert row["status"] == "LAPSED"


async def test_a_worker_suspended_before_does_not_lapse(house):
    await house.a_worker(days=10)
    await house.do(worker.suspend_worker, worker_ref="staff-ew-1", reason=SuspendReason.ABSENCE, expected=3)

    await until(house, end_of_day(await house.today() + timedelta(days=11)))

    assert names(await house.facts())[-1] == "Suspended"
