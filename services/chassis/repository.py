"""Gets and puts an aggregate as a row: columns by field name, personal fields sealed together in one column.

`put` writes nothing by itself: values and their news are handed to the work, which writes rows in a fixed order at
its flush. Within a work `get` and `find` see what has been put.
"""

from __future__ import annotations

import json
from dataclasses import fields
from functools import cache
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, get_type_hints, overload
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import any_, bindparam, literal, select
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from chassis.access import reached_by, visible_to
from chassis.aggregate import Aggregate, Conflict, Denied, NotFound
from chassis.database import Statement, statement

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import asyncpg
    from sqlalchemy import Table
    from sqlalchemy.sql.elements import ColumnElement

    from chassis.access import Grants, Records
    from chassis.database import Connection, Together
    from chassis.sealed import Keys

A = TypeVar("A", bound=Aggregate)
# More rows of one table go by themselves, many in a round trip: a statement is not to grow with what it changes.
FEW = 4


class Unit(Protocol):
    """What a repository needs of the work it is used in."""

    conn: Connection
    keys: Keys
    grants: Grants | None
    drawn: set[UUID]

    @property
    def asking(self) -> dict[str, object]: ...
    def bound(self, repository: Repository[A]) -> Bound[A]: ...
    def tell(self, value: A, kind: str) -> A: ...


class Repository(Generic[A]):
    """Which aggregate lives in which table; declared on a service's Work, used through a work.

    `kind` names the aggregate on the bus. `records` says who may see it; without it no person is concerned and every
    role that has the command may. Fields in `sealed` stand in the column `sealed`; each in `hashed` has a search
    column `<field>_hash`.
    """

    def __init__(
        self,
        aggregate: type[A],
        table: Table,
        *,
        kind: str,
        records: Records | None = None,
        sealed: Sequence[str] = (),
        hashed: Sequence[str] = (),
    ) -> None:
        self.aggregate, self.table, self.kind, self.records = aggregate, table, kind, records
        self.sealed, self.hashed = tuple(sealed), tuple(hashed)
        self.name = ""
        self._statements: dict[tuple[object, ...], Statement] = {}
        self._adapters: dict[str, TypeAdapter[Any]] | None = None

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, work: None, owner: type) -> Repository[A]: ...
    @overload
    def __get__(self, work: Unit, owner: type) -> Bound[A]: ...
    def __get__(self, work: Unit | None, owner: type) -> Repository[A] | Bound[A]:
        return self if work is None else work.bound(self)

    @property
    def adapters(self) -> dict[str, TypeAdapter[Any]]:
        """How each field is turned into plain values and back."""
        if self._adapters is None:
            hints = get_type_hints(self.aggregate)
            self._adapters = {f.name: TypeAdapter(hints[f.name]) for f in fields(self.aggregate) if f.name != "news"}
        return self._adapters

    def row(self, value: A, keys: Keys) -> dict[str, Any]:
        """The columns of a value."""
        columns: dict[str, Any] = {}
        for name, adapter in self.adapters.items():
            if name in self.sealed:
                continue
            held = getattr(value, name)
            if isinstance(self.table.c[name].type, JSONB):
                held = adapter.dump_python(held, mode="json")
            columns[name] = str(held) if isinstance(held, str) else held
        if self.sealed:
            private = {n: self.adapters[n].dump_python(getattr(value, n), mode="json") for n in self.sealed}
            columns["sealed"] = keys.seal(value.person, json.dumps(private).encode())
        for name in self.hashed:
            plain = getattr(value, name)
            columns[f"{name}_hash"] = keys.ring.fingerprint(name, plain) if plain else None
        return columns

    def value(self, row: asyncpg.Record, keys: Keys, person: UUID | None) -> A:
        """The value of a row; the person's key must be at hand."""
        private: Mapping[str, Any] = json.loads(keys.open(person, row["sealed"])) if self.sealed else {}
        # A sealed field that came with a later release is not in a row of before: it has its default.
        held = {
            name: adapter.validate_python(private[name] if name in self.sealed else row[name])
            for name, adapter in self.adapters.items()
            if name not in self.sealed or name in private
        }
        return self.aggregate(**held)

    def person_column(self) -> str | None:
        """The column that names whose key seals the row."""
        if "person_id" in self.table.c:
            return "person_id"
        return "id" if self.kind == "person" else None

    def select(self, where: tuple[tuple[str, str], ...], grants: Grants | None) -> Statement:
        """The statement for these criteria (column, how) as the roles of `grants` may see them, compiled once."""
        shape = (where, None if grants is None else tuple(sorted(grants.items())))
        if shape not in self._statements:
            conditions = [self._condition(name, how) for name, how in where]
            may: ColumnElement[bool] = literal(True)
            if self.records is not None:
                conditions.append(visible_to(self.records, also=grants))
                may = reached_by(self.records, grants) if grants else may
            clause = select(*self.table.c, may.label("may")).where(*conditions).order_by(self.table.c.id)
            self._statements[shape] = statement(clause)
        return self._statements[shape]

    def _condition(self, name: str, how: str) -> ColumnElement[bool]:
        column = self.table.c[name]
        if how == "null":
            return column.is_(None)
        if how == "any":
            return column == any_(bindparam(f"by_{name}", type_=ARRAY(column.type)))
        return column == bindparam(f"by_{name}", type_=column.type)


@cache
def _upsert(table: Table, columns: tuple[str, ...], *, new: bool) -> str:
    name = f"{table.schema}.{table.name}" if table.schema else table.name
    if new:
        listed, values = (
            ", ".join(f'"{c}"' for c in columns),
            ", ".join(f"${n}" for n in range(1, len(columns) + 1)),
        )
        return f"insert into {name} ({listed}) values ({values}) returning 1"  # noqa: S608 - our own names
    changes = ", ".join(f'"{c}" = ${n}' for n, c in enumerate(columns, 1) if c != "id")
    place = columns.index("id") + 1
    return (
        f"update {name} set {changes}"  # noqa: S608 - our own names
        f" where id = ${place} and version = ${len(columns) + 1} returning 1"
    )


