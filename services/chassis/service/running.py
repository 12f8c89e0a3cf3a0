"""One process: the doors of its services first, then everything that runs beside them, until it is told to stop."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

from chassis import telemetry
from chassis.ops import Heart, OpsServer, application
from chassis.rpc import RpcServer
from chassis.service.parts import INFRASTRUCTURE, Parts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from chassis.service.declaration import Service

log = telemetry.logger(__name__)
_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
BROKEN: Final = 70  # sysexits: a fault in the software
_DOORS_CLOSE_WITHIN, _DRAIN_WITHIN = 5.0, 5.0
_PATIENCE: Final = (5.0, 2.0, 2.0, 2.0)
# The embedded bus keeps about 5 MB a partition and drops the oldest without a word.
_BEHIND: Final = 2_000


class Process:
    """The services of one process with one gRPC and one operations server."""

    def __init__(self, services: Sequence[Service]) -> None:
        first = services[0].settings
        if len({service.settings.node_id for service in services}) > 1:
            raise TypeError("the services of one process belong to one node")
        self.settings = first
        self.parts = {each.name: Parts(each, behind=partial(self._too_far_behind, each.name)) for each in services}
        self.heart = Heart()
        works = {name: parts.works for name, parts in self.parts.items()}
        self.rpc = RpcServer(
            first,
            {name: parts.servicers() for name, parts in self.parts.items()},
            works=works,
            largest_request=max(service.largest_request for service in services),
        )
        ready = {name: parts.ready for name, parts in self.parts.items()}
        self.ops = OpsServer(application(first.node_id, ready, self.heart), first.rpc_host, first.ops_port)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[asyncio.TaskGroup]:
        """Doors open and all parts running inside; closed in order afterwards.

        A programming error in a part cancels the body and is raised; an error of the body alone comes out as it is.
        """
        of_the_body: list[BaseException] = []
        for parts in self.parts.values():
            await parts.database.open()
        try:
            async with asyncio.TaskGroup() as group:
                await self.rpc.start()
                answering = group.create_task(self.ops.run())
                tasks = [group.create_task(self.heart.run()), answering]
                tasks += [
                    group.create_task(parts.run(name, loop), name=f"{parts.name}.{name}")
                    for parts in self.parts.values()
                    for name, loop in parts.loops()
                ]
                # What start-up made stays: looking through it again and again cost 7 µs for each message heard.
                gc.collect()
                gc.freeze()
                try:
                    yield group
                    await self.rpc.stop(_DOORS_CLOSE_WITHIN)
                    self.ops.stop()
                    await asyncio.wait([answering], timeout=_DOORS_CLOSE_WITHIN)
                    await self._drain()
                except BaseException as fault:
                    of_the_body.append(fault)
                    raise
                finally:
                    await _end(tasks)
        except BaseExceptionGroup as several:
            if list(several.exceptions) == of_the_body:
                raise of_the_body[0] from None
            raise
        finally:
            await self.rpc.stop(0)
            for parts in self.parts.values():
                await parts.close()

    async def _too_far_behind(self, service: str) -> int:
        """By how much some group here is too far behind this service's topic: the embedded bus forgets early."""
        topic = f"{self.settings.node_id}.{service}.v1"
        behind = [
            records
            for parts in self.parts.values()
            for inbox in parts.inboxes
            for place, records in inbox.behind().items()
            if place.topic == topic
        ]
        return max(0, max(behind, default=0) - _BEHIND)

    async def _drain(self) -> None:
        """Give the relays a moment for what was just committed; what stays is sent after the next start."""
        try:
            async with asyncio.timeout(_DRAIN_WITHIN):
                for parts in self.parts.values():
                    while parts.relay.active and (await parts.standing())[0]:  # noqa: ASYNC110 - rows, no event
                        await asyncio.sleep(0.05)
        except INFRASTRUCTURE:
            return


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Cancel until they have ended: a library that waits for its network may swallow being cancelled once."""
    for patience in _PATIENCE:
        for task in tasks:
            task.cancel()
        _, left = await asyncio.wait(tasks, timeout=patience)
        if not left:
            return
        log.warning("Parts take long to end", count=len(left), operation=next(iter(left)).get_name())


async def run(services: Sequence[Service], *, stopping: asyncio.Event | None = None) -> int:
    """Run until SIGTERM, SIGINT or `stopping`; returns the process's exit code.

    The ports bound are written to `ports_file` as JSON, where the settings name one. Raises Undeclared for an RPC
    that declares no permission, before anything is opened.
    """
    # gRPC's C core writes handshake errors to stderr by itself.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    process = Process(services)
    telemetry.configure_once(process.settings.log_level)
    if process.settings.otlp_endpoint:
        telemetry.export_to(process.settings.otlp_endpoint, service=services[0].name)
    stop = stopping or asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in _SIGNALS:
        loop.add_signal_handler(each, stop.set)
    try:
        async with process.serving():
            if process.settings.ports_file:
                _write(process.settings.ports_file, {"rpc": process.rpc.port, "ops": process.ops.port})
            log.info("Serving", port=process.rpc.port, pid=os.getpid())
            await stop.wait()
            log.info("Stopping", pid=os.getpid())
    except Exception as fault:
        for leaf in _leaves(fault):
            log.critical("A part is broken and the process ends", exc_info=leaf)
        return BROKEN
    finally:
        for each in _SIGNALS:
            loop.remove_signal_handler(each)
        if process.settings.otlp_endpoint:
            await asyncio.to_thread(telemetry.stop_exporting)
    return 0


def _write(path: Path, ports: dict[str, int]) -> None:
    """Whole or not at all: somebody waits for it."""
    written = path.with_suffix(".new")
    written.write_text(json.dumps(ports))
    written.replace(path)


def _leaves(fault: BaseException) -> list[BaseException]:
    if isinstance(fault, BaseExceptionGroup):
        return [leaf for each in fault.exceptions for leaf in _leaves(each)]
    return [fault]
