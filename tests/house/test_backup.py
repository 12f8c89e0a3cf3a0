"""One consistent set of a house, put back whole or not at all."""

import gzip
import json
from uuid import uuid4

import asyncpg
import pytest

from chassis.database import migrate
from house import backup as keeping
from house import environment
from house.folder import Folder, Run, Running
from house.postgres import database_of, ensure_database, named
from house.trouble import Trouble

SERVICES = ("referral", "casework")


@pytest.fixture
async def home(postgres_url, tmp_path):
    node = f"t{uuid4().hex[:8]}"
    folder = Folder(tmp_path / "house")
    folder.make()
    folder.secret("wrapping.key")
    folder.write_secret(environment.DATABASE_URL, postgres_url)
    for service in SERVICES:
        await ensure_database(postgres_url, database_of(node, service))
        await migrate(named(postgres_url, database_of(node, service)), f"{service}.migrations")
    supervisor = Running(name="supervisor", pid=None, started=0, restarts=0, state="elsewhere")
    run = Run(supervisor=supervisor, bus="kafka:9092", bus_servers="kafka:9092", houses={}, processes=(), node=node)
    yield folder, run
    conn = await asyncpg.connect(postgres_url)
    for service in SERVICES:
        await conn.execute(f'drop database "{database_of(node, service)}" with (force)')
    await conn.close()


async def on(home, service, statement, *values):
    folder, run = home
    url = named(environment.read_url(folder), database_of(run.node, service))
    conn = await asyncpg.connect(url, server_settings={"application_name": "a test"})
    try:
        return await conn.fetchval(statement, *values)
    finally:
        await conn.close()


async def audited(home, service):
    await on(
        home,
        service,
        "insert into audit values ($1, now(), 'staff-1', 'SM', 'together', 'OPERATE', 'looked', 'a record', 'ok', $1)",
        uuid4(),
    )


async def count(home, service, table):
    return await on(home, service, f"select count(*) from {table}")


async def test_what_was_there_is_there_again_and_what_came_later_is_gone(home, tmp_path):
    folder, run = home
    for service in SERVICES:
        await audited(home, service)
    await on(home, "referral", "insert into keys.person_key values ($1, $2, now())", uuid4(), b"wrapped\x00key")
    await on(home, "referral", "select setval('journal_position', 42)")
    made = await keeping.backup(folder, run, SERVICES, tmp_path / "set")
    await audited(home, "referral")
    await on(home, "referral", "select setval('journal_position', 99)")
    await on(home, "referral", "delete from keys.person_key")

    await keeping.restore(folder, run, tmp_path / "set")

    assert await count(home, "referral", "audit") == await count(home, "casework", "audit") == 1
    assert await on(home, "referral", "select wrapped from keys.person_key") == b"wrapped\x00key"
    assert await on(home, "referral", "select nextval('journal_position')") == 43
    assert set(made.migrations) == set(SERVICES)


async def test_after_a_restore_the_journal_and_the_audit_refuse_to_be_changed_as_before(home, tmp_path):
    folder, run = home
    await audited(home, "referral")
    await keeping.backup(folder, run, SERVICES, tmp_path / "set")
    await keeping.restore(folder, run, tmp_path / "set")
    with pytest.raises(asyncpg.RaiseError, match="only grows"):
        await on(home, "referral", "delete from audit")


async def test_keys_of_persons_stand_apart_from_what_they_open(home, tmp_path):
    folder, run = home
    made = await keeping.backup(folder, run, SERVICES, tmp_path / "set")
    apart = {each.path.split("/")[0] for each in made.files if each.schema == "keys"}
    assert apart == {"keys"}
    assert {each.path.split("/")[0] for each in made.files if each.schema != "keys"} == {"data"}
    key = (folder.secrets / "wrapping.key").read_text()
    assert key not in (tmp_path / "set" / keeping.MANIFEST).read_text()


async def test_no_journal_grows_while_the_moment_is_taken(home, tmp_path):
    folder, run = home
    url = named(environment.read_url(folder), database_of(run.node, "referral"))
    writer = await asyncpg.connect(url)
    transaction = writer.transaction()
    await transaction.start()
    await writer.execute("lock table journal in row exclusive mode")  # as an insert does
    with pytest.raises(Trouble, match="holds the journal of referral"):
        await keeping.backup(folder, run, SERVICES, tmp_path / "set")
    await transaction.rollback()
    await writer.close()
    assert not (tmp_path / "set").exists()


async def test_a_running_service_a_damaged_file_and_another_key_are_refused(home, tmp_path):
    folder, run = home
    await audited(home, "referral")
    made = await keeping.backup(folder, run, SERVICES, tmp_path / "set")

    url = named(environment.read_url(folder), database_of(run.node, "casework"))
    serving = await asyncpg.connect(url, server_settings={"application_name": "throughcare"})
    with pytest.raises(Trouble, match="casework service is running"):
        await keeping.restore(folder, run, tmp_path / "set")
    await serving.close()

    key = (folder.secrets / "wrapping.key").read_text()
    folder.write_secret(f"{folder.node}/wrapping.key", "ab" * 32)
    with pytest.raises(Trouble, match="another wrapping key"):
        await keeping.restore(folder, run, tmp_path / "set")
    folder.write_secret(f"{folder.node}/wrapping.key", f"{'ab' * 32}\n{key}")
    await keeping.restore(folder, run, tmp_path / "set")

    damaged = tmp_path / "set" / next(each.path for each in made.files if each.table == "audit")
    damaged.write_bytes(gzip.compress(b"nothing"))
    with pytest.raises(Trouble, match="missing or damaged"):
        await keeping.restore(folder, run, tmp_path / "set")
    assert await count(home, "referral", "audit") == 1


async def test_a_set_of_another_migration_or_another_house_is_refused(home, tmp_path):
    folder, run = home
    await keeping.backup(folder, run, SERVICES, tmp_path / "set")
    manifest = tmp_path / "set" / keeping.MANIFEST
    told = json.loads(manifest.read_text())

    manifest.write_text(json.dumps({**told, "migrations": {**told["migrations"], "referral": "0000"}}))
    with pytest.raises(Trouble, match="stands at migration"):
        await keeping.restore(folder, run, tmp_path / "set")
    manifest.write_text(json.dumps({**told, "node": "elsewhere"}))
    with pytest.raises(Trouble, match="of elsewhere"):
        await keeping.restore(folder, run, tmp_path / "set")


async def test_a_folder_that_is_there_is_not_written_into(home, tmp_path):
    folder, run = home
    with pytest.raises(Trouble, match="there already"):
        await keeping.backup(folder, run, SERVICES, tmp_path)
