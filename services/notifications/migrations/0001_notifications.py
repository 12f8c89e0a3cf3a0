"""Notices, the contact book and templates; dated rows; what others told."""

from __future__ import annotations

from alembic import op

from chassis.database import chassis_schema

revision = "0001"
down_revision = None

AGGREGATES = """
create table notice (
    id uuid not null,
    version bigint not null,
    event_id uuid not null,
    fact text not null,
    about text not null,
    subject_id uuid not null,
    case_id uuid,
    person_id uuid,
    recipient_kind text not null,
    recipient_ref text not null,
    recipient_role text not null,
    recipient_organisation text not null,
    chain text not null,
    template text not null,
    template_version bigint not null,
    channel text not null,
    urgency text not null,
    ack_wanted boolean not null,
    promises boolean not null,
    rung integer not null,
    step integer not null,
    carries boolean not null,
    channels text not null,
    filling jsonb not null,
    anchor_at timestamptz not null,
    requested_at timestamptz not null,
    send_after timestamptz not null,
    use_by timestamptz not null,
    status text not null,
    reason text not null,
    attempts integer not null,
    tries integer not null,
    lease_until timestamptz,
    letter uuid,
    primary key (id)
);
create index notice_case on notice (case_id);
create unique index notice_intent on notice (event_id, recipient_ref, template, rung);
create index notice_person on notice (person_id);
create index notice_recipient on notice (recipient_ref);
create index notice_subject on notice (subject_id);
create index notice_sending on notice (channel) where status = 'SENDING';
create index notice_to_send on notice (channel, send_after)
    where status in ('SCHEDULED', 'RENDERED', 'TEMPORARY_FAILURE');
create index notice_unknown on notice (channel) where status = 'UNKNOWN';

create table contact (
    id uuid not null,
    version bigint not null,
    person_id uuid not null,
    kind text not null,
    ref text not null,
    roles jsonb not null,
    organisation text not null,
    has_left boolean not null,
    sealed bytea not null,
    primary key (id)
);
create unique index contact_ref on contact (kind, ref);

create table template (
    id uuid not null,
    version bigint not null,
    name text not null,
    number bigint not null,
    reader text not null,
    texts jsonb not null,
    status text not null,
    drafted_by text not null,
    approved_by text not null,
    primary key (id)
);
create unique index template_approved on template (name) where status = 'APPROVED';
create unique index template_number on template (name, number);
"""
DATED = """
create table audience (
    fact text not null,
    valid_from date not null,
    place integer not null,
    "only" text not null,
    told jsonb not null,
    channels text not null,
    template text not null,
    urgency text not null,
    ack boolean not null,
    primary key (fact, valid_from, place)
);

create table keeper (
    about text not null,
    valid_from date not null,
    told jsonb not null,
    first boolean not null,
    primary key (about, valid_from)
);

create table urgency (
    urgency text not null,
    valid_from date not null,
    version text not null,
    leaves text not null,
    steps jsonb not null,
    use_by_hours integer not null,
    handed_within_minutes integer,
    primary key (urgency, valid_from)
);

create table word_pack (
    version text not null,
    valid_from date not null,
    terms jsonb not null,
    primary key (version)
);
"""
HEARD = """
create table access_list (
    person_id uuid not null,
    list text not null,
    entries jsonb not null,
    version bigint not null,
    seq bigint not null,
    primary key (person_id, list)
);

create table contacts (
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

create table contact_consents (
    person_id uuid not null,
    scope text not null,
    state text not null,
    version bigint not null,
    seq bigint not null,
    primary key (person_id, scope)
);

create table case_people (
    case_id uuid not null,
    kind text not null,
    starts_on date not null,
    ref text not null,
    role text not null,
    organisation text not null,
    ends_on date,
    seq bigint not null,
    primary key (case_id, kind, starts_on)
);

create table cases (
    case_id uuid not null,
    person_id uuid not null,
    reference text not null,
    programme_id text not null,
    seq bigint not null,
    primary key (case_id)
);
create index cases_person on cases (person_id);

create table case_ends (
    case_id uuid not null,
    topic text not null,
    ended boolean not null,
    seq bigint not null,
    primary key (case_id, topic)
);

create table kept_promises (
    subject_id uuid not null,
    promise text not null,
    topic text not null,
    kept_at timestamptz not null,
    seq bigint not null,
    primary key (subject_id, promise, topic)
);
"""


def upgrade() -> None:
    """From nothing."""
    # asyncpg takes several statements at once only without parameters, which is not what op.execute sends.
    connection = op.get_bind().connection.dbapi_connection
    for script in (chassis_schema("0001"), AGGREGATES, DATED, HEARD):
        connection.run_async(lambda conn, script=script: conn.execute(script))
