"""The broker of a run, and a world for each test. `THROUGHCARE_FAULTS=long` runs the long form."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from chassis.bus import listening
from house.buses import LocalKafka, missing_for_kafka
from tests.faults.world import World, impatient, world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from chassis.database import Database

LONG = os.environ.get("THROUGHCARE_FAULTS") == "long"


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalKafka]:
    """A real Kafka for this folder alone: its tests kill it."""
    if missing := missing_for_kafka():
        pytest.skip(missing)
    kafka = LocalKafka(
        tmp_path_factory.mktemp("faults-kafka"), settings={"group.min.session.timeout.ms": "1000"}
    ).start()
    yield kafka
    kafka.stop()


@pytest.fixture(autouse=True)
def members_are_impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The brokers of this folder allow a short session, those of other tests do not."""
    monkeypatch.setattr(listening, "SUBSCRIBER", impatient())


@pytest_asyncio.fixture
async def here(broker: LocalKafka, database: Database, tmp_path) -> AsyncIterator[World]:
    async with world(broker, database, tmp_path) as made:
        yield made


@pytest.fixture
def figures(record_property, capsys):
    """Print and record the figures of a run."""

    def say(name: str, **found: object) -> None:
        line = f"{name}: " + ", ".join(f"{key} {value}" for key, value in found.items())
        record_property(name, line)
        with capsys.disabled():
            print(f"\n  {line}")

    return say
