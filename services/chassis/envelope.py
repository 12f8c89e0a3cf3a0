"""Message ↔ record: the envelope in headers (CloudEvents, binary mode), the body as protobuf; reach and kinds checked.

An unknown type is a value, not an exception. What a message may say and how far it may travel stands in the
contract (`throughcare.options.v1`); `check` refuses a message that breaks it before anything is encoded.
"""

from __future__ import annotations

import base64
import json
import re
import sys
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, lru_cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from asyncpg.pgproto.pgproto import UUID as QuickUUID  # noqa: N811 - a UUID too, read eight times quicker
from google.protobuf import json_format
from google.protobuf.message import DecodeError

import throughcare
from throughcare.options.v1 import options_pb2 as options

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from google.protobuf.descriptor import Descriptor
    from google.protobuf.message import Message

CONTENT_TYPE = b"application/protobuf"
BETWEEN_HOUSES = ("share", "control")
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
    reach, _, _ = _options(message.DESCRIPTOR)
    if reach == "SHARE":
        raise ContractBroken(f"{message.DESCRIPTOR.full_name} leaves the house by the gate alone")
    if message.ByteSize() > LARGEST:
        raise ContractBroken(f"{message.DESCRIPTOR.full_name} is larger than 256 KiB")


def reach_of(kind: type[Message]) -> str:
    """NODE, SHARE or AGGREGATE."""
    return _options(kind.DESCRIPTOR)[0]


def topic_of(kind: type[Message], node: str) -> str:
    """The topic of a message type in one house, such as `<house>.<service>.v1`."""
    return f"{node}.{_options(kind.DESCRIPTOR)[1]}.v1"


def key_of(kind: type[Message], *, case: UUID | None, person: UUID | None, aggregate: UUID) -> str:
    """What orders the message: the first there is of case, person and aggregate, from the one the contract names."""
    wanted = _options(kind.DESCRIPTOR)[2]
    if wanted == options.KEY_TYPE:
        return kind.DESCRIPTOR.full_name
    if wanted == options.KEY_CASE and case is not None:
        return str(case)
    if wanted in {options.KEY_CASE, options.KEY_PERSON} and person is not None:
        return str(person)
    return str(aggregate)


@lru_cache(maxsize=1024)
def _constant(type_: str, version: int, reach: str, source: str) -> tuple[tuple[str, bytes], ...]:
    """The headers that all messages of one type share, made once."""
    return (
        ("ce_specversion", b"1.0"),
        ("content-type", CONTENT_TYPE),
        ("ce_source", source.encode()),
        ("ce_type", type_.encode()),
        ("ce_dataschema", f"{type_}/{version}".encode()),
        ("ce_schemaversion", b"%d" % version),
        ("ce_reach", reach.encode()),
    )


def to_headers(envelope: Envelope) -> Headers:
    """The headers of a record. What is absent is left out, never sent empty; a count says of nobody (events.md 3)."""
    e = envelope
    headers = [
        *_constant(e.type, e.schema_version, e.reach, e.source_node),
        ("ce_id", str(e.event_id).encode()),
        ("ce_time", e.occurred_at.isoformat().encode()),
        ("ce_recordedat", e.recorded_at.isoformat().encode()),
        ("ce_streamsequence", b"%d" % e.stream_sequence),
    ]
    if e.reach == "AGGREGATE":
        return headers
    headers += [
        ("ce_aggregatetype", e.aggregate_type.encode()),
        ("ce_aggregateid", str(e.aggregate_id).encode()),
        ("ce_aggregateversion", b"%d" % e.aggregate_version),
        ("ce_actorrole", e.actor_role.encode()),
        ("ce_actorref", e.actor_ref.encode()),
        ("ce_correlationid", str(e.correlation_id).encode()),
        ("ce_sensitivity", e.sensitivity.encode()),
    ]
    for name, value in (
        ("ce_subject", e.person_id),
        ("ce_caseid", e.case_id),
        ("ce_causationid", e.causation_id),
        ("ce_detailref", e.detail_ref),
        ("traceparent", e.traceparent),
    ):
        if value:
            headers.append((name, str(value).encode()))
    return headers


_NEEDED = ("ce_id", "ce_source", "ce_type", "ce_specversion", "ce_time", "ce_reach", "ce_streamsequence")
_NOBODY = UUID(int=0)


def from_headers(headers: Iterable[tuple[str, bytes | None]]) -> Envelope | Undecodable:
    """Read an envelope; a foreign event that lacks an id is refused, not given one. Never raises."""
    try:
        held = {name: value.decode() for name, value in headers if value is not None}
    except UnicodeDecodeError:
        return Undecodable("headers_not_text")
    if "\0" in "".join(held.values()):
        return Undecodable("headers_not_text")  # no database stores it as text
    for name in _NEEDED:
        if not held.get(name):
            return Undecodable(f"header_missing:{name}")
    if held["ce_specversion"] != "1.0":
        return Undecodable("specversion_unknown")
    try:
        return _read(held)
    except (ValueError, OverflowError):
        return Undecodable("header_unreadable")


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError("an instant needs its zone")
    return instant if instant.tzinfo is UTC else instant.astimezone(UTC)


