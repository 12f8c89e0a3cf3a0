"""The traps of FastStream and aiokafka that platform.md numbers, one test each, named by the trap.

Not here, since they are about modules or tools of others: 9 (traceparents, tests/chassis/test_telemetry.py and
test_service.py), 12 and 17 (readiness and routes, test_ops.py), 20 (the CloudEvents SDK is not used; a missing id is
refused by our own reader, below). 21 is how the embedded bus is, and its tests wait for it.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from aiokafka.consumer.group_coordinator import GroupCoordinator
from confluent_kafka.admin import AdminClient
from faststream import AckPolicy
from faststream._internal.endpoint.subscriber.usecase import SubscriberUsecase

from chassis.bus import BROKER, PRODUCER, SUBSCRIBER, Bus, Place
from chassis.bus import listening as listening_module
from chassis.envelope import Undecodable, from_headers
from chassis.relay import Relay
from chassis.service.parts import Parts
from tests.chassis.hearing_toy import drafted, hearing_works, ids, inbox_of, running
from tests.chassis.toy import settings
from tests.support.kafka import Raw, everything, put, told
from tests.support.postgres import eventually

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chassis.bus import Listening, Record

SERVICES = Path(__file__).resolve().parents[2] / "services"


class Ears:
    """Reads from the beginning and keeps what it is given; may be told to fail."""

    def __init__(self, *, failing: int = 0) -> None:
        self.heard: list[Record] = []
        self.failing = failing
        self.failed = 0

    def assigned(self, listening: Listening, places: set[Place]) -> None:
        for place in places:
            listening.seek(place, 0)
            listening.resume(place)

    async def hear(self, listening: Listening, records: Sequence[Record]) -> None:
        if self.failed < self.failing:
            self.failed += 1
            raise RuntimeError("a bug")
        self.heard += records

    async def has(self, count: int) -> bool:
        return len(self.heard) >= count


@pytest.fixture
def listening(tmp_path: Path) -> Any:
    """A membership as every inbox has it, not started."""
    given = settings(tmp_path, "postgresql://-", bus_servers="127.0.0.1:1")
    return Bus(given).listen("together.toy", ["together.referral.v1"], Ears())


@pytest.fixture
def topic(kafka_bus: Any, node: str) -> str:
    kafka_bus.create(f"{node}.referral.v1")
    return f"{node}.referral.v1"


@pytest.fixture
def bus_of_node(kafka_bus: Any, topic: str, tmp_path: Path) -> Bus:
    node = topic.partition(".")[0]
    return Bus(settings(tmp_path, "postgresql://-", bus_servers=kafka_bus.servers, node_id=node))


def test_all_subscribers_are_made_in_one_place() -> None:
    """So reading the settings of one is reading those of all."""
    makers = [path for path in SERVICES.rglob("*.py") if ".subscriber(" in path.read_text()]
    assert [path.relative_to(SERVICES).as_posix() for path in makers] == ["chassis/bus/listening.py"]
    assert ".listen(" in inspect.getsource(__import__("chassis.inbox.member").inbox.member)
    assert "Inbox(" in inspect.getsource(Parts)


def test_trap_1_the_default_policy_loses_messages(listening) -> None:
    assert listening.subscriber.ack_policy is AckPolicy.MANUAL
    assert SUBSCRIBER["ack_policy"] is BROKER["ack_policy"] is AckPolicy.MANUAL


@pytest.mark.kafka
async def test_trap_2_a_poison_message_does_not_spin(database, kafka, topic, tmp_path, kafka_bus) -> None:
    node = topic.partition(".")[0]
    toy = await hearing_works(database, tmp_path, bus_servers=kafka_bus.servers, node_id=node)
    inbox = inbox_of(toy, Bus(toy.settings))
    tries = 0
    real = inbox.streams._one

    async def counted(*arguments: Any) -> None:
        nonlocal tries
        tries += 1
        await real(*arguments)

    inbox.streams._one = counted  # type: ignore[method-assign]
    put(kafka.servers, topic, [told(drafted("raises"), 1, case=ids(1)[0], node=node)])
    async with running(inbox):
        await eventually(lambda: parked(database), within=20)
        await asyncio.sleep(2)

    assert tries <= 4  # together, by itself, after a second; never hundreds


async def parked(database: Any) -> list[Any]:
    async with database.connection() as conn:
        return await conn.fetch("select 1 from parked")


def test_trap_3_the_pauses_stay_far_below_the_poll_interval() -> None:
    from chassis.inbox.member import PAUSES

    assert PAUSES[1] * 1000 * 10 < SUBSCRIBER["max_poll_interval_ms"]


def test_no_other_test_has_changed_how_members_join() -> None:
    """Shorter than a broker's least session (six seconds as shipped), every member would be refused."""
    assert SUBSCRIBER["session_timeout_ms"] == listening_module.SUBSCRIBER["session_timeout_ms"] == 10_000


