"""Messages that cannot be handled wait here, with every later one of their key; all other keys flow.

Never skipped, never spun on: retried in order at 1 s, 10 s, 1 min, 10 min and 1 h, then by a person. Held is parked
with reason `gap`: the missing facts are read from their source's journal. A message is dropped only by two people.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from chassis.aggregate import NotFound, Unmet

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from chassis.database import Connection

RETRIES: Final = tuple(timedelta(seconds=n) for n in (1, 10, 60, 600, 3600))
GAP, BEHIND, NEEDS_UPGRADE, SUSPENDED = "gap", "behind", "needs-upgrade", "node_suspended"
# No time mends these: something has to happen first, and drives them on.
_DRIVEN: Final = frozenset({NEEDS_UPGRADE, SUSPENDED})


@dataclass(frozen=True, kw_only=True)
class Parking:
    """A message to be parked: why, in a code and in a sentence a service manager can read."""

    topic: str
    key: str
    raw_key: bytes | None
    sequence: int | None
    type: str
    headers: list[list[str | None]]
    value: bytes | None
    reason: str
    sentence: str


@dataclass(frozen=True, kw_only=True)
class Parked:
    """A parked message; people are shown everything but headers and value."""

    nth: int
    grp: str
    topic: str
    key: str
    raw_key: bytes | None
    sequence: int | None
    type: str
    headers: list[list[str | None]]
    value: bytes | None
    reason: str
    sentence: str
    parked_at: datetime
    attempts: int
    next_try_at: datetime | None
    drop_proposed_by: str | None
    drop_reason: str | None


_PARK = """
insert into parked (grp, topic, key, raw_key, sequence, type, headers, value, reason, sentence, parked_at, next_try_at)
select $1, topic, key, raw_key, sequence, type, headers::jsonb, value, reason, sentence, $2::timestamptz,
    case when reason in ('behind', 'needs-upgrade', 'node_suspended') then null
        else $2::timestamptz + interval '1 second' end
from unnest($3::text[], $4::text[], $5::bytea[], $6::bigint[], $7::text[], $8::text[], $9::bytea[], $10::text[],
            $11::text[]) with ordinality as given(topic, key, raw_key, sequence, type, headers, value, reason,
                                                  sentence, nth)
order by nth
on conflict (grp, topic, key, sequence) where sequence is not null do nothing
"""
_STREAM = """
select * from parked where grp = $1 and topic = $2 and key = $3 order by sequence nulls first, nth limit $4
"""
_HANDLED = """
insert into watermark as held (grp, topic, key, seq, at) values ($1, $2, $3, $4, $5)
on conflict (grp, topic, key) do update set seq = greatest(held.seq, excluded.seq), at = excluded.at
"""
_LEADERLESS = """
update parked set next_try_at = $2 where nth in (
    select nth from (
        select distinct on (topic, key) nth, reason, next_try_at from parked where grp = $1
        order by topic, key, sequence nulls first, nth
    ) as first where reason = 'behind' and next_try_at is null)
