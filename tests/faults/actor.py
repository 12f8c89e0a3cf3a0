"""`python -m tests.faults.actor relay|member|plain NODE FOLDER DATABASE BUS`: one part of a world as a process.

`plain` is the peer: a FastStream handler as its documentation writes it, with a transaction of its own a message.
"""

import asyncio
import sys
from pathlib import Path
from uuid import UUID

import asyncpg
from faststream.kafka import KafkaBroker, KafkaMessage

from chassis.bus import Bus, listening
from chassis.database import Database
from chassis.inbox import Inbox
from chassis.relay import Relay
from tests.faults.world import given, hears, impatient, works_of


async def plain(node: str, url: str, servers: str) -> None:
    broker = KafkaBroker(servers)
    conn = await asyncpg.connect(url)

    @broker.subscriber(f"{node}.referral.v1", group_id=f"{node}.plain", auto_offset_reset="earliest")
    async def handle(body: bytes, message: KafkaMessage) -> None:
        await asyncio.sleep(0.005)  # the work
        record = message.raw_message
        async with conn.transaction():
            await conn.execute(
                "insert into effect (event_id, key, seq) values ($1, $2, $3)"
                " on conflict (event_id) do update set times = effect.times + 1",
                UUID(message.headers["ce_id"]), record.key.decode(), int(message.headers["ce_streamsequence"]),
            )  # fmt: skip

    await broker.start()
    await asyncio.Event().wait()


async def main(part: str, node: str, folder: str, url: str, servers: str) -> None:
    where = Path(folder)
    if part == "plain":
        await plain(node, url, servers)
    listening.SUBSCRIBER = impatient()
    database = await Database(url).open()
    bus = Bus(given(where, url, node=node, servers=servers))
    if part == "relay":
        await Relay(url, bus, "referral", asyncio.Event()).run()
    await Inbox(works_of(database, where, node=node), bus, hears()).run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
