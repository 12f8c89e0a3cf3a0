"""The relay: nothing lost, nothing invented, first occurrences in order, whoever dies and whenever."""

from __future__ import annotations

import asyncio
import random
import signal
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
import pytest_asyncio

from chassis.bus import Bus
from chassis.relay import BATCHES, ROWS, Relay
from house.buses import PARTITIONS, LocalKafka, create_topics, free_port
from tests.chassis.hearing_toy import rows, running
from tests.chassis.toy import begin, calling, end, settings, works
from tests.support.faults import proxy, start_python
from tests.support.kafka import by_key, everything, first_ones, local_kafka
from tests.support.postgres import eventually

if TYPE_CHECKING:
    from chassis.database import Database
    from chassis.work import Works
    from tests.support.bus import TestBus

pytestmark = [pytest.mark.wire, pytest.mark.kafka]
_FILL = """
with made as (
    insert into journal (position, event_id, topic, key, sequence, aggregate_type, aggregate_id, version, fact_type,
        headers, message, occurred_at, recorded_at, actor_role, actor_ref, correlation_id)
    select nextval('journal_position'), gen_random_uuid(), $1, 'key-' || k, n, 'thing', gen_random_uuid(), n, 'Begun',
        convert_to('ce_id,ce_type,ce_specversion,ce_source,ce_time,ce_reach,ce_streamsequence', 'UTF8')
        || '\\x00'::bytea
        || convert_to(gen_random_uuid()::text, 'UTF8') || '\\x00'::bytea
        || convert_to('t', 'UTF8') || '\\x00'::bytea
        || convert_to('1.0', 'UTF8') || '\\x00'::bytea || convert_to('together', 'UTF8') || '\\x00'::bytea
        || convert_to('2026-11-24T10:00:00+00:00', 'UTF8') || '\\x00'::bytea || convert_to('NODE', 'UTF8')
        || '\\x00'::bytea || convert_to(n::text, 'UTF8'),
        convert_to(repeat('x', 300), 'UTF8'), now(), now(), 'SM', 'staff-sm-1', gen_random_uuid()
    from generate_series(1, $3) as n, generate_series(1, $2) as k order by n, k returning position)
insert into pending (position, shard) select position, 0 from made
"""


async def fill(database: Database, topic: str, *, keys: int, each: int) -> int:
    """Pending rows as commands would have written them: `each` messages of so many streams."""
    async with database.transaction() as conn:
        await conn.execute(_FILL, topic, keys, each)
    return keys * each


async def nothing_pending(database: Database) -> bool:
    return not await rows(database, "select 1 from pending limit 1")


def whole_and_in_order(records: list[Any], *, keys: int, each: int) -> None:
    """Each stream's first occurrences are 1, 2, 3 … without a gap; a repeat is of a number seen before."""
    streams = by_key(records)
    assert len(streams) == keys
    for sequences in streams.values():
        assert first_ones(sequences) == list(range(1, each + 1))


@pytest.fixture
def topic(kafka_bus: TestBus, node: str) -> str:
    kafka_bus.create(f"{node}.referral.v1")
    return f"{node}.referral.v1"


@pytest_asyncio.fixture
async def toy(database: Database, kafka_bus: TestBus, node: str, tmp_path: Any) -> Works[Any]:
    return await works(database, tmp_path, bus_servers=kafka_bus.servers, node_id=node)


@pytest.fixture
def relay(toy: Works[Any]) -> Relay:
    return Relay(toy.database.url, Bus(toy.settings), "referral", toy.wake)


async def test_nothing_is_lost_and_no_order_inverted_with_many_writers_at_once(toy, relay, kafka, topic) -> None:
    """Commands of eight writers, held open for random moments, while the relay runs: a sequence is no commit order."""
    chance = random.Random(7)

    async def write(_: int) -> None:
        for _ in range(6):
            thing = await toy.do(begin, calling())
            await asyncio.sleep(chance.uniform(0, 0.01))
            await toy.do(end, calling(), id=UUID(thing["id"]))

    async with running(relay):
        await asyncio.gather(*(write(n) for n in range(8)))
        await eventually(lambda: nothing_pending(toy.database), within=20)

    records = everything(kafka.servers, topic)
    assert len(records) == 96  # a relay that lived through has sent nothing twice
    whole_and_in_order(records, keys=48, each=2)


