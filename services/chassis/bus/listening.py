"""Being one member of a consumer group: one batch subscriber over all its topics, whose records come as they are.

FastStream swallows an exception under manual acknowledgement and fetches on, so neither parser nor handler raises:
whatever the hearer raises, the batch is sought back and comes again.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, Protocol

from aiokafka import ConsumerRebalanceListener, TopicPartition
from fast_depends.pydantic import PydanticSerializer
from faststream import AckPolicy
from faststream.message import StreamMessage

from chassis import telemetry
from chassis.bus.places import BUS_FAULTS, Place
from chassis.bus.producing import ABANDON_WITHIN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from aiokafka import AIOKafkaConsumer
    from faststream.kafka import KafkaBroker
    from faststream.kafka.subscriber.usecase import BatchSubscriber

log = telemetry.logger(__name__)
RECORDS = 1_000
WAIT_MS = 100
ANSWER_WITHIN = 10.0
# Read by the test of traps: every subscriber is made with these and nothing else.
SUBSCRIBER: Final[Mapping[str, Any]] = {
    "batch": True,
    "max_records": RECORDS,
    "batch_timeout_ms": 10,
    "ack_policy": AckPolicy.MANUAL,
    "no_reply": True,
    "auto_offset_reset": "none",
    "isolation_level": "read_committed",
    "session_timeout_ms": 10_000,
    "heartbeat_interval_ms": 2_000,
    "max_poll_interval_ms": 300_000,
    "fetch_max_wait_ms": 100,
    "include_in_schema": False,
}
BROKER: Final[Mapping[str, Any]] = {
    "allow_auto_create_topics": False,
    "consumer_only": True,
    "ack_policy": AckPolicy.MANUAL,
    "apply_types": False,
    "logger": None,
    "graceful_timeout": 10.0,
}


def serializer() -> PydanticSerializer:
    """Without both settings FastStream logs what an invalid message holds, personal data included."""
    return PydanticSerializer(pydantic_config={"hide_input_in_errors": True}, use_fastdepends_errors=False)


class Record(Protocol):
    """A record as it came: nothing decoded, nothing trusted."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]


class Hearer(Protocol):
    """Who listens."""

    def assigned(self, listening: Listening, places: set[Place]) -> None:
        """These partitions are ours now, each held back until it is sought and resumed. Must not wait for anything."""

    async def hear(self, listening: Listening, records: Sequence[Record]) -> None:
        """Handle a batch, or seek back."""


class _Batch(StreamMessage[Any]):
    """A batch as FastStream wants it; acknowledging means nothing, offsets are ours."""


async def _next(consumer: AIOKafkaConsumer) -> tuple[Record, ...]:
    """The next records as soon as there are any. FastStream's own way looks for `batch_timeout_ms`, and is blind for as
    long again where it finds nothing: in the place of it, nothing is slept and an idle member looks ten times a second.
    """
    found = await consumer.getmany(timeout_ms=WAIT_MS, max_records=RECORDS)
    return tuple(chain.from_iterable(found.values()))


async def _parse(records: Sequence[Record]) -> _Batch:
    return _Batch(raw_message=records, body=records, correlation_id="-", message_id="-")


async def _decode(message: _Batch) -> Any:
    return message.raw_message


