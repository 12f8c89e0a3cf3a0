"""The envelope of a message: CloudEvents in binary mode, in the headers of its record (events.md 3).

What cannot be read is a value, not an exception.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING
from uuid import UUID

from asyncpg.pgproto.pgproto import UUID as QuickUUID  # noqa: N811 - a UUID too, read eight times quicker

from chassis.envelope.contract import ContractBroken

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

CONTENT_TYPE = b"application/protobuf"
Headers = list[tuple[str, bytes]]


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
    subject_ref: str = ""
    regime: str = ""
    lawful_basis: str = ""
    confidentiality_basis: str = ""
    isa_id: UUID | None = None
    feed: str = ""
    feed_number: int = 0


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
    if e.reach == "SHARE":
        return headers + _of_a_share(e)
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
        ("ce_feed", e.feed),
        ("ce_feednumber", e.feed_number),
    ):
        if value:
            headers.append((name, str(value).encode()))
    return headers


def _of_a_share(e: Envelope) -> Headers:
    """What another house may know of a message: no case, no own id of a person, nobody's name, no version whose gaps
    would betray what was withheld."""
    given = (
        ("ce_aggregatetype", e.aggregate_type),
        ("ce_aggregateid", e.aggregate_id),
        ("ce_actorrole", e.actor_role),
        ("ce_correlationid", e.correlation_id),
        ("ce_sensitivity", e.sensitivity),
        ("ce_subject", e.subject_ref),
        ("ce_detailref", e.detail_ref),
        ("ce_regime", e.regime),
        ("ce_lawfulbasis", e.lawful_basis),
        ("ce_confidentialitybasis", e.confidentiality_basis),
        ("ce_isaid", e.isa_id),
    )
    return [(name, str(value).encode()) for name, value in given if value]


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
    if held["ce_reach"] == "SHARE":
        return _read_share(held, occurred, event_id)
    # By place, since this runs for every record heard; the order is the class's.
    return Envelope(
        event_id, held["ce_type"], _count(say("ce_schemaversion") or "1"), held["ce_reach"], held["ce_source"],
        say("ce_aggregatetype") or "", QuickUUID(about) if about else _NOBODY,
        _count(held["ce_streamsequence"]), _count(say("ce_aggregateversion") or "0"),
        QuickUUID(person) if person else None, QuickUUID(case) if case else None,
        occurred, _instant(recorded) if recorded else occurred, say("ce_actorrole") or "", say("ce_actorref") or "",
        QuickUUID(correlation) if correlation else event_id, QuickUUID(cause) if cause else None,
        say("traceparent") or "", say("ce_sensitivity") or "STANDARD", say("ce_detailref") or "",
        "", "", "", "", None, say("ce_feed") or "", _count(say("ce_feednumber") or "0"),
    )  # fmt: skip


def _read_share(held: Mapping[str, str], occurred: datetime, event_id: UUID) -> Envelope:
    say = held.get
    about, recorded, correlation, isa = (
        say("ce_aggregateid"), say("ce_recordedat"), say("ce_correlationid"), say("ce_isaid"),
    )  # fmt: skip
    return Envelope(
        event_id=event_id,
        type=held["ce_type"],
        schema_version=_count(say("ce_schemaversion") or "1"),
        reach="SHARE",
        source_node=held["ce_source"],
        aggregate_type=say("ce_aggregatetype") or "",
        aggregate_id=QuickUUID(about) if about else _NOBODY,
        stream_sequence=_count(held["ce_streamsequence"]),
        aggregate_version=0,
        person_id=None,
        case_id=None,
        occurred_at=occurred,
        recorded_at=_instant(recorded) if recorded else occurred,
        actor_role=say("ce_actorrole") or "",
        actor_ref="",
        correlation_id=QuickUUID(correlation) if correlation else event_id,
        causation_id=None,
        traceparent="",
        sensitivity=say("ce_sensitivity") or "STANDARD",
        detail_ref=say("ce_detailref") or "",
        subject_ref=say("ce_subject") or "",
        regime=say("ce_regime") or "",
        lawful_basis=say("ce_lawfulbasis") or "",
        confidentiality_basis=say("ce_confidentialitybasis") or "",
        isa_id=QuickUUID(isa) if isa else None,
    )


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
