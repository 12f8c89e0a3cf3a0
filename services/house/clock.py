"""The house's clock, one row in each of its databases, wound together and forward only; for trying, never for real."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import asyncpg

from chassis import database
from house.environment import read_url
from house.names import SERVICES
from house.postgres import database_of, named

if TYPE_CHECKING:
    from datetime import datetime

    from house.folder import Folder, Run


async def ahead(folder: Folder, run: Run) -> dict[str, timedelta]:
    """How far each service's clock is ahead of the machine's."""
    found = {}
    for service in SERVICES:
        conn = await _connected(folder, run, service)
        try:
            found[service] = await conn.fetchval("select ahead from clock")
        finally:
            await conn.close()
    return found


async def wind(folder: Folder, run: Run, delta: timedelta) -> timedelta:
    """Wind the whole house forward by this much; how far it is ahead then."""
    furthest = max((await ahead(folder, run)).values())
    await wind_to(folder, run, furthest + delta)
    return furthest + delta


async def wind_to(folder: Folder, run: Run, target: timedelta) -> None:
    """Wind every clock that is behind to the same distance; done again, it changes nothing."""
    for service, found in (await ahead(folder, run)).items():
        if found < target:
            conn = await _connected(folder, run, service)
            try:
                await database.wind(conn, target - found)
            finally:
                await conn.close()


async def now(folder: Folder, run: Run) -> datetime:
    """The house's time."""
    conn = await _connected(folder, run, SERVICES[0])
    try:
        return await database.now(conn)
    finally:
        await conn.close()


async def _connected(folder: Folder, run: Run, service: str) -> asyncpg.Connection:
    return await asyncpg.connect(named(read_url(folder), database_of(run.node, service)), timeout=10)
