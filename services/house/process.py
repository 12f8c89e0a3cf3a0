"""One process of a house: `python -m house.process DATA NODE SERVICE …`, started by the supervisor.

It waits for the database server, makes and migrates the databases of its services, and runs them together. In a
house of one process all its services share one loop, one gRPC server and one operations server.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chassis import service as chassis_service
from chassis.database import UNREACHABLE, migrate
from chassis.settings import SettingsWrong, read
from house import environment
from house.folder import Folder
from house.postgres import database_of, ensure_database, named

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PAUSE = 0.2


def composed(service: str, told: Mapping[str, str]) -> Any:
    """The service as its `app.py` joins it, with settings of its own."""
    os.environ.update(told)
    settings = importlib.import_module(f"{service}.settings").Settings
    return importlib.import_module(f"{service}.app").compose(read(settings))


async def migrated(folder: Folder, services: Sequence[str]) -> None:
    """Return once every service has its database at its newest migration; waits for a server that is away."""
    url, node = environment.read_url(folder), folder.node
    for service in services:
        while True:
            name = database_of(node, service)
            try:
                await ensure_database(url, name)
                await migrate(named(url, name), f"{service}.migrations")
                break
            except UNREACHABLE:
                await asyncio.sleep(_PAUSE)


async def main(data: str, node: str, services: Sequence[str]) -> int:
    """Run until asked to stop; the exit code."""
    folder = Folder(Path(data), node)
    # Made for all before the first is put into the environment: there it would pass for what the operator says.
    told = {service: environment.of_service(folder, service) for service in services}
    parts = [composed(service, told[service]) for service in services]
    await migrated(folder, services)
    return await chassis_service.run(parts)


if __name__ == "__main__":
    try:
        sys.exit(asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3:])))
    except SettingsWrong as wrong:
        raise SystemExit(str(wrong)) from None
