"""The clock of the houses, one row in each of their databases, wound together and forward only; for trying, never
for real. Houses of one folder share one time."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import asyncpg

from chassis import database
from house.environment import read_url
from house.postgres import database_of, named

if TYPE_CHECKING:
    from datetime import datetime

    from house.folder import Folder, Run


Clocks = dict[tuple[str, str], "timedelta"]


async def ahead(folder: Folder, run: Run) -> Clocks:
    """How far each service's clock is ahead of the machine's, by house and service."""
    found: Clocks = {}
    for each in ((node, service) for node, doors in run.houses.items() for service in doors.addresses):
        conn = await _connected(folder, *each)
        try:
            found[each] = await conn.fetchval("select ahead from clock")
        finally:
            await conn.close()
    return found


async def wind(folder: Folder, run: Run, delta: timedelta) -> timedelta:
    """Wind all houses forward by this much; how far they are ahead then."""
    furthest = max((await ahead(folder, run)).values())
    await wind_to(folder, run, furthest + delta)
    return furthest + delta


async def wind_to(folder: Folder, run: Run, target: timedelta) -> None:
    """Wind every clock that is behind to the same distance; done again, it changes nothing."""
    for each, found in (await ahead(folder, run)).items():
        if found < target:
            conn = await _connected(folder, *each)
            try:
                await database.wind(conn, target - found)
            finally:
                await conn.close()


async def now(folder: Folder, run: Run) -> datetime:
    """The house's time."""
    conn = await _connected(folder, run.node, run.services[0])
    try:
        return await database.now(conn)
    finally:
        await conn.close()


async def _connected(folder: Folder, node: str, service: str) -> asyncpg.Connection:
    return await asyncpg.connect(named(read_url(folder), database_of(node, service)), timeout=10)
