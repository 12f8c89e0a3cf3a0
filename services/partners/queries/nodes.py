"""What is asked of nodes, by people of the house and by the gates of other nodes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import BigInteger, Text, bindparam, or_, select

from chassis.access import by
from chassis.aggregate import Fault, Invalid, NotFound
from chassis.database import statement
from chassis.envelope import unpack_headers
from chassis.work import query
from partners.domain.node import Node
from partners.storage import Work, node
from partners.storage.nodes import NODE, last_heard, must_be_believed
from partners.storage.shares import CONTROL, Ended, count_told, ended, inbox_of, told

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from asyncpg import Record

READERS = by("SM, PA, IG, OPS")
QUARANTINE_READERS = by("SM, IG, OPS")
GATES = by("NODE")
CHUNK = 1_000
_AFTER = bindparam("after", type_=Text)
_LIST = statement(
    select(node)
    .where(or_(_AFTER.is_(None), node.c.node_id > _AFTER))
    .order_by(node.c.node_id)
    .limit(bindparam("most", type_=BigInteger))
)
_QUARANTINED = """
select nth, topic, partition, record_offset, source, reason, digest, at from quarantined
where $1::bigint is null or nth < $1 order by nth desc limit $2
"""
_NODE_ID = re.compile(r"[a-z0-9][a-z0-9-]{1,62}")


@dataclass(frozen=True, kw_only=True)
class NodeSeen:
    """A node, and when it was last heard."""

    node: Node
    last_heard_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class QuarantinedSeen:
    """A record that was not believed; `source` is empty where what it claimed is no name of a node."""

    nth: int
    topic: str
    partition: int
    offset: int
    source: str
    reason: str
    digest: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Told:
    """One message told to a node, as it may be told again; `stub` where it may not."""

    position: int
    sequence: int
    key: str
    headers: list[tuple[str, bytes]]
    value: bytes
    stub: bool


async def _seen(work: Work, rows: Iterable[Record]) -> tuple[NodeSeen, ...]:
    heard = await last_heard(work.conn)
    held = [Work.nodes.value(row, work.keys, None) for row in rows]
    return tuple(NodeSeen(node=each, last_heard_at=heard.get(each.node_id)) for each in held)


@query("node.get", READERS)
async def get_node(work: Work, node_id: str) -> NodeSeen:
    """One node."""
    found = await _seen(work, await NODE.all(work.conn, node_id=node_id))
    if not found:
        raise NotFound
    work.record = node_id
    return found[0]


@query("node.list", READERS)
async def list_nodes(work: Work, after: str | None = None, most: int = 50) -> tuple[NodeSeen, ...]:
    """Nodes by id, those after `after`."""
    return await _seen(work, await _LIST.all(work.conn, after=after, most=most))


@query("node.list_quarantined", QUARANTINE_READERS)
async def list_quarantined(work: Work, before: int | None = None, most: int = 50) -> tuple[QuarantinedSeen, ...]:
    """What was not believed, newest first: who it claimed to be from and why not, never what it said."""
    return tuple(
        QuarantinedSeen(
            nth=row["nth"],
            topic=row["topic"],
            partition=row["partition"],
            offset=row["record_offset"],
            source=row["source"] if _NODE_ID.fullmatch(row["source"]) else "",
            reason=row["reason"],
            digest=row["digest"].hex(),
            at=row["at"],
        )
        for row in await work.conn.fetch(_QUARANTINED, before, most)
    )


async def _topic(work: Work, topic: str, authority: str) -> str:
    """The topic that the calling node may read here; it is judged anew at each piece."""
    await must_be_believed(work.conn, work.actor.id, authority)
    own = inbox_of(work.actor.id)
    if topic not in ("", own, CONTROL):
        raise Invalid(Fault("topic", "UNKNOWN_CODE"))
    return topic or own


@query("node.count_shares", GATES)
async def count_shares(work: Work, topic: str, key: str, after: int, authority: str) -> int:
    """How many messages the calling node would read."""
    return await count_told(work.conn, await _topic(work, topic, authority), key=key, after=after)


@query("node.read_shares", GATES)
async def read_shares(work: Work, topic: str, key: str, after: int, authority: str) -> tuple[Told, ...]:
    """The next piece of what this node has told to the calling one, oldest first."""
    found = await _topic(work, topic, authority)
    over = await ended(work.conn, work.actor.id)
    rows = await told(work.conn, found, key=key, after=after, most=CHUNK)
    return tuple(_told(row, over) for row in rows)


def _told(row: Record, over: Sequence[Ended]) -> Told:
    headers = unpack_headers(row["headers"])
    said = dict(headers)
    isa = said.get("ce_isaid")
    stub = any(
        each.covers(
            person_id=row["person_id"],
            isa_id=UUID(isa.decode()) if isa else None,
            basis=said.get("ce_confidentialitybasis", b"").decode(),
            position=row["position"],
        )
        for each in over
    )
    return Told(
        position=row["position"],
        sequence=row["sequence"],
        key=row["key"],
        headers=headers,
        value=b"" if stub else row["message"],
        stub=stub,
    )
