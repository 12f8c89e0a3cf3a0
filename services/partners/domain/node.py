"""A node: the house of an organisation as this house knows it, by what key it is believed, and how it stands (S36)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from chassis.aggregate import Aggregate, Fault, Invalid, Unmet
from partners.domain import node_facts as facts
from partners.domain.signing_key import (
    LONGEST_OVERLAP,
    SigningKey,
    a_key,
    digest_faults,
    followed_by,
    overlap_faults,
)

# Unheard for so long, a node counts as degraded.
SILENCE = timedelta(seconds=60)
# What every node must read: the package of whatever crosses between houses.
NEEDED = "throughcare.partners.v1"
_NODE_ID = re.compile(r"[a-z0-9][a-z0-9-]{1,62}")
_ADDRESS = re.compile(r"(\[[0-9a-f:]{2,39}\]|[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?):([1-9][0-9]{0,4})")
_PACKAGE = re.compile(r"throughcare\.[a-z]{1,40}\.v[1-9][0-9]{0,2}")
_MOST_PACKAGES = 50


class Status(StrEnum):
    """How a node stands."""

    REGISTERED = "REGISTERED"
    ACTIVE = "ACTIVE"
    DEGRADED = "DEGRADED"
    SUSPENDED = "SUSPENDED"
    RETIRED = "RETIRED"


@dataclass(frozen=True, kw_only=True)
class Card:
    """What a node says of itself: `authority` is the digest of the certificate that signs its own certificates."""

    node_id: str
    org_id: str
    public_key: str
    rpc_address: str
    authority: str
    schema_versions: tuple[str, ...]

    def faults(self) -> tuple[Fault, ...]:
        """Every field that is wrong."""
        port = _ADDRESS.fullmatch(self.rpc_address)
        shape = () if _NODE_ID.fullmatch(self.node_id) else (Fault("node_id", "INVALID_FORMAT"),)
        reached = () if port and int(port[3]) < 1 << 16 else (Fault("rpc_address", "INVALID_FORMAT"),)
        digests = (*digest_faults("public_key", self.public_key), *digest_faults("authority", self.authority))
        return (*shape, *digests, *reached, *_package_faults(self.schema_versions))


@dataclass(frozen=True, kw_only=True)
class Node(Aggregate):
    """A node. Its last heartbeat stands beside it, not in it: a heartbeat alone is no fact."""

    node_id: str
    org_id: str
    status: Status
    keys: tuple[SigningKey, ...]
    rpc_address: str
    authority: str
    schema_versions: tuple[str, ...]
    registered_at: datetime
    knows_us: bool = False

    @classmethod
    def register(cls, id: UUID, card: Card, *, at: datetime) -> Node:
        """A node that is believed from now on, when it signs with this key."""
        _refuse(*card.faults())
        key = a_key(card.public_key, since=at)
        value = cls(
            id=id,
            node_id=card.node_id,
            org_id=card.org_id,
            status=Status.REGISTERED,
            keys=(key,),
            rpc_address=card.rpc_address,
            authority=card.authority,
            schema_versions=tuple(sorted(set(card.schema_versions))),
            registered_at=at,
        )
        return value.telling(value._registered(at))

    def register_again(self, card: Card, *, at: datetime) -> Node:
        """The same node with a new address, authority or set of contracts; another key or organisation is refused."""
        _refuse(*card.faults())
        self._must_not_be(Status.RETIRED)
        if card.org_id != self.org_id:
            raise Invalid(Fault("org_id", "IMMUTABLE"))
        if card.public_key != self.key.public_key:
            raise Unmet("key_differs", "A node that is known has its key changed by a rotation, not by its card.")
        return self._with(card, at=at)

    def rotate(self, public_key: str, *, overlap_until: datetime, at: datetime) -> Node:
        """It signs with another key; until then the one before is taken as well."""
        self._must_not_be(Status.RETIRED)
        _refuse(*digest_faults("public_key", public_key), *overlap_faults(overlap_until, at=at))
        following = a_key(public_key, since=at)
        rotated = facts.KeyRotated(
            node_id=self.node_id,
            key_id=following.key_id,
            public_key=public_key,
            overlap_until=overlap_until,
            at=at,
        )
        return self.telling(rotated, keys=followed_by(self.keys, following, overlap_until=overlap_until, at=at))

    def announce(self, *, overlap_until: datetime, at: datetime) -> Node:
        """Say to all other nodes with which key this one will sign; for the house's own node alone."""
        return self.telling(
            facts.KeyAnnounced(
                node=self.id,
                node_id=self.node_id,
                key_id=self.key.key_id,
                public_key=self.key.public_key,
                overlap_until=overlap_until,
                at=at,
            )
        )

    def hear_key(self, public_key: str, *, key_id: str, overlap_until: datetime, at: datetime) -> Node:
        """It has announced another key under one that is taken. Said again, nothing changes; its word does not make an
        old key last longer than we allow."""
        _refuse(*digest_faults("public_key", public_key))
        if a_key(public_key, since=at).key_id != key_id:
            raise Invalid(Fault("key_id", "CONFLICTS_WITH(public_key)"))
        if any(key.public_key == public_key for key in self.keys):
            return self
        until = min(max(overlap_until, at), at + LONGEST_OVERLAP)
        return self.rotate(public_key, overlap_until=until, at=at)

    def hear(self, schema_versions: tuple[str, ...], *, knows_us: bool = False, at: datetime) -> Node:
        """A signed heartbeat came: a node that was not yet, or no longer, heard is active; `knows_us` is whether it
        says that this house is registered with it."""
        self._must_not_be(Status.RETIRED)
        _refuse(*_package_faults(schema_versions, needed=()))
        value, reads = self, tuple(sorted(set(schema_versions)))
        if reads != self.schema_versions:
            upgraded = facts.Upgraded(node_id=self.node_id, schema_versions=reads, at=at)
            value = value.telling(upgraded, schema_versions=reads)
        if knows_us is not self.knows_us:
            value = value.telling(facts.KnowsUs(node_id=self.node_id, knows=knows_us, at=at), knows_us=knows_us)
        if self.status is Status.REGISTERED:
            value = value.telling(facts.Heard(node_id=self.node_id, at=at), status=Status.ACTIVE)
        elif self.status is Status.DEGRADED:
            value = value.telling(facts.HeardAgain(node_id=self.node_id, at=at), status=Status.ACTIVE)
        return value

    def miss(self, *, last_heard_at: datetime, at: datetime) -> Node:
        """It has been silent for too long."""
        self._must_be(Status.ACTIVE)
        missed = facts.HeartbeatMissed(node_id=self.node_id, last_heard_at=last_heard_at, at=at)
        return self.telling(missed, status=Status.DEGRADED)

    def suspend(self, *, at: datetime) -> Node:
        """Nothing goes to it and nothing from it is applied; all of it is kept."""
        self._must_be(Status.REGISTERED, Status.ACTIVE, Status.DEGRADED)
        return self.telling(facts.Suspended(node_id=self.node_id, at=at), status=Status.SUSPENDED)

    def resume(self, *, last_heard_at: datetime | None, at: datetime) -> Node:
        """What was kept goes on; how it stands is judged by when it was last heard, and that it is silent is said."""
        self._must_be(Status.SUSPENDED)
        value = self.telling(facts.Resumed(node_id=self.node_id, at=at), status=_status_by(last_heard_at, at))
        if last_heard_at is None or value.status is not Status.DEGRADED:
            return value
        return value.telling(facts.HeartbeatMissed(node_id=self.node_id, last_heard_at=last_heard_at, at=at))

    def retire(self, *, at: datetime) -> Node:
        """It is no more: nothing is told to it and nothing believed of it."""
        self._must_not_be(Status.RETIRED)
        return self.telling(facts.Retired(node_id=self.node_id, at=at), status=Status.RETIRED)

    @property
    def key(self) -> SigningKey:
        """The key it signs with."""
        return self.keys[-1]

    def _with(self, card: Card, *, at: datetime) -> Node:
        reads = tuple(sorted(set(card.schema_versions)))
        value = self.telling(rpc_address=card.rpc_address, authority=card.authority, schema_versions=reads)
        return self if value == self else value.telling(value._registered(at))  # noqa: SLF001 - of its own class

    def _registered(self, at: datetime) -> facts.Registered:
        return facts.Registered(
            node_id=self.node_id,
            org_id=self.org_id,
            key_id=self.key.key_id,
            rpc_address=self.rpc_address,
            authority=self.authority,
            schema_versions=self.schema_versions,
            at=at,
        )

    def _must_be(self, *statuses: Status) -> None:
        if self.status not in statuses:
            raise Unmet("invalid_transition", "The node does not stand so that this could be done.")

    def _must_not_be(self, status: Status) -> None:
        if self.status is status:
            raise Unmet("invalid_transition", "This node has been retired. Register the new one under a new name.")


def _status_by(last_heard_at: datetime | None, at: datetime) -> Status:
    if last_heard_at is None:
        return Status.REGISTERED
    return Status.ACTIVE if at - last_heard_at <= SILENCE else Status.DEGRADED


def _package_faults(packages: tuple[str, ...], *, needed: tuple[str, ...] = (NEEDED,)) -> tuple[Fault, ...]:
    if len(packages) > _MOST_PACKAGES:
        return (Fault("schema_versions", "OUT_OF_RANGE"),)
    if not all(_PACKAGE.fullmatch(package) for package in packages):
        return (Fault("schema_versions", "INVALID_FORMAT"),)
    return () if set(needed) <= set(packages) else (Fault("schema_versions", "REQUIRED"),)


def _refuse(*faults: Fault) -> None:
    if faults:
        raise Invalid(*faults)
