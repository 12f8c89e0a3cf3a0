"""The bus itself: partitions as other clients choose them, whole batches, security, and which cluster it is."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st

from chassis.bus import BUS_FAULTS, Bus, Place, partition_of
from house.buses import Allowed, LocalKafka, allow, create_topics, set_user
from tests.chassis.test_traps import Ears
from tests.chassis.toy import settings
from tests.support.kafka import everything, secured_kafka
from tests.support.postgres import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.bus import TestBus


@given(st.binary(max_size=80), st.integers(min_value=1, max_value=64))
def test_a_key_lies_in_the_partition_where_every_other_client_looks_for_it(key, partitions) -> None:
    every = list(range(partitions))
    assert partition_of(key, partitions) == DefaultPartitioner()(key, every, every)


@pytest.mark.wire
async def test_what_is_sent_arrives_in_order_on_either_bus(bus: TestBus, tmp_path: Path, node: str) -> None:
    topic = f"{node}.referral.v1"
    bus.create(topic)
    producer = Bus(settings(tmp_path, "postgresql://-", bus_servers=bus.servers)).producer()
    await producer.start()
    try:
        rows = [(topic, b"k%d" % (n % 7), b"%d" % n, [("n", b"%d" % n)]) for n in range(500)]
        sent = await producer.send(rows)
        for each in sent:
            await each.acknowledgement
    finally:
        await producer.stop()

    assert sorted(number for each in sent for number in each.held) == list(range(500))
    found = everything(bus.servers, topic)
    for key in {each.key for each in found}:
        values = [int(each.value or b"") for each in found if each.key == key]
        assert values == sorted(values)
        assert len({each.partition for each in found if each.key == key}) == 1


@pytest.mark.kafka
@pytest.mark.wire
async def test_rows_that_do_not_fit_one_batch_go_in_several_in_order(kafka_bus: TestBus, tmp_path, node) -> None:
    topic = f"{node}.referral.v1"
    kafka_bus.create(topic)
    producer = Bus(settings(tmp_path, "postgresql://-", bus_servers=kafka_bus.servers)).producer()
    await producer.start()
    try:
        sent = await producer.send([(topic, b"k", b"%06d" % n + b"x" * 100_000, []) for n in range(30)])
        for each in sent:
            await each.acknowledgement
    finally:
        await producer.stop()

    assert len(sent) == 4
    assert [int((each.value or b"")[:6]) for each in everything(kafka_bus.servers, topic)] == list(range(30))


@pytest.mark.wire
async def test_each_bus_says_which_cluster_it_is(bus: TestBus, tmp_path) -> None:
    one = Bus(settings(tmp_path, "postgresql://-", bus_servers=bus.servers))

    first = await one.cluster_id()

    assert first
    assert first != "None"
    assert await one.cluster_id() == first


@pytest.fixture(scope="module")
def secured(tmp_path_factory: Any) -> Iterator[LocalKafka]:
    broker = secured_kafka(tmp_path_factory.mktemp("secured"))
    yield broker
    broker.stop()


def as_user(secured: LocalKafka, folder: Path, name: str, password: str) -> Bus:
    assert secured.secured is not None
    given = settings(
        folder, "postgresql://-", bus_servers=secured.servers, bus_security="SASL_SSL", bus_username=name,
        bus_password=password, bus_ca_file=secured.secured.ca_file, node_id="together",
    )  # fmt: skip
    return Bus(given)


@pytest.mark.kafka
@pytest.mark.slow
async def test_a_service_with_its_password_may_write_its_topic_and_read_in_its_group_and_nothing_else(
    secured, tmp_path
) -> None:
    create_topics(secured.client, {"together.referral.v1": {}, "together.casework.v1": {}}, partitions=1)
    set_user(secured.client, "together-referral", "right")
    allow(
        secured.client,
        [
            Allowed(user="together-referral", kind="TOPIC", name="together.referral.v1", operations=("WRITE", "READ")),
            Allowed(user="together-referral", kind="GROUP", name="together.", operations=("READ",), prefixed=True),
        ],
    )
    bus = as_user(secured, tmp_path, "together-referral", "right")
    producer, ears = bus.producer(), Ears()
    await producer.start()
    member = bus.listen("together.toy", ["together.referral.v1"], ears)
    try:
        (sent,) = await producer.send([("together.referral.v1", b"k", b"x", [])])
        await sent.acknowledgement
        await member.start()
        await eventually(lambda: ears.has(1), within=20)
        assert member.assigned() == {Place("together.referral.v1", 0)}

        async def trespass() -> None:
            for each in await producer.send([("together.casework.v1", b"k", b"x", [])]):
                await each.acknowledgement

        with pytest.raises(BUS_FAULTS):
            await asyncio.wait_for(trespass(), 3)
    finally:
        await member.stop()
        await producer.abandon()


@pytest.mark.kafka
@pytest.mark.slow
async def test_a_wrong_password_and_a_broker_of_another_authority_are_refused(secured, tmp_path) -> None:
    from datetime import UTC, datetime

    from chassis.certificates import Authority

    set_user(secured.client, "together-partners", "right")
    stranger = Authority.make(tmp_path / "other", "other", at=datetime.now(UTC))

    with pytest.raises(BUS_FAULTS):
        await as_user(secured, tmp_path, "together-partners", "wrong").cluster_id()
    bus = as_user(secured, tmp_path, "together-partners", "right")
    assert await bus.cluster_id()
    object.__setattr__(bus.settings, "__dict__", bus.settings.__dict__ | {"bus_ca_file": stranger.file})
    with pytest.raises(BUS_FAULTS):
        await bus.cluster_id()
