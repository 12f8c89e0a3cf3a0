"""In what a bus differs from the registry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType

from house.buses import BusUnavailable, users
from house.topics.looking import described, rules_of, single
from house.trouble import Trouble

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from house.topics.registry import Registry, Topic


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One thing in which a bus differs from the registry: a topic's, or a user's."""

    name: str
    what: str
    wanted: str
    found: str


def compare(client: Mapping[str, Any], registry: Registry, *, settings: bool, secured: bool) -> list[Difference]:
    """Every difference. `settings`: retention too (the embedded bus has none); `secured`: users, rules and limits."""
    there = described(client).topics
    found = [each for topic in registry.topics for each in _topic(there, topic)]
    missing = {each.name for each in found if each.what == "topic"}
    try:
        if settings:
            for topic in registry.topics:
                found += [] if topic.name in missing else _settings_of(client, topic)
        if secured:
            found += [*_users(client, registry), *_rules(client, registry), *_limits(client, registry)]
    except (KafkaException, BusUnavailable) as refused:
        raise Trouble(
            "The bus does not tell what it allows.", mend=f"Who compares must be its first user. It said: {refused}"
        ) from None
    return found


def _topic(there: Mapping[str, Any], topic: Topic) -> Iterator[Difference]:
    held = there.get(topic.name)
    if held is None or held.error is not None:
        yield Difference(name=topic.name, what="topic", wanted="present", found="missing")
    elif len(held.partitions) != topic.partitions:
        wanted, is_so = str(topic.partitions), str(len(held.partitions))
        yield Difference(name=topic.name, what="partitions", wanted=wanted, found=is_so)


def _settings_of(client: Mapping[str, Any], topic: Topic) -> list[Difference]:
    admin = AdminClient({"log_level": 0, **client})
    resource = ConfigResource(ResourceType.TOPIC, topic.name)
    held = admin.describe_configs([resource])[resource].result(timeout=10)
    return [
        Difference(name=topic.name, what=name, wanted=value, found=held[name].value)
        for name, value in topic.config.items()
        if held[name].value != value
    ]


def _users(client: Mapping[str, Any], registry: Registry) -> Iterator[Difference]:
    there = users(client)
    for user in registry.users:
        if user.name not in there:
            yield Difference(name=user.name, what="user", wanted="present", found="missing")


def _rules(client: Mapping[str, Any], registry: Registry) -> Iterator[Difference]:
    wanted, there = single(registry.rules), rules_of(client, registry)
    for rule in sorted(wanted - there, key=str):
        what = f"{rule.operations[0]} {rule.name}"
        yield Difference(name=rule.user, what=what, wanted="allowed", found="denied")
    for rule in sorted(there - wanted, key=str):
        what = f"{rule.operations[0]} {rule.name}{'*' if rule.prefixed else ''}"
        yield Difference(name=rule.user, what=what, wanted="denied", found="allowed")


def _limits(client: Mapping[str, Any], registry: Registry) -> Iterator[Difference]:
    from house.buses import quotas  # noqa: PLC0415 - heavy, and needed for a bus with users alone

    there = quotas.limits(client)
    for user in registry.users:
        if there.get(user.name) != user.limit:
            held = there.get(user.name)
            is_so = f"{held.produce:.0f} and {held.consume:.0f}" if held else "none"
            wanted = f"{user.limit.produce:.0f} and {user.limit.consume:.0f}"
            yield Difference(name=user.name, what="bytes a second, sent and read", wanted=wanted, found=is_so)
