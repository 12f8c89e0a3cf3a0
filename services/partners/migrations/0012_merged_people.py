"""Which records are of one man, as the gate and the picture heard it; new tables and views, which the release before
ignores."""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"

_TABLES = """
create table merged_people (
    old_id uuid primary key,
    into_id uuid,
    seq bigint not null
);
create view same_person as
with recursive joined (person_id, other_id) as (
    select old_id, into_id from merged_people where into_id is not null
    union all select into_id, old_id from merged_people where into_id is not null
), reached (person_id, other_id) as (
    select person_id, other_id from joined
    union select reached.person_id, joined.other_id from reached join joined on joined.person_id = reached.other_id
)
select person_id, other_id from reached where person_id <> other_id;
create table picture.merged_people (
    old_id uuid primary key,
    into_id uuid,
    seq bigint not null
);
create view picture.same_person as
with recursive joined (person_id, other_id) as (
    select old_id, into_id from picture.merged_people where into_id is not null
    union all select into_id, old_id from picture.merged_people where into_id is not null
), reached (person_id, other_id) as (
    select person_id, other_id from joined
    union select reached.person_id, joined.other_id from reached join joined on joined.person_id = reached.other_id
)
select person_id, other_id from reached where person_id <> other_id;
"""


def upgrade() -> None:
    """Two projections, and a view over each."""
    connection = op.get_bind().connection.dbapi_connection
    connection.run_async(lambda conn: conn.execute(_TABLES))
