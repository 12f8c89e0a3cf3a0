"""Making a bus what the registry says: topics, users, access rules, limits. Done again, it changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from confluent_kafka import KafkaException

from house.buses import BusUnavailable, allow, create_topics, disallow, set_users, users
from house.topics.looking import described, rules_of, single
from house.trouble import Trouble

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from house.topics.registry import Registry, User


def apply(
    client: Mapping[str, Any], registry: Registry, *, password: Callable[[User], str] | None = None
) -> dict[str, list[str]]:
    """Make what is missing, and take away what our users may do beyond the registry; what was done, by kind.

    `password` gives a user's; without it the bus keeps no users and no rules. What others may do is never touched:
    `compare` tells of it.
    """
    brokers = len(described(client).brokers)
    made: dict[str, list[str]] = {"topics": [], "users": [], "rules": [], "limits": []}
    try:
        for (partitions, replicas), given in _alike(registry, brokers).items():
            made["topics"] += create_topics(client, given, partitions=partitions, replicas=replicas)
        if password is not None:
            made["users"] = _users(client, registry, password)
            made["rules"] = _rules(client, registry)
            made["limits"] = _limits(client, registry)
    except (KafkaException, BusUnavailable) as refused:
        raise Trouble(f"The bus refused: {_said(refused)}.", mend="Who applies must be its first user.") from None
    return made


def _alike(registry: Registry, brokers: int) -> dict[tuple[int, int], dict[str, Mapping[str, str]]]:
    """Topics by partitions and replicas, each with its settings."""
    found: dict[tuple[int, int], dict[str, Mapping[str, str]]] = {}
    for topic in registry.topics:
        found.setdefault((topic.partitions, min(topic.replicas, brokers)), {})[topic.name] = topic.config
    return found


def _said(refused: BaseException) -> str:
    return str(refused.args[0].str() if isinstance(refused, KafkaException) else refused).rstrip(".")


def _users(client: Mapping[str, Any], registry: Registry, password: Callable[[User], str]) -> list[str]:
    there = users(client)
    missing = {user.name: password(user) for user in registry.users if user.name not in there}
    set_users(client, missing)
    return list(missing)


def _rules(client: Mapping[str, Any], registry: Registry) -> list[str]:
    ours = {user.name for user in registry.users}
    wanted, there = single(registry.rules), rules_of(client, registry)
    missing, beyond = wanted - there, {rule for rule in there - wanted if rule.user in ours}
    allow(client, missing)
    disallow(client, beyond)
    shown = sorted(f"{rule.user} {rule.operations[0]} {rule.name}" for rule in missing)
    return shown + sorted(f"{rule.user} no more {rule.operations[0]} {rule.name}" for rule in beyond)


def _limits(client: Mapping[str, Any], registry: Registry) -> list[str]:
    from house.buses import quotas  # noqa: PLC0415 - heavy, and needed for a bus with users alone

    there = quotas.limits(client)
    missing = {user.name: user.limit for user in registry.users if there.get(user.name) != user.limit}
    quotas.set_limits(client, missing)
    return list(missing)
