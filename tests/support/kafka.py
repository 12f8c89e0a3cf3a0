"""Apache Kafka for tests: one broker a run, plain or secured, and raw records put onto and read from it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from chassis.certificates import Authority
from chassis.envelope import Envelope, from_headers, key_of, reach_of, to_headers, topic_of
from house.buses import LocalKafka, Secured, missing_for_kafka

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from google.protobuf.message import Message

QUICKLY = {"log_level": 0, "socket.timeout.ms": 10_000}


def local_kafka(folder: Path, **settings: str) -> LocalKafka:
    """A started broker; the test is skipped, with the reason, where none can run."""
    if missing := missing_for_kafka():
        pytest.skip(missing)
    return LocalKafka(folder, settings=settings).start()


def secured_kafka(folder: Path) -> LocalKafka:
    """A started broker with TLS, passwords and access rules; skipped where none can run."""
    if missing := missing_for_kafka():
        pytest.skip(missing)
    files = Authority.make(folder / "ca", "test", at=datetime.now(UTC)).service("test", "kafka", at=datetime.now(UTC))
    secured = Secured(ca_file=files.ca, certificate_file=files.certificate, key_file=files.key, password=uuid4().hex)
    return LocalKafka(folder / "broker", secured=secured).start()


@dataclass(frozen=True)
class Raw:
    """A record to put onto the bus, or one that was read from it."""

    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]] = field(default_factory=list)
    partition: int = -1
    offset: int = -1

    @property
    def sequence(self) -> int:
        """Its place in its stream, as its envelope says."""
        envelope = from_headers(self.headers)
        assert isinstance(envelope, Envelope)
        return envelope.stream_sequence


def told(
    message: Message, sequence: int, *, case: UUID, person: UUID | None = None, node: str = "together", **given: Any
) -> Raw:
    """A record as a service of this node would tell it; `given` replaces parts of its envelope."""
    kind, aggregate = type(message), given.pop("aggregate_id", None) or uuid4()
    at = datetime.now(UTC)
    envelope = Envelope(
        **{
            "event_id": uuid4(),
            "type": kind.DESCRIPTOR.full_name,
            "schema_version": 1,
            "reach": reach_of(kind),
            "source_node": node,
            "aggregate_type": "thing",
            "aggregate_id": aggregate,
            "stream_sequence": sequence,
            "aggregate_version": sequence,
            "person_id": person,
            "case_id": case,
            "occurred_at": at,
            "recorded_at": at,
            "actor_role": "SM",
            "actor_ref": "staff-sm-1",
            "correlation_id": uuid4(),
            "causation_id": None,
            "traceparent": "",
            "sensitivity": "STANDARD",
            "detail_ref": "",
            **given,
        }
    )
    key = key_of(kind, case=case, person=person, aggregate=aggregate)
    return Raw(key.encode(), message.SerializeToString(), [*to_headers(envelope)])


def topic_told(message: type[Message], node: str) -> str:
    """The topic of a message type of this node."""
    return topic_of(message, node)


def put(servers: str, topic: str, records: Iterable[Raw]) -> None:
    """Put records onto a topic, as any producer may."""
    producer = Producer({"bootstrap.servers": servers, "partitioner": "murmur2_random", "acks": "all", **QUICKLY})
    for each in records:
        producer.produce(topic, value=each.value, key=each.key, headers=[*each.headers])
    assert producer.flush(20) == 0


def everything(servers: str, topic: str) -> list[Raw]:
    """All records of a topic as they lie there, in order per partition."""
    consumer = Consumer(
        {"bootstrap.servers": servers, "group.id": uuid4().hex, "enable.partition.eof": False, **QUICKLY}
    )
    found: list[Raw] = []
    try:
        for partition in consumer.list_topics(topic, timeout=10).topics[topic].partitions:
            place = TopicPartition(topic, partition)
            first, end = _extent(consumer, place)
            consumer.assign([TopicPartition(topic, partition, first)])
            while first < end:
                record = consumer.poll(10)
                assert record is not None, "the broker says there is more, and gives nothing"
                assert not record.error(), record.error()
                headers: Any = record.headers() or []
                first = (record.offset() or 0) + 1
                found.append(Raw(record.key(), record.value(), headers, partition, first - 1))
    finally:
        consumer.close()
    return found


def _extent(consumer: Consumer, place: TopicPartition) -> tuple[int, int]:
    """A partition that was made just now has a leader a moment later."""
    until = time.monotonic() + 10
    while True:
        try:
            return consumer.get_watermark_offsets(place, timeout=10)
        except KafkaException as fault:
            if not fault.args[0].retriable() or time.monotonic() > until:
                raise
        time.sleep(0.1)


def topics_of(servers: str) -> list[str]:
    """Every topic but Kafka's own."""
    found = AdminClient({"bootstrap.servers": servers, **QUICKLY}).list_topics(timeout=10).topics
    return [name for name in found if not name.startswith("_")]


def by_key(records: Sequence[Raw]) -> dict[bytes, list[int]]:
    """The sequences of each key, in the order in which they lie there."""
    found: dict[bytes, list[int]] = {}
    for each in records:
        found.setdefault(each.key or b"", []).append(each.sequence)
    return found


def first_ones(sequences: Sequence[int]) -> list[int]:
    """Each sequence where it first occurs: a hearer drops what it has seen."""
    return list(dict.fromkeys(sequences))
