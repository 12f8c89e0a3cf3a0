"""Two houses get to know each other: each is heard to be there, one rests for a while, one changes its key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chassis import nodekeys
from chassis.access import Actor, Role
from tests.support.postgres import eventually
from throughcare.partners.v1 import nodes_pb2 as said
from throughcare.partners.v1.service_pb2_grpc import PartnerServiceStub

if TYPE_CHECKING:
    from tests.support.house import House

TOGETHER, WOMEN = "together", "women-in-prison"


async def node(house: House, node_id: str) -> said.Node:
    """A node as this house knows it."""
    asked = said.GetNodeRequest(node_id=node_id)
    answer: said.GetNodeResponse = await house.ask(_door(house).GetNode, asked, _operator(house))
    return answer.node


def _door(house: House) -> Any:
    return house.stub(PartnerServiceStub, "partners")


def _operator(house: House) -> Actor:
    return Actor(id="ops-1", role=Role.OPS, organisation=house.process.settings.node_organisation)


async def stands(house: House, node_id: str, state: str) -> bool:
    return (await node(house, node_id)).state == state


async def test_two_houses_hear_each_other_and_a_suspension_loses_nothing(houses, tmp_path) -> None:
    async with houses({TOGETHER: ("partners",), WOMEN: ("partners",)}) as both:
        together, women = both[TOGETHER], both[WOMEN]

        for house in (together, women):
            for other in (together, women):
                await eventually(lambda h=house, o=other: stands(h, o.node, "ACTIVE"), within=60)

        # She is suspended here: she is still heard to be there, and the key she announces meanwhile is taken.
        known = await node(together, women.node)
        suspending = said.SuspendNodeRequest(node_id=women.node, expected_version=known.version)
        await together.ask(_door(together).SuspendNode, suspending, _operator(together))
        following = nodekeys.make(tmp_path / "next.key").hex()
        own = await node(women, women.node)
        rotating = said.RotateNodeKeyRequest(node_id=women.node, public_key=following, expected_version=own.version)
        await women.ask(_door(women).RotateNodeKey, rotating, _operator(women))
        await eventually(lambda: holds(together, women.node, following), within=30)

        known = await node(together, women.node)
        assert known.state == "SUSPENDED"
        assert [key.HasField("taken_until") for key in known.keys] == [True, False]
        resuming = said.ResumeNodeRequest(node_id=women.node, expected_version=known.version)
        await together.ask(_door(together).ResumeNode, resuming, _operator(together))
        assert await stands(together, women.node, "ACTIVE")
        await both.until_quiet()

        for house in (together, women):
            async with house.database("partners").connection() as conn:
                assert await conn.fetchval("select count(*) from quarantined") == 0
                assert await conn.fetchval("select count(*) from parked") == 0


async def holds(house: House, node_id: str, public_key: str) -> bool:
    """Whether this key of a node is taken here."""
    return public_key in [key.public_key for key in (await node(house, node_id)).keys]
