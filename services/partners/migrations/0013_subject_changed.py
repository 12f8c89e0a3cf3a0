"""By which of its references a man goes at a node, and here by a partner's: columns with defaults, which the release
before leaves as they are."""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"

_COLUMNS = """
alter table holding add column goes_by text not null default '';
alter table subject_link add column goes_by text not null default '';
alter table subject_link add column by_house boolean not null default false;
create index subject_link_goes_by on subject_link (sender_node, goes_by) where goes_by <> '';
"""


def upgrade() -> None:
    """Three columns."""
    connection = op.get_bind().connection.dbapi_connection
    connection.run_async(lambda conn: conn.execute(_COLUMNS))
