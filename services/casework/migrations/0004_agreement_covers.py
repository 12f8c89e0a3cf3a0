"""What agreements cover, by which a guest sees the fields of a record; a new column, which the release before leaves
empty: then nothing is covered until it is heard again (`rebuild`)."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add it."""
    op.execute("alter table agreement_terms add column covers jsonb")
