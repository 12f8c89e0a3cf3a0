"""The migrated schema is what storage says."""

from sqlalchemy.dialects.postgresql import dialect

from casework.storage import metadata


async def test_every_table_has_the_columns_it_is_described_with(house):
    rows = await house.rows("select table_name, column_name, data_type, is_nullable from information_schema.columns")

    for name, table in metadata.tables.items():
        found = {
            row["column_name"]: (row["data_type"].upper(), row["is_nullable"] == "YES")
            for row in rows
            if row["table_name"] == name
        }
        said = {
            column.name: (str(column.type.compile(dialect=dialect())).upper(), column.nullable)
            for column in table.columns
        }
        assert found == said, name


async def test_indexes_are_there_with_their_conditions(house):
    rows = await house.rows("select indexname, indexdef from pg_indexes where schemaname = 'public'")

    found = {row["indexname"]: row["indexdef"] for row in rows}
    for table in metadata.tables.values():
        for index in table.indexes:
            assert found[index.name].startswith("CREATE UNIQUE" if index.unique else "CREATE INDEX")
    assert "ALLOCATED" in found["allocation_primary"]
    assert "CLOSED" in found["engagement_open"]
