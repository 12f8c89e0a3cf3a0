"""Looking at the bus from outside: which cluster it is, where its topics begin and end, what stands in them."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_TIMEOUT: Final = 5.0
_CHUNK: Final = 1_000


class Place(NamedTuple):
    """A partition of a topic."""

    topic: str
    partition: int


class Extent(NamedTuple):
    """The first offset that is kept, and the one that comes next."""

    first: int
    end: int


@dataclass(frozen=True)
class Seen:
    """A bus as it stands: its id, and how far each partition reaches."""

    cluster: str
    extents: Mapping[Place, Extent]


@dataclass(frozen=True)
class Record:
    """One record as it stands on the bus."""

    place: Place
    offset: int
    key: str
    headers: Sequence[tuple[str, bytes | None]]


class BusAway(Exception):  # noqa: N818 - a state of the house, not a fault of the program
    """No broker answers now."""


def look(client: Mapping[str, Any], topics: Iterable[str]) -> Seen:
    """The cluster and the extents of these topics; a topic that is not there has none. Raises `BusAway`.

    `group.id` in `client` is the group it looks in, which holds nothing; a bus with rules lets a user into his own.
    """
    try:
        found = AdminClient(_without_group(client)).list_topics(timeout=_TIMEOUT)
        places = [
            Place(name, partition)
            for name in topics
            if name in found.topics and found.topics[name].error is None
            for partition in found.topics[name].partitions
        ]
        with _consumer(client) as consumer:
            ends = {place: consumer.get_watermark_offsets(TopicPartition(*place), timeout=_TIMEOUT) for place in places}
    except KafkaException as away:
        raise BusAway from away
    return Seen(found.cluster_id or "", {place: Extent(*held) for place, held in ends.items() if held})


def _without_group(client: Mapping[str, Any]) -> dict[str, Any]:
    return {"log_level": 0} | {name: value for name, value in client.items() if name != "group.id"}


def read(client: Mapping[str, Any], extents: Mapping[Place, Extent]) -> Iterator[Record]:
    """Every record within these extents, in order within a partition. Raises `BusAway`."""
    open_ = {place: extent for place, extent in extents.items() if extent.first < extent.end}
    with _consumer(client) as consumer:
        consumer.assign([TopicPartition(place.topic, place.partition, open_[place].first) for place in open_])
        quiet = 0
        while open_:
            records = consumer.consume(_CHUNK, timeout=1.0)
            quiet = 0 if records else quiet + 1
            if quiet > _TIMEOUT * 2:
                raise BusAway
            for record in records:
                yield from _taken(record, extents, open_)
            _drop_finished(consumer, open_)


def _taken(record: Any, extents: Mapping[Place, Extent], open_: dict[Place, Extent]) -> Iterator[Record]:
    if record.error() is not None:
        if record.error().code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - its public name
            return
        raise BusAway from KafkaException(record.error())
    place = Place(record.topic(), record.partition())
    if record.offset() < extents[place].end:
        key = (record.key() or b"").decode("utf-8", "replace")
        yield Record(place, record.offset(), key, record.headers() or ())
    if record.offset() >= extents[place].end - 1:
        open_.pop(place, None)


def _drop_finished(consumer: Consumer, open_: dict[Place, Extent]) -> None:
    """Markers of transactions stand at offsets that are never delivered: the position tells."""
    for held in consumer.position([TopicPartition(*place) for place in open_]):
        place = Place(held.topic, held.partition)
        if held.offset >= open_[place].end:
            del open_[place]


@contextmanager
def _consumer(client: Mapping[str, Any]) -> Iterator[Consumer]:
    consumer = Consumer(
        {
            **client,
            "group.id": client.get("group.id", "throughcare-look"),
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
        }
    )
    try:
        yield consumer
    except KafkaException as away:
        raise BusAway from away
    finally:
        consumer.close()
