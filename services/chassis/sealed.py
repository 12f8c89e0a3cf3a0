"""Seals narrative and personal columns, facts included, under a key per person (AES-256-GCM).

Keys lie wrapped in a schema of their own; the wrapping key comes from a secret file. Deleting a person's key makes
everything sealed under it unreadable in tables, journal and replicas; backups follow as key backups expire.
Equality search on an identifier goes by an HMAC under the house key, never by the value.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from chassis.database import Connection

NONCE = 12
OPEN, SEALED = b"\x00", b"\x01"
_KEEP_AT_MOST = 50_000


class KeyGone(Exception):  # noqa: N818 - what has been erased stays erased
    """The person's key has been destroyed, or the text was not sealed under it."""


class Keyring:
    """The keys of persons in one service: unwrapped once, kept in memory; only committed keys are kept."""

    def __init__(self, wrapping_key: bytes, shared_key: bytes) -> None:
        self._wrapping = AESGCM(wrapping_key)
        self._shared = shared_key
        self.known: dict[UUID, AESGCM] = {}

    def fingerprint(self, field: str, value: str) -> str:
        """What stands in the search column of a sealed field."""
        return hmac.new(self._shared, f"{field}\x1f{value}".encode(), hashlib.sha256).hexdigest()

    def wrap(self, key: bytes, person: UUID) -> bytes:
        """A person's key as it is stored."""
        nonce = os.urandom(NONCE)
        return nonce + self._wrapping.encrypt(nonce, key, person.bytes)

    def unwrap(self, wrapped: bytes, person: UUID) -> AESGCM:
        """A stored key, ready for use."""
        return AESGCM(self._wrapping.decrypt(wrapped[:NONCE], wrapped[NONCE:], person.bytes))


class Keys:
    """The keys one unit of work needs. New keys are the ring's only after the commit: `keep` them then."""

    def __init__(self, ring: Keyring) -> None:
        self.ring = ring
        self._loaded: dict[UUID, AESGCM] = {}

    async def load(self, conn: Connection, persons: Iterable[UUID], *, make: bool = False) -> None:
        """Have the keys of these persons at hand; `make` those that do not exist."""
        wanted = [p for p in set(persons) if p not in self._loaded and p not in self.ring.known]
        if not wanted:
            return
        if make:
            fresh = [self.ring.wrap(AESGCM.generate_key(256), person) for person in wanted]
            await conn.execute(
                "insert into keys.person_key select p, w, house_now() from unnest($1::uuid[], $2::bytea[]) as u(p, w)"
                " order by p on conflict do nothing",
                wanted,
                fresh,
            )
        rows = await conn.fetch("select person_id, wrapped from keys.person_key where person_id = any($1)", wanted)
        for row in rows:
            self._loaded[row["person_id"]] = self.ring.unwrap(row["wrapped"], row["person_id"])

    def keep(self) -> None:
        """After the commit: let later works use these keys without asking again."""
        if len(self.ring.known) + len(self._loaded) > _KEEP_AT_MOST:
            self.ring.known.clear()
        self.ring.known.update(self._loaded)

    def _key(self, person: UUID) -> AESGCM:
        key = self._loaded.get(person) or self.ring.known.get(person)
        if key is None:
            raise KeyGone(str(person))
        return key

    def seal(self, person: UUID | None, text: bytes) -> bytes:
        """Seal under the person's key; where no person is concerned the text stays open."""
        if person is None:
            return OPEN + text
        nonce = os.urandom(NONCE)
        return SEALED + nonce + self._key(person).encrypt(nonce, text, person.bytes)

    def open(self, person: UUID | None, stored: bytes) -> bytes:
        """What was sealed. Raises `KeyGone` where it cannot be read any more."""
        if stored[:1] == OPEN:
            return stored[1:]
        if person is None:
            raise KeyGone("no person named")
        try:
            return self._key(person).decrypt(stored[1 : 1 + NONCE], stored[1 + NONCE :], person.bytes)
        except InvalidTag:
            raise KeyGone(str(person)) from None
