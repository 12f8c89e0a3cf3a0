"""Sharing agreements as heard, by which guests see anything; new tables alone, which the release before ignores."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"

_TABLES = """
create table agreement_terms (
    isa_id text primary key,
    parties jsonb not null,
    recipients jsonb not null,
    valid_from date not null,
    valid_to date not null,
    seq bigint not null
);
create table agreement_standing (
    isa_id text primary key,
    in_force boolean not null,
    since timestamptz not null,
    seq bigint not null
);
"""


def upgrade() -> None:
    """Two projections."""
    connection = op.get_bind().connection.dbapi_connection
    connection.run_async(lambda conn: conn.execute(_TABLES))
