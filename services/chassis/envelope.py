"""Message ↔ record: the envelope in headers (CloudEvents, binary mode), the body as protobuf; reach and kinds checked.

An unknown type is a value, not an exception. What a message may say and how far it may travel stands in the
contract (`throughcare.options.v1`); `check` refuses a message that breaks it before anything is encoded.
"""

from __future__ import annotations

import struct
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any
from uuid import UUID

from google.protobuf import json_format

from throughcare.options.v1 import options_pb2 as options

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from google.protobuf.descriptor import Descriptor
    from google.protobuf.message import Message

SERVICES = ("referral", "casework", "partners", "notifications")
CONTENT_TYPE = b"application/protobuf"
LARGEST = 256 * 1024
Headers = list[tuple[str, bytes]]


class ContractBroken(Exception):  # noqa: N818 - a programming error, found before anything leaves
    """A message that its own contract forbids to be told this way."""


@dataclass(frozen=True, slots=True)
class Undecodable:
    """A record whose headers do not make an envelope; `reason` is a code, never content."""

    reason: str


@dataclass(frozen=True, slots=True)
class Envelope:
    """What can be known of a message without reading its body (events.md 3)."""

    event_id: UUID
    type: str
    schema_version: int
    reach: str
    source_node: str
    aggregate_type: str
    aggregate_id: UUID
    stream_sequence: int
    aggregate_version: int
    person_id: UUID | None
    case_id: UUID | None
    occurred_at: datetime
    recorded_at: datetime
    actor_role: str
    actor_ref: str
    correlation_id: UUID
    causation_id: UUID | None
    traceparent: str
    sensitivity: str
    detail_ref: str


def _declared(kind: type[Message]) -> tuple[str, str, int]:
    """Reach, topic and key of a message type; refuses a type that may not be told at all."""
    return _options(kind.DESCRIPTOR)


@cache
def _options(descriptor: Descriptor) -> tuple[str, str, int]:
    said: Any = descriptor.GetOptions().Extensions
    reach, topic, key = said[options.reach], said[options.topic], said[options.key]
    if not (reach and topic and key):
        raise ContractBroken(f"{descriptor.full_name} does not say its reach, topic and key")
    for field in descriptor.fields:
        held: Any = field.GetOptions().Extensions
        allowed: int = held[options.kind]
        if not options.KIND_UNSPECIFIED < allowed <= options.KIND_FLAG:
            raise ContractBroken(f"{descriptor.full_name}.{field.name} is of a kind that no event may hold")
    return options.Reach.Name(reach).removeprefix("REACH_"), topic, key


def check(message: Message) -> None:
    """Refuse a message that its contract does not allow on a topic of one node."""
    reach, _, _ = _declared(type(message))
    if reach == "SHARE":
        raise ContractBroken(f"{message.DESCRIPTOR.full_name} leaves the house by the gate alone")
    if message.ByteSize() > LARGEST:
        raise ContractBroken(f"{message.DESCRIPTOR.full_name} is larger than 256 KiB")


def reach_of(kind: type[Message]) -> str:
    """NODE, SHARE or AGGREGATE."""
    return _declared(kind)[0]


def topic_of(kind: type[Message], node: str) -> str:
    """The topic of a message type in one house, such as `together.referral.v1`."""
    return f"{node}.{_declared(kind)[1]}.v1"


def key_of(kind: type[Message], *, case: UUID | None, person: UUID | None, aggregate: UUID) -> str:
    """What orders the message: the first there is of case, person and aggregate, from the one the contract names."""
    wanted = _declared(kind)[2]
    if wanted == options.KEY_TYPE:
        return kind.DESCRIPTOR.full_name
    if wanted == options.KEY_CASE and case is not None:
        return str(case)
    if wanted in {options.KEY_CASE, options.KEY_PERSON} and person is not None:
        return str(person)
    return str(aggregate)


def to_headers(envelope: Envelope) -> Headers:
    """The headers of a record. What is absent is left out, never sent empty."""
    headers = [
        ("ce_specversion", b"1.0"),
        ("content-type", CONTENT_TYPE),
        ("ce_id", str(envelope.event_id).encode()),
        ("ce_source", envelope.source_node.encode()),
        ("ce_type", envelope.type.encode()),
        ("ce_time", envelope.occurred_at.isoformat().encode()),
        ("ce_dataschema", f"{envelope.type}/{envelope.schema_version}".encode()),
        ("ce_schemaversion", b"%d" % envelope.schema_version),
        ("ce_reach", envelope.reach.encode()),
        ("ce_aggregatetype", envelope.aggregate_type.encode()),
        ("ce_aggregateid", str(envelope.aggregate_id).encode()),
        ("ce_streamsequence", b"%d" % envelope.stream_sequence),
        ("ce_aggregateversion", b"%d" % envelope.aggregate_version),
        ("ce_recordedat", envelope.recorded_at.isoformat().encode()),
        ("ce_actorrole", envelope.actor_role.encode()),
        ("ce_actorref", envelope.actor_ref.encode()),
        ("ce_correlationid", str(envelope.correlation_id).encode()),
        ("ce_sensitivity", envelope.sensitivity.encode()),
    ]
    optional = (
        ("ce_subject", envelope.person_id),
        ("ce_caseid", envelope.case_id),
        ("ce_causationid", envelope.causation_id),
        ("ce_detailref", envelope.detail_ref),
        ("traceparent", envelope.traceparent),
    )
    headers += [(name, str(value).encode()) for name, value in optional if value]
    return headers


