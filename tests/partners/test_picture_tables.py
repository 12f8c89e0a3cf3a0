"""The picture in PostgreSQL: whatever the order, repetition, restart and cut, the same rows and the same digest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chassis import projection
from partners.projections.picture.tables import PROJECTED, rows
from tests.partners.histories import batches, interleaved, streams

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chassis.database import Connection, Database
    from tests.partners.histories import Heard

MIGRATIONS = "partners.migrations"
Rows = dict[str, list[tuple[object, ...]]]


async def _read(conn: Connection) -> Rows:
    found: Rows = {}
    for table in PROJECTED:
        keys = ", ".join(str(n) for n in range(1, len(table.c) + 1))
        held = await conn.fetch(f"select * from {projection.live(table)} order by {keys}")
        found[table.name] = [tuple(row) for row in held]
    return found


async def _hear(database: Database, heard: Iterable[list[Heard]]) -> tuple[Rows, str]:
    """Empty the tables, hear these batches, each in a transaction of its own, and say what is held."""
    async with database.transaction() as conn:
        for table in PROJECTED:
            await conn.execute(f"delete from {projection.live(table)}")
    for batch in heard:
        async with database.transaction() as conn:
            await projection.write(conn, [row for fact in batch for row in rows(fact.told, fact.registers())])
    async with database.connection() as conn:
        return await _read(conn), await projection.digest(conn, PROJECTED)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_any_interleaving_ends_in_the_same_rows(data: st.DataObject, database: Database) -> None:
    found = data.draw(streams(cases=3))

    once = await _hear(database, [[fact for stream in found for fact in stream]])
    again = await _hear(database, batches(data.draw, interleaved(data.draw, found)))

    assert again == once


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_a_rebuilt_picture_equals_the_live_one(data: st.DataObject, database: Database) -> None:
    found = data.draw(streams(cases=2))
    live, digest = await _hear(database, batches(data.draw, interleaved(data.draw, found)))

    async with database.transaction() as conn:
        await projection.start_shadow(conn, PROJECTED)
        heard = [row for stream in found for fact in stream for row in rows(fact.told, fact.registers())]
        await projection.write(conn, heard, shadows=True)
        rebuilt = await projection.digest(conn, PROJECTED, shadows=True)
        await projection.swap(conn, PROJECTED)

        assert rebuilt == digest
        assert await _read(conn) == live
