"""Which nodes hear what concerns no person: every node that is registered here and has not retired."""

from __future__ import annotations

from typing import TYPE_CHECKING

from partners.storage import NODES_TOLD

if TYPE_CHECKING:
    from partners.storage import Work


async def nodes_told(work: Work) -> tuple[str, ...]:
    """Their ids, in order; never this house itself."""
    found = await NODES_TOLD.all(work.conn)
    return tuple(row["node_id"] for row in found if row["node_id"] != work.node)