def _count(text: str) -> int:
    number = int(text)
    if not 0 <= number < 1 << 63:
        raise ValueError("a count is positive and fits into eight bytes")
    return number


def _read(held: Mapping[str, str]) -> Envelope:
    say = held.get
    occurred = _instant(held["ce_time"])
    event_id = QuickUUID(held["ce_id"])
    about = say("ce_aggregateid")
    recorded, correlation = say("ce_recordedat"), say("ce_correlationid")
    person, case, cause = say("ce_subject"), say("ce_caseid"), say("ce_causationid")
    # By place, since this runs for every record heard; the order is the class's.
    return Envelope(
        event_id, held["ce_type"], _count(say("ce_schemaversion") or "1"), held["ce_reach"], held["ce_source"],
        say("ce_aggregatetype") or "", QuickUUID(about) if about else _NOBODY,
        _count(held["ce_streamsequence"]), _count(say("ce_aggregateversion") or "0"),
        QuickUUID(person) if person else None, QuickUUID(case) if case else None,
        occurred, _instant(recorded) if recorded else occurred, say("ce_actorrole") or "", say("ce_actorref") or "",
        QuickUUID(correlation) if correlation else event_id, QuickUUID(cause) if cause else None,
        say("traceparent") or "", say("ce_sensitivity") or "STANDARD", say("ce_detailref") or "",
    )  # fmt: skip


_BETWEEN = b"\0"  # no header of ours holds it: names are words, values are text


@lru_cache(maxsize=1024)
def _line_of(names: tuple[str, ...]) -> bytes:
    return ",".join(names).encode()


@lru_cache(maxsize=1024)
def _names_in(line: bytes) -> tuple[str, ...]:
    return tuple(line.decode().split(","))


def pack_headers(headers: Sequence[tuple[str, bytes]]) -> bytes:
    """Headers as the journal keeps them: a line of names, then the values. Made to be unpacked fast by the relay."""
    if not headers:
        return b""
    names, values = zip(*headers, strict=True)
    packed = _BETWEEN.join((_line_of(names), *values))
    if packed.count(_BETWEEN) != len(headers):
        raise ContractBroken("a header's value holds a zero byte")
    return packed


def pack_around(headers: Sequence[tuple[str, bytes]], name: str) -> tuple[bytes, bytes]:
    """The same, without the value of one header: what stands before it, and what behind."""
    names, values = zip(*headers, strict=True)
    place = names.index(name) + 1
    parts = (_line_of(names), *values)
    before, behind = _BETWEEN.join((*parts[:place], b"")), _BETWEEN.join((b"", *parts[place + 1 :]))
    if before.count(_BETWEEN) + behind.count(_BETWEEN) != len(headers):
        raise ContractBroken("a header's value holds a zero byte")
    return before, behind


def unpack_headers(packed: bytes) -> Headers:
    """What `pack_headers` packed."""
    if not packed:
        return []
    line, *values = packed.split(_BETWEEN)
    return list(zip(_names_in(line), values, strict=True))


@cache
def registry() -> Mapping[str, type[Message]]:
    """Every event of the contracts this release reads, by its full name."""
    found: dict[str, type[Message]] = {}
    for file in sorted(file for root in throughcare.__path__ for file in Path(root).glob("*/*/events_pb2.py")):
        module = import_module(f"throughcare.{file.parts[-3]}.{file.parts[-2]}.events_pb2")
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


def printed(headers: Iterable[tuple[str, bytes | None]], value: bytes | None) -> str:
    """A record as a person reads it; events hold ids, codes and instants alone, so nothing has to be hidden."""
    shown = {name: None if held is None else held.decode(errors="replace") for name, held in headers}
    kind = registry().get(shown.get("ce_type") or "")
    body: object = None if value is None else base64.b64encode(value).decode()
    if kind is not None and value is not None:
        with suppress(DecodeError):
            body = json_format.MessageToDict(kind.FromString(value), preserving_proto_field_name=True)
    return json.dumps({"headers": shown, "message": body}, indent=2)


def main() -> None:
    """Print a record: standard input is `{"headers": [[name, value], …], "value": base64}`."""
    given = json.load(sys.stdin)
    headers = [(name, None if held is None else held.encode()) for name, held in given["headers"]]
    sys.stdout.write(printed(headers, base64.b64decode(given.get("value") or "")) + "\n")


if __name__ == "__main__":
    main()
