"""This house's own heartbeat: that it is there, and since when it has been listening to others (S36)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from chassis.aggregate import Aggregate, Event
from partners.domain.node import SILENCE

# Several processes of one service beat in turn, not each for itself.
TOO_SOON = timedelta(seconds=7)


@dataclass(frozen=True, kw_only=True)
class Beaten(Event):
    """This house says to all nodes that it is there."""

    node: UUID
    node_id: str
    key_id: str
    schema_versions: tuple[str, ...]
    known_nodes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Heartbeat(Aggregate):
    """The house's own pulse. It stands apart from the node, whose version people name when they change it."""

    node_id: str
    beaten_at: datetime
    listening_since: datetime

    @classmethod
    def begin(
        cls,
        id: UUID,
        *,
        node: UUID,
        node_id: str,
        key_id: str,
        reads: tuple[str, ...],
        knows: tuple[str, ...] = (),
        at: datetime,
    ) -> Heartbeat:
        """The first one."""
        value = cls(id=id, node_id=node_id, beaten_at=at, listening_since=at)
        return value.telling(value._beaten(node, key_id, reads, knows, at))

    def beat(
        self, *, node: UUID, key_id: str, reads: tuple[str, ...], knows: tuple[str, ...] = (), at: datetime
    ) -> Heartbeat:
        """One more. After a pause this house itself was away: whoever was silent then may have spoken unheard."""
        if at - self.beaten_at < TOO_SOON:
            return self
        return self.telling(
            self._beaten(node, key_id, reads, knows, at),
            beaten_at=at,
            listening_since=at if at - self.beaten_at > SILENCE else self.listening_since,
        )

    def _beaten(self, node: UUID, key_id: str, reads: tuple[str, ...], knows: tuple[str, ...], at: datetime) -> Beaten:
        return Beaten(node=node, node_id=self.node_id, key_id=key_id, schema_versions=reads, known_nodes=knows, at=at)

    def is_silent(self, last_heard_at: datetime, *, at: datetime) -> bool:
        """Whether a node that was last heard then has been silent too long, as far as this house was listening."""
        if at - self.beaten_at > SILENCE:
            return False
        return at - max(last_heard_at, self.listening_since) > SILENCE
