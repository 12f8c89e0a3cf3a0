"""The only import of FastStream and aiokafka: a producer that can be abandoned, and one batch subscriber per group.

Four defaults of FastStream are off for every subscriber, here and nowhere else: commits before the work is done
(`MANUAL` instead), answers to any `reply_to` (`no_reply`), creation of topics, and payloads in the log. A header
without a value, or one that is not text, reaches the handler like any other: records are handed on raw.
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.partitioner import DefaultPartitioner
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.message import StreamMessage
from faststream.security import BaseSecurity, SASLScram512

from chassis import telemetry

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from faststream.kafka.subscriber.usecase import BatchSubscriber

    from chassis.settings import ServiceSettings

log = telemetry.logger(__name__)
# What a bus that is away raises: wait and try again.
BUS_FAULTS: Final = (KafkaError, OSError, TimeoutError)
LARGEST_BATCH = 900_000
LARGEST_REQUEST = 1_000_000
ABANDON_WITHIN = 1.0
RECORDS = 1_000
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
}
BROKER: Final[Mapping[str, Any]] = {
    "allow_auto_create_topics": False,
    "consumer_only": True,
    "ack_policy": AckPolicy.MANUAL,
    "apply_types": False,
    "logger": None,
    "graceful_timeout": 10.0,
}
PRODUCER: Final[Mapping[str, Any]] = {
    "acks": "all",
    "enable_idempotence": True,
    "max_batch_size": LARGEST_BATCH,
    "max_request_size": LARGEST_REQUEST,
    "linger_ms": 0,
    "request_timeout_ms": 10_000,
}


class Place(NamedTuple):
    """A partition of a topic."""

    topic: str
    partition: int


class Sent(NamedTuple):
    """A batch on its way: where to, which of the rows given it holds, and its acknowledgement to come."""

    place: Place
    held: list[int]
    acknowledgement: asyncio.Future[Any]

    @property
    def good(self) -> bool:
        """Whether the broker has acknowledged it."""
        future = self.acknowledgement
        return future.done() and not future.cancelled() and future.exception() is None


class Record(Protocol):
    """A record as it came: nothing decoded, nothing trusted."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]


class Hearer(Protocol):
    """Who listens. Neither method may raise: FastStream would skip the batch without a trace."""

    def first(self, places: set[Place]) -> Mapping[Place, int]:
        """Where to start, as last known, without waiting: sought at once, before anything is fetched."""

    async def assigned(self, listening: Listening, places: set[Place]) -> None:
        """These partitions are ours now: seek each to where the table says."""

    async def hear(self, listening: Listening, records: Sequence[Record]) -> None:
        """Handle a batch, or seek back."""


class _Batch(StreamMessage[Any]):
    """A batch as FastStream wants it; acknowledging means nothing, offsets are ours."""


async def _parse(records: Sequence[Record]) -> _Batch:
    return _Batch(raw_message=records, body=records, correlation_id="-", message_id="-")


async def _decode(message: _Batch) -> Any:
    return message.raw_message


