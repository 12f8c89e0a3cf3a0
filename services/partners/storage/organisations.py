"""Where organisations are kept."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, Date, Index, Table, Text, Uuid, and_, any_, bindparam, literal, select
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, distinct_on

from chassis.database import statement
from partners.domain.organisation import Status
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

_IDS = bindparam("org_ids", type_=ARRAY(Text))
# Taken before two organisations are read to be joined, in one order: two mergers that cross cannot make a ring.
LOCK_ORGANISATIONS = statement(
    select(organisation.c.id)
    .where(organisation.c.org_id == any_(_IDS))
    .order_by(organisation.c.org_id)
    .with_for_update()
)


def _chains() -> Any:
    """From each organisation asked for along its successors, as far as they had merged by the day."""
    chain = (
        select(organisation.c.org_id.label("start"), organisation.c.org_id.label("org_id"), literal(0).label("step"))
        .where(organisation.c.org_id == any_(_IDS))
        .cte("chain", recursive=True)
    )
    gone = and_(
        organisation.c.org_id == chain.c.org_id,
        organisation.c.status == Status.MERGED_INTO.value,
        organisation.c.ended_on <= bindparam("on", type_=Date),
    )
    further = select(chain.c.start, organisation.c.successor_id, chain.c.step + 1).where(gone)
    chain = chain.union_all(further)
    last = select(chain.c.start, chain.c.org_id).ext(distinct_on(chain.c.start))
    return last.order_by(chain.c.start, chain.c.step.desc())


STANDING_FOR = statement(_chains())
