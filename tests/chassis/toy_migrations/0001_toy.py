"""The toy service's tables, on top of the chassis' own."""

from alembic import op

from chassis.database import chassis_schema
from tests.chassis.toy import TABLES

revision = "0001"
down_revision = None
SEEN = "create table seen (key text primary key, state text not null, seq bigint not null);"


def upgrade() -> None:
    # asyncpg takes several statements at once only without parameters, which is not what op.execute sends.
    connection = op.get_bind().connection.dbapi_connection
    for script in (chassis_schema("0001"), TABLES, SEEN):
        connection.run_async(lambda conn, script=script: conn.execute(script))