async def test_a_relay_that_is_told_to_stop_ends_its_turn_and_sends_nothing_twice(
    toy, relay, kafka, topic, database
) -> None:
    total = await fill(database, topic, keys=50, each=200)

    for _ in range(6):
        async with running(relay):
            await asyncio.sleep(0.15)
    async with running(relay):
        await eventually(lambda: nothing_pending(database), within=30)

    records = everything(kafka.servers, topic)
    assert len(records) == total
    whole_and_in_order(records, keys=50, each=200)


@pytest.mark.parametrize("place", ["locked", "taken", "sent", "acknowledged", "before_commit", "committed"])
async def test_a_relay_killed_at_any_line_loses_nothing_and_repeats_one_transaction_at_most(
    place, relay, kafka, topic, toy
) -> None:
    database, node = toy.database, toy.settings.node_id
    total = await fill(database, topic, keys=50, each=120)
    doomed = start_python(
        "tests.chassis.relay_process", database.url, kafka.servers, node, failpoints=f"relay.{place}=kill"
    )
    assert await asyncio.to_thread(doomed.wait, 30) == -signal.SIGKILL

    async with running(relay):
        await eventually(lambda: nothing_pending(database), within=30)

    records = everything(kafka.servers, topic)
    assert total <= len(records) <= total + ROWS * BATCHES
    whole_and_in_order(records, keys=50, each=120)


async def test_one_of_two_relays_is_active_and_the_other_takes_over(toy, topic, kafka, database) -> None:
    pair = [Relay(database.url, Bus(toy.settings), "referral", asyncio.Event()) for _ in range(2)]

    async with running(*pair):
        await fill(database, topic, keys=10, each=50)
        await eventually(lambda: nothing_pending(database), within=20)

    records = everything(kafka.servers, topic)
    assert len(records) == 500
    whole_and_in_order(records, keys=10, each=50)


@pytest.mark.slow
async def test_a_paused_relay_is_cut_off_by_the_server_and_its_late_work_changes_nothing(
    relay, kafka, topic, toy
) -> None:
    database, node = toy.database, toy.settings.node_id
    total = await fill(database, topic, keys=50, each=120)
    paused = start_python(
        "tests.chassis.relay_process", database.url, kafka.servers, node, failpoints="relay.sent=stop"
    )
    try:
        loop = asyncio.get_running_loop()
        holder = "select pid from pg_locks where locktype = 'advisory' and granted"
        await eventually(lambda: rows(database, holder), within=20)
        began = loop.time()
        async with running(relay):
            await eventually(lambda: nothing_pending(database), within=30)
            took = loop.time() - began
            paused.send_signal(signal.SIGCONT)
            await asyncio.sleep(1)
            assert await nothing_pending(database)
    finally:
        paused.kill()
        paused.wait()

    records = everything(kafka.servers, topic)
    assert took < 17  # the server's fifteen seconds, and one
    assert len(records) <= total + ROWS * BATCHES
    whole_and_in_order(records, keys=50, each=120)


async def test_a_lost_database_connection_is_survived_and_what_was_in_flight_is_no_loss(
    toy, relay, kafka, topic, database
) -> None:
    total = await fill(database, topic, keys=50, each=200)
    cut = "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'throughcare relay%'"

    async with running(relay):
        for _ in range(5):
            await asyncio.sleep(0.1)
            await rows(database, cut)
        await eventually(lambda: nothing_pending(database), within=30)

    records = everything(kafka.servers, topic)
    assert len(records) >= total
    whole_and_in_order(records, keys=50, each=200)


async def test_a_dead_broker_costs_no_command_and_all_is_sent_when_it_is_back(toy, database, tmp_path, node) -> None:
    broker = local_kafka(tmp_path / "kafka")
    try:
        topic = f"{node}.referral.v1"
        create_topics(broker.client, {topic: {}}, partitions=PARTITIONS)
        relay = Relay(
            database.url,
            Bus(settings(tmp_path, database.url, bus_servers=broker.servers, node_id=node)),
            "referral",
            toy.wake,
        )
        async with running(relay):
            things = [await toy.do(begin, calling()) for _ in range(5)]
            await eventually(lambda: nothing_pending(database), within=20)
            await asyncio.to_thread(broker.kill)
            for thing in things:
                await toy.do(end, calling(), id=UUID(thing["id"]))
            await asyncio.sleep(6)
            assert not await nothing_pending(database)
            await asyncio.to_thread(broker.start)
            await eventually(lambda: nothing_pending(database), within=20)

        whole_and_in_order(everything(broker.servers, topic), keys=5, each=2)
    finally:
        broker.stop()


