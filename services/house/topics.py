"""The topic registry `deploy/bus/topics.yaml`: read, made on a bus, and compared with what is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType

from house.buses import Allowed, allow, create_topics
from house.trouble import Trouble

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

REGISTRY: Final = Path(__file__).resolve().parents[2] / "deploy" / "bus" / "topics.yaml"
_DAY_MS: Final = 24 * 60 * 60 * 1000
_KEYS: Final = frozenset({"case", "person", "aggregate", "type", "subject", "node"})


@dataclass(frozen=True, kw_only=True)
class Topic:
    """One topic, named for one house."""

    name: str
    package: str
    reach: str
    key: tuple[str, ...]
    partitions: int
    retention_days: int
    replicas: int
    writers: tuple[str, ...]
    readers: tuple[str, ...]
    why: str

    @property
    def config(self) -> dict[str, str]:
        """Its settings on a broker."""
        return {"retention.ms": str(self.retention_days * _DAY_MS), "cleanup.policy": "delete"}


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One thing in which a bus differs from the registry."""

    topic: str
    what: str
    wanted: str
    found: str


def registry(node: str, path: Path = REGISTRY) -> tuple[Topic, ...]:
    """Every topic of this house. Raises `Trouble` that names the entry and the member that is wrong."""
    try:
        text = yaml.safe_load(path.read_text())
    except FileNotFoundError:
        raise Trouble(
            f"The topic registry {path} is missing.", mend="It belongs to the sources: get it back."
        ) from None
    except yaml.YAMLError as wrong:
        raise Trouble(f"The topic registry {path} is not YAML: {str(wrong).splitlines()[0]}.") from None
    defaults = text.get("defaults", {})
    return tuple(_topic({**defaults, **entry}, node) for entry in text["topics"])


def _topic(entry: Mapping[str, Any], node: str) -> Topic:
    name = str(entry.get("name", ""))
    missing = [member for member in Topic.__dataclass_fields__ if member not in entry]
    if missing:
        raise Trouble(f"The topic registry says no {', '.join(missing)} for {name or 'an entry without a name'}.")
    if unknown := set(entry) - set(Topic.__dataclass_fields__):
        raise Trouble(f"The topic registry has an unknown member for {name}: {', '.join(sorted(unknown))}.")
    if strange := set(entry["key"]) - _KEYS:
        raise Trouble(f"The topic registry has an unknown key for {name}: {', '.join(sorted(strange))}.")
    return Topic(
        name=name.replace("<node>", node),
        package=entry["package"],
        reach=entry["reach"],
        key=tuple(entry["key"]),
        partitions=int(entry["partitions"]),
        retention_days=int(entry["retention_days"]),
        replicas=int(entry["replicas"]),
        writers=tuple(entry["writers"]),
        readers=tuple(entry["readers"]),
        why=" ".join(str(entry["why"]).split()),
    )


def apply(client: Mapping[str, Any], topics: Sequence[Topic], *, node: str, rules: bool) -> list[str]:
    """Make the topics that are missing, with access rules where the bus keeps some; returns those made."""
    brokers = len(_described(client).brokers)
    made = []
    for topic in topics:
        replicas = min(topic.replicas, brokers)
        made += create_topics(client, {topic.name: topic.config}, partitions=topic.partitions, replicas=replicas)
    if rules:
        allow(client, access_rules(topics, node=node))
    return made


def access_rules(topics: Iterable[Topic], *, node: str) -> list[Allowed]:
    """Who may write and read what: one user per service, named `<node>.<service>`, his group under his own prefix."""
    rules = []
    for topic in topics:
        for writer in topic.writers:
            user = f"{node}.{writer}"
            rules.append(Allowed(user=user, kind="TOPIC", name=topic.name, operations=("WRITE", "DESCRIBE")))
        for reader in topic.readers:
            user = f"{node}.{reader.partition('.')[0]}"
            rules.append(Allowed(user=user, kind="TOPIC", name=topic.name, operations=("READ", "DESCRIBE")))
    users = sorted({rule.user for rule in rules})
    rules += [Allowed(user=u, kind="GROUP", name=u, operations=("READ", "DESCRIBE"), prefixed=True) for u in users]
    return rules


def compare(client: Mapping[str, Any], topics: Sequence[Topic], *, settings: bool) -> list[Difference]:
    """In what the bus differs from the registry; `settings` also compares retention (the embedded bus has none)."""
    there = _described(client).topics
    found: list[Difference] = []
    for topic in topics:
        if topic.name not in there or there[topic.name].error is not None:
            found.append(Difference(topic=topic.name, what="topic", wanted="present", found="missing"))
            continue
        partitions = len(there[topic.name].partitions)
        if partitions != topic.partitions:
            wanted, is_so = str(topic.partitions), str(partitions)
            found.append(Difference(topic=topic.name, what="partitions", wanted=wanted, found=is_so))
        if settings:
            found += _settings_of(client, topic)
    return found


def _settings_of(client: Mapping[str, Any], topic: Topic) -> list[Difference]:
    admin = AdminClient({"log_level": 0, **client})
    resource = ConfigResource(ResourceType.TOPIC, topic.name)
    held = admin.describe_configs([resource])[resource].result(timeout=10)
    return [
        Difference(topic=topic.name, what=name, wanted=value, found=held[name].value)
        for name, value in topic.config.items()
        if held[name].value != value
    ]


def _described(client: Mapping[str, Any]) -> Any:
    try:
        return AdminClient({"log_level": 0, **client}).list_topics(timeout=10)
    except KafkaException as away:
        raise Trouble(
            f"The bus does not answer: {away.args[0].str()}.", mend="Look at its process with: throughcare status"
        ) from None
