"""Projections rebuilt from the journals, beside the live ones, to compare them or to take their place."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import asyncpg

from chassis import replay
from chassis.database import Database
from chassis.envelope import unpack_headers
from house.environment import read_url
from house.postgres import database_of, named
from house.trouble import Trouble

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from chassis.hearing import Hears
    from chassis.replay import Rebuilt
    from house.audit import Audit
    from house.folder import Folder, Run

_CHUNK = 2_000


class Journals:
    """The journals of a folder's houses, read where they lie; the same answers as `JournalService.Read`, for one of
    them. A service that the house does not run has told nothing. Of a topic between houses every house of the folder
    tells its own part, in streams of its own.
    """

    def __init__(self, url: str, run: Run, *, progress: Callable[[int], Any] = lambda _: None) -> None:
        self._url, self._run, self._progress = url, run, progress
        self._read = 0

    async def read(
        self, topic: str, *, key: str = "", from_sequence: int = 0, from_position: int = 0
    ) -> AsyncIterator[tuple[int, str, list[tuple[str, bytes]], bytes]]:
        """(position, key, headers, value), oldest first."""
        node, _, service = topic.rpartition(".")[0].partition(".")
        if node == self._run.node and service in self._run.services:
            told = self._of((node, service), topic, key=key, from_sequence=from_sequence, from_position=from_position)
            async for each in told:
                yield each
        if node == self._run.node:
            return
        # Positions of several journals have no order among them: all of it is read again.
        for teller in self._run.houses:
            async for position, of, headers, value in self._of((teller, "partners"), topic):
                if key in ("", f"{teller}/{of}"):
                    yield position, f"{teller}/{of}", headers, value

    async def _of(
        self, owner: tuple[str, str], topic: str, *, key: str = "", from_sequence: int = 0, from_position: int = 0
    ) -> AsyncIterator[tuple[int, str, list[tuple[str, bytes]], bytes]]:
        conn = await asyncpg.connect(named(self._url, database_of(*owner)), timeout=10)
        try:
            where = "topic = $1 and key = $2 and sequence >= $3" if key else "topic = $1 and position > $2"
            values = (topic, key, from_sequence) if key else (topic, from_position)
            statement = f"select position, key, headers, message from journal where {where} order by position"  # noqa: S608 - fixed words
            async with conn.transaction(isolation="repeatable_read", readonly=True):
                async for row in conn.cursor(statement, *values, prefetch=_CHUNK):
                    self._read += 1
                    self._progress(self._read)
                    yield row["position"], row["key"], unpack_headers(row["headers"]), row["message"]
        finally:
            await conn.close(timeout=5)


def heard(service: str) -> tuple[Hears, ...]:
    """The groups of a service that keep projections, as its `subscriptions.py` declares them."""
    module = importlib.import_module(f"{service}.subscriptions")
    found = {id(each): each for each in _declared(module)}
    return tuple(each for each in found.values() if each.tables)


def _declared(module: Any) -> Iterator[Hears]:
    from chassis.hearing import Hears  # noqa: PLC0415 - its import brings the whole of the contracts

    for value in vars(module).values():
        if isinstance(value, Hears):
            yield value


async def compare(folder: Folder, run: Run, found: Audit) -> None:
    """Fill in the digests: live against rebuilt up to what the live one has applied."""
    url = read_url(folder)
    for service in run.services:
        for hears in heard(service):
            database = await Database(named(url, database_of(run.node, service)), size=2).open()
            name = f"{'' if len(run.houses) == 1 else f'{run.node}.'}{service}.{hears.group}"
            try:
                source = Journals(url, run)
                rebuilt = await replay.compare(database, hears, source, run.node)
            finally:
                await database.close()
            found.digests[name] = {"equal": rebuilt.equal, "messages": rebuilt.messages}
            if not rebuilt.equal:
                found.digest_equal = False
                found.say(f"digest: {name} differs from what the journals say")


async def rebuild(
    folder: Folder, run: Run, service: str, group: str, *, progress: Callable[[int], Any]
) -> dict[str, Rebuilt]:
    """Replace the projections of a service's groups, or of one, by what the journals say."""
    groups = [hears for hears in heard(service) if group in ("", hears.group)] if service in run.services else []
    if not groups:
        known = ", ".join(f"{each} {hears.group}" for each in run.services for hears in heard(each))
        raise Trouble("No projection is kept under this name.", mend=f"There are: {known or 'none'}.", code=2)
    url = read_url(folder)
    done: dict[str, Rebuilt] = {}
    for hears in groups:
        database = await Database(named(url, database_of(run.node, service)), size=2).open()
        try:
            source = Journals(url, run, progress=progress)
            done[hears.group] = await replay.rebuild(database, hears, source, run.node)
        finally:
            await database.close()
    return done
