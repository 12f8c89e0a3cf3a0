"""Nodes, their last heartbeats, and what may not be said again; new tables alone, which the release before ignores."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"

NODES = """
create table node (
    id uuid primary key,
    version bigint not null,
    node_id text not null,
    org_id text not null,
    status text not null,
    keys jsonb not null,
    rpc_address text not null,
    authority text not null,
    schema_versions jsonb not null,
    registered_at timestamptz not null
);
create unique index node_node_id on node (node_id);
create unique index node_org_id on node (org_id) where status <> 'RETIRED';

create table heartbeat (
    id uuid primary key,
    version bigint not null,
    node_id text not null,
    beaten_at timestamptz not null,
    listening_since timestamptz not null
);
create unique index heartbeat_node_id on heartbeat (node_id);

-- A heartbeat alone is no fact: this is written again and again.
create table node_heard (
    node_id text primary key,
    at timestamptz not null
) with (fillfactor = 50);

create table share_ended (
    nth bigint generated always as identity primary key,
    node_id text not null,
    person_id uuid,
    isa_id uuid,
    confidentiality_basis text,
    position bigint not null,
    at timestamptz not null
);
create index share_ended_node_id on share_ended (node_id);
"""


def upgrade() -> None:
    """Add what nodes need."""
    # asyncpg takes several statements at once only without parameters, which is not what op.execute sends.
    connection = op.get_bind().connection.dbapi_connection
    connection.run_async(lambda conn: conn.execute(NODES))
