"""How a house stands: its processes, and per service what has not left, not been applied, or waits for a person.

Read from the services' databases and the bus, so that it is true whichever process is down just now.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import asyncpg

from house import bus_access, bus_reading, cards, topics
from house.environment import read_url
from house.postgres import AWAY, database_of, named
from house.processes import alive
from house.trouble import Trouble

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from house.bus_reading import Seen
    from house.folder import Folder, Run

ELSEWHERE: Final = "elsewhere"  # processes that no supervisor of ours keeps, as in containers
_PAUSE: Final = 0.3
_COUNTS: Final = """
select (select count(*) from pending) as pending,
       (select count(*) from parked where reason <> 'gap') as parked,
       (select count(*) from parked where reason = 'gap') as held,
       (select count(*) from quarantined) as quarantined,
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
    quarantined: int | None = None
    head: int | None = None

    @property
    def quiet(self) -> bool:
        """Nothing is under way and nothing waits."""
        return self.pending == self.lag == self.parked == self.held == 0

    @property
    def shown(self) -> dict[str, int | None]:
        """The figures people and programs read."""
        counted = {"pending": self.pending, "lag": self.lag, "parked": self.parked, "held": self.held}
        return {**counted, "quarantined": self.quarantined}


@dataclass(frozen=True, kw_only=True)
class Status:
    """The houses of a folder, or one of them: per house, each of its services."""

    run: Run
    bus_answers: bool
    houses: dict[str, dict[str, Standing]]

    @property
    def quiet(self) -> bool:
        """Every service is quiet."""
        return all(standing.quiet for house in self.houses.values() for standing in house.values())

    @property
    def heads(self) -> dict[tuple[str, str], int | None]:
        """How far each journal has grown: unchanged between two looks means that nothing happened."""
        return {(node, s): standing.head for node, house in self.houses.items() for s, standing in house.items()}

    def as_json(self) -> dict[str, Any]:
        """What `status --json` prints: of a single house its members stand beside those of the whole, too."""
        houses = {node: self._house(node) for node in self.houses}
        single = {"node": next(iter(houses)), **next(iter(houses.values()))} if len(houses) == 1 else {}
        return {
            **single,
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
            "houses": houses,
            "quiet": self.quiet,
        }

    def _house(self, node: str) -> dict[str, Any]:
        doors, standing = self.run.houses[node], self.houses[node]
        return {
            "organisation": doors.organisation,
            "addresses": {
                service: {"rpc": doors.addresses[service], "ops": f"http://{doors.ops[service]}"}
                for service in doors.addresses
            },
            "services": {service: each.shown for service, each in standing.items()},
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


def registry(folder: Folder) -> topics.Registry:
    """What the bus must have for the houses of this folder and those with a card."""
    return topics.registry(cards.known(folder, folder.plan()))


async def look(folder: Folder) -> Status:
    """One look at every house of the folder, or at the named one."""
    run = running(folder)
    wanted = [house.node for house in folder.houses() if house.node in run.houses]
    known = registry(folder)
    services = [(node, service) for node in wanted for service in run.houses[node].addresses]
    names = [topic.name for topic in known.topics if topic.house in (*wanted, "")]
    client = bus_access.reader(folder, bus=run.bus, servers=run.bus_servers)
    url = read_url(folder)
    async with AsyncExitStack() as stack:
        conns = await asyncio.gather(*(_connected(stack, named(url, database_of(*each))) for each in services))
        counted = await asyncio.gather(*map(_counted, conns))
        try:
            seen = await asyncio.to_thread(bus_reading.look, client, names)
        except bus_reading.BusAway:
            seen = None
        groups = [known.groups_of(*each) for each in services]
        lags = await asyncio.gather(*(_lag(conn, of, seen) for conn, of in zip(conns, groups, strict=True)))
    houses: dict[str, dict[str, Standing]] = {node: {} for node in wanted}
    for (node, service), figures, lag in zip(services, counted, lags, strict=True):
        houses[node][service] = Standing(**figures, lag=lag)
    return Status(run=run, bus_answers=seen is not None, houses=houses)


async def _connected(stack: AsyncExitStack, url: str) -> asyncpg.Connection | None:
    """A connection for one look, or None where the database is away."""
    try:
        conn = await asyncpg.connect(url, timeout=5)
    except AWAY:
        return None
    stack.push_async_callback(_disconnected, conn)
    return conn


async def _disconnected(conn: asyncpg.Connection) -> None:
    with suppress(*AWAY):
        await conn.close(timeout=2)


async def _counted(conn: asyncpg.Connection | None) -> dict[str, int]:
    if conn is None:
        return {}
    try:
        row = await conn.fetchrow(_COUNTS)
    except AWAY:
        return {}
    return dict(row) if row else {}


async def _lag(conn: asyncpg.Connection | None, groups: Mapping[str, Sequence[str]], seen: Seen | None) -> int | None:
    """Records on the bus that the service's groups have not applied; None where that cannot be known now."""
    if seen is None or conn is None:
        return None
    try:
        rows = await conn.fetch(_OFFSETS, seen.cluster)
    except AWAY:
        return None
    following: dict[tuple[str, str, int], int] = {
        (row["grp"], row["topic"], row["partition"]): row["next"] for row in rows
    }
    lags = [
        max(0, extent.end - following.get((group, place.topic, place.partition), extent.first))
        for group, read in groups.items()
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
