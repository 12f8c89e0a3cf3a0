"""A man is referred, taken on, supported through a stay in hospital, and leaves; everybody sees what is theirs."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import grpc
import pytest

from tests.journeys.cast import MANAGER, OTHER_WORKER, WORKER, Journey
from tests.support.postgres import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.house import Start

pytestmark = pytest.mark.wire
TOLD = [
    "engagement.closed",
    "engagement.opened",
    "engagement.paused",
    "engagement.resumed",
    "practitioner.assigned",
    "referral.accepted",
    "referral.triage_started",
    "worker.allocated",
]
SERVICES = ("referral", "casework", "partners", "notifications")
TEN_DAYS = timedelta(days=10)


async def test_from_the_first_line_of_a_referral_to_the_end_of_the_work(house: Start, tmp_path: Path) -> None:
    letters = tmp_path / "letters"
    async with house(*SERVICES, console_file=letters) as running:
        jay = Journey(running)
        await jay.morning_of_a_working_day(and_in=TEN_DAYS)  # news is sent in working hours
        await jay.programme_opens_in_camden()
        await jay.worker_is_cleared()

        await jay.practitioner_refers_him()
        seen = await jay.picture(jay.practitioner)
        assert (seen.state, seen.case_reference) == ("SUBMITTED", jay.reference)
        assert seen.screening.current

        await jay.manager_looks_at_it()
        await jay.he_agrees_to_take_part()
        await jay.manager_takes_him_on()
        seen = await jay.picture(MANAGER)
        assert seen.state == "ACCEPTED"
        assert seen.waits_for_worker
        assert seen.taking_part.agreed

        await jay.manager_names_the_worker()
        seen = await jay.picture(WORKER)
        assert seen.worker.worker_ref == WORKER.id
        assert not seen.waits_for_worker
        assert await jay.status() == "ALLOCATED"

        await jay.worker_begins()
        await jay.worker_tries_to_reach_him()
        seen = await jay.picture(WORKER)
        assert seen.state == "ENGAGING"
        assert seen.engagement.HasField("last_tried_at")
        assert await jay.status() == "CONVERTED"

        await jay.support_is_agreed()
        planned_end = (await jay.picture(WORKER)).engagement.planned_end_on
        await jay.he_goes_to_hospital()
        assert (await jay.picture(jay.practitioner)).state == "PAUSED"
        await running.wind(TEN_DAYS)
        await jay.he_comes_back()
        seen = await jay.picture(WORKER)
        assert seen.state == "ACTIVE"
        # Days in hospital do not count: the end moves with them.
        assert seen.engagement.planned_end_on > planned_end

        await jay.they_come_to_the_end()
        seen = await jay.picture(MANAGER)
        assert seen.state == "CLOSED"
        assert seen.HasField("ended_at")
        assert not seen.HasField("worker")
        assert not seen.late
        assert await jay.status() == "CONVERTED"
        # One letter each, whatever was heard how often; the last may still be on its way.
        await eventually(lambda: jay.was_told(jay.practitioner, "engagement.closed"), within=20)
        assert await jay.told(jay.practitioner) == TOLD
        assert await jay.set_aside() == []
    assert not [
        word for word in ("Fairweather", "Jay", "X123456", "HOSPITAL", "COMPLETED") if word in letters.read_text()
    ]


async def test_his_practitioner_never_learns_what_he_agreed_and_others_never_that_he_is_here(house: Start) -> None:
    async with house(*SERVICES) as running:
        jay = Journey(running)
        await jay.programme_opens_in_camden()
        await jay.practitioner_refers_him()
        await jay.manager_looks_at_it()
        await jay.he_agrees_to_take_part()

        for_the_house, for_probation = await jay.picture(MANAGER), await jay.picture(jay.practitioner)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await jay.picture(OTHER_WORKER)

    assert for_the_house.taking_part.agreed
    assert not for_probation.HasField("taking_part")
    assert refused.value.code() is grpc.StatusCode.NOT_FOUND


async def test_a_promise_that_was_missed_shows_until_it_is_kept(house: Start) -> None:
    async with house(*SERVICES) as running:
        jay = Journey(running)
        await jay.programme_opens_in_camden()
        await jay.practitioner_refers_him()

        await running.wind(timedelta(days=7))
        late = (await jay.picture(MANAGER)).late
        await jay.manager_looks_at_it()
        kept = (await jay.picture(MANAGER)).late

    assert "L1" in [missed.promise for missed in late]
    assert "L1" not in [missed.promise for missed in kept]
