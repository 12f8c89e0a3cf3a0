"""Needs of an engagement, appointments with partners without a house, handoffs as heard.

The release before can run on it: what is new in an old table has a default.
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"

_TABLES = """
alter table engagement add column needs jsonb not null default '[]';
create table external_appointment (
    id uuid not null,
    version bigint not null,
    case_id uuid not null,
    person_id uuid not null,
    org_id text not null,
    aspect text not null,
    starts_at timestamptz not null,
    ends_at timestamptz not null,
    status text not null,
    primary key (id)
);
create index external_appointment_case on external_appointment (case_id, starts_at);
create table onward (
    handoff_id uuid not null,
    case_id uuid not null,
    kind text not null,
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
    """What he needs, who sees him elsewhere, and what was offered to others."""
    connection = op.get_bind().connection.dbapi_connection
    connection.run_async(lambda conn: conn.execute(_TABLES))
