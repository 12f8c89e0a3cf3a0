"""The bus of a test: embedded, or a real Apache Kafka on this machine; a node of its own, so that topics are fresh.

`kafka` is one plain broker a run; `embedded_bus` one embedded bus a run; `bus` is both, one after the other.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from house.buses import PARTITIONS, Embedded, LocalKafka, create_topics, start_embedded
from tests.support.kafka import local_kafka

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class TestBus:
    """Where a bus is, and what kind."""

    __test__ = False

    kind: str
    servers: str
    _made_by: LocalKafka | Embedded

    def create(self, *topics: str) -> None:
        """Make these topics, four partitions each, and wait until they are there."""
        if isinstance(self._made_by, LocalKafka):
            create_topics(self._made_by.client, {topic: {} for topic in topics}, partitions=PARTITIONS)
            return
        self._made_by.create_topics(topics)
        time.sleep(0.2)


@pytest.fixture
def node() -> str:
    """A node of this test alone."""
    return f"n{uuid4().hex[:10]}"


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalKafka]:
    """One plain broker for the run. A test that kills or pauses a broker starts its own."""
    broker = local_kafka(tmp_path_factory.mktemp("kafka"))
    yield broker
    broker.stop()


@pytest.fixture(scope="session")
def kafka_bus(kafka: LocalKafka) -> TestBus:
    """The same as a bus."""
    return TestBus("kafka", kafka.servers, kafka)


@pytest.fixture(scope="session")
def embedded_bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestBus]:
    """One embedded bus for the run."""
    embedded = start_embedded([], folder=tmp_path_factory.mktemp("embedded"))
    yield TestBus("embedded", embedded.servers, embedded)
    embedded.stop()


@pytest.fixture(
    params=[
        pytest.param("embedded", marks=pytest.mark.wire),
        pytest.param("kafka", marks=[pytest.mark.wire, pytest.mark.kafka]),
    ]
)
def bus(request: pytest.FixtureRequest) -> TestBus:
    """Each bus in turn."""
    found: TestBus = request.getfixturevalue("embedded_bus" if request.param == "embedded" else "kafka_bus")
    return found
