"""Who works with whom: every guard on both sides; what is refused leaves nothing but an audit entry."""

import asyncio
from datetime import timedelta

from casework.commands import allocation, engagement, worker
from casework.domain.ending import ContactChannel
from casework.domain.term import PauseReason, Recorded
from casework.domain.worker import SuspendReason
from chassis.aggregate import NotFound, Refused, Unmet
from tests.casework.giving import allocating, on, refused, register
from tests.casework.house import OTHER
from throughcare.referral.v1 import events_pb2 as referral


async def test_a_worker_is_named_only_when_cleared_free_and_without_conflict(staffed):
    house = staffed
    case = await house.accepted()
    await register(house, "staff-ew-3")

    await refused(house, allocating(house, case, "staff-ew-3"), Unmet, "worker_not_cleared")
    await refused(house, allocating(house, case, "staff-ew-99"), Unmet, "worker_not_cleared")
    await refused(house, allocating(house, case, conflict=True), Unmet, "worker_conflict")
    assert await allocating(house, case) == 2
    assert (await house.allocation_of(case))["worker_ref"] == "staff-ew-1"


async def test_a_worker_has_no_more_men_than_places(staffed):
    house = staffed
    for _ in range(3):
        await allocating(house, await house.accepted())
    late = await house.accepted()

    await refused(house, allocating(house, late), Unmet, "worker_at_capacity")
    assert await allocating(house, late, "staff-ew-2") == 2


async def test_the_last_place_is_given_once_however_many_ask_at_the_same_moment(staffed):
    house = staffed
    await house.do(worker.set_capacity, worker_ref="staff-ew-1", capacity=1, expected=3)
    cases = [await house.accepted() for _ in range(4)]

    answers = await asyncio.gather(*(allocating(house, case) for case in cases), return_exceptions=True)

    assert sorted(type(answer).__name__ for answer in answers) == ["Unmet"] * 3 + ["int"]
    assert {a.reason for a in answers if isinstance(a, Refused)} == {"worker_at_capacity"}


async def test_one_case_has_one_worker_however_many_ask_at_the_same_moment(staffed):
    house = staffed
    case = await house.accepted()

    answers = await asyncio.gather(
        allocating(house, case, "staff-ew-1", expected=1),
        allocating(house, case, "staff-ew-2", expected=1),
        return_exceptions=True,
    )

    assert sorted(type(answer).__name__ for answer in answers) == ["Conflict", "int"]


async def test_a_second_primary_worker_is_refused(staffed):
    house = staffed
    case = await house.accepted()
    await allocating(house, case)

    await refused(house, allocating(house, case, "staff-ew-2"), Unmet, "primary_exists")


async def test_a_worker_the_man_is_hidden_from_is_not_given_him(staffed):
    house = staffed
    denied, allowed = await house.accepted(), await house.accepted()
    await house.tell(referral.AccessListChanged(list="DENY", entries=["staff-ew-1"], version=1), denied)
    await house.tell(referral.AccessListChanged(list="ALLOW", entries=["staff-sm-1", "staff-ew-2"], version=1), allowed)

    await refused(house, allocating(house, denied), Unmet, "worker_conflict")
    await refused(house, allocating(house, allowed), Unmet, "worker_conflict")
    assert await allocating(house, allowed, "staff-ew-2") == 2


async def test_a_proposal_is_judged_and_falls_when_it_no_longer_holds(staffed):
    house = staffed
    case = await house.accepted()
    held = await house.allocation_of(case)

    def proposing(ref, expected):
        return house.do(
            allocation.propose_worker,
            allocation_id=held["id"],
            worker_ref=ref,
            conflict_declared=False,
            expected=expected,
        )

    await refused(house, proposing("staff-ew-99", 1), Unmet, "worker_not_cleared")
    assert await proposing("staff-ew-1", 1) == 2
    await house.do(worker.suspend_worker, worker_ref="staff-ew-1", reason=SuspendReason.ABSENCE, expected=3)
    await house.fire()
    after = await house.allocation_of(case)
    assert (after["status"], after["worker_ref"], after["failed_code"]) == (
        "REQUESTED",
        None,
        "worker_not_cleared",
    )


async def test_the_last_place_taken_takes_other_proposals_back(staffed):
    house = staffed
    await house.do(worker.set_capacity, worker_ref="staff-ew-1", capacity=1, expected=3)
    proposed = await house.accepted(worker_ref="staff-ew-1")
    assert (await house.allocation_of(proposed))["status"] == "PROPOSED"

    await allocating(house, await house.accepted())
    await house.fire()

    assert (await house.allocation_of(proposed))["failed_code"] == "worker_at_capacity"


async def test_another_worker_takes_over_with_a_reason_and_a_handover(staffed):
    house = staffed
    case, _ = await house.opened()
    held = await house.allocation_of(case)

    def moving(handover):
        return house.do(
            allocation.reallocate_worker,
            allocation_id=held["id"],
            worker_ref="staff-ew-2",
            conflict_declared=False,
            reason="maternity leave",
            handover=handover,
            expected=held["version"],
        )

    await refused(house, moving(None), Unmet, "handover_missing")
    await moving(Recorded(on=await house.today(), by="staff-ew-1"))
    assert (await house.allocation_of(case))["worker_ref"] == "staff-ew-2"


async def test_while_it_stands_still_a_new_worker_needs_no_handover_yet(staffed):
    house = staffed
    case, id_ = await house.opened()
    await on(
        house,
        id_,
        engagement.pause_engagement,
        reason=PauseReason.RECALLED,
        on=None,
        review_on=await house.today(),
        earliest_out_on=None,
    )
    held = await house.allocation_of(case)

    await house.do(
        allocation.reallocate_worker,
        allocation_id=held["id"],
        worker_ref="staff-ew-2",
        conflict_declared=False,
        reason="left",
        handover=None,
        expected=held["version"],
    )

    assert (await house.allocation_of(case))["worker_ref"] == "staff-ew-2"


async def test_a_caseload_is_handed_over_whole_or_not_at_all(staffed):
    house = staffed
    for _ in range(3):
        await allocating(house, await house.accepted())
    await allocating(house, await house.accepted(), "staff-ew-2")

    def handing():
        return house.do(
            allocation.hand_over_caseload,
            from_worker="staff-ew-1",
            to_worker="staff-ew-2",
            reason="left",
            handover=None,
        )

    await refused(house, handing(), Unmet, "worker_at_capacity")
    await house.do(worker.set_capacity, worker_ref="staff-ew-2", capacity=4, expected=3)
    assert await handing() == 3
    held = await house.rows("select count(*) as n from allocation where worker_ref = 'staff-ew-2'")
    assert held[0]["n"] == 4


async def test_a_cover_may_act_on_his_days_and_on_no_other(staffed):
    house = staffed
    case, id_ = await house.opened()
    await house.safe(case)
    held, today = await house.allocation_of(case), await house.today()
    await house.do(
        allocation.set_worker_cover,
        allocation_id=held["id"],
        cover_ref="staff-ew-2",
        starts_on=today + timedelta(days=1),
        ends_on=today + timedelta(days=2),
        expected=held["version"],
    )

    def calling_him():
        return on(house, id_, engagement.record_contact_attempt, OTHER, channel=ContactChannel.PHONE, on=None)

    await refused(house, calling_him(), NotFound, "not_found")
    await house.wind(days=1)
    assert await calling_him() == 2
    await house.wind(days=2)
    await refused(house, calling_him(), NotFound, "not_found")
