"""Signposts as the service keeps them: nothing of him leaves, and what came of it is asked twice."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from chassis.access import Actor, Role
from chassis.aggregate import Denied, NotFound, Unmet
from chassis.database import wind
from partners.commands import offers
from partners.commands import signposts as commands
from partners.domain.signpost import Outcome, Signpost, Status
from partners.queries import signposts as queries
from tests.partners.node_cards import organisation
from tests.partners.people import CLINICIAN, COORDINATOR, GUARDIAN, MANAGER, OTHER_WORKER, WORKER, asks
from tests.partners.test_directory import an_entry, take
from tests.partners.test_offers import due, hear, heard, publish
from throughcare.partners.v1 import events_pb2 as told

if TYPE_CHECKING:
    from chassis.work import Works

MIGRATIONS = "partners.migrations"
PERSON, CASE = uuid4(), uuid4()
FLATS = Actor(id="pw-flats-1", role=Role.PW, organisation="sig-penrose")


async def give(
    works: Works[Any], offer_id: UUID, *, actor: Actor = WORKER, person: UUID | None = PERSON, case: UUID | None = CASE
) -> UUID:
    answer = await works.do(commands.record_signpost, asks(actor), offer_id=offer_id, person_id=person, case_id=case)
    return UUID(answer["signpost_id"])


async def record(works: Works[Any], signpost_id: UUID, outcome: Outcome, actor: Actor = WORKER) -> int:
    answer: int = await works.do(
        commands.record_signpost_outcome, asks(actor), signpost_id=signpost_id, outcome=outcome, expected=None
    )
    return answer


async def seen(
    works: Works[Any], actor: Actor = WORKER, *, case: UUID | None = None, to_ask: bool = False
) -> list[Signpost]:
    found: list[Signpost] = await works.ask(queries.list_signposts, asks(actor), seen_case=case, to_ask=to_ask)
    return found


async def ahead(works: Works[Any], **given: float) -> None:
    async with works.database.connection() as conn:
        await wind(conn, timedelta(**given))
    await due(works)


@pytest.fixture
async def offer_id(works: Works[Any]) -> UUID:
    """An offer of Penrose."""
    await organisation(works, "sig-penrose")
    return await publish(works)


async def test_it_is_told_in_the_house_alone_by_the_offer(works: Works[Any], offer_id: UUID) -> None:
    await give(works, offer_id)

    async with works.database.connection() as conn:
        lines = await conn.fetch("select topic, key, message from journal where aggregate_type = 'signpost'")
    assert [(row["topic"], row["key"]) for row in lines] == [("together.partners.v1", str(CASE))]
    assert told.SignpostGiven.FromString(lines[0]["message"]) == told.SignpostGiven(offer_id=str(offer_id))


async def test_it_may_lead_to_any_offer_that_is_known_and_stands(works: Works[Any], offer_id: UUID) -> None:
    partners = heard()
    await hear(works, partners)
    await take(works, an_entry())
    async with works.database.connection() as conn:
        imported = await conn.fetchval("select id from listing")

    for known in (offer_id, partners.envelope.aggregate_id, imported):
        assert await give(works, known)
    with pytest.raises(NotFound):
        await give(works, uuid4())


async def test_nobody_is_told_of_what_is_retired(works: Works[Any], offer_id: UUID) -> None:
    await works.do(offers.retire_offer, asks(MANAGER), offer_id=offer_id, expected=1)

    with pytest.raises(Unmet, match="offer_retired"):
        await give(works, offer_id)

    assert await seen(works) == []


async def test_what_came_of_it_is_asked_after_fourteen_and_forty_two_days(works: Works[Any], offer_id: UUID) -> None:
    signpost_id = await give(works, offer_id)

    await ahead(works, days=13)
    assert await seen(works, to_ask=True) == []
    await ahead(works, days=2)
    assert [each.id for each in await seen(works, to_ask=True)] == [signpost_id]
    await record(works, signpost_id, Outcome.NOT_TAKEN_UP)
    assert await seen(works, to_ask=True) == []
    await ahead(works, days=28)
    assert [each.id for each in await seen(works, to_ask=True)] == [signpost_id]
    await record(works, signpost_id, Outcome.TAKEN_UP)

    (signpost,) = await seen(works)
    assert (signpost.status, signpost.to_ask) == (Status.TAKEN_UP, False)


async def test_what_was_taken_up_is_not_asked(works: Works[Any], offer_id: UUID) -> None:
    await record(works, await give(works, offer_id), Outcome.TAKEN_UP)

    await ahead(works, days=50)

    assert await seen(works, to_ask=True) == []


async def test_each_sees_what_is_his_to_see(works: Works[Any], offer_id: UUID) -> None:
    signpost_id = await give(works, offer_id)

    for actor, sees in ((WORKER, 1), (OTHER_WORKER, 0), (MANAGER, 1), (CLINICIAN, 1), (GUARDIAN, 1), (FLATS, 0)):
        assert len(await seen(works, actor)) == sees, actor
    with pytest.raises(Denied):
        await seen(works, COORDINATOR)
    with pytest.raises(NotFound):
        await record(works, signpost_id, Outcome.UNKNOWN, OTHER_WORKER)
    with pytest.raises(Denied):
        await record(works, signpost_id, Outcome.UNKNOWN, GUARDIAN)


async def test_of_a_case_that_he_was_seen_to_see_he_sees_what_others_gave(works: Works[Any], offer_id: UUID) -> None:
    await give(works, offer_id)
    await give(works, offer_id, case=None, person=None, actor=FLATS)

    assert len(await seen(works, OTHER_WORKER, case=CASE)) == 1
    assert len(await seen(works, MANAGER)) == 2


async def test_whoever_may_not_know_of_him_sees_no_signpost_of_his(works: Works[Any], offer_id: UUID) -> None:
    await give(works, offer_id)
    async with works.database.connection() as conn:
        await conn.execute(
            "insert into picture.access_list (person_id, list, entries, version, seq) values ($1, 'DENY', $2, 1, 1)",
            PERSON,
            [MANAGER.id],
        )

    assert await seen(works, MANAGER) == []
    assert len(await seen(works)) == 1


async def test_without_a_case_it_counts_and_concerns_nobody(works: Works[Any], offer_id: UUID) -> None:
    signpost_id = await give(works, offer_id, actor=FLATS, person=None, case=None)

    async with works.database.connection() as conn:
        key = await conn.fetchval("select key from journal where fact_type = 'Given'")
    assert key == str(signpost_id)
    assert [each.given_by for each in await seen(works, FLATS)] == [FLATS.id]
