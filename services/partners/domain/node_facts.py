"""What happens to a node, as this house sees it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis.aggregate import Event


@dataclass(frozen=True, kw_only=True)
class Registered(Event):
    """The node of an organisation is known here, or has a new address, authority or set of contracts."""

    node_id: str
    org_id: str
    key_id: str
    rpc_address: str
    authority: str
    schema_versions: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class KeyRotated(Event):
    """It signs with another key; the one before is still taken for a while."""

    node_id: str
    key_id: str
    public_key: str
    overlap_until: datetime


@dataclass(frozen=True, kw_only=True)
class KeyAnnounced(Event):
    """This house's own node says to all others with which key it will sign."""

    node: UUID
    node_id: str
    key_id: str
    public_key: str
    overlap_until: datetime


@dataclass(frozen=True, kw_only=True)
class Heard(Event):
    """A signed heartbeat came from it for the first time."""

    node_id: str


@dataclass(frozen=True, kw_only=True)
class HeardAgain(Event):
    """It had been silent for too long, and is heard again."""

    node_id: str


@dataclass(frozen=True, kw_only=True)
class KnowsUs(Event):
    """This house is registered with it, so that it believes what is told to it; or is not any more."""

    node_id: str
    knows: bool


@dataclass(frozen=True, kw_only=True)
class Upgraded(Event):
    """It reads other contracts than before."""

    node_id: str
    schema_versions: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class HeartbeatMissed(Event):
    """It was not heard in time."""

    node_id: str
    last_heard_at: datetime


@dataclass(frozen=True, kw_only=True)
class Suspended(Event):
    """Nothing goes to it, nothing from it is applied; all is kept."""

    node_id: str


@dataclass(frozen=True, kw_only=True)
class Resumed(Event):
    """What was kept goes on."""

    node_id: str


@dataclass(frozen=True, kw_only=True)
class Retired(Event):
    """It is no more, for this house."""

    node_id: str
