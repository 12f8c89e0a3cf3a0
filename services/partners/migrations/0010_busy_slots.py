"""Hours at which he is seen for other work, told to houses that work with him and heard of them; and what agreements
cover, by which a guest sees the fields of a picture. New tables, and a column that the release before leaves empty."""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"

BUSY_SLOT = """
create table busy_slot (
    id uuid primary key,
    version bigint not null,
    person_id uuid not null,
    case_id uuid,
    through jsonb not null,
    hours jsonb
)
"""
APPOINTMENT_KNOWN = """
create table appointment_known (
    appointment_id uuid primary key,
    person_id uuid not null,
    case_id uuid,
    org_id text not null,
    starts_at timestamptz not null,
    ends_at timestamptz not null,
    stands boolean not null,
    seq bigint not null
)
"""
COVERS = "alter table picture.agreement_terms add column covers jsonb"
INDEXES = (
    "create index busy_slot_person on busy_slot (person_id)",
    "create index appointment_known_person on appointment_known (person_id)",
)


def upgrade() -> None:
    """Add them."""
    for each in (BUSY_SLOT, APPOINTMENT_KNOWN, COVERS, *INDEXES):
        op.execute(each)
