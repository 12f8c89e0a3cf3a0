"""PostgreSQL for one service: asyncpg carries, SQLAlchemy Core describes, Alembic migrates, and the clock.

Raw statements and SQLAlchemy's own connection never mix: SQLAlchemy only compiles text here. The only place
where a clock is read: the database's, so that all processes of a house agree (ADR 0016).
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import random
import re
from contextlib import asynccontextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import asyncpg
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect
from sqlalchemy.sql.expression import BindParameter
from sqlalchemy.sql.visitors import iterate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
    from datetime import datetime, timedelta

    from sqlalchemy.sql.expression import ClauseElement

Connection = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy
# What a database that is away, restarting or overloaded raises: a fault to try again, never an answer.
UNREACHABLE = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a connection cut off in the middle of an answer
    asyncpg.PostgresConnectionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
)
TRY_AGAIN = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)
TRIES = 5
T = TypeVar("T")
_PARAMETER = re.compile(r"\$(\d+)")
_DIALECT = asyncpg_dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]  # SQLAlchemy types it not


async def again(once: Callable[[], Awaitable[T]]) -> T:
    """A whole unit of work, tried again where PostgreSQL has refused it for others at the same time: at most `TRIES`
    times, with jitter."""
    for attempt in range(1, TRIES):
        with suppress(*TRY_AGAIN):
            return await once()
        await asyncio.sleep(random.uniform(0, 0.02 * 2**attempt))  # noqa: S311 - jitter
    return await once()


class Statement:
    """A Core statement compiled once; parameters are given by name."""

    def __init__(self, clause: ClauseElement) -> None:
        for part in iterate(clause):
            if isinstance(part, BindParameter):
                part.required = False  # values come with each call, not with the compilation
        compiled = clause.compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True})
        self.sql = str(compiled)
        self._order: tuple[str, ...] = tuple(compiled.positiontup or ())  # type: ignore[attr-defined]
        self._given: Mapping[str, Any] = dict(compiled.params)

    def arguments(self, **given: object) -> list[object]:
        """The positional parameters; a bound value of the statement itself stands where none is given."""
        return [given[name] if name in given else self._given[name] for name in self._order]

    async def all(self, conn: Connection, **given: object) -> list[asyncpg.Record]:
        """Every row."""
        return await conn.fetch(self.sql, *self.arguments(**given))

    async def one(self, conn: Connection, **given: object) -> asyncpg.Record | None:
        """The first row, or None."""
        return await conn.fetchrow(self.sql, *self.arguments(**given))

    async def value(self, conn: Connection, **given: object) -> Any:
        """The first column of the first row, or None."""
        return await conn.fetchval(self.sql, *self.arguments(**given))

    async def run(self, conn: Connection, **given: object) -> str:
        """PostgreSQL's command tag."""
        return await conn.execute(self.sql, *self.arguments(**given))


def statement(clause: ClauseElement) -> Statement:
    """Compile a Core statement for asyncpg; do it once, at import."""
    return Statement(clause)


@lru_cache(maxsize=1024)
def _composed(parts: tuple[tuple[str, str, int], ...]) -> str:
    """One statement of several; the parameters of each are numbered on from those before it."""
    queries: list[str] = []
    counts: list[str] = []
    before = 0
    for nth, (name, sql, parameters) in enumerate(parts):
        moved = _PARAMETER.sub(lambda found, by=before: f"${int(found[1]) + by}", sql)  # type: ignore[misc]
        counted = name or f"change_{nth}"
        queries.append(moved if name else f"{counted} as ({moved})")
        counts.append(f"(select count(*) from {counted})")  # noqa: S608 - our own names
        before += parameters
    return f"with {', '.join(queries)} select {', '.join(counts)}"


class Together:
    """Changes that go to the database in one round trip: one statement, each change a query of its `with`.

    They are made in the order in which they were added, because their counts are asked for in that order; none sees
    what another has written. So two of them may not touch the same row.
    """

    def __init__(self) -> None:
        self._parts: list[tuple[str, str, int]] = []
        self._arguments: list[object] = []
        self._must: list[tuple[int, type[Exception]] | None] = []

    def add(
        self, sql: str, *arguments: object, name: str = "", must: tuple[int, type[Exception]] | None = None
    ) -> None:
        """Add a change that returns a row for each it wrote; `must` says how many those are, and what else is raised.

        With a `name`, `sql` is `… as (…), name as (…)`: queries of which the one of that name is counted. Names are
        unique among the changes of one flush.
        """
        self._parts.append((name, sql, len(arguments)))
        self._arguments += arguments
        self._must.append(must)

    async def run(self, conn: Connection) -> None:
        """Make the changes."""
        if not self._parts:
            return
        (counts,) = await conn.fetch(_composed(tuple(self._parts)), *self._arguments)
        for must, wrote in zip(self._must, counts, strict=True):
            if must is not None and must[0] != wrote:
                raise must[1]


async def prepare(conn: asyncpg.Connection) -> None:
    """What every connection of a service speaks: JSONB as Python values."""
    await conn.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")


