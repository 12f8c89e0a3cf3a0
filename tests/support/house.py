"""Any services as one house in this process: real PostgreSQL, a real bus, real certificates, one clock to wind.

    async def test_something(house):
        async with house("referral", "casework") as h:
            stub = h.stub(ReferralServiceStub, "referral")
            answer = await h.ask(stub.SubmitReferral, request, actor)
            await h.until_quiet()
            await h.wind(timedelta(days=3))

The bus is the embedded one, fresh for each house; `THROUGHCARE_TEST_BUS=kafka` runs the same on a local Apache Kafka.
"""

from __future__ import annotations

import importlib
import os
import secrets
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import pytest
from confluent_kafka import Consumer, TopicPartition

from chassis import certificates, nodekeys
from chassis.access import Actor
from chassis.certificates import Authority
from chassis.database import Database, wind
from chassis.rpc import acting_as, channel
from chassis.service import Compose, Parts, Process, Service, settings_of
from chassis.settings import ServiceSettings
from house.buses import PARTITIONS, LocalKafka, create_topics, free_port, missing_for_kafka, start_embedded
from tests.support.postgres import fresh_database
from tests.support.quiet import until_quiet

S = TypeVar("S")


class House:
    """Services of one node, running in this process."""

    def __init__(self, node: str, process: Process, web: ServiceSettings) -> None:
        self.node, self.process, self._web = node, process, web
        self._channels: dict[str, Any] = {}

    @property
    def parts(self) -> dict[str, Parts]:
        """The running parts by service: database, works, relay, inboxes, deadlines."""
        return self.process.parts

    def database(self, service: str) -> Database:
        """The database of one service."""
        return self.parts[service].database

    def stub(self, kind: Callable[[Any], S], service: str) -> S:
        """A stub of that service's RPCs under a certificate that may act for people."""
        if service not in self._channels:
            self._channels[service] = channel(self._web, service)
        return kind(self._channels[service])

    async def ask(self, method: Any, request: Any, actor: Actor, *, key: UUID | None = None) -> Any:
        """Call a method for this person."""
        return await method(request, metadata=acting_as(actor, key=key), timeout=20)

    async def wind(self, ahead: timedelta) -> None:
        """Wind the house's clock in all its databases; what falls due, fires."""
        for parts in self.parts.values():
            async with parts.database.connection() as conn:
                await wind(conn, ahead)
        for parts in self.parts.values():
            parts.nudge()

    async def until_quiet(self, *, within: float = 60.0) -> None:
        """Until everything told has been heard or parked, and nothing is due; fails saying what is not."""
        await until_quiet([self], within=within)

    async def close(self) -> None:
        """Close the channels."""
        for each in self._channels.values():
            await each.close()


Start = Callable[..., AbstractAsyncContextManager[House]]


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """One certificate authority a run."""
    return Authority.make(tmp_path_factory.mktemp("authority"), "tests", at=datetime.now(UTC))


@pytest.fixture(scope="session")
def local_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalKafka | None]:
    """A local Apache Kafka for the run, where `THROUGHCARE_TEST_BUS=kafka` asks for it."""
    if os.environ.get("THROUGHCARE_TEST_BUS") != "kafka":
        yield None
        return
    if missing := missing_for_kafka():
        pytest.skip(missing)
    broker = LocalKafka(tmp_path_factory.mktemp("kafka")).start()
    _meet_the_coordinator(broker)
    yield broker
    broker.stop()


def _meet_the_coordinator(broker: LocalKafka) -> None:
    """A broker makes its own topic of offsets when it is first asked for a group; members who ask meanwhile log it."""
    topic = TopicPartition("together.referral.v1", 0)
    create_topics(broker.client, {topic.topic: {}}, partitions=PARTITIONS)
    member = Consumer({**broker.client, "group.id": "first"})
    member.committed([topic], timeout=30)
    member.close()


