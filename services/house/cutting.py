"""`throughcare cut` and `accept-bus`: an operator's word after a restore, and after a bus was lost whole.

After a restore the bus holds facts that this house no longer knows. They are cut off, so that nobody applies them; who
had not yet read what stands before them reads it from the journals, as after any loss. What other houses told stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import asyncpg
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from chassis.inbox.offsets import accept_bus
from house import bus_reading, streams, topics
from house.environment import read_url
from house.postgres import database_of, named
from house.status import registry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from house.folder import Folder, Run
    from house.nodes import Node

_WITHIN: Final = 30.0


async def newer(client: Mapping[str, Any], folder: Folder, run: Run) -> int:
    """How many records on the bus this house never committed: after a restore, what happened since the backup."""
    found = 0
    for service in run.services:
        seen = bus_reading.look(client, [f"{run.node}.{service}.v1"])
        held = streams.on_bus(client, seen.extents, frozenset())
        database = named(read_url(folder), database_of(run.node, service))
        found += len(await streams.committed(database, (run.node, service), held, frozenset()))
    return found


def cut(client: Mapping[str, Any], node: Node) -> int:
    """Cut off everything on this house's own topics, as the bus's administrator; how many records went."""
    own = [each.name for each in topics.registry([node]).topics if each.house == node.node and not each.between_houses]
    seen = bus_reading.look({**client, "group.id": f"{node.node}.look"}, own)
    ends = [TopicPartition(*place, extent.end) for place, extent in seen.extents.items() if extent.end > extent.first]
    admin = AdminClient(dict(client))
    for done in (admin.delete_records(ends) if ends else {}).values():
        done.result(timeout=_WITHIN)
    return sum(extent.end - extent.first for extent in seen.extents.values())


async def accept(folder: Folder, run: Run) -> list[str]:
    """Say that the bus was replaced and that this is right: each group reads the journals and goes on. The groups."""
    groups, known = [], registry(folder)
    for service in run.services:
        conn = await asyncpg.connect(named(read_url(folder), database_of(run.node, service)), timeout=10)
        try:
            for group in known.groups_of(run.node, service):
                await accept_bus(conn, group)
                groups.append(group)
        finally:
            await conn.close()
    return groups
