"""One record from another house: untrusted input, until its sender, its signature, its size and its shape are known.

What fails is quarantined, apart from parked messages: it may be forged, so it must hold nobody's stream back. The
stream of a share is its sender's own (`<sender>/<key>`): whatever one partner sends, it can disturb no other's.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from chassis.envelope import CONTROL, LARGEST, Envelope, from_headers
from chassis.streams.items import Item

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from chassis.shares import Trusted

_LARGEST_HEADERS = 16 * 1024
UNKNOWN_SENDER: Final = "unknown_sender"


def arrived(
    topic: str,
    raw_key: bytes | None,
    headers: Sequence[tuple[str, bytes | None]],
    value: bytes | None,
    *,
    node: str,
    trusted: Trusted,
    at: datetime,
) -> Item:
    """The record as an item of its sender's stream; `distrusted` says why it must not be looked into."""
    envelope, key = from_headers(headers), (raw_key or b"").decode(errors="replace").replace("\0", "?")
    source = envelope.source_node if isinstance(envelope, Envelope) else ""
    item = Item(topic, f"{source}/{key}", raw_key, headers, value, envelope)
    own_word_comes_back = topic == CONTROL and source == node
    reason = _unfit(item) or ("" if own_word_comes_back else _unbelieved(item, key, node=node, trusted=trusted, at=at))
    return replace(item, distrusted=reason)


def _unfit(item: Item) -> str:
    """Why its shape alone forbids to look into it, as a code."""
    if len(item.value or b"") > LARGEST or sum(len(held or b"") for _, held in item.headers) > _LARGEST_HEADERS:
        return "too_large"
    # A name that stands twice could be signed as one and read as the other.
    once = len({name for name, _ in item.headers}) == len(item.headers)
    readable = isinstance(item.envelope, Envelope) and item.envelope.reach == "SHARE"
    return "" if once and readable else "undecodable"


def _unbelieved(item: Item, key: str, *, node: str, trusted: Trusted, at: datetime) -> str:
    """Why it is not believed, as a code."""
    envelope = item.envelope
    sender = trusted.get(envelope.source_node) if isinstance(envelope, Envelope) else None
    if sender is None or not isinstance(envelope, Envelope) or envelope.source_node == node:
        return UNKNOWN_SENDER
    if key != (envelope.subject_ref or str(envelope.aggregate_id)):
        return "wrong_key"
    held = {name: each or b"" for name, each in item.headers}
    return "" if sender.signed(item.topic, key, held, item.value or b"", at=at) else "bad_signature"