async def test_after_abandon_nothing_leaves_any_more(tmp_path, node) -> None:
    """The broker is reached through a proxy that holds what comes: a broker that has stopped answering."""
    port, behind, front = free_port(), free_port(), free_port()
    kafka = _proxied(tmp_path, port, behind, front)
    topic = f"{node}.referral.v1"
    try:
        create_topics(kafka.client, {topic: {}}, partitions=PARTITIONS)
        async with proxy("127.0.0.1", behind, listening=front) as between:
            producer = Bus(settings(tmp_path, "postgresql://-", bus_servers=f"127.0.0.1:{front}")).producer()
            await producer.start()
            record = (topic, b"key", b"x" * 400, [("a", b"b")])
            for sent in await producer.send([record]):
                await sent.acknowledgement
            between.hold()
            await producer.send([record] * 1_500)
            await asyncio.sleep(0.2)

            loop = asyncio.get_running_loop()
            began = loop.time()
            await producer.abandon()
            took = loop.time() - began
            connections = between.connections
            between.let_go()
            await asyncio.sleep(3)

            assert took <= 1.1
            assert between.connections == connections
        assert len(everything(kafka.servers, topic)) == 1
    finally:
        kafka.stop()


def _proxied(folder: Any, port: int, behind: int, front: int) -> LocalKafka:
    """A broker with a second door that says it is at `front`."""
    controller = free_port()
    kafka = LocalKafka(folder / "kafka", port=port, controller_port=controller)
    kafka.settings = {
        "listeners": f"PLAINTEXT://127.0.0.1:{port},PROXIED://127.0.0.1:{behind},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port},PROXIED://127.0.0.1:{front}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT",
    }
    return kafka.start()


async def test_the_relay_holds_back_while_a_hearer_of_the_embedded_bus_is_behind(toy, database, topic, kafka) -> None:
    behind = 1

    async def lag() -> int:
        return behind

    await fill(database, topic, keys=2, each=2)
    async with running(Relay(database.url, Bus(toy.settings), "referral", toy.wake, behind=lag)):
        await asyncio.sleep(1)
        held = len(everything(kafka.servers, topic))
        behind = 0
        await eventually(lambda: nothing_pending(database), within=10)

    assert held == 0


async def test_a_thousand_events_take_few_statements(toy, relay, database, topic) -> None:
    statements: list[str] = []
    conn = await relay._connect()
    conn.add_query_logger(lambda record: statements.append(record.query))
    await fill(database, topic, keys=100, each=40)

    async with running(relay):
        await eventually(lambda: nothing_pending(database), within=20)

    whole_turns = [each for each in statements if "pg_try_advisory" not in each and each not in {"BEGIN;", "COMMIT;"}]
    per_thousand = sum("delete from pending" in each or "from journal" in each for each in whole_turns) / 4
    assert per_thousand <= 3.5, statements


async def test_a_stub_keeps_its_place_in_the_stream_and_loses_its_content(toy, relay, database, topic, kafka) -> None:
    await fill(database, topic, keys=1, each=3)
    async with database.transaction() as conn:
        await conn.execute("update pending set stub = true where position = (select min(position) + 1 from pending)")

    async with running(relay):
        await eventually(lambda: nothing_pending(database), within=10)

    assert [(each.sequence, bool(each.value)) for each in everything(kafka.servers, topic)] == [
        (1, True), (2, False), (3, True),
    ]  # fmt: skip


async def test_the_embedded_bus_carries_the_same(database, embedded_bus, tmp_path, node) -> None:
    topic = f"{node}.referral.v1"
    embedded_bus.create(topic)
    given = settings(tmp_path, database.url, bus_servers=embedded_bus.servers, node_id=node)
    await works(database, tmp_path)
    await fill(database, topic, keys=20, each=10)

    async with running(Relay(database.url, Bus(given), "referral", asyncio.Event())):
        await eventually(lambda: nothing_pending(database), within=10)

    whole_and_in_order(everything(embedded_bus.servers, topic), keys=20, each=10)
