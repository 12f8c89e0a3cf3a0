"""Another key for a house to sign with: made, told to all others under the one in use, and taken when that has left.

Killed anywhere, the same command goes on where it stood. For seven days others take both keys; what was signed with
the old one and is still under way is believed.
"""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import asyncpg

from chassis import nodekeys
from chassis.access import Purpose
from house import environment, staff
from house.clients import Clients
from house.postgres import database_of, named
from house.status import running
from house.trouble import Trouble

if TYPE_CHECKING:
    from house.folder import Folder

_PATIENCE: Final = 60.0
_PAUSE: Final = 0.25
# What is signed with the new key should not overtake the word of it on another topic; if it does, it is read again.
_LET_IT_ARRIVE: Final = 5.0


async def rotate(folder: Folder) -> str:
    """Returns the new key's id; the process that signs is then started again. Raises `Trouble` where it cannot be."""
    node = folder.here
    key = folder.located(node.node_key)
    following = key.with_name(f"{key.name}.next")
    public = nodekeys.public_key(following) if following.exists() else nodekeys.make(following)
    await _tell(folder, public.hex())
    await _until_told(folder)
    await asyncio.sleep(_LET_IT_ARRIVE)
    nodekeys.take_over(key, following)
    _start_again(folder)
    return nodekeys.key_id(public)


async def _tell(folder: Folder, public: str) -> None:
    """Unless it has been told already."""
    async with Clients(folder, patience=_PATIENCE) as clients:
        run = clients.run_now()
        operator = staff.acting(staff.OPERATOR, organisation=run.organisation, purpose=Purpose.OPERATE)
        own: Any = await clients.call(operator, "GetNode", node_id=run.node)
        if own.node.keys[-1].public_key != public:
            about: dict[str, Any] = {"node_id": run.node, "public_key": public, "expected_version": own.node.version}
            await clients.call(operator, "RotateNodeKey", **about)


async def _until_told(folder: Folder) -> None:
    """Everything told until now has left, the word of the new key among it."""
    url = named(environment.read_url(folder), database_of(folder.node, "partners"))
    until = asyncio.get_running_loop().time() + _PATIENCE
    conn = await asyncpg.connect(url, timeout=10)
    try:
        last = await conn.fetchval("select max(position) from journal")
        waiting = "select exists (select from pending where position <= $1 and not held)"
        while await conn.fetchval(waiting, last):
            if asyncio.get_running_loop().time() > until:
                raise Trouble(
                    "The new key is told to the others, and that does not leave.",
                    mend="Look with: throughcare status. Then run the same command again.",
                )
            await asyncio.sleep(_PAUSE)
    finally:
        await conn.close()


def _start_again(folder: Folder) -> None:
    """The supervisor starts it anew at once."""
    every = environment.processes_of(folder.plan()).items()
    signing = {name for name, runs in every if runs.node.node == folder.node and "partners" in runs.services}
    for each in running(folder).processes:
        if each.name in signing and each.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(each.pid, signal.SIGTERM)
