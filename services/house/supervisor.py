"""The supervisor and nothing else: it starts the house's processes, starts them again when they die, and stops them.

It holds no data and answers nobody: what it knows is in `run.json`, written on every change. If it is killed its
children end with it, and the next start recovers from what is in the folder.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from asyncio.subprocess import PIPE, STDOUT, Process
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from house.folder import Running
from house.processes import ends_with_parent, started
from house.trouble import Trouble

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from pathlib import Path

_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 10.0
_STEADY = 30.0  # a child that lived this long begins its back-off anew
_LARGEST_LOG = 20 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Child:
    """One process to keep. `prepare` runs in a thread before each start; `ready` is asked until it says yes.

    `needs` names children that must be ready before each start, `needs_first` before the first. `ends_with` names
    children whose every new start changes what this one was told (the embedded bus gets a new address): it is started
    again after them.
    """

    name: str
    command: Callable[[], Sequence[str]]
    ready: Callable[[], Awaitable[bool]]
    prepare: Callable[[], None] = lambda: None
    environment: Callable[[], Mapping[str, str]] = dict
    needs: tuple[str, ...] = ()
    needs_first: tuple[str, ...] = ()
    ends_with: tuple[str, ...] = ()
    stop: signal.Signals = signal.SIGTERM
    orphaned: signal.Signals = signal.SIGKILL
    patience: float = 15.0
    user: str | None = None


@dataclass
class _Kept:
    child: Child
    state: str = "waiting"
    restarts: int = 0
    since: float = 0.0
    began: float = 0.0
    process: Process | None = None
    is_ready: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def running(self) -> Running:
        pid = self.process.pid if self.process is not None else None
        return Running(name=self.child.name, pid=pid, started=self.since, restarts=self.restarts, state=self.state)


def _log_in(path: Path) -> logging.Logger:
    """The supervisor's own few lines: who ended, when, with what."""
    log = logging.Logger("supervisor")  # noqa: LOG001 - its own, not part of any process's tree
    handler = logging.FileHandler(path, delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    log.addHandler(handler)
    return log


class Supervisor:
    """Keeps children until `stop`. `changed` is called with every process on each change."""

    def __init__(self, children: Sequence[Child], *, logs: Path, changed: Callable[[Sequence[Running]], None]) -> None:
        self._kept = {child.name: _Kept(child) for child in children}
        self._order = [child.name for child in children]
        self._logs = logs
        self._changed = changed
        self._stopping = asyncio.Event()
        self._log_of_own = _log_in(logs / "supervisor.log")

    @property
    def running(self) -> list[Running]:
        """Every child as it is now."""
        return [self._kept[name].running for name in self._order]

    async def until_ready(self) -> None:
        """Return once every child is ready, or the house is being stopped."""
        stopping = asyncio.create_task(self._stopping.wait())
        ready = asyncio.create_task(self._all_ready())
        await asyncio.wait({stopping, ready}, return_when=asyncio.FIRST_COMPLETED)
        for left in (stopping, ready):
            left.cancel()

    async def _all_ready(self) -> bool:
        for kept in self._kept.values():
            await kept.is_ready.wait()
        return True

    def stop(self) -> None:
        """Ask the house to stop; `run` returns when all have ended."""
        self._stopping.set()

    async def run(self) -> None:
        """Keep the children until `stop` is called, then end them in the reverse order of their needs."""
        keepers = {name: asyncio.create_task(self._keep(kept)) for name, kept in self._kept.items()}
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({stopping, *keepers.values()}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._stopping.set()
            for name in reversed(self._order):
                await self._end(self._kept[name])
            for keeper in keepers.values():
                keeper.cancel()
            ended = await asyncio.gather(*keepers.values(), return_exceptions=True)
            stopping.cancel()
            for handler in self._log_of_own.handlers:
                handler.close()
        for fault in ended:
            if isinstance(fault, BaseException) and not isinstance(fault, asyncio.CancelledError):
                raise fault

    async def _keep(self, kept: _Kept) -> None:
        pause = _FIRST_PAUSE
        while not self._stopping.is_set():
            for need in (*kept.child.needs, *(() if kept.restarts else kept.child.needs_first)):
                await self._kept[need].is_ready.wait()
            if self._stopping.is_set():
                return
            try:
                became_ready = await self._live(kept, await self._start(kept))
            except (OSError, Trouble) as fault:
                if kept.restarts == 0 and kept.process is None:
                    raise  # it never worked: say why instead of trying for ever
                became_ready = False
                self._note(kept, f"could not be started: {fault}")
            if self._stopping.is_set():
                return
            lived = time.monotonic() - kept.began
            pause = _FIRST_PAUSE if became_ready and lived > _STEADY else pause
            kept.restarts += 1
            self._set(kept, "restarting")
            await self._sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _start(self, kept: _Kept) -> Process:
        child = kept.child
        self._set(kept, "starting")
        await asyncio.to_thread(child.prepare)
        environment = {**os.environ, **child.environment()}
        with self._log(child.name).open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *child.command(),
                stdin=PIPE,  # closes with this process: a second net under the signal on its death
                stdout=log,
                stderr=STDOUT,
                env=environment,
                user=child.user,
                group=child.user,
                extra_groups=[] if child.user else None,
                preexec_fn=ends_with_parent(child.orphaned),
                cwd="/" if child.user else None,
            )
        kept.process, kept.since, kept.began = process, started(process.pid), time.monotonic()
        self._set(kept, "starting")
        return process

    async def _live(self, kept: _Kept, process: Process) -> bool:
        """Wait for readiness, then for the end; end it too when what it was told has changed. Was it ready?"""
        ended = asyncio.create_task(process.wait())
        was_ready = False
        try:
            while not ended.done():
                if await kept.child.ready():
                    was_ready = True
                    break
                await asyncio.wait({ended}, timeout=0.05)
            if was_ready and not ended.done():
                self._set(kept, "running")
                kept.is_ready.set()
            await ended
        finally:
            kept.is_ready.clear()
            ended.cancel()
            if not self._stopping.is_set():
                self._note(kept, f"ended with {process.returncode}")
                await self._end_those_with(kept.child.name)
        return was_ready

    async def _end_those_with(self, name: str) -> None:
        followers = [kept for kept in self._kept.values() if name in kept.child.ends_with]
        for follower in followers:
            follower.is_ready.clear()
        await asyncio.gather(*(self._end(follower) for follower in followers))

    async def _end(self, kept: _Kept) -> None:
        process = kept.process
        if process is None or process.returncode is not None:
            if self._stopping.is_set():
                self._set(kept, "stopped")
            return
        self._set(kept, "stopping")
        with suppress(ProcessLookupError):
            process.send_signal(kept.child.stop)
        try:
            async with asyncio.timeout(kept.child.patience):
                await process.wait()
        except TimeoutError:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        if self._stopping.is_set():
            self._set(kept, "stopped")

    async def _sleep(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()

    def _set(self, kept: _Kept, state: str) -> None:
        kept.state = state
        self._changed(self.running)

    def _log(self, name: str) -> Path:
        path = self._logs / f"{name}.log"
        if path.exists() and path.stat().st_size > _LARGEST_LOG:
            path.replace(path.with_suffix(".log.1"))
        return path

    def _note(self, kept: _Kept, what: str) -> None:
        self._log_of_own.info("%s %s", kept.child.name, what)
