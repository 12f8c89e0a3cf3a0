"""What was told to another node, to be read again; and up to where its basis has ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import BigInteger, Column, DateTime, Identity, Index, Table, Text, Uuid

from chassis.envelope import CONTROL
from partners.storage.metadata import metadata

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncpg import Record

    from chassis.database import Connection

# Rows of the journal stay as they were written; this says which of them may not be said again.
share_ended = Table(
    "share_ended",
    metadata,
    Column("nth", BigInteger, Identity(always=True), primary_key=True),
    Column("node_id", Text, nullable=False),
    Column("person_id", Uuid),
    Column("isa_id", Uuid),
    Column("confidentiality_basis", Text),
    Column("position", BigInteger, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Index("share_ended_node_id", "node_id"),
)


_END = """
insert into share_ended (node_id, person_id, isa_id, confidentiality_basis, position, at)
select $1, $2, $3, $4, last_value, house_now() from journal_position
"""
_ENDED = "select person_id, isa_id, confidentiality_basis, position from share_ended where node_id = $1"
# Nobody needs a heartbeat of yesterday: of what was said to all, the keys are read again. Nothing waits for the places
# between: on the control topic the newest word counts (`chassis.streams`).
_COUNT = "select count(*) from journal where topic = $1 and position > $2 and fact_type <> 'Beaten'"
_AFTER = """
select position, key, person_id, headers, message, sequence from journal
where topic = $1 and position > $2 and fact_type <> 'Beaten' order by position limit $3
"""
_COUNT_KEY = "select count(*) from journal where topic = $1 and key = $2 and sequence >= $3 and fact_type <> 'Beaten'"
_KEY = """
select position, key, person_id, headers, message, sequence from journal
where topic = $1 and key = $2 and sequence >= $3 and fact_type <> 'Beaten' order by sequence limit $4
"""
# Locked in the order in which the relay takes them: it is waited for, not raced.
_STUB_ALL = """
with waiting as (
    select position from pending join journal using (position) where topic = $1 order by position for update of pending
)
update pending set stub = true from waiting where pending.position = waiting.position
"""
__all__ = ["CONTROL", "Ended", "count_told", "end_shares", "ended", "inbox_of", "stub_all", "told"]


def inbox_of(node_id: str) -> str:
    """The topic on which a node is told things."""
    return f"share.{node_id}.in.v1"


@dataclass(frozen=True, kw_only=True)
class Ended:
    """What may not be said again up to this position: of one person or all, under one agreement or any, on one basis
    of confidentiality or any."""

    person_id: UUID | None
    isa_id: UUID | None
    confidentiality_basis: str | None
    position: int

    def covers(self, *, person_id: UUID | None, isa_id: UUID | None, basis: str, position: int) -> bool:
        """Whether a message told at that position is among it."""
        return (
            position <= self.position
            and self.person_id in (None, person_id)
            and self.isa_id in (None, isa_id)
            and self.confidentiality_basis in (None, basis)
        )


async def end_shares(
    conn: Connection,
    node_id: str,
    *,
    person_id: UUID | None = None,
    isa_id: UUID | None = None,
    confidentiality_basis: str | None = None,
) -> None:
    """From now on what was told to this node so far, of this person and on this basis, is read again as stubs only.

    Whatever is being written at this moment is among it. Told in the transaction in which the basis ends.
    """
    await conn.execute(_END, node_id, person_id, isa_id, confidentiality_basis)


async def ended(conn: Connection, node_id: str) -> Sequence[Ended]:
    """What may not be said to this node again."""
    return [Ended(**row) for row in await conn.fetch(_ENDED, node_id)]


async def count_told(conn: Connection, topic: str, *, key: str, after: int) -> int:
    """How many messages follow: of one key from a sequence, of all after a position."""
    if key:
        return int(await conn.fetchval(_COUNT_KEY, topic, key, after))
    return int(await conn.fetchval(_COUNT, topic, after))


async def told(conn: Connection, topic: str, *, key: str, after: int, most: int) -> Sequence[Record]:
    """The next of them, oldest first."""
    return await (conn.fetch(_KEY, topic, key, after, most) if key else conn.fetch(_AFTER, topic, after, most))


async def stub_all(conn: Connection, node_id: str) -> None:
    """Whatever still waits to be told to this node goes without its content."""
    await conn.execute(_STUB_ALL, inbox_of(node_id))
