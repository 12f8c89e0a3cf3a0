"""What nodes say of themselves to all others. A node speaks of itself alone: of whom it speaks is who has signed.

What does not fit is passed and audited: a word that is wrong must not hold back the heartbeats behind it.
"""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any

from chassis.aggregate import Fault, Invalid
from partners.commands import nodes as commands
from partners.subscriptions.gate import GATE
from throughcare.partners.v1 import shares_pb2 as shared

if TYPE_CHECKING:
    from chassis.hearing import Heard
    from partners.storage import Work


def _of_itself(heard: Heard[Any]) -> str:
    """The node that speaks."""
    if heard.message.node_id != heard.envelope.source_node:
        raise Invalid(Fault("node_id", "NOT_ALLOWED"))
    return heard.envelope.source_node


@GATE.command(shared.NodeHeartbeat, ignored_when=("not_found", "invalid_transition", "invalid_fields", "key_in_use"))
async def heartbeat(work: Work, heard: Heard[shared.NodeHeartbeat]) -> None:
    """It is there."""
    reads, knows = tuple(heard.message.schema_versions), tuple(heard.message.known_nodes)
    await commands.hear_node.inside(work, node_id=_of_itself(heard), schema_versions=reads, known_nodes=knows)


@GATE.command(shared.NodeKeyAnnounced, ignored_when=("not_found", "invalid_transition", "invalid_fields", "key_in_use"))
async def key_announced(work: Work, heard: Heard[shared.NodeKeyAnnounced]) -> None:
    """It will sign with another key."""
    message = heard.message
    await commands.hear_node_key.inside(
        work,
        node_id=_of_itself(heard),
        public_key=message.public_key,
        key_id=message.key_id,
        overlap_until=message.overlap_until.ToDatetime(tzinfo=UTC),
    )
