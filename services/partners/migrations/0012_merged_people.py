"""Which records are of one man, as the gate and the picture heard it; new tables, which the release before
ignores."""

from __future__ import annotations

from alembic import op

from chassis.database import chassis_schema

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Two projections, and the pairs each makes."""
    connection = op.get_bind().connection.dbapi_connection
    merged = chassis_schema("merged_people")
    for script in (merged, f"set search_path = picture; {merged} reset search_path;"):
        connection.run_async(lambda conn, script=script: conn.execute(script))
