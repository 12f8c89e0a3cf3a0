"""P2 and P3: the relay against a raw producer without a database, and against an outbox package."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import DefaultPartitioner

from benchmarks.measure import CLOCK, Table, alternate
from benchmarks.stage import PARTITIONS, TOPIC
from chassis.bus import PRODUCER
from chassis.envelope import unpack_headers
from chassis.relay import Relay

if TYPE_CHECKING:
    from benchmarks.stage import Stage


async def _rows(stage: Stage) -> list[tuple[bytes, bytes, list[tuple[str, bytes]]]]:
    async with stage.database.connection() as conn:
        rows = await conn.fetch("select key, message, headers from journal where topic is not null order by position")
    return [(row["key"].encode(), row["message"], unpack_headers(row["headers"])) for row in rows]


async def measure(stage: Stage, *, rounds: int, events: int = 40_000) -> list[Table]:
    """The same messages, the same broker, the same batch size."""
    await stage.fill(events)
    async with stage.database.transaction() as conn:
        await conn.execute("delete from pending")
    rows = await _rows(stage)
    every = list(range(PARTITIONS))
    places = [DefaultPartitioner()(key, every, every) for key, _, _ in rows]

    async def ours() -> int:
        pending = await stage.pend_again()
        CLOCK.get().begin()
        relay = Relay(stage.url, stage.bus, "referral", stage.toy.wake)
        task = asyncio.create_task(relay.run())
        await stage.until("select count(*) from pending", 0)
        task.cancel()
        await asyncio.wait([task])
        return pending

    async def gathered() -> int:
        producer = AIOKafkaProducer(bootstrap_servers=stage.kafka.servers, **PRODUCER)
        await producer.start()
        CLOCK.get().begin()
        for at in range(0, len(rows), 1_000):
            futures = [
                await producer.send(TOPIC, value, key=key, headers=headers)
                for key, value, headers in rows[at : at + 1_000]
            ]
            await asyncio.gather(*futures)
        await producer.stop()
        return len(rows)

    async def batched() -> int:
        producer = AIOKafkaProducer(bootstrap_servers=stage.kafka.servers, **PRODUCER)
        await producer.start()
        CLOCK.get().begin()
        await producer.partitions_for(TOPIC)
        for at in range(0, len(rows), 1_000):
            builders = {}
            for number in range(at, min(at + 1_000, len(rows))):
                key, value, headers = rows[number]
                builder = builders.setdefault(places[number], producer.create_batch())
                builder.append(timestamp=None, key=key, value=value, headers=headers)
            sent = [await producer.send_batch(b, TOPIC, partition=p) for p, b in builders.items()]
            await asyncio.gather(*sent)
        await producer.stop()
        return len(rows)

    table = Table("P2", "relay against a raw producer without a database")
    await alternate(
        table, {"our relay": ours, "aiokafka send, gathered": gathered, "aiokafka send_batch": batched}, rounds=rounds
    )
    table.notes.append(
        f"against gathered send: {table.ratio('our relay', 'aiokafka send, gathered'):.2f}; goal at least 1.3"
    )
    table.notes.append(
        f"against send_batch: {table.ratio('our relay', 'aiokafka send_batch'):.2f}; goal at least 0.25, aim 0.4"
    )
    return [table]
