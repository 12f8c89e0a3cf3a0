"""`python -m tests.faults.actor relay|member NODE FOLDER DATABASE BUS`: one part of a world as a process of its own."""

import asyncio
import sys
from pathlib import Path

from chassis.bus import Bus
from chassis.database import Database
from chassis.inbox import Inbox
from chassis.relay import Relay
from tests.faults.world import given, hears, works_of


async def main(part: str, node: str, folder: str, url: str, servers: str) -> None:
    where = Path(folder)
    database = await Database(url).open()
    bus = Bus(given(where, url, node=node, servers=servers))
    if part == "relay":
        await Relay(url, bus, "referral", asyncio.Event()).run()
    await Inbox(works_of(database, where, node=node), bus, hears()).run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
