"""A relay in a process of its own, for tests that end or stop it at an exact line: `… URL SERVERS NODE`."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from chassis.bus import Bus
from chassis.relay import Relay
from tests.chassis.toy import settings


async def main(url: str, servers: str, node: str) -> None:
    given = settings(Path(tempfile.mkdtemp()), url, bus_servers=servers, node_id=node)
    await Relay(url, Bus(given), "referral", asyncio.Event()).run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
