"""The topic registry as it is written, resolved for some houses: topics, users, and who may do what."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import yaml

from house.buses import Allowed, Limit
from house.trouble import Trouble

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from house.nodes import Node

REGISTRY: Final = Path(__file__).resolve().parents[3] / "deploy" / "bus" / "topics.yaml"
OPERATOR: Final = "operator"
_LOOK: Final = "look"
_NODE: Final = "<node>"
_OTHERS: Final = "others."
_DAY_MS: Final = 24 * 60 * 60 * 1000
_KEYS: Final = frozenset({"case", "person", "aggregate", "type", "subject", "node"})
_MEMBERS: Final = (
    "name", "package", "reach", "key", "partitions", "retention_days", "replicas", "writers", "readers", "why",
)  # fmt: skip
_LIMITS: Final = ("produce_bytes_per_second", "consume_bytes_per_second")


class Reader(NamedTuple):
    """A consumer group that may read a topic, and the user as whom it comes."""

    user: str
    group: str


@dataclass(frozen=True, kw_only=True)
class Topic:
    """One topic: of one house, or (`house` is empty) of all. Writers are users, readers groups."""

    name: str
    house: str
    package: str
    reach: str
    key: tuple[str, ...]
    partitions: int
    retention_days: int
    replicas: int
    writers: tuple[str, ...]
    readers: tuple[Reader, ...]
    lookers: tuple[Reader, ...]
    why: str

    @property
    def config(self) -> dict[str, str]:
        """Its settings on a broker."""
        return {"retention.ms": str(self.retention_days * _DAY_MS), "cleanup.policy": "delete"}

    @property
    def between_houses(self) -> bool:
        """Whether several houses write it, so that a key is a stream for each of them."""
        return self.reach == "SHARE"


@dataclass(frozen=True, kw_only=True)
class User:
    """Who comes to the bus: one service, or the operator, of one house."""

    name: str
    house: str
    service: str
    limit: Limit


@dataclass(frozen=True, kw_only=True)
class Registry:
    """Everything the bus must have for some houses."""

    topics: tuple[Topic, ...]
    users: tuple[User, ...]

    @property
    def names(self) -> list[str]:
        """The names of the topics."""
        return [topic.name for topic in self.topics]

    @property
    def rules(self) -> list[Allowed]:
        """Who may do what: nothing else is allowed to anybody but the bus's own first user."""
        found: dict[Allowed, None] = {}
        for topic in self.topics:
            for user in topic.writers:
                found[_on_topic(topic.name, user, "WRITE")] = None
            for reader in (*topic.readers, *topic.lookers):
                found[_on_topic(topic.name, reader.user, "READ")] = None
                operations = ("READ", "DESCRIBE")
                found[Allowed(user=reader.user, kind="GROUP", name=reader.group, operations=operations)] = None
        return list(found)

    def groups_of(self, node: str, service: str) -> dict[str, list[str]]:
        """The consumer groups of one service of a house, each with the topics it reads."""
        found: dict[str, list[str]] = {}
        for topic in self.topics:
            for reader in topic.readers:
                if reader.group.startswith(f"{node}.") and reader.user.endswith(f".{service}"):
                    found.setdefault(reader.group, []).append(topic.name)
        return found


def _on_topic(topic: str, user: str, what: str) -> Allowed:
    return Allowed(user=user, kind="TOPIC", name=topic, operations=(what, "DESCRIBE"))


def registry(houses: Sequence[Node], path: Path = REGISTRY) -> Registry:
    """What the bus must have for these houses. Raises `Trouble` that names the entry and the member that is wrong."""
    try:
        text = yaml.safe_load(path.read_text())
    except FileNotFoundError:
        raise Trouble(
            f"The topic registry {path} is missing.", mend="It belongs to the sources: get it back."
        ) from None
    except yaml.YAMLError as wrong:
        raise Trouble(f"The topic registry {path} is not YAML: {str(wrong).splitlines()[0]}.") from None
    entries = [_checked({**text.get("defaults", {}), **entry}) for entry in text["topics"]]
    limits = dict(_limit(entry) for entry in text.get("users", ()))
    return Registry(
        topics=tuple(topic for entry in entries for topic in _topics(entry, houses)),
        users=tuple(user for house in houses for user in _users(house, limits)),
    )


def _checked(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    name = str(entry.get("name", ""))
    if missing := [member for member in _MEMBERS if member not in entry]:
        raise Trouble(f"The topic registry says no {', '.join(missing)} for {name or 'an entry without a name'}.")
    if unknown := set(entry) - set(_MEMBERS):
        raise Trouble(f"The topic registry has an unknown member for {name}: {', '.join(sorted(unknown))}.")
    if strange := set(entry["key"]) - _KEYS:
        raise Trouble(f"The topic registry has an unknown key for {name}: {', '.join(sorted(strange))}.")
    return entry


def _limit(entry: Mapping[str, Any]) -> tuple[str, Limit]:
    name = str(entry.get("name", ""))
    if missing := [member for member in ("name", *_LIMITS) if member not in entry]:
        raise Trouble(f"The topic registry says no {', '.join(missing)} for {name or 'a user without a name'}.")
    if unknown := set(entry) - {"name", *_LIMITS}:
        raise Trouble(f"The topic registry has an unknown member for {name}: {', '.join(sorted(unknown))}.")
    produce, consume = (float(entry[member]) for member in _LIMITS)
    return name.removeprefix(f"{_NODE}."), Limit(produce=produce, consume=consume)


def _users(house: Node, limits: Mapping[str, Limit]) -> Iterator[User]:
    for service in (*house.services, OPERATOR):
        if service not in limits:
            raise Trouble(f"The topic registry has no user {_NODE}.{service}.")
        yield User(name=house.user(service), house=house.node, service=service, limit=limits[service])


def _topics(entry: Mapping[str, Any], houses: Sequence[Node]) -> Iterator[Topic]:
    """One for each house that it concerns, or one for all."""
    if _NODE not in entry["name"]:
        yield _topic(entry, "", houses, houses)
        return
    for house in houses:
        own = [writer for writer in entry["writers"] if writer.startswith(_OTHERS) or writer in house.services]
        if own:
            others = [each for each in houses if each is not house]
            yield _topic(entry, house.node, (house,), others)


def _topic(entry: Mapping[str, Any], node: str, houses: Sequence[Node], others: Sequence[Node]) -> Topic:
    writers = []
    for writer in entry["writers"]:
        service = writer.removeprefix(_OTHERS)
        among = others if writer.startswith(_OTHERS) else houses
        writers += [house.user(service) for house in among if service in house.services]
    readers = [
        Reader(house.user(service), f"{house.node}.{group or service}")
        for reader in entry["readers"]
        for service, _, group in [reader.partition(".")]
        for house in houses
        if service in house.services
    ]
    kept = [house.retention_days for house in houses] if node else []
    return Topic(
        name=entry["name"].replace(_NODE, node),
        house=node,
        package=entry["package"],
        reach=entry["reach"],
        key=tuple(entry["key"]),
        partitions=int(entry["partitions"]),
        retention_days=min([int(entry["retention_days"]), *kept]),
        replicas=int(entry["replicas"]),
        writers=tuple(writers),
        readers=tuple(readers),
        lookers=tuple(Reader(house.user(OPERATOR), f"{house.node}.{_LOOK}") for house in houses),
        why=" ".join(str(entry["why"]).split()),
    )
