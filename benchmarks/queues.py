"""P3's context: two job queues on PostgreSQL, each job of which sends one message; what a queue made for work costs."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import asyncpg
from aiokafka import AIOKafkaProducer

from benchmarks.measure import CLOCK
from benchmarks.stage import TOPIC
from chassis.bus import PRODUCER

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from benchmarks.stage import Stage

JOBS = 2_000
AT_ONCE = 100


@asynccontextmanager
async def _producer(stage: Stage) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(bootstrap_servers=stage.kafka.servers, **PRODUCER)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def pgqueuer(stage: Stage, value: bytes) -> int:
    """Batches of a hundred, jobs of a batch side by side."""
    from pgqueuer import PgQueuer
    from pgqueuer.db import AsyncpgPoolDriver
    from pgqueuer.queries import Queries
    from pgqueuer.types import QueueExecutionMode

    async with asyncpg.create_pool(stage.url, max_size=10) as pool, _producer(stage) as producer:
        driver = AsyncpgPoolDriver(pool)
        queries = Queries(driver)
        if not await stage.database.pool.fetchval("select to_regclass('pgqueuer') is not null"):
            await queries.install()
        queue = PgQueuer(driver)

        @queue.entrypoint("send")
        async def send(job) -> None:
            await (await producer.send(TOPIC, job.payload))

        await queries.enqueue(["send"] * JOBS, [value] * JOBS, [0] * JOBS)
        CLOCK.get().begin()
        await queue.run(batch_size=AT_ONCE, mode=QueueExecutionMode.drain)
    return JOBS


async def procrastinate(stage: Stage, value: bytes) -> int:
    """A hundred jobs side by side, deleted when they are done; arguments are JSON."""
    from procrastinate import App, PsycopgConnector

    app = App(connector=PsycopgConnector(conninfo=stage.url, max_size=10))
    async with app.open_async(), _producer(stage) as producer:
        if not await stage.database.pool.fetchval("select to_regclass('procrastinate_jobs') is not null"):
            await app.schema_manager.apply_schema_async()

        @app.task(name="send")
        async def send(body: str) -> None:
            await (await producer.send(TOPIC, bytes.fromhex(body)))

        await send.batch_defer_async(*({"body": value.hex()} for _ in range(JOBS)))
        CLOCK.get().begin()
        await app.run_worker_async(
            wait=False, concurrency=AT_ONCE, delete_jobs="always", listen_notify=False, install_signal_handlers=False
        )
    return JOBS
