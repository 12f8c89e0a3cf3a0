"""What is told of nodes: in the house, how they stand; to all nodes, that this one is there, and its next key."""

from __future__ import annotations

from chassis.shares import Announcement
from partners.domain.heartbeat import Beaten
from partners.domain.node_facts import (
    HeardAgain,
    HeartbeatMissed,
    KeyAnnounced,
    KeyRotated,
    Registered,
    Resumed,
    Suspended,
)
from partners.publications.list import PUBLICATIONS
from throughcare.partners.v1 import events_pb2 as told
from throughcare.partners.v1 import shares_pb2 as shared


@PUBLICATIONS.tells(Registered)
def node_registered(fact: Registered) -> told.NodeRegistered:
    """node.registered."""
    return told.NodeRegistered(node_id=fact.node_id, org_id=fact.org_id, key_id=fact.key_id)


@PUBLICATIONS.tells(KeyRotated)
def key_rotated(fact: KeyRotated) -> told.NodeKeyRotated:
    """node.key_rotated."""
    message = told.NodeKeyRotated(node_id=fact.node_id, key_id=fact.key_id)
    message.overlap_until.FromDatetime(fact.overlap_until)
    return message


@PUBLICATIONS.tells(KeyAnnounced)
def key_announced(fact: KeyAnnounced) -> Announcement:
    """To all nodes, under the key in use."""
    message = shared.NodeKeyAnnounced(node_id=fact.node_id, key_id=fact.key_id, public_key=fact.public_key)
    message.overlap_until.FromDatetime(fact.overlap_until)
    return Announcement(message=message, aggregate_id=fact.node)


@PUBLICATIONS.tells(Suspended)
def suspended(fact: Suspended) -> told.NodeSuspended:
    """node.suspended."""
    return told.NodeSuspended(node_id=fact.node_id)


@PUBLICATIONS.tells(Resumed)
def resumed(fact: Resumed) -> told.NodeResumed:
    """node.resumed, after a suspension."""
    return told.NodeResumed(node_id=fact.node_id)


@PUBLICATIONS.tells(HeardAgain)
def heard_again(fact: HeardAgain) -> told.NodeResumed:
    """node.resumed, after a silence."""
    return told.NodeResumed(node_id=fact.node_id)


@PUBLICATIONS.tells(HeartbeatMissed)
def heartbeat_missed(fact: HeartbeatMissed) -> told.NodeHeartbeatMissed:
    """node.heartbeat_missed."""
    message = told.NodeHeartbeatMissed(node_id=fact.node_id)
    message.last_heard_at.FromDatetime(fact.last_heard_at)
    return message


@PUBLICATIONS.tells(Beaten)
def beaten(fact: Beaten) -> Announcement:
    """To all nodes, and so in one order with what is said of keys."""
    message = shared.NodeHeartbeat(
        node_id=fact.node_id,
        schema_versions=list(fact.schema_versions),
        key_id=fact.key_id,
        known_nodes=fact.known_nodes,
    )
    return Announcement(message=message, aggregate_id=fact.node)
