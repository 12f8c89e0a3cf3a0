"""What other nodes have told this one, asked of them again: for gaps, and for a bus that was lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import grpc

from partners.gateways.doors import NoDoor, door_of, opened
from throughcare.partners.v1 import nodes_pb2 as said
from throughcare.partners.v1.nodes_pb2_grpc import NodeServiceStub

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from chassis.work import Works

_SECONDS: Final = 60.0


class NodeJournals:
    """The journals of other nodes, as far as they concern this one.

    `topic@node` names all that a node has told there; a key `node/key` one stream of it, as the inbox names them.
    What comes back is signed as on the bus, and believed or not in the same way.
    """

    def __init__(self, works: Works[Any]) -> None:
        self._works = works

    async def read(
        self, topic: str, *, key: str = "", from_sequence: int = 0, from_position: int = 0
    ) -> AsyncIterator[tuple[int, str, list[tuple[str, bytes]], bytes]]:
        """(position, key, headers, value), oldest first; ConnectionError where the node is away or does not answer."""
        topic, _, node = topic.partition("@")
        sender, _, stream = key.partition("/")
        request = said.ReadSharesRequest(
            topic=topic, key=stream, from_sequence=from_sequence, from_position=from_position
        )
        try:
            # Asked seldom, so nothing is kept open.
            async with opened(self._works, await door_of(self._works, node or sender)) as open_channel:
                async for answer in NodeServiceStub(open_channel).ReadShares(request, timeout=_SECONDS):
                    if answer.position:
                        yield answer.position, answer.key, [(h.name, h.value) for h in answer.headers], answer.value
        except NoDoor as none:
            raise ConnectionError(str(none)) from none
        except grpc.aio.AioRpcError as fault:
            raise ConnectionError("what another node has told cannot be read now") from fault
