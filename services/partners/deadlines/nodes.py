"""What a house does again and again about nodes: it says that it is there, and notices who is silent."""

from __future__ import annotations

from typing import Final

from chassis.deadlines import Periodic
from partners.commands import nodes as commands

BEATS_EVERY: Final = 15.0
PERIODIC: Final = (
    Periodic(name="heartbeat", seconds=BEATS_EVERY, command=commands.tell_heartbeat),
    Periodic(name="watch", seconds=BEATS_EVERY, command=commands.watch_nodes),
)
