"""People who turned out to be one man: requests, and which record was joined to which; new tables and one new column,
which the release before ignores."""

from __future__ import annotations

from alembic import op

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
create table merged_people (
    old_id uuid primary key,
    into_id uuid,
    seq bigint not null
);
create table same_person (
    person_id uuid not null,
    other_id uuid not null,
    primary key (person_id, other_id)
);
create function pair_same_person() returns trigger language plpgsql as $pairs$
begin
    -- Whoever comes second waits, and then sees what the first has joined.
    lock table same_person in share row exclusive mode;
    delete from same_person;
    insert into same_person
    with recursive joined (person_id, other_id) as (
        select old_id, into_id from merged_people where into_id is not null
        union all select into_id, old_id from merged_people where into_id is not null
    ), reached (person_id, other_id) as (
        select person_id, other_id from joined
        union select reached.person_id, joined.other_id from reached join joined on joined.person_id = reached.other_id
    )
    select person_id, other_id from reached where person_id <> other_id;
    return null;
end $pairs$;
create trigger pairs after insert or update or delete on merged_people
    for each statement execute function pair_same_person();
"""


def upgrade() -> None:
    """A projection, the pairs it makes, and who waits for whom."""
    connection = op.get_bind().connection.dbapi_connection
    connection.run_async(lambda conn: conn.execute(_TABLES))