@contextmanager
def bus_of(kafka: LocalKafka | None, topics: Sequence[str], folder: Path) -> Iterator[dict[str, Any]]:
    """The settings with which a service comes to the bus."""
    if kafka is not None:
        create_topics(kafka.client, {topic: {} for topic in topics}, partitions=PARTITIONS)
        yield {"bus_kind": "kafka", "bus_servers": kafka.servers, "bus_security": "PLAINTEXT"}
        return
    embedded = start_embedded(topics, folder=folder)
    try:
        yield {"bus_kind": "embedded", "bus_servers": embedded.servers, "bus_security": "PLAINTEXT"}
    finally:
        embedded.stop()


def _secrets(folder: Path) -> dict[str, Any]:
    for name in ("wrapping", "house"):
        (folder / f"{name}.key").write_text(secrets.token_hex(32))
    nodekeys.make(folder / "node.key")
    return {f"{name}_key_file": folder / f"{name}.key" for name in ("wrapping", "house", "node")}


def _certified(files: certificates.Files) -> dict[str, Any]:
    return {"ca_file": files.ca, "certificate_file": files.certificate, "key_file": files.key}


Composes = dict[str, tuple[Compose, str]]


def composes_of(names: Iterable[str]) -> Composes:
    """Services by name, each with its `compose` and its migrations."""
    return {name: (importlib.import_module(f"{name}.app").compose, f"{name}.migrations") for name in names}


@asynccontextmanager
async def serving(
    node: str,
    composes: Composes,
    *,
    organisation: str,
    folder: Path,
    authority: Authority,
    postgres_url: str,
    bus: Callable[[str], dict[str, Any]],
    **given: object,
) -> AsyncIterator[House]:
    """One house on a bus that stands: `bus(service)` are the settings with which a service comes to it."""
    at, address = datetime.now(UTC), f"127.0.0.1:{free_port()}"
    common: dict[str, Any] = {
        "node_id": node,
        "node_organisation": organisation,
        "embedded_profile": True,
        "rpc_port": int(address.rpartition(":")[2]),
        "peers": dict.fromkeys(composes, address),
        "may_assert": frozenset({certificates.urn(node, "web")}),
        **_secrets(folder),
        **given,
    }
    async with AsyncExitStack() as stack:
        services: list[Service] = []
        for name, (compose, migrations) in composes.items():
            url = await stack.enter_async_context(fresh_database(postgres_url, migrations))
            own = {"service": name, "database_url": url, **_certified(authority.service(node, name, at=at))}
            services.append(compose(settings_of(compose)(**(bus(name) | common | own))))
        caller = _certified(authority.client(node, "web", at=at))
        none: dict[str, Any] = {
            "database_url": "postgresql://none/none",
            "bus_kind": "kafka",
            "bus_servers": "",
            "bus_security": "SSL",
        }
        web = ServiceSettings(**(common | caller | none))
        house = House(node, Process(services), web)
        async with house.process.serving():
            try:
                yield house
            finally:
                await house.close()


@asynccontextmanager
async def running_house(
    composes: Composes,
    *,
    folder: Path,
    authority: Authority,
    postgres_url: str,
    kafka: LocalKafka | None = None,
    **given: object,
) -> AsyncIterator[House]:
    """One house on a bus of its own; `given` are further settings."""
    node = "together" if kafka is None else f"together-{secrets.token_hex(3)}"
    topics = [f"{node}.{name}.v1" for name in ("referral", "casework", "partners", "notifications")]
    topics += [f"share.{node}.in.v1", "control.v1"]
    with bus_of(kafka, topics, folder) as found:
        async with serving(
            node,
            composes,
            organisation="together",
            folder=folder,
            authority=authority,
            postgres_url=postgres_url,
            bus=lambda _: found,
            **given,
        ) as house:
            yield house


@pytest.fixture
def house(tmp_path: Path, authority: Authority, postgres_url: str, local_kafka: LocalKafka | None) -> Start:
    """`house("referral", "casework", **settings)`: these services as one house."""

    def start(*names: str, **given: object) -> AbstractAsyncContextManager[House]:
        return running_house(
            composes_of(names),
            folder=tmp_path,
            authority=authority,
            postgres_url=postgres_url,
            kafka=local_kafka,
            **given,
        )

    return start
