"""The tables of the referral service, on those of the chassis."""

from __future__ import annotations

from alembic import op

from chassis.database import chassis_schema

revision = "0001"
down_revision = None

_TABLES = """
create table access_list (
    person_id uuid not null,
    list text not null,
    entries jsonb not null,
    version bigint not null,
    seq bigint not null,
    primary key (person_id, list)
);
create table case_cover (
    case_id uuid not null,
    worker_ref text not null,
    starts_on date not null,
    ends_on date,
    seq bigint not null,
    primary key (case_id)
);
create index case_cover_worker on case_cover (worker_ref);
create table case_workers (
    case_id uuid not null,
    worker_ref text not null,
    role text not null,
    seq bigint not null,
    primary key (case_id)
);
create index case_workers_worker on case_workers (worker_ref);
create table consent (
    id uuid not null,
    version bigint not null,
    person_id uuid not null,
    purpose text not null,
    programme_id uuid,
    recipient text not null,
    scope_codes jsonb not null,
    status text not null,
    number bigint not null,
    explained_how text,
    language text not null,
    copy_offered boolean not null,
    taken_by text not null,
    asked_at timestamptz,
    review_on date,
    replaces uuid,
    sealed bytea not null,
    primary key (id)
);
create index consent_person on consent (person_id, purpose);
create table equality_answers (
    id uuid not null,
    version bigint not null,
    person_id uuid not null,
    sealed bytea not null,
    primary key (id),
    unique (person_id)
);
create table imported (
    reference text not null,
    primary key (reference)
);
create table limited_access (
    id uuid not null,
    version bigint not null,
    person_id uuid not null,
    allow jsonb not null,
    deny jsonb not null,
    primary key (id),
    unique (person_id)
);
create table open_work (
    case_id uuid not null,
    open boolean not null,
    worker_until date,
    seq bigint not null,
    primary key (case_id)
);
create table person (
    id uuid not null,
    version bigint not null,
    state text not null,
    deceased boolean not null,
    merge_review boolean not null,
    sealed bytea not null,
    crn_hash text,
    prison_number_hash text,
    pnc_hash text,
    cro_hash text,
    nhs_number_hash text,
    primary key (id)
);
create index person_crn on person (crn_hash) where crn_hash is not null;
create index person_cro on person (cro_hash) where cro_hash is not null;
create index person_nhs_number on person (nhs_number_hash) where nhs_number_hash is not null;
create index person_pnc on person (pnc_hash) where pnc_hash is not null;
create index person_prison_number on person (prison_number_hash) where prison_number_hash is not null;
create table practitioner_contact (
    id uuid not null,
    version bigint not null,
    case_id uuid not null,
    person_id uuid not null,
    practitioner_ref text not null,
    cover_ref text not null,
    cover_from date,
    cover_to date,
    sealed bytea not null,
    primary key (id),
    unique (case_id)
);
create index practitioner_contact_ref on practitioner_contact (practitioner_ref);
create table programme (
    id uuid not null,
    version bigint not null,
    code text not null,
    policies jsonb,
    primary key (id),
    unique (code)
);
create table prompt (
    id uuid not null,
    version bigint not null,
    person_id uuid not null,
    kind text not null,
    source_key text not null,
    event_type text not null,
    status text not null,
    raised_at timestamptz,
    primary key (id),
    unique (source_key)
);
create index prompt_person on prompt (person_id, status);
create table referral (
    id uuid not null,
    version bigint not null,
    case_id uuid not null,
    case_reference text not null,
    person_id uuid not null,
    programme_id uuid not null,
    kind text not null,
    referrer_kind text not null,
    referrer_org text not null,
    started_by text not null,
    status text not null,
    borough text not null,
    started_at timestamptz,
    submitted_at timestamptz,
    due_at timestamptz,
    decision text,
    rule_ids jsonb not null,
    policy_version text not null,
    base_band text,
    effective_band text,
    step_days integer not null,
    waiting_version text not null,
    possible_duplicate boolean not null,
    proposed_worker text not null,
    acceptance bigint not null,
    ended_at timestamptz,
    reason_group text,
    ended_by text,
    sealed bytea not null,
    primary key (id),
    unique (case_id),
    unique (case_reference)
);
create index referral_person on referral (person_id, programme_id);
create index referral_started_by on referral (started_by);
create index referral_waiting on referral (programme_id, status, effective_band, submitted_at);
create table rollout_phase (
    id uuid not null,
    version bigint not null,
    programme_id uuid not null,
    quadrant text not null,
    opens_on date not null,
    open_prerequisites jsonb not null,
    state text not null,
    primary key (id)
);
create unique index rollout_phase_once on rollout_phase (programme_id, quadrant);
create table screening_evidence (
    id uuid not null,
    version bigint not null,
    person_id uuid not null,
    source text not null,
    completed_on date not null,
    state text not null,
    recorded_at timestamptz,
    sealed bytea not null,
    primary key (id)
);
create index screening_evidence_person on screening_evidence (person_id, state);
"""


def upgrade() -> None:
    # asyncpg takes several statements at once only without parameters, which is not what op.execute sends.
    connection = op.get_bind().connection.dbapi_connection
    for script in (chassis_schema("0001"), _TABLES):
        connection.run_async(lambda conn, script=script: conn.execute(script))
