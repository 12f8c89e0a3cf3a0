"""The tables of the casework service, on those of the chassis."""

from __future__ import annotations

from alembic import op

from chassis.database import chassis_schema

revision = "0001"
down_revision = None

_TABLES = """
create table worker (
    id uuid not null,
    version bigint not null,
    worker_ref text not null,
    role text not null,
    organisation text not null,
    status text not null,
    capacity integer not null,
    trainings jsonb not null,
    vetting_valid_to date,
    induction jsonb,
    valid_to date,
    primary key (id),
    unique (worker_ref)
);
create table allocation (
    id uuid not null,
    version bigint not null,
    case_id uuid not null,
    person_id uuid not null,
    programme_id uuid not null,
    programme_version bigint not null,
    acceptance bigint not null,
    accepted_at timestamptz not null,
    due_at timestamptz not null,
    contact_due_at timestamptz not null,
    session_due_at timestamptz not null,
    clocks_version text not null,
    status text not null,
    worker_ref text,
    worker_role text,
    failed_code text,
    cover_ref text,
    cover_from date,
    cover_to date,
    engagement_id uuid,
    ended_at timestamptz,
    primary key (id)
);
create index allocation_case on allocation (case_id);
create index allocation_cover on allocation (cover_ref);
create unique index allocation_primary on allocation (case_id) where status = 'ALLOCATED';
create index allocation_worker on allocation (worker_ref, status);
create table engagement (
    id uuid not null,
    version bigint not null,
    case_id uuid not null,
    person_id uuid not null,
    programme_id uuid not null,
    allocation_id uuid not null,
    acceptance bigint not null,
    status text not null,
    paused_from text,
    started_on date not null,
    planned_months integer not null,
    cap_months integer not null,
    counts_pauses boolean not null,
    planned_end_on date not null,
    cap_on date not null,
    review_due_on date,
    clocks_version text not null,
    attempts jsonb not null,
    attempts_before integer not null,
    contacts_per_week integer,
    rated_at_end boolean not null,
    report_shared_on date,
    closed_on date,
    sealed bytea not null,
    primary key (id)
);
create unique index engagement_open on engagement (case_id) where status <> 'CLOSED';
create index engagement_person on engagement (person_id, programme_id);
create table access_list (
    person_id uuid not null,
    list text not null,
    entries jsonb not null,
    version bigint not null,
    seq bigint not null,
    primary key (person_id, list)
);
create table consents (
    person_id uuid not null,
    purpose text not null,
    programme_id text not null,
    recipient text not null,
    scope text not null,
    state text not null,
    version bigint not null,
    review_on date,
    seq bigint not null,
    primary key (person_id, purpose, programme_id, recipient, scope)
);
create table programmes (
    programme_id uuid not null,
    version bigint not null,
    code text not null,
    valid_from date not null,
    planned_months integer not null,
    cap_months integer not null,
    counted_pauses boolean not null,
    seq bigint not null,
    primary key (programme_id, version)
);
create table programme_media (
    programme_id uuid not null,
    quadrant text not null,
    valid_from date not null,
    mode text not null,
    seq bigint not null,
    primary key (programme_id, quadrant, valid_from)
);
create table safe_contact (
    person_id uuid not null,
    channels jsonb not null,
    days jsonb not null,
    from_hour integer not null,
    to_hour integer not null,
    voicemail boolean not null,
    unnamed boolean not null,
    version bigint not null,
    seq bigint not null,
    primary key (person_id)
);
create table person_flags (
    person_id uuid not null,
    deceased boolean not null,
    version bigint not null,
    seq bigint not null,
    primary key (person_id)
);
create table practitioner (
    case_id uuid not null,
    kind text not null,
    starts_on date not null,
    practitioner_ref text not null,
    pdu_code text not null,
    ends_on date,
    seq bigint not null,
    primary key (case_id, kind, starts_on)
);
create index practitioner_ref on practitioner (practitioner_ref);
create table forecast_case (
    case_id uuid not null,
    person_id uuid not null,
    programme_id uuid not null,
    kind text not null,
    submitted_at timestamptz not null,
    seq bigint not null,
    primary key (case_id)
);
create table forecast_state (
    case_id uuid not null,
    expected boolean not null,
    seq bigint not null,
    primary key (case_id)
);
"""


def upgrade() -> None:
    """Everything this service keeps and has heard."""
    # asyncpg takes several statements at once only without parameters, which is not what op.execute sends.
    connection = op.get_bind().connection.dbapi_connection
    for script in (chassis_schema("0001"), _TABLES):
        connection.run_async(lambda conn, script=script: conn.execute(script))
