"""The picture in a running house: rebuilt it is the same, and it says how fresh each source is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc
import pytest

from tests.journeys.cast import GUARDIAN, MANAGER, WORKER, Journey
from tests.support.postgres import eventually

if TYPE_CHECKING:
    from tests.support.house import House, Start

pytestmark = pytest.mark.wire
SERVICES = ("referral", "casework", "partners", "notifications")


async def a_man_supported(running: House) -> Journey:
    """A man whose support has been agreed."""
    jay = Journey(running)
    await jay.programme_opens_in_camden()
    await jay.worker_is_cleared()
    await jay.practitioner_refers_him()
    await jay.manager_looks_at_it()
    await jay.he_agrees_to_take_part()
    await jay.manager_takes_him_on()
    await running.until_quiet()
    await jay.manager_names_the_worker()
    await running.until_quiet()
    await jay.worker_begins()
    await jay.worker_tries_to_reach_him()
    await jay.support_is_agreed()
    return jay


async def test_rebuilt_from_the_journals_the_picture_is_the_same(house: Start) -> None:
    async with house(*SERVICES) as running:
        jay = await a_man_supported(running)
        before = await jay.picture(MANAGER)

        rebuilt = await running.parts["partners"].rebuild("picture")

        assert rebuilt.messages > 0
        assert rebuilt.equal, (rebuilt.live, rebuilt.rebuilt)
        assert await jay.picture(MANAGER) == before


async def test_when_he_takes_his_agreement_back_the_work_ends_and_probation_learns_no_more_than_that(
    house: Start,
) -> None:
    async with house(*SERVICES) as running:
        jay = await a_man_supported(running)

        await jay.he_takes_it_back()
        for_the_house, for_probation = await jay.picture(MANAGER), await jay.picture(jay.practitioner)

        assert (for_the_house.state, for_probation.state) == ("ENDING", "ENDING")
        assert not for_the_house.taking_part.agreed
        assert not for_probation.HasField("taking_part")
        assert await jay.set_aside() == []


async def test_a_list_of_who_may_know_holds_from_the_moment_it_was_heard(house: Start) -> None:
    async with house(*SERVICES) as running:
        jay = await a_man_supported(running)
        await jay.picture(MANAGER)

        await jay.only_these_may_know_of_him(WORKER, GUARDIAN)
        seen = await jay.picture(WORKER)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await jay.picture(MANAGER)
        listed = await jay.ask("ListPictures", MANAGER, of="partners")

        assert seen.case_reference == jay.reference
        assert refused.value.code() is grpc.StatusCode.NOT_FOUND
        assert (list(listed.pictures), list(listed.counts)) == ([], [])


async def test_each_source_says_when_it_was_last_heard_and_read_to_its_end(house: Start) -> None:
    async with house(*SERVICES) as running:
        jay = await a_man_supported(running)
        await running.until_quiet()

        async def all_read() -> bool:
            asked = await jay.ask("GetPicture", MANAGER, of="partners", case_id=jay.case)
            return all(
                source.HasField("fresh_as_of") and source.fresh_as_of.ToDatetime() > source.last_heard_at.ToDatetime()
                for source in asked.sources
            )

        await eventually(all_read, within=20)
