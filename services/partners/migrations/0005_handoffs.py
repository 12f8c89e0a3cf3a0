"""Handoffs between houses, and whom a partner's reference means here. All is new: the release before ignores it."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"

HANDOFF = """
create table handoff (
    id uuid primary key,
    version bigint not null,
    side text not null,
    partner text not null,
    partner_org text not null,
    own_org text not null,
    to_probation boolean not null,
    subject_ref text not null,
    person_id uuid not null,
    case_id uuid,
    kind text not null,
    aspects jsonb not null,
    offer_id uuid,
    categories jsonb not null,
    scope_hash text not null,
    origin text not null,
    grounds jsonb not null,
    detail_ref text not null,
    offered_at timestamptz not null,
    offered_by text not null,
    expires_at timestamptz not null,
    status text not null,
    stage text not null,
    revoking boolean not null,
    own_holds jsonb not null,
    their_hold boolean not null,
    hold_group text,
    round integer not null,
    answered integer not null,
    lapsed integer not null,
    stops jsonb not null,
    due_at timestamptz,
    refs jsonb not null,
    late jsonb not null,
    received_at timestamptz,
    asked_at timestamptz,
    accepted_at timestamptz,
    started_at timestamptz,
    revoke_requested_at timestamptz,
    ended_at timestamptz,
    loop_closed_at timestamptz,
    purged_at timestamptz,
    worker text not null,
    outcome text,
    reason_group text,
    next_contact jsonb,
    sealed bytea not null
);
create index handoff_person on handoff (person_id);
create index handoff_case on handoff (case_id);
create index handoff_subject on handoff (partner, subject_ref);
create index handoff_status on handoff (status, due_at);
create index handoff_refs on handoff using gin (refs);

create table subject_link (
    id uuid primary key,
    version bigint not null,
    sender_node text not null,
    subject_ref text not null,
    own_org text not null,
    minted_id uuid not null,
    person_id uuid not null,
    about uuid not null,
    status text not null
);
create unique index subject_link_reference on subject_link (sender_node, subject_ref);
create index subject_link_person on subject_link (person_id);
"""


def upgrade() -> None:
    """Add the tables."""
    connection = op.get_bind().connection.dbapi_connection
    connection.run_async(lambda conn: conn.execute(HANDOFF))
