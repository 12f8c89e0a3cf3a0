"""How a house stands: its processes, and per service what has not left, not been applied, or waits for a person.

Read from the services' databases and the bus, so that it is true whichever process is down just now.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import asyncpg

from house import bus_reading, topics
from house.composition import client_of
from house.environment import read_url
from house.names import SERVICES
from house.postgres import database_of, named
from house.processes import alive
from house.trouble import Trouble

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from house.bus_reading import Seen
    from house.folder import Folder, Run

ELSEWHERE: Final = "elsewhere"  # processes that no supervisor of ours keeps, as in containers
_AWAY: Final = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError)
_PAUSE: Final = 0.3
_COUNTS: Final = """
select (select count(*) from pending) as pending,
       (select count(*) from parked where reason <> 'gap') as parked,
       (select count(*) from parked where reason = 'gap') as held,
       (select coalesce(max(position), 0) from journal) as head
"""
_OFFSETS: Final = "select grp, topic, partition, next from consumer_offset where cluster = $1"


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One service; None where its database or the bus does not answer."""

    pending: int | None = None
    lag: int | None = None
    parked: int | None = None
    held: int | None = None
    head: int | None = None

    @property
    def quiet(self) -> bool:
        """Nothing is under way and nothing waits."""
        return self.pending == self.lag == self.parked == self.held == 0

    @property
    def shown(self) -> dict[str, int | None]:
        """The figures people and programs read."""
        return {"pending": self.pending, "lag": self.lag, "parked": self.parked, "held": self.held}


@dataclass(frozen=True, kw_only=True)
class Status:
    """The whole house."""

    run: Run
    bus_answers: bool
    services: dict[str, Standing]

    @property
    def quiet(self) -> bool:
        """Every service is quiet."""
        return all(standing.quiet for standing in self.services.values())

    @property
    def heads(self) -> dict[str, int | None]:
        """How far each journal has grown: unchanged between two looks means that nothing happened."""
        return {service: standing.head for service, standing in self.services.items()}

    def as_json(self) -> dict[str, Any]:
        """What `status --json` prints."""
        return {
            "node": self.run.node,
            "bus": {"kind": self.run.bus_kind, "servers": self.run.bus_servers, "answers": self.bus_answers},
            "processes": [
                {
                    "name": each.name,
                    "pid": each.pid if alive(each) else None,
                    "restarts": each.restarts,
                    "state": each.state if alive(each) or each.state == ELSEWHERE else "gone",
                }
                for each in self.run.everything
            ],
            "addresses": {
                service: {"rpc": self.run.addresses[service], "ops": f"http://{self.run.ops[service]}"}
                for service in self.run.addresses
            },
            "services": {service: standing.shown for service, standing in self.services.items()},
            "quiet": self.quiet,
        }


def running(folder: Folder) -> Run:
    """The house as its supervisor last said. Raises `Trouble` where there is none."""
    run = folder.run()
    if run is None:
        raise Trouble(
            f"No house is running in {folder.path}.",
            mend="Start one with: throughcare up --example, or give its folder with --data.",
        )
    return run


def group_ids(node: str, service: str) -> dict[str, list[str]]:
    """The consumer groups of a service, each with the topics it reads, by the topic registry."""
    found: dict[str, list[str]] = {}
    for topic in topics.registry(node):
        for reader in topic.readers:
            owner, _, group = reader.partition(".")
            if owner == service:
                found.setdefault(f"{node}.{group or owner}", []).append(topic.name)
    return found


async def look(folder: Folder) -> Status:
    """One look at everything."""
    run = running(folder)
    url = read_url(folder)
    names = [topic.name for topic in topics.registry(run.node)]
    counted = await asyncio.gather(*(_counted(named(url, database_of(run.node, s))) for s in SERVICES))
    try:
        seen = await asyncio.to_thread(bus_reading.look, client_of(run.bus_servers), names)
    except bus_reading.BusAway:
        seen = None
    lags = await asyncio.gather(*(_lag(named(url, database_of(run.node, s)), run.node, s, seen) for s in SERVICES))
    services = {
        service: Standing(**figures, lag=lag) for service, figures, lag in zip(SERVICES, counted, lags, strict=True)
    }
    return Status(run=run, bus_answers=seen is not None, services=services)


async def _counted(url: str) -> dict[str, int]:
    try:
        conn = await asyncpg.connect(url, timeout=5)
        try:
            row = await conn.fetchrow(_COUNTS)
        finally:
            await conn.close(timeout=2)
    except _AWAY:
        return {}
    return dict(row) if row else {}


async def _lag(url: str, node: str, service: str, seen: Seen | None) -> int | None:
    """Records on the bus that the service's groups have not applied; None where that cannot be known now."""
    if seen is None:
        return None
    try:
        conn = await asyncpg.connect(url, timeout=5)
        try:
            rows = await conn.fetch(_OFFSETS, seen.cluster)
        finally:
            await conn.close(timeout=2)
    except _AWAY:
        return None
    following: dict[tuple[str, str, int], int] = {
        (row["grp"], row["topic"], row["partition"]): row["next"] for row in rows
    }
    lags = [
        max(0, extent.end - following.get((group, place.topic, place.partition), extent.first))
        for group, read in group_ids(node, service).items()
        for place, extent in seen.extents.items()
        if place.topic in read
    ]
    return sum(lags)


async def until_quiet(folder: Folder, seconds: float, *, told: Callable[[Status], None] = lambda _: None) -> bool:
    """Wait until everything is 0, twice with nothing in between; False when the time is over."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    before: Sequence[object] = ()
    while True:
        try:
            status = await look(folder)
            told(status)
            now = [status.quiet, status.heads]
            if status.quiet and now == before:
                return True
            before = now
        except Trouble:
            before = ()
        if loop.time() > until:
            return False
        await asyncio.sleep(min(_PAUSE, max(0.01, until - loop.time())))