_NEEDED = (
    "ce_id",
    "ce_source",
    "ce_type",
    "ce_specversion",
    "ce_time",
    "ce_reach",
    "ce_aggregatetype",
    "ce_aggregateid",
    "ce_streamsequence",
)


def from_headers(headers: Iterable[tuple[str, bytes | None]]) -> Envelope | Undecodable:
    """Read an envelope; a foreign event that lacks an id is refused, not given one. Never raises."""
    try:
        held = {name: value.decode() for name, value in headers if value is not None}
    except UnicodeDecodeError:
        return Undecodable("headers_not_text")
    if missing := [name for name in _NEEDED if not held.get(name)]:
        return Undecodable(f"header_missing:{missing[0]}")
    if held["ce_specversion"] != "1.0":
        return Undecodable("specversion_unknown")
    try:
        return _read(held)
    except ValueError:
        return Undecodable("header_unreadable")


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError("an instant needs its zone")
    return instant.astimezone(UTC)


def _id(text: str | None) -> UUID | None:
    return UUID(text) if text else None


def _read(held: Mapping[str, str]) -> Envelope:
    occurred = _instant(held["ce_time"])
    event_id = UUID(held["ce_id"])
    return Envelope(
        event_id=event_id,
        type=held["ce_type"],
        schema_version=int(held.get("ce_schemaversion", "1")),
        reach=held["ce_reach"],
        source_node=held["ce_source"],
        aggregate_type=held["ce_aggregatetype"],
        aggregate_id=UUID(held["ce_aggregateid"]),
        stream_sequence=int(held["ce_streamsequence"]),
        aggregate_version=int(held.get("ce_aggregateversion", "0")),
        person_id=_id(held.get("ce_subject")),
        case_id=_id(held.get("ce_caseid")),
        occurred_at=occurred,
        recorded_at=_instant(held["ce_recordedat"]) if "ce_recordedat" in held else occurred,
        actor_role=held.get("ce_actorrole", ""),
        actor_ref=held.get("ce_actorref", ""),
        correlation_id=_id(held.get("ce_correlationid")) or event_id,
        causation_id=_id(held.get("ce_causationid")),
        traceparent=held.get("traceparent", ""),
        sensitivity=held.get("ce_sensitivity", "STANDARD"),
        detail_ref=held.get("ce_detailref", ""),
    )


def pack_headers(headers: Sequence[tuple[str, bytes]]) -> bytes:
    """Headers as the journal keeps them: per header two lengths, name and value. Quick to unpack in the relay."""
    parts = []
    for name, value in headers:
        text = name.encode()
        parts += [struct.pack(">HI", len(text), len(value)), text, value]
    return b"".join(parts)


def unpack_headers(packed: bytes) -> Headers:
    """What `pack_headers` packed."""
    headers, at = [], 0
    while at < len(packed):
        name, value = struct.unpack_from(">HI", packed, at)
        at += 6
        headers.append((packed[at : at + name].decode(), packed[at + name : at + name + value]))
        at += name + value
    return headers


@cache
def registry() -> Mapping[str, type[Message]]:
    """Every event of the contracts this release reads, by its full name."""
    found: dict[str, type[Message]] = {}
    for service in SERVICES:
        module = import_module(f"throughcare.{service}.v1.events_pb2")
        for name in module.DESCRIPTOR.message_types_by_name:
            kind = getattr(module, name)
            found[kind.DESCRIPTOR.full_name] = kind
    return found


def main() -> None:
    """Print a message: its type is the argument, its body standard input."""
    kind = registry().get(sys.argv[1] if len(sys.argv) > 1 else "")
    if kind is None:
        raise SystemExit("Say the type of the message, such as throughcare.referral.v1.ReferralAccepted.")
    sys.stdout.write(json_format.MessageToJson(kind.FromString(sys.stdin.buffer.read())) + "\n")


if __name__ == "__main__":
    main()
