"""Seals narrative and personal columns, facts included, under a key per person (AES-256-GCM).

Keys lie wrapped in a schema of their own; the wrapping keys come from a secret file, one that wraps and, while it is
changed, those of before. Deleting a person's key makes everything sealed under it unreadable in tables, journal and
replicas; backups follow as key backups expire. Equality search on an identifier goes by an HMAC under the house key,
never by the value.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from contextlib import suppress
from typing import TYPE_CHECKING
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Sequence

    import asyncpg

    from chassis.database import Connection, Database, Together

NONCE = 12
OPEN, SEALED = b"\x00", b"\x01"
_KEEP_AT_MOST = 50_000
_LOAD = "select person_id, wrapped from keys.person_key where person_id = any($1)"
_MAKE = """
with made as (
    insert into keys.person_key select p, w, house_now() from unnest($1::uuid[], $2::bytea[]) as u(p, w)
    order by p on conflict do nothing returning person_id, wrapped
)
select person_id, wrapped from made
union all select person_id, wrapped from keys.person_key where person_id = any($1)
"""
_WRITE = "insert into keys.person_key (person_id, wrapped, made_at) values ($1, $2, house_now()) returning 1"
_PAGE = "select person_id, wrapped from keys.person_key where person_id > $1 order by person_id limit 500"
_REWRAP = """
update keys.person_key as held set wrapped = u.after
from unnest($1::uuid[], $2::bytea[], $3::bytea[]) as u(p, before, after)
where held.person_id = u.p and held.wrapped = u.before
"""


class KeyGone(Exception):  # noqa: N818 - what has been erased stays erased
    """The person's key has been destroyed, or the text was not sealed under it."""


class Keyring:
    """The keys of persons in one service: unwrapped once, kept in memory; only committed keys are kept."""

    def __init__(self, wrapping_keys: Sequence[bytes], shared_key: bytes) -> None:
        self._wrapping = [AESGCM(key) for key in wrapping_keys]
        self._shared = shared_key
        self.known: dict[UUID, bytes] = {}

    def fingerprint(self, field: str, value: str) -> str:
        """What stands in the search column of a sealed field."""
        return hmac.new(self._shared, f"{field}\x1f{value}".encode(), hashlib.sha256).hexdigest()

    def wrap(self, key: bytes, person: UUID) -> bytes:
        """A person's key as it is stored."""
        nonce = os.urandom(NONCE)
        return nonce + self._wrapping[0].encrypt(nonce, key, person.bytes)

    def unwrap(self, wrapped: bytes, person: UUID) -> bytes:
        """A stored key. Raises `InvalidTag` where it was wrapped under none of the wrapping keys."""
        return next(key for _, key in self._unwrapped(wrapped, person))

    def rewrapped(self, wrapped: bytes, person: UUID) -> bytes:
        """The same key under the first wrapping key; itself where it is that already. Raises as `unwrap`."""
        nth, key = next(self._unwrapped(wrapped, person))
        return self.wrap(key, person) if nth else wrapped

    def _unwrapped(self, wrapped: bytes, person: UUID) -> Iterator[tuple[int, bytes]]:
        for nth, each in enumerate(self._wrapping):
            with suppress(InvalidTag):
                yield nth, each.decrypt(wrapped[:NONCE], wrapped[NONCE:], person.bytes)
        raise InvalidTag


async def rewrap(database: Database, ring: Keyring) -> int:
    """Wrap the keys of all persons under the first wrapping key, a page at a time; how many were under another.

    Run while the service works, and run again after it was killed: what is done stays done.
    """
    done, last = 0, UUID(int=0)
    while True:
        async with database.transaction() as conn:
            rows = await conn.fetch(_PAGE, last)
            if not rows:
                return done
            new = {row["person_id"]: ring.rewrapped(row["wrapped"], row["person_id"]) for row in rows}
            old = [row for row in rows if new[row["person_id"]] != row["wrapped"]]
            persons = [row["person_id"] for row in old]
            await conn.execute(_REWRAP, persons, [row["wrapped"] for row in old], [new[each] for each in persons])
        done, last = done + len(old), rows[-1]["person_id"]


class Keys:
    """The keys one unit of work needs. New keys are the ring's only after the commit: `keep` them then."""

    def __init__(self, ring: Keyring) -> None:
        self.ring = ring
        self._held: dict[UUID, AESGCM] = {}  # this work's own: the ring may be emptied meanwhile
        self._new: dict[UUID, bytes] = {}
        self._unwritten: dict[UUID, bytes] = {}

    async def load(self, conn: Connection, persons: Iterable[UUID]) -> None:
        """Have the keys of these persons at hand, as far as they exist."""
        if wanted := self._wanted(persons):
            self._unwrap(await conn.fetch(_LOAD, wanted))

    async def make(self, conn: Connection, persons: Iterable[UUID], *, drawn: Container[UUID] = ()) -> None:
        """Have the keys of these persons at hand; one that does not exist is made.

        Nobody else can know of a person whose id this work has `drawn`: his key is written with `write`, unasked.
        """
        wanted = self._wanted(persons)
        for person in [each for each in wanted if each in drawn]:
            self._unwritten[person] = self.ring.wrap(key := AESGCM.generate_key(256), person)
            self._take(person, key)
        if wanted := self._wanted(wanted):
            fresh = [self.ring.wrap(AESGCM.generate_key(256), person) for person in wanted]
            self._unwrap(await conn.fetch(_MAKE, wanted, fresh))
            await self.load(conn, wanted)  # one that another transaction has made at the same moment

    def _wanted(self, persons: Iterable[UUID]) -> list[UUID]:
        """Those whose keys are not at hand, once those that the ring knows are."""
        missing = {person for person in persons if person not in self._held}
        for person in missing & self.ring.known.keys():
            self._held[person] = AESGCM(self.ring.known[person])
        return [person for person in missing if person not in self._held]

    def _take(self, person: UUID, key: bytes) -> None:
        self._new[person], self._held[person] = key, AESGCM(key)

    def _unwrap(self, rows: Iterable[asyncpg.Record]) -> None:
        for row in rows:
            self._take(row["person_id"], self.ring.unwrap(row["wrapped"], row["person_id"]))

    def write(self, together: Together) -> None:
        """Add the keys that are not written yet."""
        for person, wrapped in sorted(self._unwritten.items()):
            together.add(_WRITE, person, wrapped)
        self._unwritten = {}

    def snapshot(self) -> tuple[dict[UUID, AESGCM], dict[UUID, bytes], dict[UUID, bytes]]:
        """What `restore` needs."""
        return dict(self._held), dict(self._new), dict(self._unwritten)

    def restore(self, taken: tuple[dict[UUID, AESGCM], dict[UUID, bytes], dict[UUID, bytes]]) -> None:
        """Forget the keys made since: what they were written with has been undone."""
        self._held, self._new, self._unwritten = dict(taken[0]), dict(taken[1]), dict(taken[2])

    def keep(self) -> None:
        """After the commit: let later works use these keys without asking again."""
        if len(self.ring.known) + len(self._new) > _KEEP_AT_MOST:
            self.ring.known.clear()
        self.ring.known.update(self._new)

    def _key(self, person: UUID) -> AESGCM:
        if person not in self._held:
            raise KeyGone(str(person))
        return self._held[person]

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
