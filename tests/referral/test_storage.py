"""The tables: what the migration makes is what the code describes, and every aggregate survives its row."""

from chassis.database import Database
from referral.storage import Work, metadata

MIGRATIONS = "referral.migrations"


async def test_the_migrated_schema_is_the_described_one(database: Database):
    async with database.connection() as conn:
        rows = await conn.fetch(
            "select table_name, column_name, is_nullable from information_schema.columns where table_schema = 'public'"
        )
        indexes = {row["indexname"] for row in await conn.fetch("select indexname from pg_indexes")}

    found = {(row["table_name"], row["column_name"]): row["is_nullable"] == "YES" for row in rows}
    for table in metadata.tables.values():
        described = {(table.name, column.name): bool(column.nullable) for column in table.columns}
        assert described.items() <= found.items()
        assert {name for name in found if name[0] == table.name} == set(described)
        assert {str(index.name) for index in table.indexes} <= indexes


def test_each_field_of_an_aggregate_has_its_column_or_is_sealed():
    for repository in Work.repositories:
        for name in repository.adapters:
            assert (name in repository.sealed) != (name in repository.table.c), (repository.kind, name)


async def test_a_case_reference_is_given_once(database: Database):
    async with database.connection() as conn:
        unique = await conn.fetchval(
            "select count(*) from pg_indexes where tablename = 'referral' and indexdef like '%UNIQUE%case_reference%'"
        )

    assert unique == 1
