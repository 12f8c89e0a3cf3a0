"""The door of another house: where it answers, and the authority by which it proves that it is that house."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from chassis.rpc import channel
from partners.storage.nodes import NODE

if TYPE_CHECKING:
    import grpc

    from chassis.work import Works


class NoDoor(Exception):  # noqa: N818 - an answer
    """The house is not registered here, or no longer, or its authority is not trusted."""


class Door(NamedTuple):
    """As it was registered; `authority` is a digest."""

    address: str
    authority: str


async def door_of(works: Works[Any], node: str) -> Door:
    """Raises NoDoor."""
    async with works.database.connection() as conn:
        row = await NODE.one(conn, node_id=node)
    if row is None or row["status"] == "RETIRED":
        raise NoDoor("this node is not registered here")
    return Door(row["rpc_address"], row["authority"])


def opened(works: Works[Any], door: Door) -> grpc.aio.Channel:
    """A channel to close. Raises NoDoor."""
    try:
        return channel(works.settings, "partners", address=door.address, authority=door.authority)
    except ValueError as untrusted:
        raise NoDoor("the authority of this node is not trusted here") from untrusted
