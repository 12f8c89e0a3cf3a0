"""What goes wrong, on purpose: a TCP proxy that cuts, holds and counts, and processes that die at an exact line."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Proxy:
    """Hands bytes to and fro between a port of its own and a server; counts what goes to the server."""

    host: str
    port: int
    listening: int = 0
    connections: int = 0
    to_server: int = 0
    latency: float = 0.0
    _open: asyncio.Event = field(default_factory=asyncio.Event)
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    def hold(self) -> None:
        """From now on nothing passes, and nobody is told: half-open."""
        self._open.clear()

    def let_go(self) -> None:
        """Pass on what waits, and what follows."""
        self._open.set()

    def cut(self) -> None:
        """Close every connection, as a cable does."""
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with suppress(OSError):
            there, back = await asyncio.open_connection(self.host, self.port)
            self._writers |= {writer, back}
            await asyncio.gather(self._pump(reader, back, counted=True), self._pump(there, writer, counted=False))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, counted: bool) -> None:
        try:
            while data := await reader.read(65536):
                self.to_server += len(data) if counted else 0
                await self._open.wait()
                await asyncio.sleep(self.latency)
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            self._writers.discard(writer)
            with suppress(OSError):
                writer.close()


@asynccontextmanager
async def proxy(host: str, port: int, *, listening: int = 0) -> AsyncIterator[Proxy]:
    """A proxy before this server. It takes little in advance: what it holds back stays with the sender."""
    made = Proxy(host, port)
    made.let_go()
    door = socket.socket()
    door.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    door.bind(("127.0.0.1", listening))
    server = await asyncio.start_server(made._serve, sock=door, limit=4096)
    made.listening = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        made.cut()
        server.close()


def start_python(module: str, *arguments: str, failpoints: str = "") -> subprocess.Popen[bytes]:
    """Run a module of the tests in a process of its own, which may be told where to die."""
    path = os.pathsep.join(str(ROOT / part) for part in ("services", "proto/gen", "."))
    environment = {**os.environ, "PYTHONPATH": path, "THROUGHCARE_FAILPOINTS": failpoints}
    return subprocess.Popen([sys.executable, "-m", module, *arguments], env=environment, cwd=ROOT)
