"""A small service that hears: a projection, a command whose effects can be counted, and a message that fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Column, MetaData, Table, Text

from chassis.aggregate import Unmet
from chassis.bus import Bus
from chassis.database import Database
from chassis.hearing import Heard, Hears, Source
from chassis.inbox import Inbox
from chassis.projection import Row
from chassis.replay import JournalReader
from chassis.work import Work, Works
from tests.chassis.toy import works
from tests.support.kafka import Raw
from throughcare.chassis.v1 import service_pb2 as contract
from throughcare.referral.v1.events_pb2 import ReferralAccepted, ReferralDrafted, ReferralWithdrawn

SEEN = Table(
    "seen",
    MetaData(),
    Column("key", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
)
TABLES = """
create table if not exists seen (key text primary key, state text not null, seq bigint not null);
create table if not exists effect (
    nth bigint generated always as identity, event_id uuid not null, key text not null, seq bigint not null);
create table if not exists cure (key text primary key);
"""
POISON, RACE, RAISES = "poison", "race", "raises"


def hears(group: str = "toy") -> Hears:
    """ReferralDrafted: remembered, and an effect. Withdrawn: remembered, and refused with `raced`, which is a race.

    A draft of the programme `poison` is refused until its key stands in `cure`; of `raises`, it fails as a bug would.
    """
    found = Hears(group, tables=[SEEN])

    @found.projection(ReferralDrafted, ReferralWithdrawn)
    def seen(heard: Heard[Any]) -> list[Row]:
        return [Row(SEEN, {"key": heard.key, "state": type(heard.message).__name__, "seq": heard.seq})]

    @found.command(ReferralDrafted)
    async def effect(work: Work, heard: Heard[ReferralDrafted]) -> None:
        if heard.message.programme_id == RAISES:
            raise RuntimeError("he lives at 1 Example Street")
        if heard.message.programme_id == POISON and not await work.conn.fetchval(
            "select exists (select from cure where key = $1)", heard.key
        ):
            raise Unmet("programme_unknown", "Register the programme, then try again.")
        await work.conn.execute(
            "insert into effect (event_id, key, seq) values ($1, $2, $3)", heard.envelope.event_id, heard.key, heard.seq
        )

    @found.command(ReferralWithdrawn, ignored_when=["raced"])
    async def refused(work: Work, heard: Heard[ReferralWithdrawn]) -> None:
        raise Unmet("raced", "It is over already.")

    return found


def drafted(programme: str = "p-1") -> ReferralDrafted:
    return ReferralDrafted(programme_id=programme)


def withdrawn() -> ReferralWithdrawn:
    return ReferralWithdrawn(reason_group="ADMIN", by_party="SERVICE")


def accepted() -> ReferralAccepted:
    """A message this group does not hear."""
    return ReferralAccepted(programme_id="p-1")


async def hearing_works(database: Database, folder: Path, **given: object) -> Works[Any]:
    """The toy service with the tables of its hearing."""
    async with database.connection() as conn:
        await conn.execute(TABLES)
    return await works(database, folder, **given)


async def effects(database: Database) -> dict[str, list[int]]:
    """By key, the sequences whose effect was had, in the order in which it was."""
    found: dict[str, list[int]] = {}
    async with database.connection() as conn:
        for row in await conn.fetch("select key, seq from effect order by nth"):
            found.setdefault(row["key"], []).append(row["seq"])
    return found


async def rows(database: Database, sql: str, *arguments: object) -> list[Any]:
    async with database.connection() as conn:
        return await conn.fetch(sql, *arguments)


class Kept(Source):
    """A journal in memory: what a source has told, to be read again. Stands in for another service's house door."""

    def __init__(self, topic: str, records: list[Raw]) -> None:
        self.topic, self.records = topic, records
        self.asked = 0

    async def read(
        self, topic: str, *, key: str = "", from_sequence: int = 0, from_position: int = 0
    ) -> AsyncIterator[tuple[int, str, list[tuple[str, bytes]], bytes]]:
        self.asked += 1
        for position, each in enumerate(self.records, 1):
            name = (each.key or b"").decode()
            if topic != self.topic or position <= from_position:
                continue
            if key and (name != key or each.sequence < from_sequence):
                continue
            yield position, name, each.headers, each.value or b""  # type: ignore[misc]


class Journal(Source):
    """This database's own journal, through the servicer that other services ask."""

    def __init__(self, database: Database) -> None:
        self.reader = JournalReader(database)

    async def read(
        self, topic: str, *, key: str = "", from_sequence: int = 0, from_position: int = 0
    ) -> AsyncIterator[tuple[int, str, list[tuple[str, bytes]], bytes]]:
        request = contract.ReadRequest(topic=topic, key=key, from_sequence=from_sequence, from_position=from_position)
        async for answer in self.reader.Read(request, None):  # type: ignore[arg-type]
            if answer.position:
                yield answer.position, answer.key, [(h.name, h.value) for h in answer.headers], answer.value


@asynccontextmanager
async def running(*parts: Any) -> AsyncIterator[None]:
    """Inboxes and relays, run beside the test and cancelled after it."""
    tasks = [asyncio.create_task(part.run()) for part in parts]
    try:
        yield
        for task in tasks:
            assert not task.done(), task.exception()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def inbox_of(toy: Works[Any], bus: Bus, *, group: str = "toy", source: Source | None = None) -> Inbox:
    return Inbox(toy, bus, hears(group), source=source)


def ids(count: int) -> list[UUID]:
    """Keys that are easy to tell apart."""
    return [UUID(int=0x7000_8000_0000_0000_0000 + n) for n in range(1, count + 1)]
