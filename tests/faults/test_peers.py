"""The same harness on what is usually done: a dual write loses, and a plain FastStream handler loses."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress

import pytest
from aiokafka import AIOKafkaProducer

from chassis.envelope import unpack_headers
from tests.chassis.toy import calling
from tests.faults.world import World, again

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(200)]


async def test_a_dual_write_loses_what_ours_keeps(here, figures) -> None:
    """Commit, then send: whoever dies in between has told nobody."""
    await here.people(10)
    async with here.relay():
        await asyncio.sleep(1)
        while await here.value("select count(*) from pending"):
            await asyncio.sleep(0.05)
    producer = AIOKafkaProducer(bootstrap_servers=here.kafka.servers)
    await producer.start()
    draw = random.Random(5)

    async def dual() -> None:
        """A command whose facts are sent after the commit, by the one who gave it."""
        await here.works.do(again, calling(), id=draw.choice(here.things))
        async with here.database.connection() as conn:
            rows = await conn.fetch(
                "delete from pending where position = any(array(select position from pending)) returning position"
            )
            told = await conn.fetch(
                "select key, message, headers from journal where position = any($1)", [row["position"] for row in rows]
            )
        for row in told:
            headers = unpack_headers(row["headers"])
            await producer.send_and_wait(here.topic, row["message"], key=row["key"].encode(), headers=headers)

    for _ in range(120):
        task = asyncio.create_task(dual())
        await asyncio.sleep(draw.uniform(0, 0.03))
        task.cancel()  # the process dies here
        with suppress(asyncio.CancelledError):
            await task
    await producer.stop()
    theirs = await here.verdict()
    before = await here.value("select count(*) from journal")

    # Ours, cut off in the same way: what the relay had not sent, the next relay sends.
    for _ in range(120):
        task = asyncio.create_task(here.works.do(again, calling(), id=draw.choice(here.things)))
        await asyncio.sleep(draw.uniform(0, 0.03))
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    async with here.relay():
        async with asyncio.timeout(20):
            while await here.value("select count(*) from pending"):
                await asyncio.sleep(0.05)
    ours = await here.verdict()
    lost = {"lost_by_dual_write": len(theirs.lost), "lost_by_ours": len(set(ours.lost) - set(theirs.lost))}
    figures("dual write", told=before, **lost)
    assert len(theirs.lost) > 0
    assert set(ours.lost) <= set(theirs.lost)


async def test_a_plain_faststream_handler_loses_what_ours_keeps(here, figures) -> None:
    """Offsets committed before the work is done: whoever dies at work has skipped it."""
    await here.people(20)
    async with here.relay():
        await here.tell(300)
        async with asyncio.timeout(20):
            while await here.value("select count(*) from pending"):
                await asyncio.sleep(0.05)
    for _ in range(6):
        process = await here.start("plain")
        await _first_effects(here, more=30)
        process.kill()
        await process.wait()
    last = await here.start("plain")
    await _rest(here)
    last.kill()
    theirs = await here.verdict()

    async with here.database.connection() as conn:
        await conn.execute("truncate effect")
    for _ in range(3):
        process = await here.start("member")
        await asyncio.sleep(2.5)
        process.kill()
        await process.wait()
    async with here.member():
        await here.quiet(within=60)
    ours = await here.verdict()
    figures("FastStream default", missing=len(theirs.missing), missing_with_ours=len(ours.missing))
    assert len(theirs.missing) > 0
    assert ours.violations == {}


async def _first_effects(here: World, *, more: int) -> None:
    """Until it has begun to work."""
    before = await here.value("select count(*) from effect")
    with suppress(TimeoutError):
        async with asyncio.timeout(15):
            while await here.value("select count(*) from effect") < before + more:
                await asyncio.sleep(0.01)


async def _rest(here: World) -> None:
    """Until nothing comes any more."""
    seen = -1
    while (now := await here.value("select count(*) from effect")) != seen:
        seen = now
        await asyncio.sleep(4)