class Bound(Generic[A]):
    """A repository within one work."""

    def __init__(self, repository: Repository[A], work: Unit) -> None:
        self.repository, self.work = repository, work
        self.held: dict[UUID, A] = {}
        self.stored: dict[UUID, int] = {}
        self.changed: set[UUID] = set()
        self.beyond: set[UUID] = set()

    async def get(self, id: UUID, expected: int | None = None) -> A:
        """The aggregate as this actor may see and act on it.

        NotFound where it is missing or hidden, Denied where it is visible but out of the command's reach, Conflict
        where it is at another version than `expected`.
        """
        value = self.held.get(id) or next(iter(await self._fetch({"id": id})), None)
        if value is None:
            raise NotFound
        if id in self.beyond:
            raise Denied
        if expected is not None and value.version != expected:
            raise Conflict
        return value

    async def find(self, **criteria: object) -> list[A]:
        """Every aggregate that fits and that this actor may see, oldest first, with what this work has put.

        A criterion is a field, or a hashed field in clear; None asks for an empty one, a tuple for any of these. No
        row that is stored can hold an id that this work has drawn: the database is not asked for one.
        """
        drawn = any(isinstance(wanted, UUID) and wanted in self.work.drawn for wanted in criteria.values())
        found = {value.id: value for value in ([] if drawn else await self._fetch(criteria))}
        for id_ in [id_ for id_ in found if id_ in self.changed]:
            del found[id_]
        found |= {id_: self.held[id_] for id_ in self.changed if self._fits(self.held[id_], criteria)}
        return [found[id_] for id_ in sorted(found)]

    async def first(self, **criteria: object) -> A | None:
        """The oldest that fits, or None."""
        return next(iter(await self.find(**criteria)), None)

    async def put(self, value: A) -> int:
        """Hand the value and its news to the work; returns the version it will have. Without news nothing happened."""
        if not value.news:
            if self.held.get(value.id) not in (None, value):
                raise TypeError(f"{type(value).__name__} changed without telling a fact")
            return value.version
        self.stored.setdefault(value.id, value.version)
        kept = self.work.tell(value, self.repository.kind)
        self.held[value.id] = kept
        self.changed.add(value.id)
        return kept.version

    def _fits(self, value: A, criteria: Mapping[str, object]) -> bool:
        return all(
            getattr(value, name) in wanted if isinstance(wanted, tuple) else getattr(value, name) == wanted
            for name, wanted in criteria.items()
        )

    async def _fetch(self, criteria: Mapping[str, object]) -> list[A]:
        shape: list[tuple[str, str]] = []
        given: dict[str, object] = dict(self.work.asking)
        for name, wanted in criteria.items():
            column, value = name, wanted
            if name in self.repository.hashed and isinstance(wanted, str):
                column, value = f"{name}_hash", self.work.keys.ring.fingerprint(name, wanted)
            how = "null" if value is None else "any" if isinstance(value, tuple) else "is"
            shape.append((column, how))
            given[f"by_{column}"] = list(value) if isinstance(value, tuple) else value
        rows = await self.repository.select(tuple(shape), self.work.grants).all(self.work.conn, **given)
        self.beyond.update(row["id"] for row in rows if not row["may"])
        return await self._values(rows)

    async def _values(self, rows: Sequence[asyncpg.Record]) -> list[A]:
        name = self.repository.person_column() if self.repository.sealed else None
        persons = {row[name] for row in rows if name and row[name] is not None}
        await self.work.keys.load(self.work.conn, persons)
        found = []
        for row in rows:
            if row["id"] not in self.held:
                self.held[row["id"]] = self.repository.value(row, self.work.keys, row[name] if name else None)
                self.stored[row["id"]] = row["version"]
            found.append(self.held[row["id"]])
        return found

    def persons(self) -> set[UUID]:
        """Whose keys the flush needs."""
        return {p for id_ in self.changed if self.repository.sealed and (p := self.held[id_].person) is not None}

    async def flush(self, together: Together) -> None:
        """Write the changed rows, new ones first, in order of their ids: a few together with all else, many by
        themselves. Conflict where somebody else was first, here or once `together` has run."""
        rows: dict[bool, list[tuple[object, ...]]] = {True: [], False: []}
        columns: tuple[str, ...] = ()
        for id_ in sorted(self.changed):
            row = self.repository.row(self.held[id_], self.work.keys)
            columns = tuple(row)
            new = self.stored[id_] == 0
            rows[new].append((*row.values(),) if new else (*row.values(), self.stored[id_]))
        for new, arguments in rows.items():
            sql = _upsert(self.repository.table, columns, new=new) if arguments else ""
            if len(self.changed) <= FEW:
                for given in arguments:
                    together.add(sql, *given, must=(1, Conflict))
            elif arguments and len(await self.work.conn.fetchmany(sql, arguments)) != len(arguments):
                raise Conflict
        for id_ in self.changed:
            self.stored[id_] = self.held[id_].version
        self.changed.clear()

    def snapshot(self) -> tuple[dict[UUID, A], dict[UUID, int], set[UUID]]:
        """What `restore` needs."""
        return dict(self.held), dict(self.stored), set(self.changed)

    def restore(self, taken: tuple[dict[UUID, A], dict[UUID, int], set[UUID]]) -> None:
        """Forget what was put since."""
        self.held, self.stored, self.changed = dict(taken[0]), dict(taken[1]), set(taken[2])
