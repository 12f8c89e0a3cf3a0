"""What the bus has forgotten, or never carried: read from the journals of those who told it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from chassis.envelope import Envelope

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from chassis.database import Connection, Database
    from chassis.hearing import Source
    from chassis.streams import Item

CHUNK = 1_000
# A position is not a commit order: what was recorded later than this may have neighbours that are not visible yet.
# No transaction lasts half as long (chassis.database).
SETTLED: Final = timedelta(minutes=1)
_READ = """
insert into journal_read as held values ($1, $2, $3)
on conflict (grp, topic) do update set position = greatest(held.position, excluded.position)
"""


async def unread(conn: Connection, group: str, topics: Sequence[str]) -> list[str]:
    """The topics whose journals this group has never read."""
    known = await conn.fetch("select topic from journal_read where grp = $1", group)
    return sorted(set(topics) - {row["topic"] for row in known})


async def mark_read(conn: Connection, group: str, topic: str, position: int) -> None:
    """Everything up to this position has been applied, whatever becomes of the bus."""
    await conn.execute(_READ, group, topic, position)


async def catch_up(
    database: Database,
    source: Source,
    *,
    group: str,
    topic: str,
    item: Callable[[str, bytes | None, Sequence[tuple[str, bytes | None]], bytes | None], Item],
    apply: Callable[[Sequence[Item], tuple[str, int]], Awaitable[None]],
) -> int:
    """Apply what was told on a topic since this group last read its journal; known messages are duplicates.

    A topic between houses has a journal in each of them: `<topic>@<node>` names one. Returns how many messages were
    read. `item` makes an item of a record; `apply` gets them in chunks, with the position to mark with them.
    """
    async with database.transaction() as conn:
        begun = await conn.fetchval("select position from journal_read where grp = $1 and topic = $2", group, topic)
        settled = await conn.fetchval("select house_now()") - SETTLED
    safe, count = begun or 0, 0
    chunk: list[Item] = []
    async for position, key, headers, value in source.read(topic, from_position=safe):
        read = item(topic.partition("@")[0], key.encode(), headers, value)
        chunk.append(read)
        count += 1
        if isinstance(read.envelope, Envelope) and read.envelope.recorded_at < settled:
            safe = position
        if len(chunk) >= CHUNK:
            await apply(chunk, (topic, safe))
            chunk = []
    await apply(chunk, (topic, safe))
    return count
