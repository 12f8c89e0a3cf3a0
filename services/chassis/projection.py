"""What a service remembers of what others told it: rows that keep the newest, written set by set.

A projection table has a primary key and a `seq`: the stream sequence of the fact behind the row. An older fact
never overwrites a newer one, so projections are commutative and idempotent, and a rebuilt one equals the live one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy.dialects.postgresql import JSONB, dialect

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import Table

    from chassis.database import Connection, Together

_DIALECT = dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy types it not


@dataclass(frozen=True)
class Row:
    """One row of a projection table; `values` name every column of the table but those with a default."""

    table: Table
    values: Mapping[str, Any]


def live(table: Table) -> str:
    """The name of the table that is read."""
    return f"{table.schema}.{table.name}" if table.schema else table.name


def shadow(table: Table) -> str:
    """The name of the table that a rebuild fills."""
    return f"{live(table)}_shadow"


def _is_json(table: Table, name: str) -> bool:
    return isinstance(table.c[name].type, JSONB)


def _array(rows: Iterable[Row], table: Table, name: str) -> list[Any]:
    """One column of many rows. JSON goes as text: a list within an array would be taken for a second dimension."""
    values = [row.values[name] for row in rows]
    return [None if value is None else json.dumps(value) for value in values] if _is_json(table, name) else values


@cache
def _upsert(table: Table, columns: tuple[str, ...], into: str) -> str:
    kinds = ["text" if _is_json(table, name) else table.c[name].type.compile(dialect=_DIALECT) for name in columns]
    types = ", ".join(f"${n}::{kind}[]" for n, kind in enumerate(kinds, 1))
    listed = ", ".join(f'"{name}"' for name in columns)
    chosen = ", ".join(f'"{name}"::jsonb' if _is_json(table, name) else f'"{name}"' for name in columns)
    keys = [column.name for column in table.primary_key.columns]
    rest = [name for name in columns if name not in keys]
    target = ", ".join(f'"{name}"' for name in keys)
    changes = ", ".join(f'"{name}" = excluded."{name}"' for name in rest)
    # Sorted by key, so that two writers lock rows in one order.
    return (
        f"insert into {into} as held ({listed}) select {chosen} from unnest({types}) as given({listed})"  # noqa: S608 - our own names
        f" order by {target} on conflict ({target}) do update set {changes} where held.seq < excluded.seq returning 1"
    )


def _newest(rows: Iterable[Row]) -> dict[tuple[Table, tuple[str, ...]], dict[tuple[object, ...], Row]]:
    """Per table and set of columns, the newest row of each key: one statement may touch a row only once."""
    found: dict[tuple[Table, tuple[str, ...]], dict[tuple[object, ...], Row]] = {}
    for row in rows:
        held = found.setdefault((row.table, tuple(row.values)), {})
        key = tuple(row.values[column.name] for column in row.table.primary_key.columns)
        if key not in held or held[key].values["seq"] < row.values["seq"]:
            held[key] = row
    return found


def _statements(rows: Iterable[Row], *, shadows: bool = False) -> list[tuple[Table, str, list[list[Any]]]]:
    newest = _newest(rows)
    found = []
    for table, columns in sorted(newest, key=lambda place: (live(place[0]), place[1])):
        kept = newest[table, columns].values()
        into = shadow(table) if shadows else live(table)
        found.append((table, _upsert(table, columns, into), [_array(kept, table, name) for name in columns]))
    return found


async def write(conn: Connection, rows: Iterable[Row], *, shadows: bool = False) -> None:
    """Write the rows, the newest of each key winning over what is held; one statement a table."""
    for _, sql, arrays in _statements(rows, shadows=shadows):
        await conn.execute(sql, *arrays)


async def add(conn: Connection, together: Together, rows: Iterable[Row]) -> None:
    """The same together with all else; by itself what comes with other columns of a table that is written already."""
    tables: set[Table] = set()
    for table, sql, arrays in _statements(rows):
        if table in tables:
            await conn.execute(sql, *arrays)
        else:
            together.add(sql, *arrays)
        tables.add(table)


async def digest(conn: Connection, tables: Iterable[Table], *, shadows: bool = False) -> str:
    """A digest of the rows whatever their order: equal rows, equal digest."""
    parts = []
    for table in sorted(tables, key=live):
        name = shadow(table) if shadows else live(table)
        listed = ", ".join(f'held."{column}"' for column in sorted(table.c.keys()))
        rows = await conn.fetch(
            f"select count(*), coalesce(sum(('x' || substr(md5(row({listed})::text), 1, 15))::bit(60)::bigint), 0)"  # noqa: S608 - names of our own tables
            f" from {name} as held"
        )
        parts.append(f"{live(table)}={rows[0][0]}:{rows[0][1]}")
    return ";".join(parts)


async def start_shadow(conn: Connection, tables: Iterable[Table]) -> None:
    """Make empty shadows beside the live tables."""
    for table in tables:
        await conn.execute(f"drop table if exists {shadow(table)}")
        await conn.execute(f"create table {shadow(table)} (like {live(table)} including all)")


async def swap(conn: Connection, tables: Iterable[Table]) -> None:
    """Put the shadows' rows in the place of the live ones, in the caller's transaction.

    Rows are exchanged rather than names, so that grants, indexes and open plans stay as they are.
    """
    for table in tables:
        await conn.execute(f"lock table {live(table)} in exclusive mode")
        await conn.execute(f"delete from {live(table)}")  # noqa: S608 - a name of our own
        await conn.execute(f"insert into {live(table)} select * from {shadow(table)}")  # noqa: S608
        await conn.execute(f"drop table {shadow(table)}")