async def _nothing_to_reset(_: asyncpg.Connection) -> None:
    """Nothing of ours outlives its transaction: no setting, no cursor, no lock. One that is open still is rolled
    back before this is asked; the library's own way costs a round trip more each time."""


class Database:
    """A pool of connections to one service's database.

    Statement, lock and idle limits are set per connection, so a stuck peer is cut off by the server itself.
    """

    def __init__(self, url: str, *, size: int = 8) -> None:
        self.url = url
        self.size = size
        self._pool: asyncpg.Pool | None = None

    @property
    def pool(self) -> asyncpg.Pool:
        """The pool; open first."""
        if self._pool is None:
            raise RuntimeError("the database is not open")
        return self._pool

    async def open(self) -> Database:
        """Connect lazily: a database that is away now does not stop the process from starting."""
        self._pool = await asyncpg.create_pool(
            self.url,
            min_size=0,
            max_size=self.size,
            init=prepare,
            reset=_nothing_to_reset,
            command_timeout=30,
            max_inactive_connection_lifetime=300,
            server_settings={
                "statement_timeout": "20s",
                "lock_timeout": "10s",
                "idle_in_transaction_session_timeout": "30s",
                "timezone": "UTC",
                "application_name": "throughcare",
            },
        )
        return self

    async def close(self) -> None:
        """Close, waiting at most five seconds for work under way."""
        if self._pool is not None:
            try:
                async with asyncio.timeout(5):
                    await self._pool.close()
            except TimeoutError:
                self._pool.terminate()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """One connection, given back afterwards."""
        async with asyncio.timeout(10):
            conn = await self.pool.acquire()
        try:
            yield conn
        finally:
            await self.pool.release(conn, timeout=10)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """One connection in a READ COMMITTED transaction."""
        async with self.connection() as conn, conn.transaction():
            yield conn


async def now(conn: Connection) -> datetime:
    """The house's time, aware, UTC."""
    return await conn.fetchval("select house_now()")  # type: ignore[no-any-return]


async def wind(conn: Connection, ahead: timedelta) -> None:
    """Wind the house's clock forward; the embedded profile and tests alone may."""
    if ahead.total_seconds() < 0:
        raise ValueError("the clock of a house is wound forward only")
    await conn.execute("update clock set ahead = ahead + $1", ahead)


def chassis_schema(name: str) -> str:
    """Tables of the chassis, as SQL: the first migration of every service runs "0001", which all have; one that keeps
    rows by person runs "merged_people" too."""
    folder = Path(__file__).parent / "schema"
    return "\n".join(path.read_text() for path in sorted(folder.glob(f"{name}*.sql")))


def _folder(migrations: str) -> Path:
    """Where the migrations of a service lie, given as `<service>.migrations`."""
    package, _, folder = migrations.rpartition(".")
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError(package)
    return Path(next(iter(found.submodule_search_locations))) / folder


async def migrate(url: str, migrations: str) -> None:
    """Bring the schema up to the newest migration, in one transaction; safe to run beside another runner."""
    conn = await asyncpg.connect(url)
    try:
        if await is_current(conn, migrations):
            return
    finally:
        await conn.close()
    # Heavy, and needed here alone: a service that runs is not to carry them.
    from alembic.config import Config  # noqa: PLC0415
    from alembic.runtime.environment import EnvironmentContext  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415
    from sqlalchemy.ext.asyncio import create_async_engine  # noqa: PLC0415
    from sqlalchemy.pool import NullPool  # noqa: PLC0415

    path = str(_folder(migrations))
    scripts = ScriptDirectory(path, version_locations=[path])
    engine = create_async_engine("postgresql+asyncpg://" + url.split("://", 1)[1], poolclass=NullPool)

    def upgrade(revision: Any, _: object) -> Iterable[Any]:
        return scripts._upgrade_revs("head", revision)  # noqa: SLF001 - as Alembic's own commands do

    def run(connection: Any) -> None:
        with EnvironmentContext(Config(), scripts, fn=upgrade) as context:
            context.configure(connection=connection, target_metadata=None)
            with context.begin_transaction():
                # Two replicas that start together: the second waits, then finds nothing to do.
                connection.exec_driver_sql("select pg_advisory_xact_lock(7034)")
                context.run_migrations()

    async with engine.connect() as connection:
        await connection.run_sync(run)
        await connection.commit()
    await engine.dispose()


def newest_migration(migrations: str) -> str | None:
    """The revision of the newest migration: they are numbered, each after the one before; None where there is none."""
    return max((path.name[:4] for path in _folder(migrations).glob("[0-9][0-9][0-9][0-9]_*.py")), default=None)


async def is_current(conn: Connection, migrations: str) -> bool:
    """Whether the newest migration has been applied; a service that is behind does not become ready."""
    head = newest_migration(migrations)
    if await conn.fetchval("select to_regclass('alembic_version')") is None:
        return head is None
    return bool(await conn.fetchval("select version_num from alembic_version") == head)
