"""Organisations, and the picture's own schema."""

from __future__ import annotations

from alembic import op

from chassis.database import chassis_schema

revision = "0001"
down_revision = None

ORGANISATION = """
create table organisation (
    id uuid primary key,
    version bigint not null,
    org_id text not null,
    sector text not null,
    status text not null,
    since date not null,
    names jsonb not null,
    successor_id text,
    ended_on date
);
create unique index organisation_org_id on organisation (org_id);
"""
PICTURE = """
create schema picture;

create table picture.opened_case (
    case_id uuid primary key,
    person_id uuid not null,
    reference text not null,
    programme_id text not null,
    kind text not null,
    submitted_at timestamptz not null,
    decision_due_at timestamptz not null,
    seq bigint not null
);
create index opened_case_reference on picture.opened_case (reference);
create index opened_case_person_id on picture.opened_case (person_id);

create table picture.case_register (
    case_id uuid not null,
    slot text not null,
    value jsonb not null,
    seq bigint not null,
    primary key (case_id, slot)
);
create index case_register_ref on picture.case_register ((value ->> 'ref')) where (value ->> 'ref') is not null;

create table picture.person_register (
    person_id uuid not null,
    slot text not null,
    value jsonb not null,
    seq bigint not null,
    primary key (person_id, slot)
);

create table picture.access_list (
    person_id uuid not null,
    list text not null,
    entries jsonb not null,
    version bigint not null,
    seq bigint not null,
    primary key (person_id, list)
);

create table picture.last_heard (
    topic text primary key,
    at timestamptz not null,
    seq bigint not null
);

create table picture.source (
    topic text primary key,
    fresh_at timestamptz not null
);
"""


def upgrade() -> None:
    """From nothing."""
    # asyncpg takes several statements at once only without parameters, which is not what op.execute sends.
    connection = op.get_bind().connection.dbapi_connection
    for script in (chassis_schema("0001"), ORGANISATION, PICTURE):
        connection.run_async(lambda conn, script=script: conn.execute(script))
