"""The picture across houses: handoffs, other houses and links, as registers of their own. A new table alone."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"

ACROSS = """
create table picture.across_register (
    holder text not null,
    id uuid not null,
    slot text not null,
    value jsonb not null,
    seq bigint not null,
    primary key (holder, id, slot)
);
create index across_register_person on picture.across_register ((value ->> 'person_id'))
    where (value ->> 'person_id') is not null;
create index across_register_case on picture.across_register ((value ->> 'case_id'))
    where (value ->> 'case_id') is not null;
create index across_register_known_as on picture.across_register ((value ->> 'known_as'))
    where (value ->> 'known_as') is not null;
"""


def upgrade() -> None:
    """One more projection of the picture."""
    connection = op.get_bind().connection.dbapi_connection
    connection.run_async(lambda conn: conn.execute(ACROSS))
