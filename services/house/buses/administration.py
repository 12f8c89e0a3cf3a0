"""Topics, users and access rules of a broker that is not embedded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
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

_ITERATIONS: Final = 8192
_WITHIN: Final = 20


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
        made.result(timeout=_WITHIN)
    return [topic.topic for topic in wanted]


def delete_topics(client: Mapping[str, Any], topics: Sequence[str]) -> None:
    """Remove topics with all that is on them; for tests and for `throughcare down`."""
    admin = _admin(client)
    for gone in admin.delete_topics(list(topics)).values():
        gone.result(timeout=_WITHIN)


def set_user(client: Mapping[str, Any], name: str, password: str) -> None:
    """Make a user, or give him another password."""
    set_users(client, {name: password})


def set_users(client: Mapping[str, Any], passwords: Mapping[str, str]) -> None:
    """Make users, or give them other passwords."""
    changes: list[Any] = [
        UserScramCredentialUpsertion(
            name, ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, _ITERATIONS), password.encode()
        )
        for name, password in passwords.items()
    ]
    admin = _admin(client)
    for done in (admin.alter_user_scram_credentials(changes) if changes else {}).values():
        done.result(timeout=_WITHIN)


def users(client: Mapping[str, Any]) -> frozenset[str]:
    """Every user who has a password."""
    admin = _admin(client)
    every: Any = admin.describe_user_scram_credentials()  # of no user in particular it gives one answer
    return frozenset(every.result(timeout=_WITHIN))


@dataclass(frozen=True, kw_only=True)
class Allowed:
    """One access rule: this user may do these operations on this topic, group or the cluster. No wildcards."""

    user: str
    kind: str  # TOPIC, GROUP, BROKER
    name: str
    operations: tuple[str, ...]  # READ, WRITE, DESCRIBE, IDEMPOTENT_WRITE …
    prefixed: bool = False


class Limit(NamedTuple):
    """How many bytes a second a user may send and read on one broker."""

    produce: float
    consume: float


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
    for done in (admin.create_acls(bindings) if bindings else {}).values():
        done.result(timeout=_WITHIN)


def allowed(client: Mapping[str, Any]) -> list[Allowed]:
    """Every access rule the broker has, one operation each; of a rule that denies, the operation says so."""
    anything: Any = None
    every = AclBindingFilter(
        ResourceType.ANY,
        anything,
        ResourcePatternType.ANY,
        anything,
        anything,
        AclOperation.ANY,
        AclPermissionType.ANY,
    )
    admin = _admin(client)
    found = admin.describe_acls(every).result(timeout=_WITHIN)
    return [
        Allowed(
            user=each.principal.removeprefix("User:"),
            kind=each.restype.name,
            name=each.name,
            operations=(_operation(each),),
            prefixed=each.resource_pattern_type == ResourcePatternType.PREFIXED,
        )
        for each in found
    ]


def _operation(binding: AclBinding) -> str:
    """From another host than any, it is another rule."""
    denies = "" if binding.permission_type == AclPermissionType.ALLOW else "not "
    operation: Any = binding.operation
    return f"{denies}{operation.name}{'' if binding.host == '*' else f' from {binding.host}'}"


def disallow(client: Mapping[str, Any], rules: Iterable[Allowed]) -> None:
    """Take access rules away, as `allowed` told them."""
    anywhere: Any = None
    filters = [
        AclBindingFilter(
            ResourceType[rule.kind],
            rule.name,
            ResourcePatternType.PREFIXED if rule.prefixed else ResourcePatternType.LITERAL,
            f"User:{rule.user}",
            anywhere,
            AclOperation[operation.removeprefix("not ").partition(" ")[0]],
            AclPermissionType.ANY,
        )
        for rule in rules
        for operation in rule.operations
    ]
    admin = _admin(client)
    for gone in (admin.delete_acls(filters) if filters else {}).values():
        gone.result(timeout=_WITHIN)
