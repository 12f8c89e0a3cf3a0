"""People who turned out to be one man: requests, and which record was joined to which; new tables and one new column,
which the release before ignores."""

from __future__ import annotations

from alembic import op

from chassis.database import chassis_schema

revision = "0006"
down_revision = "0005"

_TABLES = """
alter table person add column merged_into uuid;
create table person_merge (
    id uuid primary key,
    version bigint not null,
    from_person_id uuid not null,
    to_person_id uuid not null,
    reason text not null,
    status text not null,
    asked_by text not null,
    asked_at timestamptz,
    merged_at timestamptz,
    unmerge_reason text,
    unmerge_asked_by text not null,
    unmerged_at timestamptz,
    to_sort jsonb not null
);
create index person_merge_from on person_merge (from_person_id);
create index person_merge_status on person_merge (status);
"""


def upgrade() -> None:
    """A projection, the pairs it makes, and who waits for whom."""
    connection = op.get_bind().connection.dbapi_connection
    for script in (chassis_schema("merged_people"), _TABLES):
        connection.run_async(lambda conn, script=script: conn.execute(script))
