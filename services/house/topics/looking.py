"""What a bus has now of what the registry speaks of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from house.buses import Allowed, allowed
from house.trouble import Trouble

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from house.topics.registry import Registry


def described(client: Mapping[str, Any]) -> Any:
    """The brokers and topics. Raises `Trouble` where no broker answers."""
    try:
        return AdminClient({"log_level": 0, **client}).list_topics(timeout=10)
    except KafkaException as away:
        raise Trouble(
            f"The bus does not answer: {away.args[0].str()}.", mend="Look at its process with: throughcare status"
        ) from None


def single(rules: Iterable[Allowed]) -> set[Allowed]:
    """The same rules with one operation each."""
    return {
        Allowed(user=rule.user, kind=rule.kind, name=rule.name, operations=(operation,), prefixed=rule.prefixed)
        for rule in rules
        for operation in rule.operations
    }


def rules_of(client: Mapping[str, Any], registry: Registry) -> set[Allowed]:
    """The access rules on the bus that touch the registry: of its users, or on what is its own."""
    users = {user.name for user in registry.users}
    names = {*registry.names, *(reader.group for topic in registry.topics for reader in topic.readers)}
    return {rule for rule in allowed(client) if rule.user in users or _touches(rule, names)}


def _touches(rule: Allowed, names: Iterable[str]) -> bool:
    if rule.kind not in ("TOPIC", "GROUP"):
        return False
    if rule.prefixed:
        return any(name.startswith(rule.name) for name in names)
    return rule.name == "*" or rule.name in names
