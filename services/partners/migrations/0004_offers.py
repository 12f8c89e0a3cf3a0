"""Offers, ours and heard, imported services, and signposts."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"

OFFERS = """
create table offer (
    id uuid primary key,
    version bigint not null,
    org_id text not null,
    status text not null,
    terms jsonb not null,
    room jsonb,
    stale boolean not null
);
create index offer_org_id on offer (org_id);

create table heard_offer (
    source_node text not null,
    offer_id uuid not null,
    org_id text not null,
    status text not null,
    terms jsonb not null,
    room jsonb,
    version bigint not null,
    last_heard_at timestamptz not null,
    seq bigint not null,
    primary key (source_node, offer_id)
);
create index heard_offer_offer_id on heard_offer (offer_id);

create table listing (
    id uuid primary key,
    version bigint not null,
    source text not null,
    source_id uuid not null,
    entry jsonb not null,
    imported_at timestamptz not null
);
create unique index listing_source on listing (source, source_id);
create index listing_source_id on listing (source_id);

create table signpost (
    id uuid primary key,
    version bigint not null,
    offer_id uuid not null,
    person_id uuid,
    case_id uuid,
    given_by text not null,
    organisation text not null,
    given_at timestamptz not null,
    status text not null,
    outcome_at timestamptz,
    to_ask boolean not null
);
create index signpost_case_id on signpost (case_id);
create index signpost_given_by on signpost (given_by);
"""


def upgrade() -> None:
    """Tables that the release before does not know."""
    # asyncpg takes several statements at once only without parameters, which is not what op.execute sends.
    connection = op.get_bind().connection.dbapi_connection
    connection.run_async(lambda conn: conn.execute(OFFERS))
