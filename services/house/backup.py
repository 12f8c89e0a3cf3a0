"""`throughcare backup` and `restore`: one consistent set of a whole house, in files that any PostgreSQL takes back.

The set is of one moment: while each database begins its reading, no journal of the house grows, so nobody has applied
what another has not yet told. Rows are kept as PostgreSQL's own COPY text, compressed, each file with its digest. Keys
of persons stand in a folder of their own, since they are to be kept for a shorter time than what they open; the
wrapping key is in no set: the manifest knows only a fingerprint by which the right one is known.

manifest.json                       when, whose, which migrations, every file with rows and digest
data/<service>/<schema>.<table>.gz  rows
keys/<service>/keys.<table>.gz      keys of persons, wrapped
"""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import asyncpg

from house.environment import read_url
from house.postgres import AWAY, database_of, named
from house.trouble import Trouble

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping
    from pathlib import Path

    from house.folder import Folder, Run

MANIFEST: Final = "manifest.json"
_KEYS: Final = "keys"
_CHUNK: Final = 256 * 1024
# Ordinary tables of the services: what the server keeps for itself is not ours, a shadow is half of a rebuild.
_TABLES: Final = """
select n.nspname as schema, c.relname as name,
    (select array_agg(a.attname::text order by a.attnum) from pg_attribute a
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '') as columns
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'r' and n.nspname not like 'pg\\_%' and n.nspname <> 'information_schema'
order by 1, 2
"""
_SEQUENCES: Final = "select schemaname as schema, sequencename as name, last_value from pg_sequences order by 1, 2"
_SET_SEQUENCE: Final = "select setval($1::text::regclass, $2, $3)"
_SERVING: Final = "select count(*) from pg_stat_activity where datname = $1 and application_name = 'throughcare'"
_NO_GROWTH: Final = "lock table journal in share mode"


@dataclass(frozen=True, kw_only=True)
class File:
    """One table of one service in the set."""

    service: str
    schema: str
    table: str
    columns: list[str]
    path: str
    rows: int
    digest: str


@dataclass(frozen=True, kw_only=True)
class Set:
    """What a set holds."""

    node: str
    made_at: str
    wrapping_keys: list[str]
    migrations: Mapping[str, str]
    sequences: Mapping[str, Mapping[str, int | None]]
    files: list[File]

    @classmethod
    def read(cls, folder: Path) -> Set:
        """The set in this folder. Raises `Trouble` where there is none, or where a file is not as it was written."""
        try:
            told: dict[str, Any] = json.loads((folder / MANIFEST).read_text())
        except FileNotFoundError:
            raise Trouble(f"There is no backup in {folder}: {MANIFEST} is missing.", code=2) from None
        found = cls(**{**told, "files": [File(**each) for each in told["files"]]})
        for each in found.files:
            path = folder / each.path
            if not path.is_file() or _digest(path) != each.digest:
                raise Trouble(f"{each.path} is missing or damaged: this backup cannot be restored.")
        return found


def fingerprints(folder: Folder) -> list[str]:
    """By which the wrapping keys of a house are known again; they say nothing of the keys."""
    keys = (folder.secrets / "wrapping.key").read_text().split()
    return [hashlib.sha256(f"throughcare backup {key}".encode()).hexdigest()[:16] for key in keys]


async def backup(folder: Folder, run: Run, services: Iterable[str], target: Path) -> Set:
    """Write a set into a new folder, whole or not at all."""
    unfinished = _begun(target)
    url = read_url(folder)
    async with AsyncExitStack() as open_:
        reading = {
            service: await _connected(open_, named(url, database_of(run.node, service)), service)
            for service in services
        }
        await _as_of_one_moment(url, run.node, reading)
        files = [file for service, conn in reading.items() async for file in _tables(conn, service, unfinished)]
        first = next(iter(reading.values()))
        made: datetime = await first.fetchval("select house_now()")
        done = Set(
            node=run.node,
            made_at=made.isoformat(),
            wrapping_keys=fingerprints(folder),
            migrations={service: await _migration(conn) for service, conn in reading.items()},
            sequences={service: await _sequences(conn) for service, conn in reading.items()},
            files=files,
        )
    (unfinished / MANIFEST).write_text(json.dumps(asdict(done), indent=1))
    unfinished.rename(target)
    return done


