"""The database: statements, the clock and what only grows."""

from datetime import timedelta

import asyncpg
import pytest
from sqlalchemy import Column, MetaData, Table, Text, bindparam, select

from chassis.database import Database, now, statement, wind

THINGS = Table("things", MetaData(), Column("name", Text), Column("kind", Text))


async def test_a_statement_takes_its_parameters_by_name(database: Database) -> None:
    find = statement(select(THINGS.c.name).where(THINGS.c.kind == bindparam("wanted"), THINGS.c.name != "b"))

    async with database.transaction() as conn:
        await conn.execute("create table things (name text, kind text)")
        await conn.execute("insert into things values ('a', 'x'), ('b', 'x'), ('c', 'y')")
        rows = await find.all(conn, wanted="x")

    assert [row["name"] for row in rows] == ["a"]


async def test_the_clock_is_wound_forward_only(database: Database) -> None:
    async with database.transaction() as conn:
        before = await now(conn)
        await wind(conn, timedelta(days=90))
        after = await now(conn)

        with pytest.raises(ValueError, match="forward only"):
            await wind(conn, timedelta(days=-1))

    assert timedelta(days=90) <= after - before < timedelta(days=90, minutes=1)


@pytest.mark.parametrize("table", ["journal", "audit"])
@pytest.mark.parametrize("change", ["update {} set actor_role = ''", "delete from {}", "truncate {}"])
async def test_journal_and_audit_only_grow(database: Database, table: str, change: str) -> None:
    async with database.connection() as conn:
        with pytest.raises(asyncpg.RaiseError, match="only grows"):
            await conn.execute(change.format(table))
