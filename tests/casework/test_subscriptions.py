"""What is heard: an acceptance asks for a worker, once, under the rules in force."""

from datetime import timedelta

import pytest

from casework.commands import worker
from casework.domain.worker import SuspendReason
from chassis.streams import retry
from tests.casework.giving import accepted, names, withdrawn
from tests.casework.house import Case


async def status(house, case):
    held, opened = await house.allocation_of(case), await house.engagement_of(case)
    return held["status"], opened and opened["status"]


async def ignored(house):
    return [outcome.partition(":")[2] for outcome in await house.outcomes() if outcome.startswith("ignored:")]


async def test_an_acceptance_asks_for_a_worker_with_its_version(staffed):
    case = await staffed.accepted(version=7)

    held = await staffed.allocation_of(case)
    assert (held["status"], held["acceptance"], held["programme_version"]) == ("REQUESTED", 7, 1)


async def test_the_worker_named_with_the_acceptance_is_proposed(staffed):
    case = await staffed.accepted(worker_ref="staff-ew-2")

    held = await staffed.allocation_of(case)
    assert (held["status"], held["worker_ref"], held["version"]) == ("PROPOSED", "staff-ew-2", 2)
    assert names(await staffed.facts())[-2:] == ["Requested", "Proposed"]


async def _suspended(house):
    await house.do(worker.suspend_worker, worker_ref="staff-ew-1", reason=SuspendReason.ABSENCE, expected=3)
    return "worker_not_cleared"


async def _lapsed(house):
    await house.wind(days=366)
    await house.fire()
    return "worker_not_cleared"


async def _full(house):
    await house.do(worker.set_capacity, worker_ref="staff-ew-1", capacity=0, expected=3)
    return "worker_at_capacity"


@pytest.mark.parametrize("unfit", [_suspended, _lapsed, _full])
async def test_a_worker_named_who_cannot_leaves_the_case_requested_with_the_code(staffed, unfit):
    code = await unfit(staffed)

    case = await staffed.accepted(worker_ref="staff-ew-1")

    held = await staffed.allocation_of(case)
    assert (held["status"], held["worker_ref"], held["failed_code"]) == ("REQUESTED", None, code)
    assert await staffed.parked() == []


async def test_a_programme_not_heard_of_parks_the_acceptance_and_the_retry_finds_it(house):
    case = await house.accepted()
    await house.tell(withdrawn(), case)
    assert [reason for _, reason in await house.parked()] == ["programme_unknown", "behind"]

    await house.programme()
    await house.wind(minutes=5)
    while await retry(house.streams, house.works, None):
        pass

    assert await house.parked() == []
    assert (await house.allocation_of(case))["status"] == "ENDED"


async def test_a_version_in_force_later_is_not_the_one_a_case_is_accepted_under(house):
    await house.programme()
    tomorrow = await house.today() + timedelta(days=1)
    await house.programme(version=2, valid_from=tomorrow.isoformat(), planned_months=6)

    before = await house.allocation_of(await house.accepted())
    await house.wind(days=1)
    after = await house.allocation_of(await house.accepted())

    assert (before["programme_version"], after["programme_version"]) == (1, 2)


async def test_one_acceptance_asks_once(staffed):
    case = await staffed.accepted(version=5)

    await staffed.tell(accepted(), case, version=5, at=await staffed.now())

    assert await ignored(staffed) == ["allocation_exists"]
    assert len(await staffed.rows("select 1 from allocation")) == 1


async def test_several_facts_of_several_cases_in_one_batch_are_one_flush(staffed):
    cases = [Case() for _ in range(5)]
    now = await staffed.now()

    await staffed.hear(
        *(staffed.message(accepted("staff-ew-1"), case, version=3, at=now) for case in cases),
        *(staffed.message(withdrawn(), case) for case in cases[:2]),
    )

    assert [await status(staffed, case) for case in cases] == [("ENDED", None)] * 2 + [("PROPOSED", None)] * 3
    assert await staffed.parked() == []