class Bus:
    """The bus as the settings of one service give it."""

    def __init__(self, settings: ServiceSettings) -> None:
        self.settings = settings
        self.client_id = f"{settings.node_id}-{settings.service}"

    def _context(self) -> ssl.SSLContext | None:
        if self.settings.bus_security == "PLAINTEXT":
            return None
        context = ssl.create_default_context(cafile=self.settings.bus_ca_file)
        if self.settings.bus_certificate_file:
            context.load_cert_chain(self.settings.bus_certificate_file, self.settings.bus_key_file)
        return context

    def _security(self) -> BaseSecurity | None:
        context = self._context()
        if self.settings.bus_security == "SASL_SSL":
            return SASLScram512(
                username=self.settings.bus_username,
                password=self.settings.bus_password.get_secret_value(),
                ssl_context=context,
                use_ssl=True,
            )
        return BaseSecurity(ssl_context=context, use_ssl=True) if context else None

    def _connection(self) -> dict[str, Any]:
        """How a client of aiokafka connects."""
        settings, given = self.settings, dict[str, Any]()
        given["bootstrap_servers"] = settings.bus_servers
        given["security_protocol"] = settings.bus_security
        if settings.bus_security != "PLAINTEXT":
            given["ssl_context"] = self._context()
        if settings.bus_security == "SASL_SSL":
            given["sasl_mechanism"] = "SCRAM-SHA-512"
            given["sasl_plain_username"] = settings.bus_username
            given["sasl_plain_password"] = settings.bus_password.get_secret_value()
        return given

    async def cluster_id(self) -> str:
        """Which cluster this is: a new id means that the bus was replaced, and every offset with it."""
        consumer = AIOKafkaConsumer(client_id=f"{self.client_id}-look", enable_auto_commit=False, **self._connection())
        await consumer.start()
        try:
            client = consumer._client  # noqa: SLF001 - aiokafka's admin client needs a controller, which the mock lacks
            for broker in client.cluster.brokers():
                from aiokafka.protocol.metadata import MetadataRequest  # noqa: PLC0415

                answer = await client.send(broker.nodeId, MetadataRequest([]))
                return str(getattr(answer, "cluster_id", "") or "")
        finally:
            await consumer.stop()
        return ""

    def producer(self) -> Producer:
        """A producer; start it first."""
        return Producer(AIOKafkaProducer(client_id=f"{self.client_id}-relay", **PRODUCER, **self._connection()))

    def listen(self, group: str, topics: Sequence[str], hearer: Hearer) -> Listening:
        """One member of a consumer group over all its topics; start it."""
        broker = KafkaBroker(self.settings.bus_servers, client_id=self.client_id, security=self._security(), **BROKER)
        return Listening(broker, group, topics, hearer)


@lru_cache(maxsize=200_000)
def partition_of(key: bytes, partitions: int) -> int:
    """The partition of a key, as other clients choose it (murmur2)."""
    every = list(range(partitions))
    return int(DefaultPartitioner()(key, every, every))


class Producer:
    """An idempotent producer of whole batches; after any doubt abandon it and make a new one."""

    def __init__(self, client: AIOKafkaProducer) -> None:
        self._client = client

    async def start(self) -> None:
        """Connect; BUS_FAULTS where no broker answers."""
        try:
            await self._client.start()
        except BaseException:
            await self.abandon()
            raise

    async def send(self, rows: Iterable[tuple[str, bytes, bytes, Sequence[tuple[str, bytes]]]]) -> list[Sent]:
        """Send records (topic, key, value, headers) in their order within each partition.

        Returns the batches; those of one partition stand in the order in which they were sent.
        """
        open_: dict[Place, tuple[Any, list[int]]] = {}
        sent: list[Sent] = []

        async def close(place: Place) -> None:
            builder, held = open_.pop(place)
            builder.close()
            future = await self._client.send_batch(builder, place.topic, partition=place.partition)
            sent.append(Sent(place, held, future))

        partitions: dict[str, int] = {}
        for number, (topic, key, value, headers) in enumerate(rows):
            if topic not in partitions:
                partitions[topic] = await self._partitions(topic)
            place = Place(topic, partition_of(key, partitions[topic]))
            if place not in open_:
                open_[place] = (self._client.create_batch(), [])
            builder, held = open_[place]
            if builder.append(timestamp=None, key=key, value=value, headers=headers) is None:
                await close(place)
                builder, held = open_[place] = (self._client.create_batch(), [])
                if builder.append(timestamp=None, key=key, value=value, headers=headers) is None:
                    raise ValueError("a record is larger than a batch may be")
            held.append(number)
        for place in list(open_):
            await close(place)
        return sent

    async def _partitions(self, topic: str) -> int:
        known = self._client.client.cluster.partitions_for_topic(topic)
        return len(known or await self._client.partitions_for(topic))

    async def stop(self) -> None:
        """Stop in order, or abandon where that takes too long."""
        try:
            async with asyncio.timeout(5):
                await self._client.stop()
        except (TimeoutError, *BUS_FAULTS):
            await self.abandon()

    async def abandon(self) -> None:
        """Be rid of it within a second, whatever the broker does: afterwards nothing leaves any more.

        `stop()` on a dead broker does not return within a minute; so the connections go first.
        """
        client = self._client
        client._closed = True  # noqa: SLF001 - its own stop() would wait for the batches
        with suppress(Exception):
            async with asyncio.timeout(ABANDON_WITHIN):
                await client.client.close()
        tasks = [client._sender._sender_task]  # noqa: SLF001
        for task in tasks:
            if task is not None:
                task.cancel()


