"""What leaves a house and what comes in from others: who is named how, what is signed, whom one believes.

Between houses a person is named by a reference that only the two know (`Pairwise`); a message is signed by the relay
with the node's key when it leaves, and believed only from a node that was registered, under a key of its own. A
message whose basis has ended before it left goes as a stub, so that its stream stays whole.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from chassis import nodekeys

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from google.protobuf.message import Message

    from chassis.database import Connection

Headers = list[tuple[str, bytes]]
STUB: Final = "throughcare.partners.v1.SharedStub"
_SIGNED: Final = b"throughcare message between houses 1\0"
_SIGNATURE, _KEY = "ce_signature", "ce_keyid"
# What a stub keeps: its place, its time and its sender; neither what it was, nor on what basis.
_KEPT_BY_A_STUB: Final = frozenset({
    "ce_specversion", "content-type", "ce_source", "ce_reach", "ce_id", "ce_time", "ce_recordedat",
    "ce_streamsequence", "ce_subject", "ce_aggregateid",
})  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Basis:
    """On what something is disclosed (events.md 3): three bases, never one, and under which paper."""

    regime: str
    lawful_basis: str
    confidentiality_basis: str
    isa_id: UUID


@dataclass(frozen=True, kw_only=True)
class Share:
    """A message for the inbox of one node, in what a publication returns.

    `aggregate_id` stands as it is (both parties hold it anyway); without one a
    pairwise reference is made of the fact's own. `subject_ref` is the partner's own name for a person of his; where
    it is empty and the message concerns a person, the pairwise reference of the fact's person is used.
    """

    to: str
    message: Message
    aggregate_id: UUID | None = None
    subject_ref: str = ""
    detail_ref: str = ""
    basis: Basis | None = None


@dataclass(frozen=True, kw_only=True)
class Announcement:
    """A message for all nodes, on the control topic, about this node itself."""

    message: Message
    aggregate_id: UUID


@dataclass(frozen=True, kw_only=True)
class Fed:
    """A message of the house that is also the next of a feed, numbered without gaps whatever its key."""

    message: Message
    feed: str


class Pairwise:
    """References that only two nodes share: two partners cannot join what each of them holds."""

    def __init__(self, house_key: bytes) -> None:
        self._house_key = house_key

    def _digest(self, node: str, id: UUID) -> bytes:
        pair = hmac.digest(self._house_key, b"pair\0" + node.encode(), "sha256")
        return hmac.digest(pair, id.bytes, "sha256")

    def subject_ref(self, node: str, person_id: UUID) -> str:
        """How that node knows this person: 26 characters of base32."""
        return base64.b32encode(self._digest(node, person_id)).decode().lower()[:26]

    def reference(self, node: str, id: UUID) -> UUID:
        """How that node knows another record of ours, made in the same way, in the form of a UUID (version 8)."""
        number = int.from_bytes(self._digest(node, id)[:16])
        return UUID(int=number & ~(0xF << 76) & ~(0x3 << 62) | 8 << 76 | 2 << 62)


def _to_sign(topic: str, key: str, headers: Sequence[tuple[str, bytes | None]], value: bytes) -> bytes:
    named = sorted((name, held or b"") for name, held in headers if name != _SIGNATURE)
    digest = hashlib.sha256(_SIGNED)
    for part in (
        topic.encode(),
        key.encode(),
        *(each for name, held in named for each in (name.encode(), held)),
        value,
    ):
        digest.update(len(part).to_bytes(8))
        digest.update(part)
    return digest.digest()


class Signer:
    """Signs what leaves this node. Topic and key are signed with the message, so that it fits no other place."""

    def __init__(self, private_key: Ed25519PrivateKey) -> None:
        self.private_key = private_key
        self.public_key = private_key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.key_id = nodekeys.key_id(self.public_key)

    @classmethod
    def load(cls, path: Path) -> Signer:
        """The key in this file (PEM, PKCS 8)."""
        return cls(nodekeys.load(path))

    def signed(self, topic: str, key: str, headers: Headers, value: bytes) -> Headers:
        """The headers with the key's id and the signature."""
        named = [*headers, (_KEY, self.key_id.encode())]
        signature = self.private_key.sign(_to_sign(topic, key, named, value))
        return [*named, (_SIGNATURE, base64.b64encode(signature))]


def stub_of(headers: Headers) -> Headers:
    """The headers of the stub that goes in the place of this message."""
    kept = [(name, value) for name, value in headers if name in _KEPT_BY_A_STUB]
    return [*kept, ("ce_type", STUB.encode()), ("ce_dataschema", f"{STUB}/1".encode()), ("ce_schemaversion", b"1")]


def between_houses(topic: str) -> bool:
    """Whether other houses write to or read this topic."""
    return topic.startswith(("share.", "control."))


@dataclass(frozen=True, kw_only=True)
class Sender:
    """A node that is believed: its keys (id, thirty-two bytes, taken until), and whether it is suspended."""

    keys: tuple[tuple[str, bytes, datetime | None], ...]
    suspended: bool = False

    def signed(self, topic: str, key: str, headers: Mapping[str, bytes], value: bytes, *, at: datetime) -> bool:
        """Whether one of its keys has signed this."""
        for name, public_key, until in self.keys:
            if name.encode() != headers.get(_KEY) or (until is not None and at > until):
                continue
            signature = headers.get(_SIGNATURE, b"")
            try:
                signed = base64.b64decode(signature, validate=True)
                Ed25519PublicKey.from_public_bytes(public_key).verify(
                    signed, _to_sign(topic, key, list(headers.items()), value)
                )
            except (InvalidSignature, ValueError):
                return False
            return True
        return False


Trusted = Mapping[str, Sender]


class Trust(Protocol):
    """Who is believed now, by node."""

    async def __call__(self, conn: Connection) -> Trusted:
        """Read it."""


async def hold(conn: Connection, topic: str) -> None:
    """From now on nothing of this topic leaves; all of it stays pending, in its place."""
    await conn.execute("insert into held_topic values ($1) on conflict do nothing", topic)
    await _mark(conn, topic, held=True)


async def release(conn: Connection, topic: str) -> None:
    """What was held leaves, in order, and what follows."""
    await conn.execute("delete from held_topic where topic = $1", topic)
    await _mark(conn, topic, held=False)


async def _mark(conn: Connection, topic: str, *, held: bool) -> None:
    # Locked in the order in which the relay takes them: it is waited for, not raced.
    await conn.execute(
        "with waiting as (select position from pending join journal using (position) where topic = $1"
        " order by position for update of pending)"
        " update pending set held = $2 from waiting where pending.position = waiting.position",
        topic,
        held,
    )
