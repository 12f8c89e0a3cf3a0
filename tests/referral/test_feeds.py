"""The feeds: every change of what was agreed and of the lists has the next number, and the newest are confirmed."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from chassis.aggregate import Denied
from chassis.envelope import from_headers, unpack_headers
from referral import commands
from referral.deadlines import PERIODIC
from referral.domain.access_list import List
from referral.domain.codes import ToldHow
from referral.domain.consent import ConsentPurpose, Scope
from tests.referral.conftest import SM1
from tests.referral.steps import a_draft, a_programme, today
from throughcare.referral.v1.events_pb2 import FeedConfirmed

MIGRATIONS = "referral.migrations"


async def confirmed(desk):
    """What the house says of its feeds, as it was told."""
    async with desk.works.batch() as work:
        await commands.confirm_feeds.inside(work)
        await work.flush()
    rows = await desk.rows("select message from journal where fact_type = 'FeedsConfirmed' order by position")
    said = FeedConfirmed.FromString(rows[-1].message)
    return said.consent_number, said.access_list_number


async def numbers(desk, feed):
    rows = await desk.rows("select headers from journal where headers is not null order by position")
    told = [from_headers(unpack_headers(row.headers)) for row in rows]
    return [(each.type.rpartition(".")[2], each.feed_number) for each in told if each.feed == feed]


async def a_person(desk):
    if not await desk.rows("select 1 from programme"):
        await a_programme(desk)
    return (await a_draft(desk)).person_id


async def agrees(desk, person_id, recipient="north-london-nhs"):
    return await desk.do(
        commands.grant_consent,
        SM1,
        person_id=person_id,
        scope=Scope(purpose=ConsentPurpose.SHARE, recipient=recipient, codes=("APPOINTMENTS",)),
        explained_how=ToldHow.FACE_TO_FACE,
        language="en-GB",
        copy_offered=True,
        capacity_doubt="",
        review_on=await today(desk) + timedelta(days=60),
    )


async def test_before_anything_was_told_the_newest_number_is_none(desk):
    assert await confirmed(desk) == (0, 0)


async def test_every_answer_of_everybody_has_the_next_number(desk):
    persons = [await a_person(desk) for _ in range(2)]
    first = await agrees(desk, persons[0])
    await agrees(desk, persons[1])
    await desk.do(commands.withdraw_consent, SM1, consent_id=UUID(first["consent_id"]), expected=first["version"])

    assert await numbers(desk, "consent") == [("ConsentGranted", 1), ("ConsentGranted", 2), ("ConsentWithdrawn", 3)]
    assert await confirmed(desk) == (3, 0)


async def test_a_warning_changes_nothing_and_has_no_number_the_end_has(desk):
    await agrees(desk, await a_person(desk))
    await desk.wind(days=61)

    assert await numbers(desk, "consent") == [("ConsentGranted", 1), ("ConsentExpired", 2)]


async def test_the_lists_are_a_feed_of_their_own(desk):
    person_id = await a_person(desk)
    given = {"which": List.DENY, "entries": ["staff-ew-1"], "expected": 0}
    await desk.do(commands.set_access_list, SM1, person_id=person_id, **given)

    assert await numbers(desk, "access_list") == [("AccessListChanged", 1)]
    assert await confirmed(desk) == (0, 1)


async def test_the_word_is_given_every_fifteen_seconds_and_by_the_house_alone(desk):
    assert [(each.name, each.seconds) for each in PERIODIC] == [("feeds", 15.0)]
    with pytest.raises(Denied):
        await desk.do(commands.confirm_feeds, SM1)
