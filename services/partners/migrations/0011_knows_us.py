"""Whether a node says that this house is registered with it; false until it does, which the release before ignores."""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """One column."""
    op.execute("alter table node add column knows_us boolean not null default false")