class Listening(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka ships no types
    """One member of one group: partitions come and go, batches are handed to the hearer one after the other."""

    def __init__(self, broker: KafkaBroker, group: str, topics: Sequence[str], hearer: Hearer) -> None:
        self.group, self.topics, self.hearer = group, tuple(topics), hearer
        self.broker = broker
        self.heard_at = 0.0
        self.subscriber: BatchSubscriber = broker.subscriber(
            *topics, group_id=group, listener=self, parser=_parse, decoder=_decode, **SUBSCRIBER
        )
        self.subscriber(self._hear)

    async def _hear(self, records: Sequence[Record]) -> None:
        self.heard_at = asyncio.get_running_loop().time()
        await self.hearer.hear(self, records)

    async def start(self) -> None:
        """Join the group: waits for the assignment, seconds on the embedded bus."""
        await self.broker.start()

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
        """Seek to what is known before anything is fetched, then let the hearer look closely."""
        places = {Place(each.topic, each.partition) for each in assigned}
        telemetry.count("rebalances", group=self.group)
        telemetry.gauge("assignment_size", len(places), group=self.group)
        for place, offset in self.hearer.first(places).items():
            self.seek(place, offset)
        await self.hearer.assigned(self, places)

    def assigned(self) -> set[Place]:
        """The partitions that are ours now."""
        consumer = self._consumer
        return {Place(each.topic, each.partition) for each in consumer.assignment()} if consumer else set()

    def seek(self, place: Place, offset: int) -> None:
        """The next record of this partition is to be the one at this offset; nothing where it is not ours any more."""
        consumer, where = self._consumer, TopicPartition(*place)
        if consumer is not None and where in consumer.assignment():
            consumer.seek(where, offset)

    async def ends(self, places: Iterable[Place]) -> dict[Place, tuple[int, int]]:
        """The first offset that is kept and the one that comes next, of each partition."""
        wanted = [TopicPartition(*place) for place in places]
        consumer = self._consumer
        if not wanted or consumer is None:
            return {}
        first, last = await consumer.beginning_offsets(wanted), await consumer.end_offsets(wanted)
        return {Place(each.topic, each.partition): (first[each], last[each]) for each in wanted}

    async def tell(self, offsets: Mapping[Place, int]) -> None:
        """Tell the group's offsets to the broker: advice for its tools, never what we rely on."""
        consumer = self._consumer
        ours = {TopicPartition(*place): offset for place, offset in offsets.items() if place in self.assigned()}
        if consumer is None or not ours:
            return
        try:
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


async def until_there(attempt: Callable[[], Awaitable[Any]], *, longest: float = 5.0) -> Any:
    """Try again with growing pauses until the bus answers; a process starts whether it is there or not."""
    pause = 0.1
    while True:
        try:
            return await attempt()
        except BUS_FAULTS as fault:
            telemetry.count("bus_faults", operation="connect")
            log.debug("bus_away", error=type(fault).__name__, delay=pause)
            await asyncio.sleep(pause)
            pause = min(longest, pause * 2)
