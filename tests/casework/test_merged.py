"""People who turned out to be one man: read by all his records, whatever the order in which it is heard."""

import asyncio
from itertools import permutations

import pytest

from casework.commands import engagement
from casework.domain.ending import ContactChannel
from casework.queries import get_engagement
from casework.queries.details import get_detail
from casework.storage import known
from casework.subscriptions import HEARS
from chassis import replay
from chassis.access import Category
from chassis.aggregate import NotFound, Unmet
from tests.casework.giving import accepted, allocating
from tests.casework.house import GRANTED, NODE, OTHER, PROGRAMME, WITHDRAWN, WORKER, Case
from throughcare.referral.v1 import events_pb2 as referral


def merged(old, into, version=3):
    return referral.PersonMerged(from_person_id=str(old.person_id), to_person_id=str(into.person_id), version=version)


def unmerged(old, into, version=4):
    return referral.PersonUnmerged(from_person_id=str(old.person_id), to_person_id=str(into.person_id), version=version)


def denied(*entries):
    return referral.AccessListChanged(list="DENY", entries=entries, version=1)


async def status(house, case):
    opened = await house.engagement_of(case)
    return opened and opened["status"]


async def participates(house, case):
    async with house.works.batch() as work:
        return await known.participates(work, case.person_id, PROGRAMME)


async def test_the_record_he_goes_on_by_says_whether_he_takes_part(staffed):
    old, into = Case(), Case()
    await staffed.tell(staffed.consent(GRANTED), old)
    await staffed.tell(merged(old, into), into)
    assert not await participates(staffed, old)

    await staffed.tell(staffed.consent(GRANTED), into)

    assert await participates(staffed, old)
    await staffed.tell(unmerged(old, into), into)
    assert await participates(staffed, old)
    await staffed.tell(staffed.consent(WITHDRAWN, version=2), old)
    assert not await participates(staffed, old)
    assert await participates(staffed, into)


async def test_what_waits_under_one_record_of_his_holds_the_man(staffed):
    old, into = Case(), Case()
    await staffed.tell(staffed.consent(GRANTED), into)
    await staffed.tell(merged(old, into), into)
    assert await participates(staffed, into)

    await staffed.tell(staffed.consent(GRANTED), old, skip=1)

    assert not await participates(staffed, into)


@pytest.mark.parametrize("order", list(permutations(("merged", "ended"))))
async def test_an_agreement_that_ends_with_a_merge_ends_the_work_in_either_order(staffed, order):
    case, _ = await staffed.opened()
    into = Case()
    told = {"merged": (merged(case, into), into), "ended": (staffed.consent(WITHDRAWN, version=2), case)}

    for which in order:
        await staffed.tell(*told[which])

    assert await status(staffed, case) == "ENDING"
    assert await staffed.parked() == []


@pytest.mark.parametrize("order", list(permutations(("accepted", "merged"))))
async def test_facts_of_the_old_record_that_come_later_are_applied_to_the_man(staffed, order):
    old, into = Case(), Case()
    await staffed.tell(staffed.consent(GRANTED), old)
    await staffed.tell(staffed.consent(GRANTED), into)
    await staffed.tell(denied("staff-ew-1"), into)

    for which in order:
        if which == "merged":
            await staffed.tell(merged(old, into), into)
        else:
            await staffed.tell(accepted(), old, version=5, at=await staffed.now())

    with pytest.raises(Unmet, match="worker_conflict"):
        await allocating(staffed, old, "staff-ew-1")
    await allocating(staffed, old, "staff-ew-2")
    assert await staffed.open(old, OTHER)


def interleaved(*streams):
    """Every order in which these may be heard, the order of each kept."""
    if not any(streams):
        yield ()
    for n, stream in enumerate(streams):
        if stream:
            for rest in interleaved(*streams[:n], stream[1:], *streams[n + 1 :]):
                yield (stream[0], *rest)


async def test_every_order_of_the_facts_of_both_records_ends_alike(staffed):
    """His agreement ends with the merge, he agrees anew, a referral of the old record is accepted, they are apart."""
    heard = ("granted", "ended"), ("merged", "again", "apart"), ("accepted",)
    orders = list(interleaved(*heard))
    assert len(orders) == 60
    for order in orders:
        old, into = Case(), Case()
        told = {
            "granted": (staffed.consent(GRANTED), old),
            "ended": (staffed.consent(WITHDRAWN, version=2), old),
            "merged": (merged(old, into), into),
            "again": (staffed.consent(GRANTED), into),
            "apart": (unmerged(old, into), into),
            "accepted": (accepted("staff-ew-1"), old),
        }
        for which in order:
            message, case = told[which]
            await staffed.tell(message, case, version=5, at=await staffed.now())
        assert (await staffed.allocation_of(old))["status"] == "PROPOSED", order
        assert not await participates(staffed, old), order
        assert await participates(staffed, into), order
    assert await staffed.parked() == []
    assert await staffed.rows("select 1 from same_person") == []


async def test_a_no_under_the_record_he_goes_on_by_ends_the_work_under_the_other(staffed):
    case, _ = await staffed.opened()
    into = Case()
    await staffed.tell(staffed.consent(GRANTED), into)
    await staffed.tell(merged(case, into), into)
    assert await status(staffed, case) == "OPENED"

    await staffed.tell(staffed.consent(WITHDRAWN, version=2), into)

    assert await status(staffed, case) == "ENDING"


