"""An inbox in a process of its own, for tests that end it at an exact line: `… URL SERVERS NODE`."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from chassis.bus import Bus
from chassis.database import Database
from tests.chassis.hearing_toy import hearing_works, inbox_of


async def main(url: str, servers: str, node: str) -> None:
    database = await Database(url).open()
    toy = await hearing_works(database, Path(tempfile.mkdtemp()), bus_servers=servers, node_id=node)
    await inbox_of(toy, Bus(toy.settings)).run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
