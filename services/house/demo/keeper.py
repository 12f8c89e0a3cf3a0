"""The demonstration's own supervisor, in a process of its own: if it is killed it is started again, and if the
demonstration is killed it ends with it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Self

from house.environment import import_path
from house.processes import ends_with_parent
from house.trouble import Trouble

if TYPE_CHECKING:
    from collections.abc import Sequence

    from house.folder import Folder

_PAUSE: Final = 0.5
_LOG: Final = "up.log"
_STOP_WITHIN: Final = 60.0


class Keeper:
    """Keeps `throughcare up` running. Use as an asynchronous context manager."""

    def __init__(self, folder: Folder, arguments: Sequence[str]) -> None:
        self._folder, self._arguments = folder, arguments
        self._process: asyncio.subprocess.Process | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._was_up = False

    async def __aenter__(self) -> Self:
        self._folder.make()
        self._keeping = asyncio.create_task(self._keep())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._keeping is not None:
            self._keeping.cancel()
            with suppress(asyncio.CancelledError, Trouble):
                await self._keeping
        await self._stop()

    async def until_up(self) -> None:
        """Return once every process runs. Raises `Trouble` with what the supervisor said where it could not start."""
        while not self._is_up():
            if self._keeping is not None and self._keeping.done():
                await self._keeping
            await asyncio.sleep(_PAUSE / 5)
        self._was_up = True

    def _is_up(self) -> bool:
        run = self._folder.run()
        own = self._process.pid if self._process is not None else None
        return run is not None and run.supervisor.pid == own and all(p.state == "running" for p in run.processes)

    async def _keep(self) -> None:
        while True:
            with (self._folder.logs / _LOG).open("ab") as log:
                began = log.tell()
                self._process = await asyncio.create_subprocess_exec(
                    sys.executable, "-m", "house", "up", *self._arguments, "--data", str(self._folder.path),
                    stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,
                    env={**os.environ, "PYTHONPATH": import_path()},
                    preexec_fn=ends_with_parent(signal.SIGTERM),
                )  # fmt: skip
            await self._process.wait()
            # A signal is somebody's kill; an exit code is its own word that it cannot.
            if not self._was_up and (self._process.returncode or 0) > 0:
                said = (self._folder.logs / _LOG).read_bytes()[began:].decode(errors="replace").strip()
                raise Trouble(f"The house could not be started. {said}")
            await asyncio.sleep(_PAUSE)

    async def _stop(self) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(_STOP_WITHIN):
                await process.wait()
        except TimeoutError:
            with suppress(ProcessLookupError):
                process.kill()
