"""R0: the checker itself. Twelve planted bugs are caught; without them the very same runs find nothing."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from typing import Any

import pytest

from chassis import replay
from chassis.bus import Producer
from chassis.envelope import unpack_headers
from chassis.inbox import Fenced, Inbox
from chassis.streams import Streams
from chassis.work import Work
from tests.faults import plants
from tests.faults.test_repeats import _raw
from tests.faults.world import World, hears

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180), pytest.mark.logs_errors]
Found = dict[str, int]


async def _settled(here: World, *, within: float) -> Found:
    """What the checker says once all is quiet, or once it has had time enough to be."""
    with suppress(TimeoutError):
        await here.quiet(within=within)
    return (await here.verdict()).violations


async def slow_commits(here: World, patch: pytest.MonkeyPatch) -> Found:
    """Writers whose commits come long after their positions were drawn."""
    original, draw = Work.flush, random.Random(1)

    async def flush(self: Any, *answer: Any) -> None:
        await original(self, *answer)
        await asyncio.sleep(draw.uniform(0, 0.02))

    patch.setattr(Work, "flush", flush)
    await here.people(20)
    async with here.relay(), here.member():
        await here.tell(300)
        return await _settled(here, within=8)


async def doubtful_broker(here: World, patch: pytest.MonkeyPatch) -> Found:
    """A producer that is gone, now and then, before the acknowledgement."""
    original, draw = Producer.send, random.Random(2)

    async def send(self: Any, rows: Any) -> Any:
        sent = await original(self, rows)
        if draw.random() < 0.4:
            await self.abandon()
            for batch in sent:
                if not batch.acknowledgement.done():
                    batch.acknowledgement.set_exception(ConnectionError())
        return sent

    patch.setattr(Producer, "send", send)
    await here.people(20)
    async with here.relay(), here.member():
        for _ in range(30):
            await here.tell(5)
        return await _settled(here, within=12)


async def failing_batches(here: World, patch: pytest.MonkeyPatch) -> Found:
    """A database that fails under a batch, now and then."""
    original, draw = Streams.together, random.Random(3)

    async def together(self: Any, work: Any, items: Any) -> None:
        if draw.random() < 0.5:
            raise ConnectionError
        await original(self, work, items)

    await here.people(20)
    async with here.relay(), here.member():
        await here.quiet()
        patch.setattr(Streams, "together", together)
        for _ in range(20):
            await here.tell(20)
        return await _settled(here, within=12)


async def told_again(here: World, patch: pytest.MonkeyPatch) -> Found:
    """Every record once more."""
    await here.people(20)
    async with here.relay(), here.member():
        await here.tell(100)
        await here.quiet()
        records = await _raw(here)
        await here.inject(records)
        with suppress(TimeoutError):
            async with asyncio.timeout(8):
                while await here.value("select sum(next) from consumer_offset") < 2 * len(records):
                    await asyncio.sleep(0.05)
        return await _settled(here, within=2)


async def poison_for_a_while(here: World, patch: pytest.MonkeyPatch) -> Found:
    """One key fails, then is mended."""
    await here.people(5)
    async with here.database.connection() as conn:
        await conn.execute("insert into poisoned select case_id::text from thing order by id limit 1")
    async with here.relay(), here.member():
        await here.tell(50)
        await asyncio.sleep(2)
        async with here.database.connection() as conn:
            await conn.execute("delete from poisoned")
        return await _settled(here, within=15)


async def two_writers_of_a_stream(here: World, patch: pytest.MonkeyPatch) -> Found:
    """Two aggregates of one stream, written at the same time; the index that would refuse is away."""
    async with here.database.connection() as conn:
        await conn.execute("drop index journal_stream")
    return await slow_commits(here, patch)


async def a_rebuild(here: World, patch: pytest.MonkeyPatch) -> Found:
    """The projections are built again from the journal."""

    class Own:
        async def read(self, topic: str, **given: int) -> Any:
            async with here.database.connection() as conn:
                rows = await conn.fetch("select position, key, headers, message from journal order by position")
            for row in rows:
                if row["position"] > given["from_position"]:
                    yield row["position"], row["key"], unpack_headers(row["headers"]), row["message"]

    await here.people(5)
    async with here.relay(), here.member():
        await here.quiet()
        found: Any = hears()
        found.replaying = here.works
        await replay.rebuild(here.database, found, Own(), here.node)
        return await _settled(here, within=2)


async def a_zombie(here: World, patch: pytest.MonkeyPatch) -> Found:
    """A member that lost its partitions long ago writes its offsets."""
    await here.people(5)
    async with here.relay(), here.member() as member:
        await here.quiet()
        cluster = member.offsets.cluster
        place = max(member.offsets.expected, key=member.offsets.expected.get)
    zombie = Inbox(here.works, here.bus(), hears())
    zombie.offsets.cluster, zombie.offsets.expected = cluster, {place: 0}
    try:
        await zombie._apply([], {place: 1}, None)
    except Fenced:
        return await _settled(here, within=2)
    return {"zombie accepted": 1}


SCENARIOS = {
    plants.naive_cursor: slow_commits,
    plants.delete_before_acknowledgement: doubtful_broker,
    plants.offset_before_effect: failing_batches,
    plants.no_guard_against_repeats: told_again,
    plants.guard_off_by_one: told_again,
    plants.followers_dropped: poison_for_a_while,
    plants.acknowledged_on_error: failing_batches,
    plants.seeks_the_first_partition_alone: failing_batches,
    plants.numbered_before_the_lock: two_writers_of_a_stream,
    plants.effects_in_a_replay: a_rebuild,
    plants.handler_raises: failing_batches,
    plants.fence_compares_nothing: a_zombie,
}


@pytest.mark.parametrize("plant", SCENARIOS, ids=lambda plant: plant.__name__)
async def test_r0_a_planted_bug_is_caught(here, monkeypatch, figures, plant) -> None:
    plant(monkeypatch)
    found = await SCENARIOS[plant](here, monkeypatch)
    figures(f"R0 {plant.__name__}", **found)
    assert found


@pytest.mark.parametrize(
    "scenario", sorted(set(SCENARIOS.values()), key=lambda each: each.__name__), ids=lambda s: s.__name__
)
async def test_r0_the_same_run_without_the_bug_finds_nothing(here, monkeypatch, scenario) -> None:
    assert await scenario(here, monkeypatch) == {}
