"""The house's word on its feeds; a new table alone, which the release before ignores."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"

FEEDS = """
create table feeds (
    id uuid primary key,
    version bigint not null,
    confirmed_at timestamptz not null
)
"""


def upgrade() -> None:
    """Add it."""
    op.execute(FEEDS)