@pytest.mark.kafka
@pytest.mark.wire
async def test_trap_4_a_header_without_a_value_or_not_utf_8_reaches_the_handler(bus_of_node, topic, kafka) -> None:
    ears = Ears()
    odd = [("empty", None), ("bytes", b"\xff\xfe")]
    put(kafka.servers, topic, [Raw(b"a", b"x", odd), Raw(b"a", None, odd), Raw(None, b"x", odd)])
    member = bus_of_node.listen(f"{topic}.g", [topic], ears)
    await member.start()
    try:
        await eventually(lambda: ears.has(3), within=15)
    finally:
        await member.stop()

    assert all([*record.headers] == odd for record in ears.heard)
    assert sorted((record.key or b"", record.value or b"") for record in ears.heard) == [
        (b"", b"x"), (b"a", b""), (b"a", b"x"),
    ]  # fmt: skip


def test_trap_5_a_repeated_header_is_no_list() -> None:
    """The last one counts, always; nothing of ours repeats one."""
    headers = told(drafted(), 1, case=ids(1)[0]).headers
    assert len({name for name, _ in headers}) == len(headers)
    read = from_headers([*headers, ("ce_streamsequence", b"7")])
    assert read.stream_sequence == 7  # type: ignore[union-attr]


def test_trap_6_the_id_of_a_message_is_its_envelopes_and_never_the_librarys() -> None:
    users = [path for path in (SERVICES / "chassis").rglob("*.py") if "message_id" in path.read_text()]
    assert [path.name for path in users] == ["listening.py"]  # where the library's is set to nothing
    assert 'message_id="-"' in users[0].read_text()


@pytest.mark.kafka
@pytest.mark.wire
async def test_trap_7_no_answer_goes_to_a_topic_that_a_header_names(bus_of_node, topic, kafka, kafka_bus) -> None:
    answers = f"{topic}.answers"
    kafka_bus.create(answers)

    class Answering(Ears):
        async def hear(self, listening: Listening, records: Sequence[Record]) -> Any:
            await super().hear(listening, records)
            return "an answer"

    ears = Answering()
    put(kafka.servers, topic, [Raw(b"a", b"x", [("reply_to", answers.encode()), ("correlation_id", b"1")])])
    member = bus_of_node.listen(f"{topic}.g", [topic], ears)
    await member.start()
    try:
        await eventually(lambda: ears.has(1), within=15)
        await asyncio.sleep(0.5)
    finally:
        await member.stop()

    assert member.subscriber._no_reply
    assert everything(kafka.servers, answers) == []


@pytest.mark.kafka
@pytest.mark.wire
async def test_trap_8_no_content_of_an_invalid_message_is_logged(bus_of_node, topic, kafka, caplog, capfd) -> None:
    canary = b"canary-7f3a"
    # Below this level aiokafka itself prints whole answers; chassis.telemetry never lets it speak below WARNING.
    caplog.set_level(logging.INFO)
    ears = Ears()
    put(kafka.servers, topic, [Raw(canary, canary, [("content-type", b"application/json"), ("x", canary)])])
    member = bus_of_node.listen(f"{topic}.g", [topic], ears)
    await member.start()
    try:
        await eventually(lambda: ears.has(1), within=15)
    finally:
        await member.stop()

    out, err = capfd.readouterr()
    assert canary.decode() not in caplog.text + out + err
    serializer = member.broker.config.fd_config._serializer
    assert serializer.config == {"hide_input_in_errors": True}
    assert serializer.use_fastdepends_errors is False


