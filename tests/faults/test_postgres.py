"""R7: PostgreSQL is stopped at once and started again, five times, under writers, relay and consumer."""

from __future__ import annotations

import asyncio
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import pytest
import pytest_asyncio

from chassis.database import UNREACHABLE, Database, chassis_schema
from house.postgres import EmbeddedPostgres, answers
from tests.faults.world import World, world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]


class Server:
    """A PostgreSQL of our own, to be stopped as often as one likes."""

    def __init__(self, folder: Path) -> None:
        self.server = EmbeddedPostgres(folder)
        self.process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        await asyncio.to_thread(self.server.prepare)
        self.process = subprocess.Popen(  # noqa: ASYNC220 - a moment, and nothing else runs yet
            self.server.command(), user=self.server.user, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        async with asyncio.timeout(30):
            while not await answers(self.server.url):
                await asyncio.sleep(0.05)

    def stop(self) -> None:
        """As `pg_ctl stop -m immediate` does: no goodbye to anybody, recovery at the next start."""
        if self.process is not None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(timeout=30)


@pytest_asyncio.fixture
async def fragile(broker, tmp_path) -> AsyncIterator[tuple[Server, World]]:
    folder = Path(tempfile.mkdtemp(prefix="tc-r7-"))
    server = Server(folder / "pg")
    await server.start()
    database = await Database(server.server.url).open()
    async with database.connection() as conn:
        await conn.execute(chassis_schema("0001"))
    async with world(broker, database, tmp_path) as here:
        yield server, here
    await database.close()
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


async def test_r7_postgres_restarts_and_no_process_has_to(fragile, figures) -> None:
    server, here = fragile
    await here.people(10)
    recoveries: list[float] = []
    async with here.relay() as relay, here.member() as member:
        await here.quiet()
        for _ in range(5):
            writing = asyncio.create_task(_until_cut(here))
            await asyncio.sleep(0.5)
            server.stop()
            await writing
            await server.start()
            up = time.monotonic()
            await _told_again(here)
            recoveries.append(time.monotonic() - up)
        await here.quiet(within=60)
        assert relay.active
        assert member.state == "reading"
    verdict = await here.verdict()
    versions = await here.value("select sum(version) from thing")
    figures("R7", committed=verdict.committed, slowest_recovery_seconds=f"{max(recoveries):.1f}")
    assert verdict.violations == {}
    assert versions == await here.value("select count(*) from journal")
    assert max(recoveries) <= 5


async def _until_cut(here: World) -> None:
    """Write until the database is gone."""
    with suppress(*UNREACHABLE, asyncpg.PostgresError):
        while True:
            await here.tell(20)


async def _told_again(here: World) -> None:
    """The first command that succeeds."""
    async with asyncio.timeout(20):
        while True:
            with suppress(*UNREACHABLE, asyncpg.PostgresError):
                await here.tell(1)
                return
            await asyncio.sleep(0.05)
