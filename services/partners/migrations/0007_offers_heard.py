"""How offers of other houses stand, for what is told of them in this one. A new table alone."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"

OFFER_HEARD = """
create table offer_heard (
    id uuid primary key,
    version bigint not null,
    source_node text not null,
    org_id text not null,
    status text not null,
    aspects jsonb not null,
    room jsonb
)
"""


def upgrade() -> None:
    """Add it."""
    op.execute(OFFER_HEARD)