"""


async def park(conn: Connection, group: str, messages: Sequence[Parking], *, at: datetime) -> None:
    """Park these, in this order; the first of a key is tried again in a second, those behind it after it."""
    if not messages:
        return
    # Headers as text: the driver takes a list of lists for an array of two dimensions.
    rows = [
        (m.topic, m.key, m.raw_key, m.sequence, m.type, json.dumps(m.headers), m.value, m.reason, m.sentence)
        for m in messages
    ]
    await conn.execute(_PARK, group, at, *(list(column) for column in zip(*rows, strict=True)))


async def due(conn: Connection, group: str, *, at: datetime) -> tuple[str, str] | None:
    """The stream whose oldest parked message is due for another try, locked for this transaction."""
    row = await conn.fetchrow(
        "select topic, key from parked where grp = $1 and next_try_at <= $2"
        " order by next_try_at, nth limit 1 for update skip locked",
        group,
        at,
    )
    return (row["topic"], row["key"]) if row else None


async def of(conn: Connection, group: str, topic: str, key: str, *, limit: int = 100) -> list[Parked]:
    """The parked messages of a stream, oldest first."""
    return [Parked(**dict(row)) for row in await conn.fetch(_STREAM, group, topic, key, limit)]


async def taken(conn: Connection, group: str, topic: str, key: str, *, limit: int = 100) -> list[Parked]:
    """The same, locked for this transaction: nobody else handles them meanwhile."""
    return [Parked(**dict(row)) for row in await conn.fetch(f"{_STREAM} for update", group, topic, key, limit)]


async def lead(conn: Connection, group: str, *, at: datetime) -> None:
    """What was parked behind a message that was released at that moment leads its stream now: it is due."""
    await conn.execute(_LEADERLESS, group, at)


async def release(conn: Connection, parked: Iterable[Parked]) -> None:
    """These have been handled."""
    await conn.execute("delete from parked where nth = any($1::bigint[])", [each.nth for each in parked])


async def failed(conn: Connection, parked: Parked, *, at: datetime, reason: str, sentence: str) -> None:
    """Still not: the next try is later, and what is behind it waits for it; after the last one a person must look."""
    tried = parked.attempts if parked.reason == BEHIND else parked.attempts + 1
    pause = RETRIES[tried] if tried < len(RETRIES) else None
    await conn.execute(
        "update parked set attempts = $2, reason = $3, sentence = $4, next_try_at = $5 where nth = $1",
        parked.nth,
        tried,
        reason,
        sentence,
        at + pause if pause and reason not in _DRIVEN else None,
    )
    await conn.execute(
        "update parked set next_try_at = null where grp = $1 and topic = $2 and key = $3 and nth <> $4"
        " and next_try_at is not null",
        parked.grp,
        parked.topic,
        parked.key,
        parked.nth,
    )


async def next_in_line(conn: Connection, group: str, topic: str, key: str, *, at: datetime) -> None:
    """What stood behind is the first now, and is tried at once."""
    await conn.execute(
        "update parked set next_try_at = $4 where next_try_at is null and nth ="
        " (select nth from parked where grp = $1 and topic = $2 and key = $3"
        "  order by sequence nulls first, nth limit 1)",
        group,
        topic,
        key,
        at,
    )


async def drive(conn: Connection, group: str, reason: str, *, at: datetime) -> None:
    """What waited for this goes on: at a start for an upgrade, at a resumption for the node."""
    await conn.execute("update parked set next_try_at = $2 where grp = $1 and reason = $3", group, at, reason)


async def listed(conn: Connection, *, limit: int = 200, after: int = 0) -> list[Parked]:
    """What is parked and held in this service, oldest first."""
    rows = await conn.fetch("select * from parked where nth > $1 order by nth limit $2", after, limit)
    return [Parked(**dict(row)) for row in rows]


async def retry(conn: Connection, nth: int, *, at: datetime) -> None:
    """Try the stream of this message again now, from its oldest; NotFound where it is not parked."""
    row = await conn.fetchrow("select grp, topic, key from parked where nth = $1", nth)
    if row is None:
        raise NotFound
    await conn.execute(
        "update parked set next_try_at = $4, attempts = 0 where nth ="
        " (select nth from parked where grp = $1 and topic = $2 and key = $3"
        "  order by sequence nulls first, nth limit 1)",
        *row.values(),
        at,
    )


async def drop(conn: Connection, nth: int, *, by: str, reason: str, at: datetime) -> bool:
    """Propose to drop a message or, as a second person, confirm it. True once it is dropped."""
    row = await conn.fetchrow("select * from parked where nth = $1 for update", nth)
    if row is None:
        raise NotFound
    first = (await of(conn, row["grp"], row["topic"], row["key"], limit=1))[0]
    if first.nth != nth:
        raise Unmet("not_the_oldest", f"Deal with message {first.nth} first: it is the oldest of its case.")
    if row["drop_proposed_by"] is None:
        if not reason.strip():
            raise Unmet("reason_required", "Say why this message may be dropped.")
        await conn.execute(
            "update parked set drop_proposed_by = $2, drop_reason = $3 where nth = $1", nth, by, reason.strip()
        )
        return False
    if row["drop_proposed_by"] == by:
        raise Unmet("second_person_required", "Another person has to confirm that this message is dropped.")
    await conn.execute(
        "insert into parked_dropped values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        nth,
        row["grp"],
        row["topic"],
        row["key"],
        row["sequence"],
        row["type"],
        row["reason"],
        row["drop_proposed_by"],
        by,
        row["drop_reason"],
        at,
    )
    await conn.execute("delete from parked where nth = $1", nth)
    if row["sequence"] is not None:
        # It counts as handled, or the next message of its key would look like one after a gap.
        await conn.execute(_HANDLED, row["grp"], row["topic"], row["key"], row["sequence"], at)
    await next_in_line(conn, row["grp"], row["topic"], row["key"], at=at)
    return True


async def counts(conn: Connection, group: str) -> tuple[int, int]:
    """How many messages are parked, and how many are held because of a gap."""
    row = await conn.fetchrow(
        "select count(*) filter (where reason <> 'gap') as parked, count(*) filter (where reason = 'gap') as held"
        " from parked where grp = $1",
        group,
    )
    return (row["parked"], row["held"]) if row else (0, 0)
