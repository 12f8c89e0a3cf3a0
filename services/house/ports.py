"""Free ports of the loopback address, the same from start to start where they are still free."""

from __future__ import annotations

import socket
from contextlib import closing
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LOOPBACK = "127.0.0.1"


def is_free(port: int) -> bool:
    """Whether one may listen on this port now."""
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def choose(names: Iterable[str], kept: Mapping[str, int]) -> dict[str, int]:
    """A port for each name: the kept one where it is free, else a new one; no two alike."""
    found: dict[str, int] = {}
    for name in names:
        port = kept.get(name, 0)
        while not port or port in found.values() or not is_free(port):
            with closing(socket.socket()) as probe:
                probe.bind((LOOPBACK, 0))
                port = probe.getsockname()[1]
        found[name] = port
    return found
