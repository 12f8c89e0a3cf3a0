"""Redirects that are about to be handed on; a new table alone, which the release before does not look at."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """One table."""
    op.execute("""
        create table redirect_kept (
            case_id uuid primary key,
            offer_id uuid not null,
            person_id uuid not null,
            since timestamptz not null,
            claimed_until timestamptz
        )
    """)
