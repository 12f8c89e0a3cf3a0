"""A fact travels: command, journal, relay, real Kafka, inbox, projection."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
import pytest_asyncio
from sqlalchemy import BigInteger, Column, MetaData, Table, Text

from chassis.bus import Bus
from chassis.hearing import Heard, Hears
from chassis.inbox import Inbox
from chassis.projection import Row
from chassis.relay import Relay
from house.buses import LocalKafka, create_topics, missing_for_kafka
from tests.chassis.toy import begin, calling, end, settings, works
from tests.support.postgres import eventually
from throughcare.referral.v1.events_pb2 import ReferralDrafted, ReferralWithdrawn

if TYPE_CHECKING:
    from collections.abc import Iterable

pytestmark = pytest.mark.kafka
SEEN = Table(
    "seen",
    MetaData(),
    Column("key", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
)


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterable[LocalKafka]:
    if missing := missing_for_kafka():
        pytest.skip(missing)
    broker = LocalKafka(tmp_path_factory.mktemp("kafka")).start()
    yield broker
    broker.stop()


@pytest_asyncio.fixture
async def wire(kafka, database, tmp_path) -> Any:
    create_topics(kafka.client, {"together.referral.v1": {}}, partitions=4)
    given = settings(tmp_path, database.url, bus_servers=kafka.servers)
    toy = await works(database, tmp_path)
    async with database.connection() as conn:
        await conn.execute("create table seen (key text primary key, state text not null, seq bigint not null)")
    hears = Hears("toy", tables=[SEEN])

    @hears.projection(ReferralDrafted, ReferralWithdrawn)
    def seen(heard: Heard) -> list[Row]:
        return [Row(SEEN, {"key": heard.key, "state": type(heard.message).__name__, "seq": heard.seq})]

    bus = Bus(given)
    inbox, relay = Inbox(toy, bus, hears), Relay(database.url, bus, "referral", toy.wake)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(inbox.run()), group.create_task(relay.run())]
        yield toy, inbox, relay
        for task in tasks:
            task.cancel()


async def test_a_fact_travels_from_a_command_to_a_projection(wire) -> None:
    toy, inbox, _ = wire
    things = [await toy.do(begin, calling()) for _ in range(20)]
    for thing in things[:10]:
        await toy.do(end, calling(), id=UUID(thing["id"]))

    async def arrived() -> bool:
        async with toy.database.connection() as conn:
            rows = await conn.fetch("select state, seq from seen order by seq")
            pending = await conn.fetchval("select count(*) from pending")
        return [row["seq"] for row in rows] == [1] * 10 + [2] * 10 and pending == 0

    await eventually(arrived, within=20)
    async with toy.database.connection() as conn:
        assert await conn.fetchval("select count(*) from parked") == 0
        assert await conn.fetchval("select sum(next) from consumer_offset") == 30
    assert sum(inbox.behind().values()) == 0
