"""What a command knows of what others told: nothing about a man counts while facts about him wait."""

from casework.storage import known
from tests.casework.house import GRANTED, PROGRAMME, WITHDRAWN, Case


async def participates(house, case):
    async with house.works.batch() as work:
        return await known.participates(work, case.person_id, PROGRAMME)


async def test_agreement_counts_as_last_heard_and_not_while_facts_about_him_wait(house):
    case = Case()

    assert not await participates(house, case)
    await house.tell(house.consent(GRANTED), case)
    assert await participates(house, case)
    await house.tell(house.consent(WITHDRAWN, version=2), case)
    assert not await participates(house, case)
    await house.tell(house.consent(GRANTED, version=3), case)
    assert await participates(house, case)
    await house.tell(house.consent(GRANTED, version=5), case, skip=1)
    assert not await participates(house, case)


async def test_facts_about_another_man_that_wait_are_no_matter(house):
    case, other = Case(), Case()
    await house.tell(house.consent(GRANTED), case)
    await house.tell(house.consent(GRANTED), other, skip=1)

    assert await participates(house, case)


async def test_a_worker_is_not_proposed_while_the_lists_of_a_man_are_not_known_for_sure(staffed):
    case = Case()
    await staffed.tell(staffed.consent(GRANTED), case, skip=1)

    await staffed.accepted(case, worker_ref="staff-ew-1")

    held = await staffed.allocation_of(case)
    assert (held["status"], held["failed_code"]) == ("REQUESTED", "worker_conflict")
