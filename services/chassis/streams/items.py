"""One record as a group looks at it: its stream, its envelope or why it has none, and how it is kept when it waits."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING

from google.protobuf.message import DecodeError

from chassis import parking
from chassis.aggregate import Refused
from chassis.envelope import Envelope, Undecodable, from_headers
from chassis.shares import between_houses

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Item:
    """One record with its envelope, or with the reason why it has none."""

    topic: str
    key: str
    raw_key: bytes | None
    headers: Sequence[tuple[str, bytes | None]]
    value: bytes | None
    envelope: Envelope | Undecodable
    distrusted: str = ""


class CannotBeHandled(Exception):  # noqa: N818 - an outcome
    """Park it: `reason` is a code, `sentence` what a person reads."""

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(reason)
        self.reason, self.sentence = reason, sentence


def _key(raw: bytes | None) -> str:
    """The key as text; bytes that are none, or that no database stores as text, as their digits."""
    try:
        text = (raw or b"").decode()
    except UnicodeDecodeError:
        text = "\0"
    return f"0x{raw.hex()}" if raw and "\0" in text else text


def item_of(
    topic: str,
    raw_key: bytes | None,
    headers: Sequence[tuple[str, bytes | None]],
    value: bytes | None,
    *,
    node: str,
) -> Item:
    """A record of the house's own, from the bus or from a journal."""
    envelope = from_headers(headers)
    if isinstance(envelope, Envelope) and envelope.source_node != node:
        envelope = Undecodable("foreign_source")
    return Item(topic, _key(raw_key), raw_key, headers, value, envelope)


def recorded(topic: str, key: str, headers: Sequence[tuple[str, bytes | None]], value: bytes) -> Item:
    """A message as its journal keeps it."""
    return Item(topic, key, key.encode(), headers, value, from_headers(headers))


def restored(parked: parking.Parked, *, node: str) -> Item:
    """A parked message as it was."""
    headers = [(str(name), None if held is None else base64.b64decode(held)) for name, held in parked.headers]
    envelope = from_headers(headers)
    foreign = isinstance(envelope, Envelope) and envelope.source_node != node
    if foreign and not between_houses(parked.topic):
        envelope = Undecodable("foreign_source")
    return Item(parked.topic, parked.key, parked.raw_key, headers, parked.value, envelope)


def to_park(item: Item, reason: str, sentence: str) -> parking.Parking:
    """The message as it is kept while it waits."""
    known = item.envelope if isinstance(item.envelope, Envelope) else None
    return parking.Parking(
        topic=item.topic,
        key=item.key,
        raw_key=item.raw_key,
        sequence=known.stream_sequence if known else None,
        type=known.type if known else "",
        # No database stores a zero byte as text, and a header's name may hold one.
        headers=[
            [name.replace("\0", "?"), None if held is None else base64.b64encode(held).decode()]
            for name, held in item.headers
        ],
        value=item.value,
        reason=reason,
        sentence=sentence,
    )


def why(fault: Exception) -> tuple[str, str]:
    """Code and sentence for a parked row; never the text of a foreign exception, which may hold content."""
    match fault:
        case CannotBeHandled():
            return fault.reason, fault.sentence
        case Refused():
            return fault.reason, fault.sentence or f"The service refuses it: {fault.reason}."
        case DecodeError():
            return "undecodable", "Its body is not what its type says."
        case _:
            return "fault", f"Handling it failed with {type(fault).__name__}. Tell the developers, then retry."