def test_trap_10_the_state_of_the_bus_is_never_asked_of_ping() -> None:
    assert BROKER["consumer_only"] is True
    assert not [path for path in SERVICES.rglob("*.py") if ".ping(" in path.read_text()]


async def test_trap_11_a_broker_that_is_away_does_not_end_an_inbox(database, tmp_path) -> None:
    toy = await hearing_works(database, tmp_path, bus_servers="127.0.0.1:1")

    async with running(inbox_of(toy, Bus(toy.settings))):
        await asyncio.sleep(1)  # `running` fails where a part has ended


@pytest.mark.kafka
async def test_trap_13_no_topic_is_made_by_naming_it(bus_of_node, topic, kafka, node) -> None:
    member = bus_of_node.listen(f"{topic}.g", [topic, f"{node}.misspelt.v1"], Ears())
    with suppress(TimeoutError):
        async with asyncio.timeout(3):
            await member.start()
    await member.stop()

    assert BROKER["allow_auto_create_topics"] is False
    assert f"{node}.misspelt.v1" not in AdminClient(kafka.client).list_topics(timeout=5).topics


@pytest.mark.kafka
@pytest.mark.wire
async def test_trap_14_a_body_that_looks_like_json_stays_bytes(bus_of_node, topic, kafka) -> None:
    ears = Ears()
    put(kafka.servers, topic, [Raw(b"a", b"1"), Raw(b"a", b'{"a": 1}')])
    member = bus_of_node.listen(f"{topic}.g", [topic], ears)
    await member.start()
    try:
        await eventually(lambda: ears.has(2), within=15)
    finally:
        await member.stop()

    assert [record.value for record in ears.heard] == [b"1", b'{"a": 1}']


def test_trap_15_nothing_of_ours_is_sent_without_key_or_as_none() -> None:
    """The relay sends the bytes the journal froze; a stub has an empty body, not none."""
    relay = Relay("", None, "referral", asyncio.Event())  # type: ignore[arg-type]  # nothing is sent
    row: Any = {"topic": "together.referral.v1", "key": "k", "headers": b"", "message": b"frozen"}

    assert relay._record(row, stub=False) == ("together.referral.v1", b"k", b"frozen", [])
    assert relay._record(row, stub=True)[2] == b""


def test_trap_16_no_page_can_publish() -> None:
    assert SUBSCRIBER["include_in_schema"] is False
    assert not [path for path in SERVICES.rglob("*.py") if "AsyncAPIRoute" in path.read_text()]


def test_trap_18_order_is_tested_on_the_wire() -> None:
    tests = Path(__file__).resolve().parents[1]
    users = [path for path in tests.rglob("*.py") if "TestKafkaBroker(" in path.read_text() and path != Path(__file__)]
    assert users == []


@pytest.mark.kafka
async def test_trap_19_a_member_without_partitions_is_seen(bus_of_node, topic) -> None:
    from chassis.telemetry import REGISTRY

    group = f"{topic}.g"
    members = [bus_of_node.listen(group, [topic], Ears()) for _ in range(5)]
    await asyncio.gather(*(member.start() for member in members))
    try:

        async def shared() -> bool:
            return sorted(len(member.assigned()) for member in members) == [0, 1, 1, 1, 1]

        await eventually(shared, within=30)
        found = REGISTRY.get_sample_value("throughcare_assignment_size", {"service": "", "group": group})
        assert found is not None
    finally:
        await asyncio.gather(*(member.stop() for member in members))


