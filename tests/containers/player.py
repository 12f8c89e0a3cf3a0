"""Runs inside a container of the house's image: plays the first acts of the story for some men, through the doors.

`python3 -m player DATA FIRST LAST` ends when every command has been answered; what stood still in between is waited
for, and asked again with the same key.
"""

import asyncio
import json
import sys
import time
from pathlib import Path

from chassis.calendar import local_date
from house import clock, staff
from house.clients import Clients
from house.demo.people import Person
from house.demo.script import Script
from house.demo.story import Story, for_each
from house.folder import Folder
from house.patience import patiently

PLACES = 60
ACTS = ("refer", "decide", "begin", "support")


async def make_room(clients: Clients, organisation: str) -> None:
    """Many more men come here than the example's workers have places for."""
    manager = staff.acting(staff.MANAGER, organisation=organisation, purpose=staff.OPERATE)
    for each in (await clients.call(manager, "ListWorkers", page_size=200)).workers:
        if each.capacity < PLACES:
            about = {"worker_ref": each.worker_ref, "expected_version": each.version}
            await clients.call(manager, "SetCapacity", **about, capacity=PLACES)


async def plays(data: str, first: int, last: int) -> None:
    folder = Folder(Path(data))
    async with Clients(folder, patience=90, through_restarts=True) as clients:
        script = Script(folder.path / f"played-{first}.jsonl", clients)
        run = clients.run_now()
        key = bytes.fromhex((folder.secrets / "house.key").read_text().strip())
        story = Story(script, clients, organisation=run.organisation, house_key=key)
        await make_room(clients, run.organisation)
        today = local_date(await patiently(lambda: clock.now(folder, run)))
        men = tuple(Person(number) for number in range(first, last + 1))
        began = time.monotonic()
        for act in ACTS:
            await for_each(men, [story.acts[act]], today)
        seconds = round(time.monotonic() - began, 1)
    played = (folder.path / f"played-{first}.jsonl").read_text().splitlines()
    answered = sum("answer" in json.loads(line) for line in played)
    sys.stdout.write(json.dumps({"men": len(men), "commands": answered, "seconds": seconds}) + "\n")


if __name__ == "__main__":
    asyncio.run(plays(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
