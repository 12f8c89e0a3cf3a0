"""The embedded PostgreSQL recovers from every way it may have been left."""

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import asyncpg
import psutil
import pytest

from house import postgres
from house.folder import Folder
from house.supervisor import Child, Supervisor
from tests.support.postgres import eventually


@pytest.fixture
def folder():
    path = Path(tempfile.mkdtemp(prefix="tc-house-"))
    made = Folder(path)
    made.make()
    yield made
    shutil.rmtree(path, ignore_errors=True)


def child_of(server: postgres.EmbeddedPostgres) -> Child:
    async def ready() -> bool:
        return await postgres.answers(server.url)

    return Child(
        name="postgres",
        command=server.command,
        prepare=server.prepare,
        ready=ready,
        stop=signal.SIGINT,
        orphaned=signal.SIGINT,
        user=server.user,
    )


class Kept:
    """A supervisor with PostgreSQL alone, for the length of a `with`."""

    def __init__(self, folder: Folder) -> None:
        self.server = postgres.EmbeddedPostgres(folder.postgres)
        self.supervisor = Supervisor([child_of(self.server)], logs=folder.logs, changed=lambda _: None)

    async def __aenter__(self) -> "Kept":
        self.task = asyncio.create_task(self.supervisor.run())
        async with asyncio.timeout(30):
            await self.supervisor.until_ready()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.supervisor.stop()
        async with asyncio.timeout(20):
            await self.task

    @property
    def pid(self) -> int:
        return self.supervisor.running[0].pid or 0

    async def value(self, statement: str) -> object:
        conn = await asyncpg.connect(self.server.url)
        try:
            return await conn.fetchval(statement)
        finally:
            await conn.close()


async def test_committed_rows_survive_a_kill_of_the_server_and_it_comes_back_by_itself(folder):
    async with Kept(folder) as kept:
        await kept.value("create table rows (n int)")
        await kept.value("insert into rows values (7)")
        before = kept.pid
        os.kill(before, signal.SIGKILL)
        async with asyncio.timeout(30):
            while kept.pid == before or kept.supervisor.running[0].state != "running":
                await asyncio.sleep(0.02)
        assert await kept.value("select n from rows") == 7
        assert kept.supervisor.running[0].restarts == 1


async def test_a_second_start_continues_from_its_data(folder):
    async with Kept(folder) as kept:
        await kept.value("create table rows (n int)")
    async with Kept(folder) as again:
        assert await again.value("select count(*) from rows") == 0


async def test_the_pid_file_of_a_server_that_is_gone_does_not_hinder_even_when_its_id_belongs_to_another(folder):
    async with Kept(folder):
        pass
    (folder.postgres / "postmaster.pid").write_text(f"{os.getpid()}\n{folder.postgres}\n1\n5432\n/tmp\n\n1 1\nready\n")
    async with Kept(folder) as kept:
        assert await kept.value("select 1") == 1


async def test_half_made_files_of_a_killed_first_start_are_made_again(folder):
    unfinished = folder.postgres.with_name(".postgres.unfinished")
    unfinished.mkdir()
    (unfinished / "PG_VERSION").write_text("18")
    async with Kept(folder) as kept:
        assert str(await kept.value("show server_version")).startswith("18")


async def test_it_listens_on_no_network_address(folder):
    async with Kept(folder) as kept:
        assert await kept.value("show listen_addresses") == ""
        connections = psutil.Process(kept.pid).net_connections(kind="inet")
        assert [each for each in connections if each.status == psutil.CONN_LISTEN] == []


async def test_a_database_is_made_once_however_many_ask_for_it_at_once(folder):
    async with Kept(folder) as kept:
        name = postgres.database_of("north-london-nhs", "referral")
        await asyncio.gather(*(postgres.ensure_database(kept.server.url, name) for _ in range(4)))
        assert await postgres.answers(postgres.named(kept.server.url, name))


async def test_a_folder_too_deep_for_a_socket_gets_its_socket_elsewhere(folder):
    deep = Folder(folder.path / ("d" * 60) / ("e" * 60))
    deep.make()
    async with Kept(deep) as kept:
        assert len(str(kept.server.sockets)) < 90
        assert await eventually(lambda: postgres.answers(kept.server.url))


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("useradd"), reason="only root may make users")
def test_servers_that_start_at_once_on_a_new_machine_make_one_user():
    name = f"tc-{os.urandom(4).hex()}"
    asks = f"import pwd, house.postgres as p; p.ensure_user({name!r}); print(pwd.getpwnam({name!r})[2])"
    try:
        asking = [subprocess.Popen([sys.executable, "-c", asks], stdout=subprocess.PIPE, text=True) for _ in range(6)]
        numbers = {each.communicate(timeout=60)[0].strip() for each in asking}
        assert numbers == {str(pwd.getpwnam(name).pw_uid)}
    finally:
        subprocess.run(["userdel", name], check=False, capture_output=True)
