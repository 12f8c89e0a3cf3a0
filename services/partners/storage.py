"""The tables of partners, and which aggregate lives in which. The picture keeps its own (`projections/picture`)."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Date, Index, MetaData, Table, Text, Uuid, any_, bindparam, select
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

import chassis.work
from chassis.database import statement
from chassis.repository import Repository
from partners.domain.organisation import Organisation

metadata = MetaData()

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


class Work(chassis.work.Work):
    """One unit of work of this service."""

    organisations = Repository(Organisation, organisation, kind="organisation")
