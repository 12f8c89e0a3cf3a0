"""P3: the relay against an outbox package for FastStream, at the best setting found for it, with job queues beside."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

from faststream.kafka import KafkaBroker
from sqlalchemy import MetaData
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from benchmarks import queues
from benchmarks.measure import CLOCK, Table, alternate
from benchmarks.stage import TOPIC
from chassis.relay import Relay

if TYPE_CHECKING:
    from benchmarks.stage import Stage

EVENTS_OF_THE_PEER = 3_000


async def measure(stage: Stage, *, rounds: int, events: int = 40_000) -> list[Table]:
    """Ours and theirs in turn; theirs with fewer events, since it is a rate that counts."""
    from faststream_outbox import OutboxBroker, make_outbox_table

    await stage.fill(events)
    async with stage.database.transaction() as conn:
        await conn.execute("delete from pending")
        value = await conn.fetchval("select message from journal where topic is not null limit 1")

    async def ours() -> int:
        pending = await stage.pend_again()
        CLOCK.get().begin()
        relay = Relay(stage.url, stage.bus, "referral", stage.toy.wake)
        task = asyncio.create_task(relay.run())
        await stage.until("select count(*) from pending", 0)
        task.cancel()
        await asyncio.wait([task])
        return pending

    engine = create_async_engine("postgresql+asyncpg" + stage.url.removeprefix("postgresql"), pool_size=10)
    metadata = MetaData()
    table = make_outbox_table(metadata, table_name="outbox")
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    sessions = async_sessionmaker(engine, expire_on_commit=False)

    async def theirs() -> int:
        outbox = OutboxBroker(engine, outbox_table=table, logger=None)
        kafka = KafkaBroker(stage.kafka.servers, logger=None)
        publisher = kafka.publisher(TOPIC)

        @publisher
        @outbox.subscriber(
            "facts", max_workers=4, fetch_batch_size=100, min_fetch_interval=0.01, terminal_flush_batch_size=100
        )
        async def relay(body: bytes) -> bytes:
            return body

        async with sessions() as session, session.begin():
            for at in range(0, EVENTS_OF_THE_PEER, 500):
                bodies: list[Any] = [value] * min(500, EVENTS_OF_THE_PEER - at)
                await outbox.publish_batch(*bodies, queue="facts", session=session)
        await kafka.connect()
        CLOCK.get().begin()
        await outbox.start()
        await stage.until("select count(*) from outbox", 0)
        await outbox.stop()
        await kafka.stop()
        return EVENTS_OF_THE_PEER

    found = Table("P3", "relay against faststream-outbox 0.19, and two job queues")
    await alternate(
        found,
        {
            "our relay": ours,
            "faststream-outbox, 4 workers, batches of 100": theirs,
            "pgqueuer, batches of 100": partial(queues.pgqueuer, stage, value),
            "procrastinate, 100 at once": partial(queues.procrastinate, stage, value),
        },
        rounds=rounds,
    )
    await engine.dispose()
    ratio = found.ratio("our relay", "faststream-outbox, 4 workers, batches of 100")
    found.notes.append(
        f"ratio {ratio:.1f}; goal at least 10. With more than one worker it does not keep order; ours does"
    )
    found.notes.append("the job queues are context: they run jobs, in no order, each of which sends one message")
    return [found]
