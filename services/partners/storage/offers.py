"""Where offers are kept, ours and those that partners told us, and how organisations stand for one another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Date,
    DateTime,
    Index,
    Table,
    Text,
    Uuid,
    and_,
    bindparam,
    cast,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB

from chassis.access import ACTOR_ORGANISATION, NOW, Records, by
from chassis.database import statement
from partners.storage.metadata import metadata
from partners.storage.nodes import node
from partners.storage.organisations import organisation

if TYPE_CHECKING:
    from sqlalchemy import CompoundSelect, Select

# No person is concerned: everybody who works here or signs in as a guest may know what is offered.
READERS = by("PP, SPO, PPU, APS, EW, PS, VOL, CO, SM, CP, PW, PA, CG, CH, TR, CMR, EV, IG, OPS")

offer = Table(
    "offer",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("org_id", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("terms", JSONB, nullable=False),
    Column("room", JSONB),
    Column("stale", Boolean, nullable=False),
    Index("offer_org_id", "org_id"),
)
# A projection: written by the gate alone, from what partners' nodes told. `last_heard_at` is their recording of it.
heard_offer = Table(
    "heard_offer",
    metadata,
    Column("source_node", Text, primary_key=True),
    Column("offer_id", Uuid, primary_key=True),
    Column("org_id", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("terms", JSONB, nullable=False),
    Column("room", JSONB),
    Column("version", BigInteger, nullable=False),
    Column("last_heard_at", DateTime(timezone=True), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Index("heard_offer_offer_id", "offer_id"),
)

# A suspended node is told too: what is for it waits, so that it loses nothing (S36).
NODES_TOLD = statement(select(node.c.node_id).where(node.c.status != "RETIRED").order_by(node.c.node_id))

_TODAY = cast(func.timezone("Europe/London", NOW), Date)


def standing_for(org_id: ColumnElement[str]) -> CompoundSelect[tuple[str]] | Select[tuple[str]]:
    """The organisations for which this one stands today: itself, and whoever became part of it on the way."""
    kept = select(org_id.label("org_id")).cte("kept", recursive=True)
    merged = and_(organisation.c.successor_id == kept.c.org_id, organisation.c.ended_on <= _TODAY)
    kept = kept.union(select(organisation.c.org_id).where(merged))
    return select(kept.c.org_id)


OFFERS = Records(reads=READERS, own=offer.c.org_id.in_(standing_for(ACTOR_ORGANISATION)))
# For whom an organisation stands today.
MERGED_INTO = statement(standing_for(bindparam("org_id", type_=Text)))
