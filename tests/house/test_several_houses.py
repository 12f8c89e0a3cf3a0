"""Several houses on one bus, in this process: they know each other, and each hears what is its own."""

from datetime import timedelta

import pytest

from chassis.access import Actor, Purpose, Role
from tests.support.houses import ALL, PARTNER
from tests.support.kafka import secured_kafka
from tests.support.postgres import eventually
from throughcare.partners.v1 import nodes_pb2
from throughcare.partners.v1.service_pb2_grpc import PartnerServiceStub

pytestmark = [pytest.mark.wire, pytest.mark.timeout(240)]
TWO = {"together": ALL, "women-in-prison": PARTNER}


async def states(hs, name: str) -> dict[str, str]:
    own = hs.of[name].organisation
    operator = Actor(id="staff-ops-1", role=Role.OPS, organisation=own, purpose=Purpose.OPERATE)
    stub = hs[name].stub(PartnerServiceStub, "partners")
    found = await hs[name].ask(stub.ListNodes, nodes_pb2.ListNodesRequest(), operator)
    return {each.node_id: each.state for each in found.nodes}


async def all_hear_all(hs) -> bool:
    every = {hs.of[name].node for name in hs}
    return all([await states(hs, name) == dict.fromkeys(every, "ACTIVE") for name in hs])


async def heard_from_each_other(hs) -> None:
    for name in hs:
        hs[name].parts["partners"].nudge()
    await eventually(lambda: all_hear_all(hs), within=90)
    await hs.until_quiet()


@pytest.mark.slow
async def test_houses_that_were_introduced_hear_each_others_heartbeats(houses):
    async with houses(TWO) as hs:
        await heard_from_each_other(hs)
        async with hs["together"].database("partners").connection() as conn:
            assert await conn.fetchval("select count(*) from quarantined") == 0


async def test_a_house_listens_to_its_own_services_and_to_what_goes_between_houses(houses):
    async with houses(TWO, introduced=False) as hs:
        women = hs["women-in-prison"]
        node = hs.of["women-in-prison"].node
        heard = {topic for parts in women.parts.values() for inbox in parts.inboxes for topic in inbox.topics}
        assert heard <= {f"{node}.partners.v1", f"{node}.notifications.v1", f"share.{node}.in.v1", "control.v1"}
        assert "control.v1" in heard


async def test_one_clock_is_wound_in_all(houses):
    async with houses(TWO, introduced=False) as hs:
        await hs.wind(timedelta(days=3))
        for house in hs.values():
            for name in house.parts:
                async with house.database(name).connection() as conn:
                    assert await conn.fetchval("select ahead from clock") == timedelta(days=3)


@pytest.mark.kafka
@pytest.mark.slow
async def test_on_a_secured_bus_every_service_comes_as_its_own_user(houses, tmp_path_factory):
    broker = secured_kafka(tmp_path_factory.mktemp("secured"))
    try:
        async with houses(TWO, kafka=broker) as hs:
            users = {p.service.settings.bus_username for house in hs.values() for p in house.parts.values()}
            assert users == {f"{name}.{service}" for name, services in TWO.items() for service in services}
            await heard_from_each_other(hs)
    finally:
        broker.stop()
