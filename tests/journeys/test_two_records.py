"""Two records turn out to be one man, in a running house; and to be two men after all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc
import pytest

from tests.journeys.cast import GUARDIAN, MANAGER, SECOND_MANAGER, WORKER, Journey
from tests.journeys.test_picture_across_services import SERVICES, a_man_supported

if TYPE_CHECKING:
    from chassis.access import Actor
    from tests.support.house import House, Start

pytestmark = pytest.mark.wire
KNOWING = (MANAGER, SECOND_MANAGER, WORKER, GUARDIAN)


async def referred_once_more(running: House, jay: Journey) -> Journey:
    """The same man under another number: he agreed there too, and there only these may know of him."""
    again = Journey(running)
    again.programme = jay.programme
    await again.practitioner_refers_him(crn="X654321")
    await again.he_agrees_to_take_part()
    await again.only_these_may_know_of_him(*KNOWING)
    return again


async def joined(jay: Journey, again: Journey) -> tuple[str, int]:
    """One service manager asks, another agrees; nothing that he agreed to ends."""
    records = {"from_person_id": again.person, "to_person_id": jay.person, "reason": "SAME_DETAILS"}
    asked = await jay.ask("MergePeople", MANAGER, **records)
    agreeing = {"merge_id": asked.merge_id, "expected_version": asked.version}
    done = await jay.ask("MergePeople", SECOND_MANAGER, **agreeing)
    assert (asked.status, done.status) == ("ASKED", "MERGED")
    assert not asked.ends
    return done.merge_id, done.version


async def taken_apart(jay: Journey, merge_id: str, version: int) -> None:
    asked = await jay.ask(
        "Unmerge", SECOND_MANAGER, merge_id=merge_id, reason="DIFFERENT_PEOPLE", expected_version=version
    )
    await jay.ask("Unmerge", MANAGER, merge_id=merge_id, expected_version=asked.version)


async def sees(jay: Journey, viewer: Actor) -> bool:
    """Whether a viewer is shown the picture of the case."""
    try:
        return bool((await jay.picture(viewer)).case_reference)
    except grpc.aio.AioRpcError as refused:
        if refused.code() is not grpc.StatusCode.NOT_FOUND:
            raise
        return False


async def test_two_records_of_one_man_are_read_as_one_until_they_are_taken_apart(house: Start) -> None:
    async with house(*SERVICES) as running:
        jay = await a_man_supported(running)
        again = await referred_once_more(running, jay)
        assert await sees(jay, jay.practitioner)

        merge_id, version = await joined(jay, again)

        for_the_house = await jay.picture(MANAGER)
        assert for_the_house.taking_part.agreed
        assert for_the_house.state == "ACTIVE"
        assert not await sees(jay, jay.practitioner), "the list of either record bounds who may know of the man"
        for service, group in (("partners", "picture"), ("casework", "casework"), ("notifications", "notifications")):
            assert (await running.parts[service].rebuild(group)).equal

        await taken_apart(jay, merge_id, version)

        assert await sees(jay, jay.practitioner)
        assert (await jay.picture(MANAGER)).state == "ACTIVE"
        assert await jay.set_aside() == []
