"""A journal read again: whole, by key, from a place; and projections rebuilt from it, equal to what was live."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from uuid import UUID

import asyncpg
import pytest_asyncio

from chassis import projection, replay
from chassis.bus import Place
from chassis.inbox import Inbox
from tests.chassis.hearing_toy import Journal, hearing_works, hears, rows
from tests.chassis.test_streams import TOPIC, Lying, Nowhere
from tests.chassis.toy import begin, calling, end
from tests.support.kafka import Raw
from throughcare.chassis.v1 import service_pb2 as contract

if TYPE_CHECKING:
    from chassis.database import Database
    from chassis.work import Works

GROUP = "together.toy"


@pytest_asyncio.fixture
async def toy(database: Database, tmp_path: Any) -> Works[Any]:
    return await hearing_works(database, tmp_path)


@pytest_asyncio.fixture
async def inbox(toy: Works[Any], database: Database) -> Inbox:
    """A group of the same service that hears what the service itself tells."""
    found = Inbox(toy, None, hears())  # type: ignore[arg-type]
    async with database.transaction() as conn:
        await found.offsets.begin(conn, {Place(TOPIC, 0): 0})
        await found.offsets.read(conn)
    return found


async def tell(toy: Works[Any], count: int) -> list[dict[str, str]]:
    """So many things begun, every other one ended."""
    things = [await toy.do(begin, calling()) for _ in range(count)]
    for thing in things[::2]:
        await toy.do(end, calling(), id=UUID(thing["id"]))
    return things


async def hear_everything(inbox: Inbox, database: Database, *, but: int = 0) -> None:
    """Hand the journal to the inbox as the bus would, except for the last so many messages."""
    messages = [
        Raw(key.encode(), value, headers)  # type: ignore[arg-type]
        async for _, key, headers, value in Journal(database).read(TOPIC)
    ]
    begun = inbox.offsets.expected[Place(TOPIC, 0)]
    records = [Lying(raw, begun + n) for n, raw in enumerate(messages[: len(messages) - but])]
    await inbox.hear(Nowhere(), records)  # type: ignore[arg-type]


async def answers(database: Database, **asked: Any) -> list[contract.ReadResponse]:
    reader = replay.JournalReader(database)
    return [each async for each in reader.Read(contract.ReadRequest(**asked), None)]  # type: ignore[arg-type]


async def test_the_total_comes_first_then_every_message_in_order_and_never_a_fact(toy, database) -> None:
    things = await tell(toy, 4)

    total, *messages = await answers(database, topic=TOPIC)

    assert total.total == len(messages) == 6
    positions = [each.position for each in messages]
    assert positions == sorted(positions)
    facts = await rows(database, "select fact from journal")
    assert not {each.value for each in messages} & {row["fact"] for row in facts}
    assert {each.key for each in messages} == {thing["case"] for thing in things}


async def test_one_key_is_read_from_a_sequence_and_all_keys_from_a_position(toy, database) -> None:
    things = await tell(toy, 3)
    everything = (await answers(database, topic=TOPIC))[1:]

    of_one = await answers(database, topic=TOPIC, key=things[0]["case"], from_sequence=2)
    later = await answers(database, topic=TOPIC, from_position=everything[2].position)

    assert of_one[0].total == len(of_one) - 1 == 1
    assert [each.position for each in later[1:]] == [each.position for each in everything[3:]]
    assert (await answers(database, topic="together.casework.v1"))[0].total == 0


async def test_a_journal_longer_than_a_chunk_is_read_to_its_end(toy, database, monkeypatch) -> None:
    monkeypatch.setattr(replay, "CHUNK", 3)
    things = await tell(toy, 10)

    assert len(await answers(database, topic=TOPIC)) == 16
    assert len(await answers(database, topic=TOPIC, key=things[0]["case"], from_sequence=1)) == 3


async def test_a_rebuilt_projection_equals_the_live_one(toy, inbox, database) -> None:
    await tell(toy, 12)
    await hear_everything(inbox, database)
    before = await rows(database, "select * from seen order by key")

    done = await replay.rebuild(database, inbox.hears, Journal(database), "together")

    assert done.equal
    assert done.messages == 18
    assert await rows(database, "select * from seen order by key") == before
    (kept,) = await rows(database, "select grp, live, rebuilt from rebuilt")
    assert tuple(kept) == (GROUP, done.live, done.rebuilt)


async def test_a_projection_that_went_wrong_is_found_and_mended(toy, inbox, database) -> None:
    await tell(toy, 6)
    await hear_everything(inbox, database)
    async with database.transaction() as conn:
        await conn.execute("update seen set state = 'wrong' where key = (select min(key) from seen)")
        await conn.execute("delete from seen where key = (select max(key) from seen)")

    compared = await replay.compare(database, inbox.hears, Journal(database), "together")
    wrong = await rows(database, "select 1 from seen where state = 'wrong'")
    rebuilt = await replay.rebuild(database, inbox.hears, Journal(database), "together")
    again = await replay.compare(database, inbox.hears, Journal(database), "together")

    assert not compared.equal
    assert len(wrong) == 1  # comparing changes nothing
    assert not rebuilt.equal
    assert again.equal


async def test_a_rebuild_leaves_alone_what_is_not_of_the_groups_own_tables(toy, inbox, database) -> None:
    await tell(toy, 3)
    await hear_everything(inbox, database)
    before = await rows(database, "select * from seen order by key")
    inbox.hears.tables = ()

    done = await replay.rebuild(database, inbox.hears, Journal(database), "together")

    assert done.equal
    assert await rows(database, "select * from seen order by key") == before


async def test_what_the_group_has_not_applied_yet_is_left_out_of_a_rebuild_as_it_is_of_the_live_tables(
    toy, inbox, database
) -> None:
    await tell(toy, 8)
    await hear_everything(inbox, database, but=5)

    assert (await replay.rebuild(database, inbox.hears, Journal(database), "together")).equal


async def test_a_rebuild_while_the_inbox_goes_on_loses_nothing(toy, inbox, database, monkeypatch) -> None:
    monkeypatch.setattr(replay, "CHUNK", 5)
    await tell(toy, 10)
    await hear_everything(inbox, database)

    async def go_on() -> None:
        for _ in range(4):
            await tell(toy, 4)
            await hear_everything(inbox, database)

    _, *rebuilt = await asyncio.gather(
        go_on(), *(replay.rebuild(database, inbox.hears, Journal(database), "together") for _ in range(1))
    )
    await hear_everything(inbox, database)

    assert all(done.equal for done in rebuilt)
    assert (await replay.compare(database, inbox.hears, Journal(database), "together")).equal
    assert len(await rows(database, "select 1 from seen")) == 26


async def test_a_replay_reaches_no_command(toy, inbox, database) -> None:
    await tell(toy, 5)

    await replay.rebuild(database, inbox.hears, Journal(database), "together")

    assert await rows(database, "select 1 from effect") == []


async def test_a_rebuild_that_meets_a_hearer_in_a_deadlock_is_made_again(toy, inbox, database, monkeypatch) -> None:
    await tell(toy, 2)
    await hear_everything(inbox, database)
    once = [asyncpg.DeadlockDetectedError("two wait for each other")]
    digest = projection.digest

    async def unlucky(*given: Any, **more: Any) -> Any:
        if once:
            raise once.pop()
        return await digest(*given, **more)

    monkeypatch.setattr(projection, "digest", unlucky)

    rebuilt = await replay.rebuild(database, inbox.hears, Journal(database), "together")

    assert rebuilt.equal
    assert not once
