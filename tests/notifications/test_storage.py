"""What the migrations make is what the code describes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy.dialects.postgresql import dialect

from notifications.storage import metadata

if TYPE_CHECKING:
    from sqlalchemy import Table

    from chassis.database import Database

MIGRATIONS = "notifications.migrations"
DESCRIBED = metadata.sorted_tables
_COLUMNS = """
select a.attname as name, format_type(a.atttypid, a.atttypmod) as type, a.attnotnull as required,
    coalesce(a.attnum = any(i.indkey), false) as key
from pg_attribute a left join pg_index i on i.indrelid = a.attrelid and i.indisprimary
where a.attrelid = $1::regclass and a.attnum > 0 and not a.attisdropped
"""


def _described(table: Table) -> set[tuple[str, str, bool, bool]]:
    return {(c.name, c.type.compile(dialect=dialect()).lower(), not c.nullable, c.primary_key) for c in table.c}


@pytest.mark.parametrize("table", DESCRIBED, ids=lambda table: table.fullname)
async def test_each_table_is_as_described(table: Table, database: Database) -> None:
    async with database.connection() as conn:
        made = await conn.fetch(_COLUMNS, table.fullname)
        indexes = {
            row["indexname"]
            for row in await conn.fetch(
                "select indexname from pg_indexes where tablename = $1 and schemaname = $2",
                table.name,
                table.schema or "public",
            )
        }

    assert {tuple(row) for row in made} == _described(table)
    assert indexes == {f"{table.name}_pkey", *(str(index.name) for index in table.indexes)}
