"""Sharing agreements, verdicts of the gate, and what it has heard; new tables alone, which the release before
ignores."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"

AGREEMENTS = """
create table sharing_agreement (
    id uuid primary key,
    version bigint not null,
    terms jsonb not null,
    terms_hash text not null,
    status text not null,
    proposed_by text not null,
    signed jsonb not null,
    suspended_at timestamptz,
    resumed jsonb not null,
    rests jsonb not null,
    ended_at timestamptz
);
create index sharing_agreement_status on sharing_agreement (status);

create table disclosure (
    id uuid primary key,
    version bigint not null,
    person_id uuid not null,
    case_id uuid,
    recipient text not null,
    categories jsonb not null,
    purpose text not null,
    judged_at timestamptz not null,
    bases jsonb,
    refusal_code text not null,
    detail_ref text not null
);
create index disclosure_person_id on disclosure (person_id, id);
create index disclosure_recipient on disclosure (recipient, person_id);

create table holding (
    id uuid primary key,
    version bigint not null,
    person_id uuid not null,
    node_id text not null,
    org_id text not null,
    subject_ref text not null,
    since timestamptz not null,
    consent_told bigint not null,
    consent_changes bigint not null,
    consent_applied bigint not null,
    consent_applied_at timestamptz,
    list_told bigint not null,
    list_changes bigint not null,
    list_applied bigint not null,
    list_applied_at timestamptz
);
create unique index holding_once on holding (person_id, node_id);
create unique index holding_subject_ref on holding (node_id, subject_ref);

create table leave (
    id uuid primary key,
    version bigint not null,
    source_node text not null,
    subject_ref text not null,
    consent_version bigint not null,
    consent_changes bigint not null,
    categories jsonb not null,
    review_on date,
    list_version bigint not null,
    list_changes bigint not null,
    excluded boolean not null
);
create unique index leave_once on leave (source_node, subject_ref);

create table word (
    id uuid primary key,
    version bigint not null,
    node_id text not null,
    given_at timestamptz not null
);
create unique index word_node_id on word (node_id);
"""
KNOWN = """
create table consent_known (
    person_id uuid not null,
    purpose text not null,
    about text not null,
    scope_codes jsonb not null,
    state text not null,
    consent_version bigint not null,
    review_on date,
    since timestamptz not null,
    seq bigint not null,
    primary key (person_id, purpose, about)
);

create table access_list (
    person_id uuid not null,
    list text not null,
    entries jsonb not null,
    version bigint not null,
    seq bigint not null,
    primary key (person_id, list)
);

create table case_known (
    case_id uuid not null,
    source text not null,
    person_id uuid not null,
    open boolean not null,
    since timestamptz not null,
    seq bigint not null,
    primary key (case_id, source)
);
create index ix_case_known_person_id on case_known (person_id);

-- Written with every change and every fifteen seconds.
create table feed (
    name text primary key,
    applied bigint not null,
    confirmed bigint not null,
    confirmed_at timestamptz,
    whole_at timestamptz
) with (fillfactor = 50);

create table feed_ahead (
    name text not null,
    number bigint not null,
    primary key (name, number)
);

create table word_heard (
    source_node text primary key,
    consent_changes bigint not null,
    list_changes bigint not null,
    at timestamptz not null,
    seq bigint not null
) with (fillfactor = 50);
"""


def upgrade() -> None:
    """Add what agreements and the gate need."""
    # asyncpg takes several statements at once only without parameters, which is not what op.execute sends.
    connection = op.get_bind().connection.dbapi_connection
    for script in (AGREEMENTS, KNOWN):
        connection.run_async(lambda conn, script=script: conn.execute(script))
