"""A small service, a real PostgreSQL and a real Kafka to break, and the truth to hold the outcome against.

Truth is the journal; beside it stand the whole topic as dumped and the effects as had. Each world has a node of its
own, so that its topic is its own on the one broker of the run.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import psutil
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from chassis.access import by
from chassis.aggregate import Conflict
from chassis.bus import Bus, listening
from chassis.database import Database
from chassis.envelope import Envelope, from_headers
from chassis.hearing import Heard, Hears
from chassis.inbox import Inbox
from chassis.relay import Relay
from chassis.work import Works, command
from house.buses import create_topics
from tests.chassis.toy import DEADLINES, PUBLICATIONS, TABLES, Begun, Thing, ThingWork, begin, calling, settings
from throughcare.referral.v1.events_pb2 import ReferralDrafted

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from house.buses import LocalKafka

PARTITIONS = 4
# A killed member is noticed soon; nothing else of the product's settings is touched.
IMPATIENT = {"session_timeout_ms": 2_000, "heartbeat_interval_ms": 500}
GROUP = "faults"
EFFECTS = """
create table effect (event_id uuid primary key, key text not null, seq bigint not null, times int not null default 1,
    nth bigint generated always as identity);
create table poisoned (key text primary key);
"""


class Poison(Exception):  # noqa: N818 - what it is
    """What the handler raises for a poisoned key."""


@command("thing.beside", by("SM"))
async def beside(work: ThingWork, *, id: UUID) -> str:
    """Another aggregate on the same stream: two writers of one stream then meet at its head alone."""
    thing = await work.things.get(id)
    other = Thing(id=work.new_id(), case_id=thing.case_id, person_id=thing.person_id)
    await work.things.put(other.telling(Begun(note="", at=work.now)))
    return str(other.id)


@command("thing.again", by("SM"))
async def again(work: ThingWork, *, id: UUID) -> int:
    thing = await work.things.get(id)
    return await work.things.put(thing.telling(Begun(note="", at=work.now)))


def hears() -> Hears:
    """One command subscription whose effect is not idempotent: a second one would be seen."""
    found = Hears(GROUP)

    @found.command(ReferralDrafted)
    async def effect(work: Any, heard: Heard[Any]) -> None:
        if await work.conn.fetchval("select exists(select 1 from poisoned where key = $1)", heard.key):
            raise Poison
        await work.conn.execute(
            "insert into effect (event_id, key, seq) values ($1, $2, $3)"
            " on conflict (event_id) do update set times = effect.times + 1",
            heard.envelope.event_id, heard.key, heard.seq,
        )  # fmt: skip

    return found


@dataclass(frozen=True)
class Verdict:
    """What the checker found, empty when all is well: I1 lost and missing, I2 ghost, I3 doubled, I4 disorder."""

    committed: int
    published: int
    duplicates: int
    lost: tuple[str, ...] = ()
    ghost: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    doubled: tuple[str, ...] = ()
    disorder: tuple[str, ...] = ()

    @property
    def violations(self) -> dict[str, int]:
        """How many of each kind."""
        kinds = {name: len(getattr(self, name)) for name in ("lost", "ghost", "missing", "doubled", "disorder")}
        return {name: count for name, count in kinds.items() if count}


def judge(
    journal: Sequence[tuple[UUID, str, int]],
    topic: Sequence[tuple[UUID, str, int]],
    effects: Sequence[tuple[UUID, str, int, int]],
) -> Verdict:
    """Hold topic (event, key, seq in log order) and effects (event, key, seq, times, in order) to the truth."""
    told = {event for event, _, _ in journal}
    published = {event for event, _, _ in topic}
    had = {event: times for event, _, _, times in effects}
    return Verdict(
        committed=len(told),
        published=len(topic),
        duplicates=len(topic) - len(published & told),
        lost=tuple(str(event) for event in told - published),
        ghost=tuple(str(event) for event in published - told),
        missing=tuple(str(event) for event in (told & published) - set(had)),
        doubled=tuple(str(event) for event, times in had.items() if times > 1),
        disorder=(*_disorder(topic), *_disorder([(event, key, seq) for event, key, seq, _ in effects])),
    )


def _disorder(seen: Sequence[tuple[UUID, str, int]]) -> list[str]:
    """Keys whose first occurrences are not 1, 2, 3 …"""
    heads: dict[str, int] = {}
    wrong: dict[str, None] = {}
    for _, key, seq in seen:
        if seq > heads.get(key, 0) + 1:
            wrong[key] = None
        heads[key] = max(heads.get(key, 0), seq)
    return list(wrong)


@dataclass
class World:
    """One world; its parts run in this process or in processes of their own."""

    node: str
    folder: Path
    kafka: LocalKafka
    database: Database
    works: Works[Any]
    things: list[UUID] = field(default_factory=list)
    unknown: int = 0
    processes: list[asyncio.subprocess.Process] = field(default_factory=list)

    @property
    def topic(self) -> str:
        return f"{self.node}.referral.v1"

    def bus(self) -> Bus:
        return Bus(given(self.folder, self.database.url, node=self.node, servers=self.kafka.servers))

    async def people(self, count: int) -> None:
        """That many streams, each with its first fact."""
        for _ in range(count):
            first = UUID((await self.works.do(begin, calling()))["id"])
            self.things += [first, UUID(await self.works.do(beside, calling(), id=first))]

    async def tell(self, facts: int, *, writers: int = 8) -> None:
        """That many more facts, by writers at the same time, over all streams."""
        left = iter(range(facts))
        draw = random.Random(facts)

        async def one() -> None:
            for _ in left:
                with suppress(Conflict):
                    await self.works.do(again, calling(), id=draw.choice(self.things))

        await asyncio.gather(*(one() for _ in range(writers)))

    @asynccontextmanager
    async def relay(self) -> AsyncIterator[Relay]:
        """A relay in this process."""
        made = Relay(self.database.url, self.bus(), "referral", self.works.wake)
        async with _running(made.run()):
            yield made

    @asynccontextmanager
    async def member(self) -> AsyncIterator[Inbox]:
        """A member of the group in this process."""
        made = Inbox(self.works, self.bus(), hears())
        async with _running(made.run()):
            yield made

    async def start(self, part: str, *, fail: str = "") -> asyncio.subprocess.Process:
        """A relay or a member as a process of its own, with a fail point planted."""
        environment = dict(os.environ) | {
            "THROUGHCARE_FAILPOINTS": fail,
            "PYTHONPATH": os.pathsep.join(sys.path),
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.faults.actor", part, self.node, str(self.folder), self.database.url,
            self.kafka.servers, env=environment, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        self.processes.append(process)
        return process

    async def value(self, sql: str, *arguments: object) -> Any:
        async with self.database.connection() as conn:
            return await conn.fetchval(sql, *arguments)

    async def log(self) -> list[tuple[UUID, str, int]]:
        """The whole topic: partition by partition, in log order."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.kafka.servers, enable_auto_commit=False, auto_offset_reset="earliest"
        )
        await consumer.start()
        places = [TopicPartition(self.topic, number) for number in range(PARTITIONS)]
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        found: list[tuple[UUID, str, int]] = []
        while any([await consumer.position(place) < ends[place] for place in places]):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                for record in records:
                    envelope = from_headers(record.headers)
                    if isinstance(envelope, Envelope):
                        found.append((envelope.event_id, record.key.decode(), envelope.stream_sequence))
        await consumer.stop()
        return found

    async def verdict(self) -> Verdict:
        async with self.database.connection() as conn:
            journal = await conn.fetch("select event_id, key, sequence from journal where topic is not null")
            effects = await conn.fetch("select event_id, key, seq, times from effect order by nth")
        return judge([tuple(row) for row in journal], await self.log(), [tuple(row) for row in effects])

    async def quiet(self, *, within: float = 40, parked: int = 0) -> None:
        """Until everything told has been sent and handled."""
        async with asyncio.timeout(within):
            while not await self._quiet(parked):
                await asyncio.sleep(0.05)

    async def _quiet(self, parked: int) -> bool:
        return bool(
            await self.value(
                "select (select count(*) from pending) = 0 and (select count(*) from parked) = $1"
                " and (select count(*) from effect) + $1 >="
                " (select count(*) from journal where topic is not null)",
                parked,
            )
        )

    async def inject(self, records: Sequence[tuple[bytes | None, bytes | None, list[tuple[str, bytes]]]]) -> None:
        """Put foreign records on the topic."""
        producer = AIOKafkaProducer(bootstrap_servers=self.kafka.servers)
        await producer.start()
        for key, value, headers in records:
            await producer.send_and_wait(self.topic, value, key=key, headers=headers)
        await producer.stop()

    async def end(self) -> None:
        """Kill what still runs."""
        for process in self.processes:
            if process.returncode is None:
                with suppress(ProcessLookupError, psutil.NoSuchProcess):
                    process.send_signal(signal.SIGCONT)
                    process.kill()
                await process.wait()