async def test_two_again_what_was_opened_on_the_others_agreement_comes_to_its_end(staffed):
    case, into = Case(), Case()
    await staffed.tell(staffed.consent(GRANTED), into)
    await staffed.tell(merged(case, into), into)
    await staffed.tell(accepted(), case, version=5, at=await staffed.now())
    await staffed.allocate(case)
    await staffed.open(case)
    of_his_own, _ = await staffed.opened()
    await staffed.tell(merged(of_his_own, into), into)

    for each in (case, of_his_own):
        await staffed.tell(unmerged(each, into), into)

    assert await status(staffed, case) == "ENDING"
    assert await status(staffed, of_his_own) == "OPENED"
    assert await staffed.parked() == []


async def test_a_late_fact_of_the_old_record_ends_nothing_of_the_other(staffed):
    into, _ = await staffed.opened()
    old = Case()
    await staffed.tell(merged(old, into), into)

    await staffed.tell(staffed.consent(WITHDRAWN, version=2), old)

    assert await status(staffed, into) == "OPENED"


async def test_lists_of_one_record_hide_the_man_until_they_are_two_again(staffed):
    case, id_ = await staffed.opened()
    other = Case()
    await staffed.tell(denied("staff-ew-1"), other)
    await staffed.tell(merged(other, case), case)

    with pytest.raises(NotFound):
        await staffed.ask(get_engagement, WORKER, engagement_id=id_, case_id=None)
    await staffed.tell(unmerged(other, case), case)
    assert await staffed.ask(get_engagement, WORKER, engagement_id=id_, case_id=None)


async def test_he_is_tried_by_what_was_agreed_under_the_record_he_goes_on_by(staffed):
    case, id_ = await staffed.opened()
    into = Case()
    await staffed.safe(case)
    await staffed.tell(merged(case, into), into)

    async def tried():
        await staffed.do(
            engagement.record_contact_attempt,
            WORKER,
            engagement_id=id_,
            channel=ContactChannel.PHONE,
            on=await staffed.today(),
            expected=1,
        )

    with pytest.raises(Unmet, match="safe_contact_missing"):
        await tried()
    await staffed.tell(referral.PersonSafeContactSet(days=[1], from_hour=10, to_hour=16, version=1), into)
    with pytest.raises(Unmet, match="safe_contact_missing"):
        await tried()
    await staffed.safe(into)
    await tried()


async def test_what_is_held_of_him_is_found_by_either_record(staffed):
    case, _ = await staffed.opened()
    into = Case()
    asked = {"person_id": into.person_id, "case_id": None, "categories": [Category.APPOINTMENTS]}
    await staffed.tell(merged(case, into), into)

    async with staffed.works.batch() as work:
        held, answers = await get_detail.inside(work, **asked)

    assert (held, answers) == ([], (Category.APPOINTMENTS,))


# Of one key the order holds; the other key may come before, between or after.
@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1), (2, 0, 1)])
async def test_joined_taken_apart_and_joined_to_another_is_the_last_of_them_in_any_order(house, order):
    old, first, second = Case(), Case(), Case()
    told = [(merged(old, first, 3), first), (unmerged(old, first, 4), first), (merged(old, second, 5), second)]

    for n in order:
        await house.tell(*told[n])

    assert [dict(row) for row in await house.rows("select * from merged_people")] == [
        {"old_id": old.person_id, "into_id": second.person_id, "seq": 5}
    ]


async def test_a_circle_that_is_heard_for_a_moment_is_nobody(house):
    one, other = Case(), Case()
    for case in (one, other):
        await house.tell(house.consent(GRANTED), case)
    await house.tell(merged(one, other, 3), other)
    await house.tell(merged(other, one, 3), one)
    assert not await participates(house, one)

    await house.tell(unmerged(one, other, 4), other)

    assert await participates(house, one)


class Journal:
    """The journal of referral as a rebuild reads it."""

    def __init__(self, items):
        self.items = items

    async def read(self, topic, *, key="", from_sequence=0, from_position=0):
        for position, item in enumerate(self.items, 1):
            if item.topic == topic and position > from_position:
                yield position, item.key, item.headers, item.value


async def test_a_rebuild_makes_what_was_heard_live(house):
    old, first, second = Case(), Case(), Case()
    items = [
        house.message(merged(old, first, 3), first),
        house.message(unmerged(old, first, 4), first),
        house.message(merged(old, second, 5), second),
        house.message(merged(first, second, 2), second),
    ]
    await house.hear(*items)

    rebuilt = await replay.rebuild(house.works.database, HEARS, Journal(items), NODE)

    live, again = (dict(part.split("=") for part in said.split(";")) for said in (rebuilt.live, rebuilt.rebuilt))
    assert live["merged_people"] == again["merged_people"]
    rows = await house.rows("select person_id, other_id from same_person where person_id = $1", old.person_id)
    assert {row["other_id"] for row in rows} == {first.person_id, second.person_id}


async def test_two_merges_written_at_once_are_both_paired(house):
    one, other = [(Case(), Case()) for _ in range(2)]
    join = "insert into merged_people values ($1, $2, 1)"
    async with house.works.database.transaction() as first:
        await first.execute(join, one[0].person_id, one[1].person_id)

        async def second():
            async with house.works.database.transaction() as conn:
                await conn.execute(join, other[0].person_id, other[1].person_id)

        waits = asyncio.create_task(second())
        await asyncio.wait([waits], timeout=0.2)
        assert not waits.done()
    await waits

    assert len(await house.rows("select 1 from same_person")) == 4
