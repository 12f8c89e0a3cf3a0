"""Lists, their pages and counts: caseloads, who waits, workers, the forecast."""

import pytest

from casework.commands import allocation, engagement, worker
from casework.domain.ending import EndAnswers, Outcome
from casework.domain.worker import SuspendReason
from casework.queries import (
    get_forecast,
    list_allocations,
    list_caseload,
    list_workers,
)
from chassis.aggregate import Denied
from tests.casework.giving import allocating, on, submitted, withdrawn
from tests.casework.house import OTHER, PROGRAMME, SM, WORKER, Case
from throughcare.referral.v1 import events_pb2 as referral


async def caseload(house, actor, **changes):
    given = {"worker_ref": None, "status": None, "size": 50, "after": None}
    return await house.ask(list_caseload, actor, **given | changes)


async def waiting(house, actor, **changes):
    given = {"case_id": None, "status": None, "needs_worker": False, "size": 50, "after": None}
    return await house.ask(list_allocations, actor, **given | changes)


async def test_lists_go_on_where_the_page_before_ended(staffed):
    await staffed.do(worker.set_capacity, worker_ref="staff-ew-1", capacity=9, expected=3)
    ids = [(await staffed.opened())[1] for _ in range(5)]

    first = await caseload(staffed, WORKER, size=2)
    last = first.rows[1]
    second = await caseload(staffed, WORKER, size=10, after=(last["started_on"], last["id"]))

    assert (len(first.rows), first.total, second.total) == (3, 5, 5)
    assert [row["id"] for row in first.rows[:2] + second.rows] == sorted(ids)


async def test_a_caseload_is_his_own_and_those_he_covers(staffed):
    _, mine = await staffed.opened()
    case, covered = await staffed.opened(worker_ref="staff-ew-2")
    held, today = await staffed.allocation_of(case), await staffed.today()
    await staffed.do(
        allocation.set_worker_cover,
        allocation_id=held["id"],
        cover_ref="staff-ew-1",
        starts_on=today,
        ends_on=today,
        expected=held["version"],
    )

    def of(ref, actor=SM):
        return caseload(staffed, actor, worker_ref=ref)

    assert {row["id"] for row in (await of("staff-ew-1")).rows} == {mine, covered}
    assert {row["id"] for row in (await of("staff-ew-2")).rows} == {covered}
    assert {row["id"] for row in (await of("staff-ew-2", WORKER)).rows} == {covered}


async def test_closed_ones_are_listed_when_asked_for(staffed):
    _, id_ = await staffed.opened()
    await on(staffed, id_, engagement.close_engagement, outcome=Outcome.DIED, answers=EndAnswers())

    assert (await caseload(staffed, SM)).total == 0
    assert [row["id"] for row in (await caseload(staffed, SM, status="CLOSED")).rows] == [id_]


async def test_the_managers_list_holds_who_waits_and_whose_worker_may_not_work(staffed):
    needs = await staffed.accepted()
    proposed = await staffed.accepted(worker_ref="staff-ew-2")
    fine, left = await staffed.accepted(), await staffed.accepted()
    await allocating(staffed, fine, "staff-ew-2")
    await allocating(staffed, left, "staff-ew-1")
    await staffed.do(worker.suspend_worker, worker_ref="staff-ew-1", reason=SuspendReason.ABSENCE, expected=3)

    listed = await waiting(staffed, SM, needs_worker=True)

    assert [row["case_id"] for row in listed.rows] == [needs.case_id, proposed.case_id, left.case_id]
    assert (await waiting(staffed, SM)).total == 4
    assert [row["case_id"] for row in (await waiting(staffed, SM, status="PROPOSED")).rows] == [proposed.case_id]
    assert (await waiting(staffed, SM, case_id=fine.case_id)).total == 1


async def test_a_worker_sees_what_is_his_or_proposed_for_him(staffed):
    await staffed.accepted()
    proposed = await staffed.accepted(worker_ref="staff-ew-2")
    mine = await staffed.accepted()
    await allocating(staffed, mine, "staff-ew-1")

    assert [row["case_id"] for row in (await waiting(staffed, OTHER)).rows] == [proposed.case_id]
    assert [row["case_id"] for row in (await waiting(staffed, WORKER)).rows] == [mine.case_id]


async def test_workers_are_listed_with_their_places(staffed):
    await allocating(staffed, await staffed.accepted())

    listed = await staffed.ask(list_workers, status=None, size=10, after=None)
    after = await staffed.ask(list_workers, status="CLEARED", size=10, after=("staff-ew-1",))

    assert [(row["worker_ref"], row["capacity"], row["taken"]) for row in listed.rows] == [
        ("staff-ew-1", 3, 1),
        ("staff-ew-2", 3, 0),
    ]
    assert ([row["worker_ref"] for row in after.rows], after.total) == (["staff-ew-2"], 2)
    with pytest.raises(Denied):
        await staffed.ask(list_workers, WORKER, status=None, size=10, after=None)


async def test_the_forecast_counts_what_comes_waits_and_is_open(staffed):
    coming, decided, gone = Case(), Case(), Case()
    for case in (coming, decided, gone):
        await staffed.tell(submitted(), case)
    await staffed.tell(referral.ReferralDeclined(reason_group="ADMIN", by_party="SERVICE"), decided)
    await staffed.tell(withdrawn(), gone)
    await staffed.tell(submitted(referral.ReferralReopened), gone)
    await staffed.accepted()
    await staffed.opened()

    forecast = await staffed.ask(get_forecast)

    assert forecast.programmes == {PROGRAMME: {"expected": 2, "waiting": 1, "open": 1}}
    assert (forecast.places, forecast.taken) == (6, 1)
