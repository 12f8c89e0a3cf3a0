"""Topics, users and access rules of a broker that is not embedded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    NewTopic,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


def _admin(client: Mapping[str, Any]) -> AdminClient:
    """Hold on to it until its answers are there: it takes them along when it goes."""
    return AdminClient({"log_level": 0, **client})


def create_topics(
    client: Mapping[str, Any], topics: Mapping[str, Mapping[str, str]], *, partitions: int, replicas: int = 1
) -> list[str]:
    """Make the topics (name → its settings) that are missing; returns those made. `client` is `LocalKafka.client`."""
    admin = _admin(client)
    there = admin.list_topics(timeout=10).topics
    wanted = [
        NewTopic(name, num_partitions=partitions, replication_factor=replicas, config=dict(config))
        for name, config in topics.items()
        if name not in there
    ]
    for made in (admin.create_topics(wanted) if wanted else {}).values():
        made.result(timeout=20)
    return [topic.topic for topic in wanted]


def delete_topics(client: Mapping[str, Any], topics: Sequence[str]) -> None:
    """Remove topics with all that is on them; for tests and for `throughcare down`."""
    admin = _admin(client)
    for gone in admin.delete_topics(list(topics)).values():
        gone.result(timeout=20)


def set_user(client: Mapping[str, Any], name: str, password: str) -> None:
    """Make a user, or give him another password."""
    change = UserScramCredentialUpsertion(
        name, ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 8192), password.encode()
    )
    admin = _admin(client)
    for done in admin.alter_user_scram_credentials([change]).values():
        done.result(timeout=20)


@dataclass(frozen=True, kw_only=True)
class Allowed:
    """One access rule: this user may do these operations on this topic, group or the cluster. No wildcards."""

    user: str
    kind: str  # TOPIC, GROUP, BROKER
    name: str
    operations: tuple[str, ...]  # READ, WRITE, DESCRIBE, IDEMPOTENT_WRITE …
    prefixed: bool = False


def allow(client: Mapping[str, Any], rules: Iterable[Allowed]) -> None:
    """Add access rules; what no rule allows is refused."""
    bindings = [
        AclBinding(
            ResourceType[rule.kind],
            rule.name,
            ResourcePatternType.PREFIXED if rule.prefixed else ResourcePatternType.LITERAL,
            f"User:{rule.user}",
            "*",
            AclOperation[operation],
            AclPermissionType.ALLOW,
        )
        for rule in rules
        for operation in rule.operations
    ]
    admin = _admin(client)
    for done in admin.create_acls(bindings).values():
        done.result(timeout=20)
