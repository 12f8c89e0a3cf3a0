"""What a contract says of a message: how far it may travel, whose topic carries it, what orders it, who reads it.

`check` refuses a message that breaks its own contract before anything is encoded (`throughcare.options.v1`).
"""

from __future__ import annotations

import re
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import throughcare
from throughcare.options.v1 import options_pb2 as options

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from google.protobuf.descriptor import Descriptor
    from google.protobuf.message import Message

    from chassis.envelope.headers import Envelope

BETWEEN_HOUSES = ("share", "control")
CONTROL = "control.v1"
LARGEST = 256 * 1024


class ContractBroken(Exception):  # noqa: N818 - a programming error, found before anything leaves
    """A message that its own contract forbids to be told this way."""


@cache
def _options(descriptor: Descriptor) -> tuple[str, str, int]:
    """Reach, topic and key of a message type; refuses a type that may not be told at all, or not where it says."""
    said: Any = descriptor.GetOptions().Extensions
    reach, topic, key = said[options.reach], said[options.topic], said[options.key]
    if not (reach and topic and key):
        raise ContractBroken(f"{descriptor.full_name} does not say its reach, topic and key")
    if (topic in BETWEEN_HOUSES) != (reach == options.REACH_SHARE) and reach != options.REACH_AGGREGATE:
        raise ContractBroken(f"{descriptor.full_name} says a reach that does not go with the topic {topic}")
    for field in descriptor.fields:
        held: Any = field.GetOptions().Extensions
        allowed: int = held[options.kind]
        if not options.KIND_UNSPECIFIED < allowed <= options.KIND_FLAG:
            raise ContractBroken(f"{descriptor.full_name}.{field.name} is of a kind that no event may hold")
    return options.Reach.Name(reach).removeprefix("REACH_"), topic, key


def check(message: Message) -> None:
    """Refuse a message that its contract does not allow on a topic of one node."""
    if _fitting(message) == "SHARE":
        raise ContractBroken(f"{message.DESCRIPTOR.full_name} leaves the house by the gate alone")


def check_leaving(message: Message) -> None:
    """Refuse a message that its contract does not allow to leave the house."""
    if _fitting(message) == "NODE":
        raise ContractBroken(f"{message.DESCRIPTOR.full_name} stays in the house")


def _fitting(message: Message) -> str:
    """The reach of a message that is not too large."""
    reach, _, _ = _options(message.DESCRIPTOR)
    if message.ByteSize() > LARGEST:
        raise ContractBroken(f"{message.DESCRIPTOR.full_name} is larger than 256 KiB")
    return reach


def concerns_person(kind: type[Message]) -> bool:
    """Whether a message is ordered by the person it is about, and so names him."""
    return _options(kind.DESCRIPTOR)[2] == options.KEY_PERSON


def reach_of(kind: type[Message]) -> str:
    """NODE, SHARE or AGGREGATE."""
    return _options(kind.DESCRIPTOR)[0]


def topic_of(kind: type[Message], node: str) -> str:
    """The topic of a message type: `<node>.<service>.v1` of one house, the inbox of one node, or the control topic."""
    said = _options(kind.DESCRIPTOR)[1]
    if said == "share":
        return f"share.{node}.in.v1"
    return CONTROL if said == "control" else f"{node}.{said}.v1"


def key_of(
    kind: type[Message], *, case: UUID | None, person: UUID | None, aggregate: UUID, subject_ref: str = ""
) -> str:
    """What orders the message: the first there is of case, person and aggregate, from the one the contract names;
    between houses the person's reference stands for him."""
    wanted = _options(kind.DESCRIPTOR)[2]
    if wanted == options.KEY_TYPE:
        return kind.DESCRIPTOR.full_name
    if wanted == options.KEY_CASE and case is not None:
        return str(case)
    if wanted in {options.KEY_CASE, options.KEY_PERSON} and (person is not None or subject_ref):
        return str(person) if person is not None else subject_ref
    return str(aggregate)


_OF_EVENTS = {"events_pb2", "shares_pb2"}


@cache
def registry() -> Mapping[str, type[Message]]:
    """Every event of the contracts this release reads, by its full name."""
    found: dict[str, type[Message]] = {}
    for file in sorted(
        file for root in throughcare.__path__ for file in Path(root).glob("*/*/*_pb2.py") if file.stem in _OF_EVENTS
    ):
        module = import_module(f"throughcare.{file.parts[-3]}.{file.parts[-2]}.{file.stem}")
        for name in module.DESCRIPTOR.message_types_by_name:
            kind = getattr(module, name)
            found[kind.DESCRIPTOR.full_name] = kind
    return found


_MAJOR = re.compile(r"throughcare\.([a-z_]+)\.v([0-9]+)\.[A-Za-z0-9]+")


def legible(envelope: Envelope) -> Literal["yes", "needs_upgrade", "unknown"]:
    """Whether this release reads that message: it is from a later major version, or of a type never heard of."""
    said = _MAJOR.fullmatch(envelope.type)
    if envelope.type in registry():
        return "yes" if said and envelope.schema_version == int(said[2]) else "needs_upgrade"
    services = {name.split(".")[1] for name in registry()}
    return "needs_upgrade" if said and said[1] in services and int(said[2]) > 1 else "unknown"