def impatient() -> Mapping[str, Any]:
    """The settings of a subscriber in these worlds, in place of the product's; set where a world is made, never at
    import: all tests are collected into one process."""
    return dict(listening.SUBSCRIBER) | IMPATIENT


@asynccontextmanager
async def _running(work: Any) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, BaseExceptionGroup):
            await task


def given(folder: Path, url: str, *, node: str, servers: str) -> Any:
    """Settings of the small service."""
    return settings(folder, url, node_id=node, bus_servers=servers)


def works_of(database: Database, folder: Path, *, node: str) -> Works[Any]:
    return Works(
        database,
        ThingWork,
        settings=given(folder, database.url, node=node, servers=""),
        publications=PUBLICATIONS,
        deadlines=DEADLINES,
    )


@asynccontextmanager
async def world(kafka: LocalKafka, database: Database, folder: Path) -> AsyncIterator[World]:
    """A new world on this database, with a topic of its own."""
    node = f"n{uuid4().hex[:10]}"
    async with database.connection() as conn:
        await conn.execute(TABLES + EFFECTS)
    create_topics(kafka.client, {f"{node}.referral.v1": {}}, partitions=PARTITIONS)
    made = World(node, folder, kafka, database, works_of(database, folder, node=node))
    try:
        yield made
    finally:
        await made.end()