def test_trap_20_a_missing_id_is_refused_and_never_invented() -> None:
    headers = [each for each in told(drafted(), 1, case=ids(1)[0]).headers if each[0] != "ce_id"]
    assert from_headers(headers) == Undecodable("header_missing:ce_id")


@pytest.mark.kafka
@pytest.mark.wire
@pytest.mark.logs_errors("A batch was not handled")
async def test_trap_21a_a_batch_whose_handler_raises_comes_again(bus_of_node, topic, kafka) -> None:
    ears = Ears(failing=1)
    put(kafka.servers, topic, [Raw(b"%d" % n, b"x") for n in range(20)])
    member = bus_of_node.listen(f"{topic}.g", [topic], ears)
    await member.start()
    try:
        await eventually(lambda: ears.has(20), within=15)
    finally:
        await member.stop()

    assert ears.failed == 1
    assert sorted(int(record.key or b"") for record in ears.heard) == list(range(20))


def test_trap_21b_an_offset_out_of_range_is_looked_for_and_not_left_to_the_library() -> None:
    """The behaviour is tested on the wire: test_inbox, a log cut short under a member that reads."""
    from chassis.inbox import member

    assert SUBSCRIBER["auto_offset_reset"] == "none"
    assert member.LOOK <= 5
    assert "listening.ends" in inspect.getsource(member.Inbox._look)


async def test_trap_21c_an_empty_poll_is_slept_after_by_faststream_and_not_by_us(listening, monkeypatch) -> None:
    """Its own way, which would stand in if ours were ever bypassed, costs ten milliseconds and no more."""
    slept: list[float] = []

    class Nothing:
        async def getmany(self, **_: object) -> dict[object, list[object]]:
            return {}

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr("anyio.sleep", sleep)

    assert await type(listening.subscriber).get_msg(listening.subscriber, Nothing()) == ()
    assert slept == [listening.subscriber.batch_timeout_ms / 1000] == [SUBSCRIBER["batch_timeout_ms"] / 1000] == [0.01]
    assert await listening.subscriber.get_msg(Nothing()) == ()
    assert len(slept) == 1


@pytest.mark.kafka
async def test_trap_21d_a_producer_is_gone_within_a_second_though_its_broker_is_stopped(tmp_path) -> None:
    from tests.support.kafka import local_kafka

    broker = local_kafka(tmp_path / "kafka")
    try:
        from house.buses import create_topics

        create_topics(broker.client, {"t": {}}, partitions=1)
        producer = Bus(settings(tmp_path, "postgresql://-", bus_servers=broker.servers)).producer()
        await producer.start()
        broker.pause()
        await producer.send([("t", b"k", b"x", [])])
        began = time.monotonic()
        await producer.abandon()
        assert time.monotonic() - began <= 1.2
    finally:
        broker.stop()


def test_trap_21e_a_batch_is_handed_on_raw_and_decoded_one_by_one(listening) -> None:
    assert listening.subscriber.max_records == 1000
    assert listening.broker.config.broker_codec is None
    assert SUBSCRIBER["batch"] is True


async def test_trap_21f_starting_waits_for_the_assignment_so_the_doors_do_not_wait_for_it() -> None:
    from chassis.service.running import Process

    source = inspect.getsource(Process)
    assert "loops" in source  # the bus part is one loop of many: test_service tests that doors open first
    assert inspect.iscoroutinefunction(GroupCoordinator.ensure_coordinator_known)


def test_the_producer_waits_for_all_replicas_and_sends_nothing_twice() -> None:
    assert PRODUCER["acks"] == "all"
    assert PRODUCER["enable_idempotence"] is True
    assert 800_000 <= PRODUCER["max_batch_size"] <= 1_000_000


def test_reads_are_committed_ones_only(listening) -> None:
    assert SUBSCRIBER["isolation_level"] == "read_committed"
    assert listening.subscriber._connection_args["isolation_level"] == "read_committed"
    assert listening.subscriber._connection_args["auto_offset_reset"] == "none"
    assert issubclass(type(listening.subscriber), SubscriberUsecase)
