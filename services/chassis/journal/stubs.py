"""What may no longer be said, of what still waits to be sent; and how far a feed has come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chassis import envelope
from chassis.journal.lines import feed_topic

if TYPE_CHECKING:
    from uuid import UUID

    from chassis.database import Connection

_WAITING = """
select pending.position, journal.headers from pending join journal using (position)
where journal.topic = $1 and ($2::uuid is null or journal.person_id = $2) and not pending.stub
order by pending.position for update of pending
"""


async def stub_pending(
    conn: Connection, topic: str, person_id: UUID | None, *, basis: str = "", isa_id: UUID | None = None
) -> int:
    """What still waits to go there, of this person or of all, goes without its content; how many that were.

    `basis` and `isa_id` narrow it to what rests on them. Rows are locked in the order in which the relay takes them,
    so a batch that is on its way is waited for: after the caller's commit nothing of it is acknowledged any more.
    """
    waiting = await conn.fetch(_WAITING, topic, person_id)
    ended = [row["position"] for row in waiting if _rests_on(row["headers"], basis, isa_id)]
    await conn.execute("update pending set stub = true where position = any($1::bigint[])", ended)
    return len(ended)


def _rests_on(headers: bytes, basis: str, isa_id: UUID | None) -> bool:
    named = dict(envelope.unpack_headers(headers))
    if basis and named.get("ce_confidentialitybasis") != basis.encode():
        return False
    return isa_id is None or named.get("ce_isaid") == str(isa_id).encode()


async def feed_head(conn: Connection, feed: str) -> int:
    """The newest number of a feed, as far as it is committed."""
    head = await conn.fetchval("select seq from stream_head where topic = $1 and key = ''", feed_topic(feed))
    return int(head or 0)
