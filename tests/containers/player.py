"""Runs inside a container of the house's image: plays the first acts of the story for some men, through the doors.

`python3 -m player plays DATA FIRST LAST` ends when every command has been answered; what stood still in between is
waited for with the same key. `python3 -m player brokers COUNT` ends when so many brokers answer.
"""

import asyncio
import json
import sys
import time
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from chassis.calendar import local_date
from house import clock
from house.clients import Clients
from house.composition import client_of
from house.demo.people import Man
from house.demo.script import Script
from house.demo.story import Story
from house.folder import Folder
from house.patience import patiently


async def plays(data: str, first: int, last: int) -> None:
    folder = Folder(Path(data))
    async with Clients(folder, patience=90, through_restarts=True) as clients:
        script = Script(folder.path / f"played-{first}.jsonl", clients)
        run = clients.run_now()
        key = bytes.fromhex((folder.secrets / "house.key").read_text().strip())
        story = Story(script, clients, organisation=run.organisation, house_key=key)
        today = local_date(await patiently(lambda: clock.now(folder, run)))
        men = tuple(Man(number) for number in range(first, last + 1))
        began = time.monotonic()
        for number in range(4):
            await story.act(number, men, today, lambda: None)
        seconds = round(time.monotonic() - began, 1)
    played = (folder.path / f"played-{first}.jsonl").read_text().splitlines()
    answered = sum("answer" in json.loads(line) for line in played)
    sys.stdout.write(json.dumps({"men": len(men), "commands": answered, "seconds": seconds}) + "\n")


def brokers(count: int) -> None:
    admin = AdminClient(client_of("kafka:9092"))
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            if len(admin.list_topics(timeout=2).brokers) == count:
                return
        except KafkaException:
            time.sleep(0.2)
    raise SystemExit(f"there are not {count} brokers")


if __name__ == "__main__":
    if sys.argv[1] == "plays":
        asyncio.run(plays(sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
    else:
        brokers(int(sys.argv[2]))
