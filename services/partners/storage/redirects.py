"""Redirects that are about to be handed on: kept from the moment they are heard until what may be read was read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Column, DateTime, Table, Uuid

from partners.storage.metadata import metadata

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from chassis.database import Connection

redirect_kept = Table(
    "redirect_kept",
    metadata,
    Column("case_id", Uuid, primary_key=True),
    Column("offer_id", Uuid, nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("since", DateTime(timezone=True), nullable=False),
    Column("claimed_until", DateTime(timezone=True)),
)
_KEEP: Final = """
insert into redirect_kept (case_id, offer_id, person_id, since) values ($1, $2, $3, $4)
on conflict (case_id) do update set offer_id = excluded.offer_id, person_id = excluded.person_id,
    since = excluded.since, claimed_until = null
"""
# Whoever reads for one has ten seconds: longer than its calls may take.
_CLAIM: Final = """
with due as (
    select case_id from redirect_kept where claimed_until is null or claimed_until <= $1
    order by since, case_id limit 16 for update skip locked
)
update redirect_kept as kept set claimed_until = $1 + interval '10 seconds' from due where kept.case_id = due.case_id
returning kept.person_id, kept.case_id, kept.offer_id
"""
_DONE: Final = "delete from redirect_kept where case_id = $1 and offer_id = $2 returning 1"


async def keep_redirect(conn: Connection, *, case_id: UUID, offer_id: UUID, person_id: UUID, at: datetime) -> None:
    """Keep it until it is handed on; heard again, the later word counts."""
    await conn.execute(_KEEP, case_id, offer_id, person_id, at)


async def claim_redirects(conn: Connection, *, at: datetime) -> list[dict[str, Any]]:
    """Those nobody is reading for, taken for a moment."""
    return [dict(row) for row in await conn.fetch(_CLAIM, at)]


async def redirect_done(conn: Connection, *, case_id: UUID, offer_id: UUID) -> bool:
    """It is not waited for any more; False where somebody else was first."""
    return await conn.fetchval(_DONE, case_id, offer_id) is not None
