"""What the gate has heard in its own house: his answers, the lists, open cases; and how current that is."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Table,
    Text,
    Uuid,
    any_,
    bindparam,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB

from chassis.access import Lists, OneMan, access_lists, merged_people, one_man, same_person
from chassis.database import statement
from partners.storage.metadata import metadata

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chassis.database import Connection

CONSENTS: Final = "consent"
LISTS: Final = "access_list"
FEEDS: Final = (CONSENTS, LISTS)

# The newest answer to each question: `about` is a programme or a recipient, or nothing.
consent_known = Table(
    "consent_known",
    metadata,
    Column("person_id", Uuid, primary_key=True),
    Column("purpose", Text, primary_key=True),
    Column("about", Text, primary_key=True),
    Column("scope_codes", JSONB, nullable=False),
    Column("state", Text, nullable=False),
    Column("consent_version", BigInteger, nullable=False),
    Column("review_on", Date),
    Column("since", DateTime(timezone=True), nullable=False),
    Column("seq", BigInteger, nullable=False),
)
access_list = access_lists(metadata)
merged = merged_people(metadata)
SAME = same_person(metadata)
# Whether a case is open, as each service that knows says; `source` keeps their streams apart.
case_known = Table(
    "case_known",
    metadata,
    Column("case_id", Uuid, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("person_id", Uuid, nullable=False, index=True),
    Column("open", Boolean, nullable=False),
    Column("since", DateTime(timezone=True), nullable=False),
    Column("seq", BigInteger, nullable=False),
)
PROJECTED = (consent_known, access_list, case_known, merged)
# About hearing, not about facts: a rebuild leaves these as they are.
feed = Table(
    "feed",
    metadata,
    Column("name", Text, primary_key=True),
    Column("applied", BigInteger, nullable=False),
    Column("confirmed", BigInteger, nullable=False),
    Column("confirmed_at", DateTime(timezone=True)),
    Column("whole_at", DateTime(timezone=True)),
)
feed_ahead = Table(
    "feed_ahead",
    metadata,
    Column("name", Text, primary_key=True),
    Column("number", BigInteger, primary_key=True),
)
# What other houses last gave their word on: how many changes they told us.
word_heard = Table(
    "word_heard",
    metadata,
    Column("source_node", Text, primary_key=True),
    Column("consent_changes", BigInteger, nullable=False),
    Column("list_changes", BigInteger, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("seq", BigInteger, nullable=False),
)

_PERSON = bindparam("person_id", type_=Uuid)
ANSWERS = statement(
    select(consent_known)
    .where(consent_known.c.person_id == _PERSON)
    .order_by(consent_known.c.purpose, consent_known.c.about)
)
_PEOPLE = bindparam("people", type_=ARRAY(Uuid))
_LISTED = statement(select(access_list).where(access_list.c.person_id == any_(_PEOPLE)))
OPEN_CASES = """
select exists (
    select 1 from case_known as referred left join case_known as worked
        on worked.case_id = referred.case_id and worked.source = 'casework'
    where referred.person_id = any($1) and referred.source = 'referral' and referred.open
        and (worked.case_id is null or worked.open or worked.since < referred.since))
"""
# Whether a case of his, under whichever record, is or was known in this house.
KNOWN_HERE = "select exists (select 1 from case_known where person_id = any($1))"
PERSON_OF = "select person_id from case_known where case_id = $1 limit 1"

# A verdict and the end of what it rests on never overlap: whichever comes second sees what the first has written.
_JUDGE = "select pg_advisory_xact_lock_shared(hashtextextended($1, 7034))"
_END = "select pg_advisory_xact_lock(hashtextextended($1, 7034))"
_ALL = "agreements"
_APPLY = """
insert into feed as held (name, applied, confirmed) values ($1, case when $2 = 1 then 1 else 0 end, 0)
on conflict (name) do update set applied = held.applied + case when $2 = held.applied + 1 then 1 else 0 end
returning applied
"""
_AHEAD = "insert into feed_ahead (name, number) values ($1, $2) on conflict do nothing"
_CATCH_UP = """
with recursive next as (
    select $2::bigint as number
    union all
    select next.number + 1 from next join feed_ahead as ahead on ahead.name = $1 and ahead.number = next.number + 1
), used as (
    delete from feed_ahead where name = $1 and number <= (select max(number) from next)
)
update feed set applied = (select max(number) from next) where name = $1
"""
_CONFIRM = """
insert into feed as held (name, applied, confirmed, confirmed_at) values ($1, 0, $2, $3)
on conflict (name) do update set confirmed = excluded.confirmed, confirmed_at = excluded.confirmed_at
where held.confirmed_at is null or held.confirmed_at < excluded.confirmed_at
"""
_WHOLE = "update feed set whole_at = confirmed_at where name = $1 and applied >= confirmed"
_WAITING = "select headers from parked where topic = $1"
_STANDING = """
select name, applied, confirmed, confirmed_at, whole_at,
    array(select number from feed_ahead where feed_ahead.name = feed.name and number <= confirmed) as ahead
