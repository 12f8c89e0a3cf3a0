"""Who read, changed, was refused: one entry each, in the transaction it is about; entries are never changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from chassis.access import Actor
    from chassis.database import Connection, Together

_INSERT = """
insert into audit (id, at, actor_ref, actor_role, organisation, purpose, action, record, outcome, correlation_id)
select * from unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
                     $8::text[], $9::text[], $10::uuid[])
returning 1
"""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One entry: time, who, role, organisation, purpose, action, record, outcome, correlation; never the content.

    `record` is an id or empty; `outcome` is `done`, `read`, `ignored:<code>` or `refused:<code>`.
    """

    id: UUID
    at: datetime
    actor: Actor
    action: str
    record: str
    outcome: str
    correlation_id: UUID


def _columns(entries: Sequence[Entry]) -> list[list[object]]:
    rows = [
        (
            entry.id,
            entry.at,
            entry.actor.id,
            entry.actor.role.value,
            entry.actor.organisation,
            entry.actor.purpose.value,
            entry.action,
            entry.record,
            entry.outcome,
            entry.correlation_id,
        )
        for entry in entries
    ]
    return [list(column) for column in zip(*rows, strict=True)]


def write(together: Together, entries: Sequence[Entry]) -> None:
    """Append the entries; a failure fails the transaction (fail closed)."""
    if entries:
        together.add(_INSERT, *_columns(entries))


async def append(conn: Connection, entry: Entry) -> None:
    """Append one entry, in a transaction of its own where none is open."""
    await conn.execute(_INSERT, *_columns([entry]))
