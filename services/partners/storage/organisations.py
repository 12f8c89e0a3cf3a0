"""Where organisations are kept."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Date, Index, Table, Text, Uuid, any_, bindparam, select
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from chassis.database import statement
from partners.storage.metadata import metadata

organisation = Table(
    "organisation",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("org_id", Text, nullable=False),
    Column("sector", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("since", Date, nullable=False),
    Column("names", JSONB, nullable=False),
    Column("successor_id", Text),
    Column("ended_on", Date),
    Index("organisation_org_id", "org_id", unique=True),
)

# Taken before two organisations are read to be joined, in one order: two mergers that cross cannot make a ring.
LOCK_ORGANISATIONS = statement(
    select(organisation.c.id)
    .where(organisation.c.org_id == any_(bindparam("org_ids", type_=ARRAY(Text))))
    .order_by(organisation.c.org_id)
    .with_for_update()
)