from feed where name = any($1)
"""


async def lists_of(
    conn: Connection, records: Iterable[UUID], *, changed: tuple[UUID, str, Iterable[str]] | None = None
) -> Lists:
    """The lists of these records; `changed` is one that is about to be written down."""
    rows = await _LISTED.all(conn, people=list(records))
    held: dict[tuple[UUID, str], Iterable[str]] = {(row["person_id"], row["list"]): row["entries"] for row in rows}
    if changed is not None:
        held[changed[0], changed[1]] = changed[2]
    return Lists.of((which, entries) for (_, which), entries in sorted(held.items(), key=lambda each: each[0]))


async def lock_to_judge(conn: Connection, person_id: UUID) -> OneMan:
    """Until this transaction ends, nothing that a verdict about him rests on does. Returns his records, which are
    not joined or taken apart meanwhile either."""
    await conn.execute(_JUDGE, _ALL)
    await conn.execute(_JUDGE, str(person_id))
    man = await one_man(conn, person_id)
    for other in man.records[1:]:
        await conn.execute(_JUDGE, str(other))
    return man


async def lock_to_end(conn: Connection, person_id: UUID | None = None) -> None:
    """Wait for verdicts under way, about him or about anybody, and let none begin before this transaction ends."""
    await conn.execute(_END, _ALL if person_id is None else str(person_id))


async def feed_applied(conn: Connection, name: str, number: int) -> None:
    """The message of this number has been applied; whatever follows it without a gap counts with it."""
    if number < 1:
        return  # told before there were feeds
    applied = await conn.fetchval(_APPLY, name, number)
    if applied < number:
        await conn.execute(_AHEAD, name, number)
    elif applied == number:
        await conn.execute(_CATCH_UP, name, number)
    await conn.execute(_WHOLE, name)


async def feed_confirmed(conn: Connection, name: str, number: int, at: datetime) -> None:
    """As of this moment the newest number of the feed is this one."""
    await conn.execute(_CONFIRM, name, number, at)
    await conn.execute(_WHOLE, name)


async def feed_age(conn: Connection, topic: str, *, now: datetime) -> timedelta | None:
    """Since when every change told about consents and lists has surely been applied, or waits where it is seen.

    A message that is parked holds its own person alone: while it waits, nothing told of him counts.
    """
    rows = {row["name"]: row for row in await conn.fetch(_STANDING, list(FEEDS))}
    since: list[datetime] = []
    for name in FEEDS:
        row = rows.get(name)
        if row is None or row["confirmed_at"] is None:
            return None
        missing = set(range(row["applied"] + 1, row["confirmed"] + 1)) - set(row["ahead"])
        whole = not missing or missing <= await _waiting(conn, topic, name)
        if not whole and row["whole_at"] is None:
            return None
        since.append(row["confirmed_at"] if whole else row["whole_at"])
    return now - min(since)


async def _waiting(conn: Connection, topic: str, name: str) -> set[int]:
    """The numbers of this feed that wait among the parked messages."""
    found: set[int] = set()
    for row in await conn.fetch(_WAITING, topic):
        named = {header: value for header, value in row["headers"] if value is not None}
        if _text(named, "ce_feed") == name:
            found.add(int(_text(named, "ce_feednumber") or 0))
    return found


def _text(named: dict[str, str], header: str) -> str:
    return base64.b64decode(named.get(header, "")).decode()
