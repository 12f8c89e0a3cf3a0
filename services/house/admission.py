"""`throughcare admit`: the users of a house on a bus with default deny, its topics, and what each user may do."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any, Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from chassis.settings import PREFIX
from house import topics
from house.buses import Allowed, allow, set_user
from house.composition import client_of
from house.trouble import Trouble

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from house.topics import Topic

OPERATOR: Final = "operator"
_PATIENCE, _PAUSE = 90.0, 0.3


def client_of_environment() -> dict[str, Any]:
    """How the administrator reaches the bus: its address and his password as the environment says."""
    servers = os.environ.get(f"{PREFIX}BUS_SERVERS", "")
    if not servers:
        raise Trouble(f"Say where the bus is: {PREFIX}BUS_SERVERS.", code=2)
    return client_of(servers)


def until_there(client: Mapping[str, Any], brokers: int) -> None:
    """Wait until so many brokers answer: a bus that has just been started takes a moment."""
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            there = len(AdminClient({"log_level": 0, **client}).list_topics(timeout=2).brokers)
        except KafkaException:
            there = 0
        if there >= brokers:
            return
        if time.monotonic() > until:
            raise Trouble(f"{there} of {brokers} brokers answer.", mend="Look at what the brokers write.")
        time.sleep(_PAUSE)


def admit(client: Mapping[str, Any], node: str, passwords: Path) -> list[str]:
    """Make users, topics and access rules of this house; run again, it changes nothing but passwords that changed.

    `passwords` holds a file for each user, named `<node>.<service>`; files of other houses are left alone. Returns
    the users.
    """
    users = sorted(path for path in passwords.glob(f"{node}.*") if path.is_file())
    if not users:
        raise Trouble(f"There is no password for a user of {node} in {passwords}.")
    for path in users:
        set_user(client, path.name, path.read_text().strip())
    wanted = topics.registry(node)
    topics.apply(client, wanted, node=node, rules=True)
    allow(client, [*operators_rules(wanted, node), *group_rules(users, node)])
    return [path.name for path in users]


def group_rules(users: Iterable[Path], node: str) -> list[Allowed]:
    """Every group of a house begins with its name, whichever service keeps it."""
    return [
        Allowed(user=path.name, kind="GROUP", name=f"{node}.", operations=("READ", "DESCRIBE"), prefixed=True)
        for path in users
    ]


def operators_rules(wanted: Iterable[Topic], node: str) -> list[Allowed]:
    """The operator looks at the topics of the house, and changes nothing."""
    user = f"{node}.{OPERATOR}"
    looks = ("READ", "DESCRIBE", "DESCRIBE_CONFIGS")
    return [
        *(Allowed(user=user, kind="TOPIC", name=topic.name, operations=looks) for topic in wanted),
        Allowed(user=user, kind="GROUP", name="throughcare-look", operations=("READ", "DESCRIBE")),
    ]
