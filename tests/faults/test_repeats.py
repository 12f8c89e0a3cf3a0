"""R12, R13 and the short form of R14: what comes twice, too early, or cannot be read at all."""

from __future__ import annotations

import asyncio
import random

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from chassis.envelope import unpack_headers
from tests.faults.world import PARTITIONS, World

pytestmark = pytest.mark.kafka


async def _raw(here: World) -> list[tuple[bytes, bytes, list[tuple[str, bytes]]]]:
    """Every record of the topic, as it stands there."""
    consumer = AIOKafkaConsumer(bootstrap_servers=here.kafka.servers, auto_offset_reset="earliest")
    await consumer.start()
    places = [TopicPartition(here.topic, number) for number in range(PARTITIONS)]
    consumer.assign(places)
    ends = await consumer.end_offsets(places)
    found = []
    while any([await consumer.position(place) < ends[place] for place in places]):
        for records in (await consumer.getmany(timeout_ms=200)).values():
            found += [(record.key, record.value, list(record.headers)) for record in records]
    await consumer.stop()
    return found


async def test_r12_what_is_told_again_has_no_second_effect(here, figures) -> None:
    await here.people(20)
    async with here.relay(), here.member():
        await here.tell(300)
        await here.quiet()
        records = await _raw(here)
        again = random.Random(12).sample(records, len(records) // 5) * 5
        await here.inject(again)
        async with asyncio.timeout(20):
            while await here.value("select sum(next) from consumer_offset") < len(records) + len(again):
                await asyncio.sleep(0.05)
    verdict = await here.verdict()
    figures("R12", injected=len(again), duplicates=verdict.duplicates, doubled=len(verdict.doubled))
    assert verdict.duplicates == len(again)
    assert verdict.violations == {}


async def test_r13_what_comes_too_early_waits_and_what_comes_late_is_passed(here, figures) -> None:
    await here.people(10)
    async with here.member():
        async with here.relay():
            await here.tell(60)
            await here.quiet()
        await here.tell(120)
        async with here.database.connection() as conn:
            ahead = await conn.fetch(
                "select key, message, headers from journal j join pending using (position)"
                " where sequence > (select max(seq) + 1 from watermark w where w.key = j.key) order by random()"
            )
        await here.inject([(row["key"].encode(), row["message"], unpack_headers(row["headers"])) for row in ahead])
        async with asyncio.timeout(20):
            while await here.value("select count(*) from parked") < len(ahead):
                await asyncio.sleep(0.05)
        early = await here.value("select count(*) from effect")
        held = await here.value("select count(distinct key) from parked where reason = 'gap'")
        assert early == await here.value("select sum(seq) from watermark")
        async with here.relay():
            await here.quiet(within=60)
    verdict = await here.verdict()
    figures("R13", injected=len(ahead), streams_held=held, doubled=len(verdict.doubled))
    assert held > 0
    # What was injected ahead stands in the log before its turn: order is judged by the effects alone.
    assert verdict.violations.keys() <= {"disorder"}
    effects = await here.value(
        "select count(*) from (select seq, row_number() over (partition by key order by nth) as n from effect) as had"
        " where seq <> n"
    )
    assert effects == 0


async def test_r14_poison_stops_its_own_key_and_no_other(here, figures) -> None:
    await here.people(20)
    poisoned = [await here.value("select case_id::text from thing order by id limit 1")]
    async with here.database.connection() as conn:
        await conn.execute("insert into poisoned select unnest($1::text[])", poisoned)
    async with here.relay(), here.member():
        await here.tell(200)
        junk = [
            (b"k", b"{not protobuf", [("ce_id", b"x")]),
            (b"\xff\xfe", b"1", []),
            (b"k3", None, [("empty", None)]),
            (b"k2", b"\xff" * 100, [("ce_type", b"\xff")]),
        ]
        await here.inject(junk)  # type: ignore[arg-type]
        good = "select count(*) from journal where topic is not null and key <> all($1)"
        wanted = await here.value(good, poisoned)
        async with asyncio.timeout(30):
            while await here.value("select count(*) from effect") < wanted:
                await asyncio.sleep(0.05)
        parked = await here.value("select count(*) from parked")
        waiting = await here.value("select count(*) from journal where key = any($1)", poisoned)
        async with here.database.connection() as conn:
            await conn.execute("delete from poisoned")
        async with asyncio.timeout(60):
            while await here.value("select count(*) from parked") > len(junk):
                await asyncio.sleep(0.1)
    verdict = await here.verdict()
    figures("R14 short", parked=parked, junk=len(junk), poisoned_messages=waiting)
    assert parked == waiting + len(junk)
    assert verdict.violations == {}
    sentences = await here.value("select bool_and(length(sentence) > 10) from parked")
    assert sentences