def _begun(target: Path) -> Path:
    if target.exists():
        raise Trouble(f"{target} is there already.", mend="Give a folder that does not exist yet.", code=2)
    unfinished = target.with_name(f".{target.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True, mode=0o700)
    return unfinished


async def _connected(open_: AsyncExitStack, url: str, service: str) -> asyncpg.Connection:
    try:
        conn = await asyncpg.connect(url, timeout=10, server_settings={"application_name": "throughcare-backup"})
    except AWAY as away:
        raise Trouble(f"The database of {service} does not answer ({type(away).__name__}).") from None
    open_.push_async_callback(conn.close)
    return conn


async def _as_of_one_moment(url: str, node: str, reading: Mapping[str, asyncpg.Connection]) -> None:
    """Begin to read every database while no journal grows: hundredths of a second, for which commands wait."""
    async with AsyncExitStack() as held:
        for service in reading:
            conn = await _connected(held, named(url, database_of(node, service)), service)
            await conn.execute("begin")
            await conn.execute("set local lock_timeout = '5s'")
            try:
                await conn.execute(_NO_GROWTH)
            except asyncpg.LockNotAvailableError:
                raise Trouble(f"A command holds the journal of {service} for long.", mend="Try again.") from None
        for conn in reading.values():
            await conn.execute("begin isolation level repeatable read, read only")
            await conn.fetchval("select 1")  # the snapshot is taken with the first statement


async def _tables(conn: asyncpg.Connection, service: str, folder: Path) -> AsyncIterator[File]:
    for table in await conn.fetch(_TABLES):
        part = _KEYS if table["schema"] == _KEYS else "data"
        path = folder / part / service / f"{table['schema']}.{table['name']}.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        with gzip.open(path, "wb", compresslevel=4) as out:

            async def write(data: bytes, out: Any = out) -> None:
                out.write(data)

            said = await conn.copy_from_table(
                table["name"], schema_name=table["schema"], columns=table["columns"], output=write
            )
        yield File(
            service=service,
            schema=table["schema"],
            table=table["name"],
            columns=table["columns"],
            path=str(path.relative_to(folder)),
            rows=int(said.split()[-1]),
            digest=_digest(path),
        )


async def _migration(conn: asyncpg.Connection) -> str:
    if await conn.fetchval("select to_regclass('alembic_version')") is None:
        return ""
    return str(await conn.fetchval("select version_num from alembic_version"))


async def _sequences(conn: asyncpg.Connection) -> dict[str, int | None]:
    return {f"{row['schema']}.{row['name']}": row["last_value"] for row in await conn.fetch(_SEQUENCES)}


async def restore(folder: Folder, run: Run, source: Path) -> Set:
    """Put a set in the place of everything this house has. Its services must be stopped, and migrated as it was."""
    found = Set.read(source)
    _is_of_this_house(found, folder, run)
    url = read_url(folder)
    async with AsyncExitStack() as open_:
        databases = {
            service: await _connected(open_, named(url, database_of(run.node, service)), service)
            for service in found.migrations
        }
        for service, conn in databases.items():
            await _is_ready(conn, service, database_of(run.node, service), found)
        for service, conn in databases.items():
            files = [each for each in found.files if each.service == service]
            await _put_back(conn, files, found.sequences[service], source)
    return found


def _is_of_this_house(found: Set, folder: Folder, run: Run) -> None:
    if found.node != run.node:
        raise Trouble(f"This backup is of {found.node}, and this house is {run.node}.")
    if not set(found.wrapping_keys) <= set(fingerprints(folder)):
        raise Trouble(
            "This backup was made under another wrapping key: what is sealed in it could never be read.",
            mend="Add the wrapping key that the house had then as a line below its own, and try again.",
        )


async def _is_ready(conn: asyncpg.Connection, service: str, database: str, found: Set) -> None:
    if await conn.fetchval(_SERVING, database):
        raise Trouble(f"The {service} service is running.", mend="Stop the services, not the database; then try again.")
    stands, wanted = await _migration(conn), found.migrations[service]
    if stands != wanted:
        raise Trouble(
            f"The database of {service} stands at migration {stands or 'none'}, the backup at {wanted}.",
            mend="Make a new database, migrate it with the release that made the backup, restore, then upgrade.",
        )


async def _put_back(
    conn: asyncpg.Connection, files: list[File], sequences: Mapping[str, int | None], source: Path
) -> None:
    """One transaction: what was there is gone, what is in the set is there, or nothing has changed."""
    async with conn.transaction():
        # Journals refuse to be emptied; the server's own administrator may do so here, and nowhere else.
        await conn.execute("set local session_replication_role = replica")
        names = [f'"{row["schema"]}"."{row["name"]}"' for row in await conn.fetch(_TABLES)]
        await conn.execute(f"truncate {', '.join(names)}")
        for each in files:
            with gzip.open(source / each.path, "rb") as rows:
                said = await conn.copy_to_table(
                    each.table, schema_name=each.schema, columns=each.columns, source=_chunks(rows)
                )
            if int(said.split()[-1]) != each.rows:
                raise Trouble(f"{each.path} gave {said.split()[-1]} rows and should have given {each.rows}.")
        for name, last in sequences.items():
            schema, sequence = name.split(".", 1)
            named_so = f'"{schema}"."{sequence}"'
            await conn.execute(_SET_SEQUENCE, named_so, last or 1, last is not None)


async def _chunks(rows: Any) -> AsyncIterator[bytes]:
    while chunk := rows.read(_CHUNK):
        yield chunk


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
