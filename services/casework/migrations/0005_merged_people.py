"""Which records are of one man, as heard; new tables, which the release before ignores."""

from __future__ import annotations

from alembic import op

from chassis.database import chassis_schema

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """A projection, and the pairs it makes."""
    connection = op.get_bind().connection.dbapi_connection
    connection.run_async(lambda conn: conn.execute(chassis_schema("merged_people")))
