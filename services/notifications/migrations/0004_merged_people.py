"""Which records are of one man, as heard, and who is told when they are taken apart; new tables and a new row,
which the release before ignores."""

from __future__ import annotations

from alembic import op

from chassis.database import chassis_schema

revision = "0004"
down_revision = "0003"

_ROW = """
insert into keeper values ('UNMERGED', date '2020-04-01', '["SM"]', false);
"""


def upgrade() -> None:
    """A projection, the pairs it makes, and a row."""
    connection = op.get_bind().connection.dbapi_connection
    for script in (chassis_schema("merged_people"), _ROW):
        connection.run_async(lambda conn, script=script: conn.execute(script))
