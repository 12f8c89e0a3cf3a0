"""`throughcare admit`: users of houses in containers on a bus with default deny, topics, and who may do what."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from house import nodes, topics
from house.buses import set_users
from house.nodes import PREFIX
from house.trouble import Trouble

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from house.nodes import Node
    from house.topics import Difference, Registry

_PATIENCE, _PAUSE = 90.0, 0.3
_TOLD: Final[Mapping[str, str]] = {
    "bootstrap.servers": "BUS_SERVERS",
    "security.protocol": "BUS_SECURITY",
    "sasl.username": "BUS_USERNAME",
    "ssl.ca.location": "BUS_CA_FILE",
    "sasl.password": "BUS_PASSWORD_FILE",
}


def client_of_environment() -> dict[str, Any]:
    """How the bus's administrator reaches it, as the environment says. Raises `Trouble` that names what is missing."""
    told = {member: os.environ.get(PREFIX + variable, "") for member, variable in _TOLD.items()}
    if missing := [PREFIX + _TOLD[member] for member, value in told.items() if not value]:
        raise Trouble(f"Say how the administrator comes to the bus: {', '.join(missing)}.", code=2)
    told["sasl.password"] = Path(told["sasl.password"]).read_text().strip()
    return {**told, "sasl.mechanism": "SCRAM-SHA-512", "log_level": 0}


def until_there(client: Mapping[str, Any], brokers: int) -> None:
    """Wait until so many brokers answer: a bus that has just been started takes a moment."""
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            there = len(AdminClient(dict(client)).list_topics(timeout=2).brokers)
        except KafkaException:
            there = 0
        if there >= brokers:
            return
        if time.monotonic() > until:
            raise Trouble(f"{there} of {brokers} brokers answer.", mend="Look at what the brokers write.")
        time.sleep(_PAUSE)


def known(passwords: Path) -> tuple[Node, ...]:
    """The houses of which a user's password lies here, as `deploy/nodes` describes them."""
    names = sorted(path.stem for path in nodes.FOLDER.glob("*.env"))
    found = tuple(node for node in nodes.read_all(names) if (passwords / node.user("operator")).is_file())
    if not found:
        raise Trouble(f"There is no password of a house in {passwords}.", mend="Make them with: throughcare secrets")
    return found


def admit(client: Mapping[str, Any], houses: Sequence[Node], passwords: Path) -> Registry:
    """Make the bus what the registry says for these houses; a password that changed is changed there too.

    `passwords` holds a file for each user, named as he is.
    """
    wanted = topics.registry(houses)
    given = {user.name: (passwords / user.name).read_text().strip() for user in wanted.users}
    set_users(client, given)
    topics.apply(client, wanted, password=lambda user: given[user.name])
    return wanted


def compare(client: Mapping[str, Any], houses: Sequence[Node]) -> list[Difference]:
    """In what the bus differs from the registry for these houses."""
    return topics.compare(client, topics.registry(houses), settings=True, secured=True)
