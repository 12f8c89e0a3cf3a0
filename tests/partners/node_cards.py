"""Nodes as cards, for tests of partners."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from chassis.access import Actor, Role
from partners.commands import nodes as commands
from partners.commands import organisations
from partners.domain.organisation import Sector
from tests.partners.people import MANAGER, asks

if TYPE_CHECKING:
    from chassis.work import Works

OPERATOR = Actor(id="ops-1", role=Role.OPS, organisation="together")
ADMINISTRATOR = Actor(id="staff-pa-1", role=Role.PA, organisation="together")
FIRST, SECOND, THIRD = (digit * 64 for digit in "abc")
READS = ("throughcare.partners.v1",)


async def organisation(works: Works[Any], org_id: str) -> None:
    """An organisation that may have a node."""
    given = {"name": org_id, "sector": Sector.VOLUNTARY, "effective_on": date(2020, 4, 1)}
    await works.do(organisations.register_organisation, asks(MANAGER), org_id=org_id, **given)


async def register(
    works: Works[Any], node_id: str = "women-in-prison", *, actor: Actor = OPERATOR, **given: Any
) -> int:
    """A node of the organisation of the same name."""
    fitting = {
        "org_id": node_id,
        "public_key": FIRST,
        "rpc_address": "127.0.0.1:8443",
        "authority": "d" * 64,
        "schema_versions": READS,
    }
    answer: int = await works.do(commands.register_node, asks(actor), node_id=node_id, **fitting | given)
    return answer


async def a_node(works: Works[Any], node_id: str = "women-in-prison", **given: Any) -> int:
    """A node with its organisation."""
    await organisation(works, node_id)
    return await register(works, node_id, **given)
