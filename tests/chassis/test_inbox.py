"""The inbox on real Kafka: each effect once while members come and go, brokers forget, and buses are replaced."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from chassis.bus import Bus
from chassis.inbox import Inbox, accept_bus
from chassis.telemetry import REGISTRY
from tests.chassis.hearing_toy import (
    POISON,
    Kept,
    drafted,
    effects,
    hearing_works,
    hears,
    ids,
    inbox_of,
    rows,
    running,
)
from tests.support.faults import start_python
from tests.support.kafka import Raw, everything, put, told
from tests.support.postgres import eventually

if TYPE_CHECKING:
    from chassis.database import Database
    from chassis.work import Works
    from tests.support.bus import TestBus

pytestmark = [pytest.mark.wire, pytest.mark.kafka]


@pytest.fixture
def topic(kafka_bus: TestBus, node: str) -> str:
    kafka_bus.create(f"{node}.referral.v1")
    return f"{node}.referral.v1"


@pytest_asyncio.fixture
async def toy(database: Database, kafka_bus: TestBus, topic: str, tmp_path: Any) -> Works[Any]:
    return await hearing_works(database, tmp_path, bus_servers=kafka_bus.servers, node_id=topic.partition(".")[0])


@pytest.fixture
def stream(node: str) -> Any:
    """`stream(cases, upto, first=1)`: drafts of these cases with ascending sequences, as a service would tell them."""

    def records(cases: list[Any], upto: int, first: int = 1, programme: str = "p-1") -> list[Raw]:
        return [told(drafted(programme), n, case=case, node=node) for n in range(first, upto + 1) for case in cases]

    return records


def had(database: Database, expected: dict[str, list[int]]) -> Any:
    """Whether the effects are these by now, for `eventually`."""

    async def check() -> bool:
        return await effects(database) == expected

    return check


def counted(metric: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"throughcare_{metric}_total", {"service": "", **labels}) or 0.0


@pytest.mark.slow
async def test_every_effect_is_had_once_while_members_join_leave_and_vanish(toy, topic, kafka, stream) -> None:
    """Three members come and go, one is cut off like a pulled cable, while two thousand events flow."""
    cases = ids(100)
    expected = {str(case): list(range(1, 21)) for case in cases}
    inboxes = [inbox_of(toy, Bus(toy.settings)) for _ in range(3)]

    async def feed() -> None:
        for n in range(1, 21):
            await asyncio.to_thread(put, kafka.servers, topic, stream(cases, n, first=n))
            await asyncio.sleep(0.15)

    feeding = asyncio.create_task(feed())
    async with running(inboxes[0]):
        await asyncio.sleep(0.5)
        async with running(inboxes[1]):
            await asyncio.sleep(1)
            async with running(inboxes[2]):
                await asyncio.sleep(1)
                await inboxes[2].listening.cut()
            await asyncio.sleep(0.5)
        await feeding
        await eventually(had(toy.database, expected), within=90)

    assert await rows(toy.database, "select 1 from parked") == []
    (total,) = await rows(toy.database, "select sum(next) as next from consumer_offset")
    assert total["next"] == 2000


async def test_two_members_share_the_partitions(toy, topic, kafka, stream) -> None:
    pair = [inbox_of(toy, Bus(toy.settings)) for _ in range(2)]

    async with running(*pair):

        async def shared() -> bool:
            parts = [inbox.listening.assigned() if inbox.listening else set() for inbox in pair]
            return [len(part) for part in parts] == [2, 2] and not parts[0] & parts[1]

        await eventually(shared, within=20)
        put(kafka.servers, topic, stream(ids(40), 3))
        await eventually(had(toy.database, {str(case): [1, 2, 3] for case in ids(40)}), within=20)


@pytest.mark.slow
@pytest.mark.parametrize("place", ["begun", "applied", "before_commit", "committed", "told"])
async def test_a_hearer_killed_at_any_line_has_each_effect_once(place, toy, topic, kafka, stream) -> None:
    put(kafka.servers, topic, stream(ids(30), 10))
    database, node = toy.database, toy.settings.node_id
    doomed = start_python(
        "tests.chassis.inbox_process", database.url, kafka.servers, node, failpoints=f"inbox.{place}=kill"
    )
    assert await asyncio.to_thread(doomed.wait, 40) == -signal.SIGKILL

    async with running(inbox_of(toy, Bus(toy.settings))):
        await eventually(had(database, {str(case): list(range(1, 11)) for case in ids(30)}), within=30)


async def test_a_database_that_cuts_its_connections_parks_nothing_and_loses_nothing(toy, topic, kafka, stream) -> None:
    cut = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'throughcare'"
    expected = {str(case): list(range(1, 31)) for case in ids(30)}

    async with running(inbox_of(toy, Bus(toy.settings))):
        for n in range(1, 31):
            put(kafka.servers, topic, stream(ids(30), n, first=n))
            if n % 6 == 0:
                async with toy.database.connection() as conn:
                    await conn.execute(f"{cut} and pid <> pg_backend_pid()")
        await eventually(had(toy.database, expected), within=30)

    assert await rows(toy.database, "select 1 from parked") == []


async def test_one_poison_message_stops_one_key_and_never_a_partition(toy, topic, kafka, stream) -> None:
    bad, *good = ids(20)

    async with running(inbox_of(toy, Bus(toy.settings))):
        put(kafka.servers, topic, stream([bad], 1, programme=POISON))
        put(kafka.servers, topic, [*stream([bad], 5, first=2), *stream(good, 5)])
        await eventually(had(toy.database, {str(case): [1, 2, 3, 4, 5] for case in good}), within=20)
        async with toy.database.transaction() as conn:
            await conn.execute("insert into cure values ($1)", str(bad))
        await eventually(had(toy.database, {str(case): [1, 2, 3, 4, 5] for case in [bad, *good]}), within=20)


async def test_records_as_nobody_should_send_them_reach_the_hearer_and_stop_nobody(toy, topic, kafka, stream) -> None:
    """A header without a value, headers that are no text, a tombstone, an empty key: all legal on Kafka."""
    one, two, three = ids(3)
    (odd,) = stream([two], 1)
    answers = f"{topic}.answers"

    async with running(inbox_of(toy, Bus(toy.settings))):
        put(
            kafka.servers,
            topic,
            [
                Raw(b"k1", b"x", [("ce_id", None)]),
                Raw(b"k2", b"x", [("ce_id", b"\xff\xfe")]),
                Raw(b"k3", None, []),
                Raw(None, b"x", []),
                Raw(b"\xff", b"x", []),
                Raw(odd.key, odd.value, [*odd.headers, ("extra", None), ("reply_to", answers.encode())]),
                *stream([one, three], 2),
            ],
        )
        expected = {str(one): [1, 2], str(two): [1], str(three): [1, 2]}
        await eventually(had(toy.database, expected), within=20)
        reasons = await rows(toy.database, "select raw_key, reason from parked order by raw_key nulls first")

    assert [tuple(row) for row in reasons] == [
        (None, "header_missing:ce_id"),
        (b"k1", "header_missing:ce_id"),
        (b"k2", "headers_not_text"),
        (b"k3", "header_missing:ce_id"),
        (b"\xff", "header_missing:ce_id"),
    ]
    assert answers not in AdminClient(kafka.client).list_topics(timeout=5).topics


def forget(kafka: Any, topic: str, *, before: int) -> None:
    """The broker forgets the first records of each partition, as retention does."""
    admin = AdminClient(kafka.client)
    ends = {place.partition: place for place in _ends(kafka, topic)}
    wanted = [TopicPartition(topic, n, min(before, place.offset)) for n, place in ends.items()]
    for done in admin.delete_records(wanted).values():
        done.result(timeout=10)


def _ends(kafka: Any, topic: str) -> list[TopicPartition]:
    found: dict[int, int] = {}
    for each in everything(kafka.servers, topic):
        found[each.partition] = max(found.get(each.partition, 0), each.offset + 1)
    return [TopicPartition(topic, partition, end) for partition, end in found.items()]


@pytest.mark.logs_errors("offset_lost")
async def test_records_that_the_log_lost_are_reported_loudly_and_read_from_the_journals(
    toy, topic, kafka, stream
) -> None:
    cases = ids(20)
    records = stream(cases, 10)
    source = Kept(topic, records)
    async with running(inbox_of(toy, Bus(toy.settings), source=Kept(topic, []))):
        put(kafka.servers, topic, records[: 20 * 2])
        await eventually(had(toy.database, {str(case): [1, 2] for case in cases}), within=20)

    put(kafka.servers, topic, records[20 * 2 :])
    forget(kafka, topic, before=30)
    async with running(inbox_of(toy, Bus(toy.settings), source=source)):
        await eventually(had(toy.database, {str(case): list(range(1, 11)) for case in cases}), within=20)


@pytest.mark.logs_errors("offset_lost")
async def test_without_a_source_a_partition_that_lost_records_stands_still_and_says_so(
    toy, topic, kafka, stream
) -> None:
    cases = ids(20)
    async with running(inbox_of(toy, Bus(toy.settings))):
        put(kafka.servers, topic, stream(cases, 2))
        await eventually(had(toy.database, {str(case): [1, 2] for case in cases}), within=20)
    put(kafka.servers, topic, stream(cases, 10, first=3))
    forget(kafka, topic, before=30)
    inbox = inbox_of(toy, Bus(toy.settings))

    async with running(inbox):

        async def lost() -> bool:
            return inbox.state == "offset_lost"

        await eventually(lost, within=20)
        await asyncio.sleep(1.5)
        assert inbox.state == "offset_lost"
        assert await effects(toy.database) == {str(case): [1, 2] for case in cases}


@pytest.mark.logs_errors("offset_lost")
async def test_a_log_cut_short_under_a_member_that_reads_is_noticed(toy, topic, kafka, stream, monkeypatch) -> None:
    """Between two looks of its own the library would only log it, every five seconds, for ever."""
    monkeypatch.setattr("chassis.inbox.member.LOOK", 0.5)
    cases = ids(20)
    records = stream(cases, 10)
    inbox = inbox_of(toy, Bus(toy.settings), source=Kept(topic, records))
    slow = asyncio.Event()
    real = inbox.streams.together

    async def held(work: Any, items: Any) -> None:
        await slow.wait()
        await real(work, items)

    inbox.streams.together = held  # type: ignore[method-assign]
    put(kafka.servers, topic, records[: 20 * 5])
    async with toy.database.transaction() as conn:
        for name in (topic,):
            await conn.execute("insert into journal_read values ($1, $2, 0)", inbox.group, name)
            await conn.execute(
                "insert into bus_seen values ($1, $2)", inbox.group, await Bus(toy.settings).cluster_id()
            )
    async with running(inbox):
        await asyncio.sleep(2)
        put(kafka.servers, topic, records[20 * 5 :])
        forget(kafka, topic, before=60)
        slow.set()
        await eventually(had(toy.database, {str(case): list(range(1, 11)) for case in cases}), within=40)


async def test_a_new_hearer_reads_the_journals_and_then_the_bus(toy, topic, kafka, stream) -> None:
    cases = ids(10)
    records = stream(cases, 6)
    put(kafka.servers, topic, records[10 * 3 :])  # the bus never carried the first three of each

    async with running(inbox_of(toy, Bus(toy.settings), source=Kept(topic, records))):
        await eventually(had(toy.database, {str(case): list(range(1, 7)) for case in cases}), within=20)


async def test_a_replaced_bus_is_made_up_for_from_the_journals_in_the_embedded_profile(
    toy, topic, kafka, stream
) -> None:
    cases = ids(10)
    records = stream(cases, 4)
    async with running(inbox_of(toy, Bus(toy.settings), source=Kept(topic, records[: 10 * 2]))):
        await eventually(had(toy.database, {str(case): [1, 2] for case in cases}), within=20)
    async with toy.database.transaction() as conn:
        await conn.execute("update bus_seen set cluster = 'another'")

    async with running(inbox_of(toy, Bus(toy.settings), source=Kept(topic, records))):
        await eventually(had(toy.database, {str(case): [1, 2, 3, 4] for case in cases}), within=20)


@pytest.mark.logs_errors("cluster_changed")
async def test_in_production_a_replaced_bus_waits_for_a_person(toy, topic, kafka, stream, monkeypatch) -> None:
    monkeypatch.setattr("chassis.inbox.member.LOOK", 0.2)
    object.__setattr__(toy.settings, "__dict__", toy.settings.__dict__ | {"embedded_profile": False})
    cases = ids(5)
    inbox = inbox_of(toy, Bus(toy.settings), source=Kept(topic, stream(cases, 2)))
    async with toy.database.transaction() as conn:
        await conn.execute("insert into bus_seen values ($1, 'another')", inbox.group)

    async with running(inbox):

        async def waits() -> bool:
            return inbox.state == "cluster_changed"

        await eventually(waits, within=10)
        await asyncio.sleep(0.5)
        before = await effects(toy.database)
        async with toy.database.transaction() as conn:
            await accept_bus(conn, inbox.group)
        await eventually(had(toy.database, {str(case): [1, 2] for case in cases}), within=20)

    assert before == {}


async def test_a_bus_that_is_away_at_the_start_is_waited_for(toy, topic, kafka, stream, tmp_path) -> None:
    from tests.chassis.toy import settings
    from tests.support.faults import proxy

    given = settings(tmp_path, toy.database.url, bus_servers="127.0.0.1:1", node_id=toy.settings.node_id)
    inbox = Inbox(toy, Bus(given), hears())
    async with running(inbox):
        await asyncio.sleep(0.5)
        assert inbox.state == "starting"
        async with proxy("127.0.0.1", kafka.port) as back:
            object.__setattr__(given, "__dict__", given.__dict__ | {"bus_servers": f"127.0.0.1:{back.listening}"})
            put(kafka.servers, topic, stream(ids(3), 1))
            await eventually(had(toy.database, {str(case): [1] for case in ids(3)}), within=20)


async def test_lag_and_assignment_are_shown_per_partition(toy, topic, kafka, stream) -> None:
    inbox = inbox_of(toy, Bus(toy.settings))
    async with running(inbox):
        put(kafka.servers, topic, stream(ids(8), 1))
        await eventually(had(toy.database, {str(case): [1] for case in ids(8)}), within=20)

        async def shown() -> bool:
            return len(inbox.behind()) == 4 and sum(inbox.behind().values()) == 0

        await eventually(shown, within=10)

    assert REGISTRY.get_sample_value("throughcare_assignment_size", {"service": "", "group": inbox.group}) == 4
    assert counted("rebalances", group=inbox.group) >= 1


async def test_the_embedded_bus_carries_the_same(database, embedded_bus, tmp_path, node, stream) -> None:
    topic = f"{node}.referral.v1"
    embedded_bus.create(topic)
    toy = await hearing_works(database, tmp_path, bus_servers=embedded_bus.servers, node_id=node)
    put(embedded_bus.servers, topic, stream(ids(20), 5))

    async with running(inbox_of(toy, Bus(toy.settings))):
        await eventually(had(database, {str(case): [1, 2, 3, 4, 5] for case in ids(20)}), within=20)
