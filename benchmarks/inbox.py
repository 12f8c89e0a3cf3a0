"""P4: the inbox with fence, dedupe and projection, against consumers that have less to do or do it one by one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import asyncpg
from aiokafka import AIOKafkaConsumer
from faststream import AckPolicy
from faststream.kafka import KafkaBroker

from benchmarks.measure import CLOCK, Table, alternate, timed
from benchmarks.stage import TOPIC, hears
from chassis.inbox import Inbox
from chassis.relay import Relay

if TYPE_CHECKING:
    from benchmarks.stage import Stage

ONE_BY_ONE = 1_000


async def measure(stage: Stage, *, rounds: int, events: int = 40_000) -> list[Table]:
    """Everything that stands in the topic, from its beginning, by a new group each time."""
    await stage.new_topic()
    async with stage.database.transaction() as conn:
        await conn.execute("delete from pending")
    await stage.fill(events)
    relay = Relay(stage.url, stage.bus, "referral", stage.toy.wake)
    task = asyncio.create_task(relay.run())
    await stage.until("select count(*) from pending", 0)
    task.cancel()
    await asyncio.wait([task])
    async with stage.database.connection() as conn:
        total = await conn.fetchval(
            "select count(*) from journal where topic is not null and position > (select max(position) from journal) - $1",
            events,
        )

    async def ours() -> int:
        group = f"g{uuid4().hex[:8]}"
        async with stage.database.transaction() as conn:
            # The streams began before this topic did: the group has applied what came earlier.
            await conn.execute(
                "insert into watermark select $1, topic, key, min(sequence) - 1, now() from journal"
                " where position > (select max(position) from journal) - $2 group by topic, key",
                f"together.{group}", events,
            )  # fmt: skip
            await conn.execute("truncate seen")
        inbox = Inbox(stage.toy, stage.bus, hears(group))
        original, clock = inbox.hear, CLOCK.get()

        async def first(listening: Any, records: Any) -> None:
            inbox.hear = original  # type: ignore[method-assign]
            clock.begin()
            await original(listening, records)

        inbox.hear = first  # type: ignore[method-assign]
        task = asyncio.create_task(inbox.run())
        await stage.until(f"select coalesce(sum(next), 0) from consumer_offset where grp = 'together.{group}'", total)
        task.cancel()
        await asyncio.wait([task])
        return int(total)

    async def raw() -> int:
        consumer = AIOKafkaConsumer(
            TOPIC, bootstrap_servers=stage.kafka.servers, auto_offset_reset="earliest", group_id=f"r{uuid4().hex[:8]}",
            enable_auto_commit=False,
        )  # fmt: skip
        await consumer.start()
        seen = 0
        while seen < total:
            found = await consumer.getmany(timeout_ms=100, max_records=1_000)
            if found and not seen:
                CLOCK.get().begin()
            seen += sum(map(len, found.values()))
        await consumer.stop()
        return seen

    async def faststream_batch() -> int:
        return await _faststream(stage, int(total), batch=True)

    table = Table("P4", "inbox with fence, dedupe and projection, by comparison")
    await alternate(
        table,
        {"our inbox": ours, "aiokafka getmany, no work": raw, "FastStream batch, no database": faststream_batch},
        rounds=rounds,
    )
    single = Table("P4-one-by-one", "FastStream, one transaction a message (NACK_ON_ERROR)")

    async def one_by_one() -> int:
        return await _faststream(stage, ONE_BY_ONE, batch=False)

    for _ in range(2):
        single.runs.setdefault("FastStream, one transaction a message", []).append(await timed(one_by_one))
    against = table.median("our inbox") / single.median("FastStream, one transaction a message")
    table.notes += [
        "counted from the first batch: joining the group, which takes a second or two, is left out for all alike",
        f"against FastStream batch: {table.ratio('our inbox', 'FastStream batch, no database'):.2f}; goal at least 0.3",
        f"against FastStream with a transaction a message: {against:.0f}; goal at least 100",
        f"against getmany: {table.ratio('our inbox', 'aiokafka getmany, no work'):.2f}; reported only",
    ]
    return [table, single]


async def _faststream(stage: Stage, total: int, *, batch: bool) -> int:
    done = asyncio.Event()
    seen = 0
    broker = KafkaBroker(stage.kafka.servers, apply_types=False, logger=None)
    given: dict[str, Any] = {"group_id": f"f{uuid4().hex[:8]}", "auto_offset_reset": "earliest"}
    conn = await asyncpg.connect(stage.url)

    clock = CLOCK.get()

    async def whole(body: list[object]) -> None:
        nonlocal seen
        if not seen:
            clock.begin()
        seen += len(body)
        if seen >= total:
            done.set()

    async def single(body: object) -> None:
        nonlocal seen
        if not seen:
            clock.begin()
        async with conn.transaction():
            await conn.execute(
                "insert into seen values ($1, 'open', 1) on conflict (key) do update set seq = seen.seq + 1",
                str(seen % 500),
            )
        seen += 1
        if seen >= total:
            done.set()

    if batch:
        broker.subscriber(
            TOPIC, batch=True, max_records=1_000, batch_timeout_ms=10, ack_policy=AckPolicy.MANUAL, **given
        )(whole)
    else:
        broker.subscriber(TOPIC, ack_policy=AckPolicy.NACK_ON_ERROR, **given)(single)
    await broker.start()
    await done.wait()
    await broker.stop()
    await conn.close()
    return total