class Listening(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka ships no types
    """One member of one group: partitions come and go, batches are handed to the hearer one after the other."""

    def __init__(self, broker: KafkaBroker, group: str, topics: Sequence[str], hearer: Hearer) -> None:
        self.group, self.topics, self.hearer = group, tuple(topics), hearer
        self.broker = broker
        self.heard_at = 0.0
        self.subscriber: BatchSubscriber = broker.subscriber(
            *topics, group_id=group, listener=self, parser=_parse, decoder=_decode, **SUBSCRIBER
        )
        self.subscriber.get_msg = _next
        self.subscriber(self._hear)

    async def _hear(self, records: Any) -> None:
        # Of any other annotation FastStream would make a model, where it can resolve it, and look into every record.
        self.heard_at = asyncio.get_running_loop().time()
        try:
            await self.hearer.hear(self, records)
        except Exception:  # a hearer that raises is wrong, and its batch must come again all the same
            log.exception("A batch was not handled and comes again", group=self.group)
            for record in sorted(records, key=lambda each: -each.offset):
                self.seek(Place(record.topic, record.partition), record.offset)
            await asyncio.sleep(1)

    async def start(self) -> None:
        """Join the group: waits for the assignment, seconds on the embedded bus."""
        try:
            await self.broker.start()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Leave the group; a batch under way may end within the graceful time."""
        with suppress(TimeoutError, *BUS_FAULTS):
            async with asyncio.timeout(12):
                await self.broker.stop()

    async def cut(self) -> None:
        """Vanish as a killed process would: no farewell to the group."""
        consumer = self._consumer
        if consumer is not None:
            with suppress(Exception):
                async with asyncio.timeout(ABANDON_WITHIN):
                    await consumer._client.close()  # noqa: SLF001 - as a cut cable would
        with suppress(Exception):
            async with asyncio.timeout(ABANDON_WITHIN):
                await self.broker.stop()

    @property
    def _consumer(self) -> AIOKafkaConsumer | None:
        return self.subscriber.consumer

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """The fence in the table makes late work harmless: nothing to do."""

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """Hold back every partition, before anything waits: one without a position would be looked for by the library,
        which knows none, fails, and rests for five seconds."""
        if (consumer := self._consumer) is not None:
            for each in assigned:
                consumer.pause(each)
                consumer.seek(each, 0)
        telemetry.count("rebalances", group=self.group)
        telemetry.gauge("assignment_size", len(assigned), group=self.group)
        self.hearer.assigned(self, {Place(each.topic, each.partition) for each in assigned})

    def assigned(self) -> set[Place]:
        """The partitions that are ours now."""
        consumer = self._consumer
        return {Place(each.topic, each.partition) for each in consumer.assignment()} if consumer else set()

    def seek(self, place: Place, offset: int) -> None:
        """The next record of this partition is to be the one at this offset; nothing where it is not ours any more."""
        consumer, where = self._consumer, TopicPartition(*place)
        if consumer is not None and where in consumer.assignment():
            consumer.seek(where, offset)

    def resume(self, place: Place) -> None:
        """Fetch from this partition; nothing where it is not ours any more."""
        consumer, where = self._consumer, TopicPartition(*place)
        if consumer is not None and where in consumer.assignment():
            consumer.resume(where)

    async def ends(self, places: Iterable[Place]) -> dict[Place, tuple[int, int]]:
        """The first offset that is kept and the one that comes next, of each partition."""
        wanted = [TopicPartition(*place) for place in places]
        consumer = self._consumer
        if not wanted or consumer is None:
            return {}
        async with asyncio.timeout(ANSWER_WITHIN):
            first, last = await consumer.beginning_offsets(wanted), await consumer.end_offsets(wanted)
        return {Place(each.topic, each.partition): (first[each], last[each]) for each in wanted}

    async def tell(self, offsets: Mapping[Place, int]) -> None:
        """Tell the group's offsets to the broker: advice for its tools, never what we rely on."""
        consumer = self._consumer
        ours = {TopicPartition(*place): offset for place, offset in offsets.items() if place in self.assigned()}
        if consumer is None or not ours:
            return
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                await consumer.commit(ours)
        except BUS_FAULTS as fault:
            log.debug("offsets_not_told", group=self.group, error=type(fault).__name__)

    def lag(self, next_: Mapping[Place, int]) -> dict[Place, int]:
        """How many records of each of our partitions come after what has been applied, as far as known."""
        consumer = self._consumer
        found: dict[Place, int] = {}
        for place in self.assigned():
            end = consumer.highwater(TopicPartition(*place)) if consumer else None
            if end is not None and place in next_:
                found[place] = max(0, end - next_[place])
        return found
