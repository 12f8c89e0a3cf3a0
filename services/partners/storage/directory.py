"""Everything the directory holds, whatever its origin, in one shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter
from sqlalchemy import (
    Text,
    Uuid,
    and_,
    bindparam,
    cast,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP

from chassis.calendar import local_date
from chassis.database import statement
from partners.domain.directory import Candidate, Origin
from partners.domain.offer import Room, Status
from partners.domain.terms import Terms
from partners.storage.listings import listing
from partners.storage.nodes import node
from partners.storage.offers import heard_offer, offer
from partners.storage.organisations import STANDING_FOR, organisation

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date
    from uuid import UUID

    from asyncpg import Record

    from chassis.work import Work

_TERMS, _ROOM = TypeAdapter(Terms), TypeAdapter(Room)
_INSTANT = TIMESTAMP(timezone=True)


def _everything() -> Any:
    """Ours, what partners told, and what was imported, unless its source is one of the former two."""
    entry = listing.c.entry
    ours = select(
        offer.c.id,
        literal(Origin.OURS.value, Text).label("origin"),
        literal("", Text).label("source"),
        offer.c.org_id,
        literal("", Text).label("organisation"),
        offer.c.status,
        offer.c.terms,
        offer.c.room,
        cast(null(), _INSTANT).label("last_heard_at"),
        offer.c.version,
    )
    # Nobody speaks for us, nor for an organisation that has a node of its own; an id of ours is ours.
    of_another = and_(node.c.org_id == heard_offer.c.org_id, node.c.node_id != heard_offer.c.source_node)
    forged = or_(
        heard_offer.c.org_id == bindparam("own_organisation", type_=Text),
        exists(select(1).select_from(node).where(of_another, node.c.status != "RETIRED")),
        exists(select(1).select_from(offer).where(offer.c.id == heard_offer.c.offer_id)),
    )
    told = select(
        heard_offer.c.offer_id,
        literal(Origin.PARTNER.value, Text),
        heard_offer.c.source_node,
        heard_offer.c.org_id,
        literal("", Text),
        heard_offer.c.status,
        heard_offer.c.terms,
        heard_offer.c.room,
        heard_offer.c.last_heard_at,
        heard_offer.c.version,
    ).where(~forged)
    known = or_(
        exists(select(1).select_from(offer).where(offer.c.id == listing.c.source_id)),
        exists(select(1).select_from(heard_offer).where(heard_offer.c.offer_id == listing.c.source_id)),
    )
    imported = select(
        listing.c.id,
        literal(Origin.IMPORTED.value, Text),
        listing.c.source,
        entry["org_id"].astext,
        entry["organisation"].astext,
        entry["status"].astext,
        cast(entry["terms"], JSONB),
        func.nullif(cast(entry["room"], JSONB), cast("null", JSONB)),
        listing.c.imported_at,
        listing.c.version,
    ).where(~known)
    return union_all(ours, told, imported).subquery("everything")


_ALL = _everything()
EVERYTHING = statement(select(_ALL))
ONE = statement(select(_ALL).where(_ALL.c.id == bindparam("offer_id", type_=Uuid)))
NAMES = statement(
    select(organisation.c.org_id, organisation.c.names).where(
        organisation.c.org_id == func.any(bindparam("org_ids", type_=ARRAY(Text)))
    )
)


async def candidates(work: Work, rows: Iterable[Record]) -> list[Candidate]:
    """The rows as candidates: organisations resolved to who stands for them today, under today's name."""
    held, today = list(rows), local_date(work.now)
    standing = await _standing(work, {row["org_id"] for row in held if row["org_id"]}, today)
    names = await _names(work, set(standing.values()), today)
    return [_candidate(row, standing, names) for row in held]


def _candidate(row: Record, standing: dict[str, str], names: dict[str, str]) -> Candidate:
    stands = standing.get(row["org_id"], row["org_id"])
    return Candidate(
        id=row["id"],
        origin=Origin(row["origin"]),
        source=row["source"],
        org_id=row["org_id"],
        standing_id=stands,
        organisation=names.get(stands) or row["organisation"] or stands,
        status=Status(row["status"]),
        terms=_TERMS.validate_python(row["terms"]),
        room=None if row["room"] is None else _ROOM.validate_python(row["room"]),
        last_heard_at=row["last_heard_at"],
        version=row["version"],
    )


async def _standing(work: Work, org_ids: set[str], on: date) -> dict[str, str]:
    found = await STANDING_FOR.all(work.conn, org_ids=sorted(org_ids), on=on)
    return {row["start"]: row["org_id"] for row in found}


async def _names(work: Work, org_ids: set[str], on: date) -> dict[str, str]:
    found = await NAMES.all(work.conn, org_ids=sorted(org_ids))
    return {row["org_id"]: _name_on(row["names"], on) for row in found}


def _name_on(names: list[dict[str, str]], on: date) -> str:
    held = [each["name"] for each in names if each["effective_on"] <= on.isoformat()]
    return held[-1] if held else names[0]["name"]


async def everything(work: Work) -> list[Candidate]:
    """Everything the directory holds, drafts and what is retired too."""
    return await candidates(work, await EVERYTHING.all(work.conn, own_organisation=work.settings.node_organisation))


async def one(work: Work, offer_id: UUID) -> Candidate | None:
    """One of everything, by its id; told by two nodes for an organisation without one, it is always the same one's."""
    given = {"offer_id": offer_id, "own_organisation": work.settings.node_organisation}
    found = await candidates(work, await ONE.all(work.conn, **given))
    return min(found, key=lambda each: each.source, default=None)
