"""Where a redirect leads: the offer, as heard, and what became of it.

The release before can run on it: what is new in an old table has a default.
"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"

_TABLES = """
alter table referral add column redirected_to text not null default '';
create table offers (
    offer_id uuid not null,
    state text not null,
    seq bigint not null,
    primary key (offer_id)
);
create table onward (
    handoff_id uuid not null,
    case_id uuid not null,
    seq bigint not null,
    primary key (handoff_id)
);
create index onward_case on onward (case_id);
create table onward_state (
    handoff_id uuid not null,
    state text not null,
    seq bigint not null,
    primary key (handoff_id)
);
"""


def upgrade() -> None:
    """A column and three projections."""
    connection = op.get_bind().connection.dbapi_connection
    connection.run_async(lambda conn: conn.execute(_TABLES))
