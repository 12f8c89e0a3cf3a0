"""A small service to try the chassis with: one aggregate, told on the real contracts."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID, uuid4

from sqlalchemy import BigInteger, Column, LargeBinary, MetaData, Table, Text, Uuid

from chassis.access import ACTOR_ID, Actor, Call, Purpose, Records, Role, access_lists, by
from chassis.aggregate import Aggregate, Event, Unmet
from chassis.database import Database
from chassis.journal import Publications
from chassis.promises import Deadlines, Keep, Make
from chassis.repository import Repository
from chassis.settings import ServiceSettings
from chassis.work import Work, Works, command, query
from throughcare.referral.v1.events_pb2 import ReferralDrafted, ReferralWithdrawn

METADATA = MetaData()
THINGS = Table(
    "thing",
    METADATA,
    Column("id", Uuid, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("case_id", Uuid, nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("status", Text, nullable=False),
    Column("keeper", Text, nullable=False),
    Column("crn_hash", Text),
    Column("sealed", LargeBinary, nullable=False),
)
LISTS = access_lists(METADATA)
TABLES = """
create table thing (id uuid primary key, version bigint not null, case_id uuid not null, person_id uuid not null,
    status text not null, keeper text not null, crn_hash text unique, sealed bytea not null);
create table access_list (person_id uuid, list text, entries jsonb not null, version bigint not null,
    seq bigint not null, primary key (person_id, list));
"""


@dataclass(frozen=True, kw_only=True)
class Begun(Event):
    note: str


@dataclass(frozen=True, kw_only=True)
class Ended(Event):
    note: str


@dataclass(frozen=True, kw_only=True)
class Quiet(Event):
    """Journalled, never told."""


@dataclass(frozen=True, kw_only=True)
class Thing(Aggregate):
    case_id: UUID
    person_id: UUID
    status: str = "OPEN"
    keeper: str = ""
    crn: str = ""
    note: str = ""

    def end(self, *, note: str, at: datetime) -> Thing:
        if self.status == "ENDED":
            raise Unmet("invalid_transition", "It has ended already.")
        return self.telling(Ended(note=note, at=at), status="ENDED", note=note)


PUBLICATIONS = Publications("referral")
DEADLINES = Deadlines()


@PUBLICATIONS.tells(Begun)
def begun(_: Begun) -> ReferralDrafted:
    return ReferralDrafted(programme_id="p")


@PUBLICATIONS.tells(Ended)
def ended(_: Ended) -> ReferralWithdrawn:
    return ReferralWithdrawn(reason_group="ADMIN", by_party="SERVICE")


@DEADLINES.on(Begun)
def promise(fact: Begun) -> list[Make]:
    return [Make("L1", due_at=fact.at)]


@DEADLINES.on(Ended)
def kept(_: Ended) -> list[Keep]:
    return [Keep("L1")]


class ThingWork(Work):
    things = Repository(
        Thing,
        THINGS,
        kind="thing",
        records=Records(
            reads=by("SM, EW own"), person=THINGS.c.person_id, own=THINGS.c.keeper == ACTOR_ID, lists=LISTS
        ),
        sealed=("crn", "note"),
        hashed=("crn",),
    )


@command("thing.begin", by("SM, EW"))
async def begin(
    work: ThingWork, *, crn: str = "", note: str = "", keeper: str = "", person: str = ""
) -> dict[str, str]:
    thing = Thing(
        id=work.new_id(),
        case_id=work.new_id(),
        person_id=UUID(person) if person else work.new_id(),
        keeper=keeper,
        crn=crn,
        note=note,
    )
    await work.things.put(thing.telling(Begun(note=note, at=work.now)))
    return {"id": str(thing.id), "case": str(thing.case_id), "person": str(thing.person_id)}


@command("thing.end", by("SM, EW own"))
async def end(work: ThingWork, *, id: UUID, note: str = "", expected: int | None = None) -> int:
    thing = await work.things.get(id, expected)
    return await work.things.put(thing.end(note=note, at=work.now))


@command("thing.peek", by("SM, EW own"), kept=False)
async def peek(work: ThingWork, *, id: UUID, whatever: bool = True) -> str:
    thing = await work.things.get(id)
    work.outcome = "" if whatever else "refused:not_found"
    return thing.status if whatever else ""


@query("thing.list", by("SM, EW own"))
async def listed(work: ThingWork, **criteria: str) -> list[str]:
    return [str(thing.id) for thing in await work.things.find(**criteria)]


def settings(folder: Path, url: str, **given: object) -> ServiceSettings:
    for name in ("wrapping", "house"):
        if not (folder / name).exists():
            (folder / name).write_text(secrets.token_hex(32))
    fitting: dict[str, object] = {
        "service": "referral",
        "node_id": "together",
        "node_organisation": "together",
        "database_url": url,
        "bus_kind": "kafka",
        "bus_servers": "",
        "bus_security": "PLAINTEXT",
        "wrapping_key_file": folder / "wrapping",
        "house_key_file": folder / "house",
        "embedded_profile": True,
    }
    return ServiceSettings(**(fitting | given))


async def works(database: Database, folder: Path, **given: object) -> Works[ThingWork]:
    """The toy service's works on this database, its tables made where they are missing."""
    async with database.connection() as conn:
        if await conn.fetchval("select to_regclass('thing')") is None:
            await conn.execute(TABLES)
    return Works(
        database,
        ThingWork,
        settings=settings(folder, database.url, **given),
        publications=PUBLICATIONS,
        deadlines=DEADLINES,
    )


def calling(
    role: Role = Role.SM,
    *,
    id: str = "staff-sm-1",
    key: UUID | None = None,
    body: bytes = b"",
    organisation: str = "together",
) -> Call:
    actor = Actor(id=id, role=role, organisation=organisation, purpose=Purpose.DELIVER_SUPPORT)
    return Call(actor=actor, key=key or uuid4(), fingerprint=body, correlation_id=uuid4())
