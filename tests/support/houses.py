"""Several houses in this process: one bus, one PostgreSQL server, one authority, one clock wound in all.

    async def test_something(houses):
        async with houses({"together": ALL, "women-in-prison": PARTNER}) as hs:
            together = hs["together"]
            await together.ask(together.stub(PartnerServiceStub, "partners").ListNodes, request, actor)
            await hs.until_quiet()
            await hs.wind(timedelta(days=3))

The houses know each other by the real commands (`introduce`). The bus is the embedded one, fresh for each test;
`THROUGHCARE_TEST_BUS=kafka` runs the same on a local Apache Kafka, and `houses(…, kafka=broker)` on a given one: on a
secured broker every service comes as its own user, and may do what the topic registry says.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import KafkaException

from chassis import nodekeys
from chassis.access import Actor, Purpose, Role
from chassis.certificates import Authority, fingerprint
from chassis.envelope import CONTROL
from house import nodes
from house.buses import LocalKafka, delete_topics
from house.nodes import Node
from house.topics import Registry, apply, registry
from tests.support.house import House, bus_of, composes_of, serving
from tests.support.quiet import until_quiet
from throughcare.partners.v1 import nodes_pb2, service_pb2
from throughcare.partners.v1.service_pb2_grpc import PartnerServiceStub

ALL = ("referral", "casework", "partners", "notifications")
PARTNER = ("partners", "notifications")
FOUR: Mapping[str, Sequence[str]] = {
    "together": ALL,
    "north-london-nhs": ALL,
    "women-in-prison": PARTNER,
    "sig-penrose": PARTNER,
}


class Houses(Mapping[str, House]):
    """The houses by the names under which they were asked for; `of` says what each is."""

    def __init__(self, houses: Mapping[str, House], of: Mapping[str, Node], folder: Path, authority: Authority) -> None:
        self._houses, self.of, self.folder, self.authority = houses, of, folder, authority

    def __getitem__(self, name: str) -> House:
        return self._houses[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._houses)

    def __len__(self) -> int:
        return len(self._houses)

    async def wind(self, ahead: timedelta) -> None:
        """Wind every clock alike; what falls due, fires."""
        for house in self._houses.values():
            await house.wind(ahead)

    async def until_quiet(self, *, within: float = 90.0) -> None:
        """Until everything told in a house or from one to another has been heard, parked or quarantined."""
        await until_quiet([*self._houses.values()], within=within)


async def introduce(houses: Houses) -> None:
    """Register every house, and its organisation, at every house: from then on they believe each other."""
    cards = {name: _card(houses, name) for name in houses}
    for house in houses.values():
        stub: Any = house.stub(PartnerServiceStub, "partners")
        own = next(houses.of[name].organisation for name in houses if houses[name] is house)
        manager = Actor(id="staff-sm-1", role=Role.SM, organisation=own, purpose=Purpose.OPERATE)
        operator = Actor(id="staff-ops-1", role=Role.OPS, organisation=own, purpose=Purpose.OPERATE)
        for name, card in cards.items():
            node = houses.of[name]
            organisation = service_pb2.RegisterOrganisationRequest(
                org_id=node.organisation, name=node.name, sector=node.sector, effective_on="2024-11-01"
            )
            await house.ask(stub.RegisterOrganisation, organisation, manager)
            await house.ask(stub.RegisterNode, card, operator)


def _card(houses: Houses, name: str) -> nodes_pb2.RegisterNodeRequest:
    node, house = houses.of[name], houses[name]
    return nodes_pb2.RegisterNodeRequest(
        node_id=node.node,
        org_id=node.organisation,
        public_key=nodekeys.public_key(houses.folder / name / "node.key").hex(),
        rpc_address=house.process.settings.peers["partners"],
        authority_fingerprint=fingerprint(houses.authority.certificate),
        schema_versions=["throughcare.partners.v1"],
    )


def _nodes(wanted: Mapping[str, Sequence[str]], suffix: str) -> dict[str, Node]:
    """On a bus that others of the run use too, every house has a name of its own."""
    known = {name: nodes.read(name) for name in wanted}
    return {
        name: replace(node, node=f"{name}{suffix}", principal=f"{name}{suffix}", services=tuple(wanted[name]))
        for name, node in known.items()
    }


def _forget_the_others(kafka: LocalKafka) -> None:
    """The one topic that all houses of a bus share still holds what houses of earlier tests have said."""
    with suppress(KafkaException):
        delete_topics(kafka.client, [CONTROL])


async def _coming_to(
    bus: dict[str, Any], kafka: LocalKafka | None, wanted: Registry
) -> Callable[[Node], Callable[[str], dict[str, Any]]]:
    """How each service comes to the bus: on a secured one as its own user, made here with all the others."""
    if kafka is None or kafka.secured is None:
        return lambda _: lambda _: bus
    passwords = {user.name: secrets.token_hex(16) for user in wanted.users}
    await asyncio.to_thread(apply, kafka.client, wanted, password=lambda user: passwords[user.name])
    security: dict[str, Any] = {"bus_security": "SASL_SSL", "bus_ca_file": kafka.secured.ca_file}

    def of(node: Node) -> Callable[[str], dict[str, Any]]:
        def settings(service: str) -> dict[str, Any]:
            user = node.user(service)
            return bus | security | {"bus_username": user, "bus_password": passwords[user]}

        return settings

    return of


@asynccontextmanager
async def running_houses(
    wanted: Mapping[str, Sequence[str]],
    *,
    folder: Path,
    authority: Authority,
    postgres_url: str,
    kafka: LocalKafka | None = None,
    introduced: bool = True,
    **given: object,
) -> AsyncIterator[Houses]:
    """These houses, each with its services; `given` are further settings of all."""
    shared = kafka is not None and kafka.secured is None
    known = _nodes(wanted, f"-{secrets.token_hex(3)}" if shared else "")
    must_have = registry([*known.values()])
    if kafka is not None and shared:
        _forget_the_others(kafka)
    async with AsyncExitStack() as stack:
        bus = stack.enter_context(bus_of(kafka, must_have.names, folder))
        coming = await _coming_to(bus, kafka, must_have)
        running: dict[str, House] = {}
        for name, node in known.items():
            own = folder / name
            own.mkdir()
            house = serving(
                node.node,
                composes_of(node.services),
                organisation=node.organisation,
                folder=own,
                authority=authority,
                postgres_url=postgres_url,
                bus=coming(node),
                **given,
            )
            running[name] = await stack.enter_async_context(house)
        found = Houses(running, known, folder, authority)
        if introduced:
            await introduce(found)
        yield found


StartAll = Callable[..., AbstractAsyncContextManager[Houses]]


@pytest.fixture
def houses(tmp_path: Path, authority: Authority, postgres_url: str, local_kafka: LocalKafka | None) -> StartAll:
    """`houses({"together": ALL, …}, **settings)`: these houses, introduced to each other."""

    def start(wanted: Mapping[str, Sequence[str]] = FOUR, **given: Any) -> AbstractAsyncContextManager[Houses]:
        fitting: dict[str, Any] = {"kafka": local_kafka, **given}
        return running_houses(wanted, folder=tmp_path, authority=authority, postgres_url=postgres_url, **fitting)

    return start
