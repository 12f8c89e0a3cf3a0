"""The running parts of one service, and how each is kept running.

A fault of infrastructure never ends a part: it is tried again with growing pauses, though each part waits by itself
already. Anything else is a programming error and ends the process, so that it is seen.
"""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any, Final

from chassis import replay, telemetry
from chassis.aggregate import Unmet
from chassis.bus import BUS_FAULTS, Bus
from chassis.database import TRY_AGAIN, UNREACHABLE, Database
from chassis.deadlines import DeadlineLoop, OutsideLoop, PeriodicLoop
from chassis.inbox import Inbox
from chassis.ops import Ready
from chassis.relay import Relay
from chassis.replay import JournalReader, PeerJournals, Rebuilt
from chassis.rpc import HOUSE_ALONE, channel, serves
from chassis.shares import Signer, between_houses
from chassis.work import Works

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence

    import grpc

    from chassis.hearing import Source
    from chassis.rpc import Servicer
    from chassis.service.declaration import Service
    from chassis.settings import ServiceSettings

log = telemetry.logger(__name__)
INFRASTRUCTURE: Final = (*UNREACHABLE, *TRY_AGAIN, *BUS_FAULTS)
_PAUSES: Final = (0.1, 5.0)
_MEASURE: Final = 5.0
_STANDING = """
select (select count(*) from (select 1 from pending limit 100000) as waiting) as rows,
    (select extract(epoch from house_now() - recorded_at)::float8 from journal
        where position = (select min(position) from pending)) as age,
    (select count(*) from promises where kept_at is null and missed_at is null and due_at <= house_now()) as due
"""


async def kept_running(name: str, run: Callable[[], Awaitable[None]]) -> None:
    """Run a part until it returns; what the database or the bus does to it is waited out."""
    pause = _PAUSES[0]
    while True:
        began = asyncio.get_running_loop().time()
        try:
            await run()
        except BaseExceptionGroup as several:
            _, other = several.split(INFRASTRUCTURE)
            if other is not None:
                raise
            fault: BaseException = several
        except INFRASTRUCTURE as single:
            fault = single
        else:
            return
        lasted = asyncio.get_running_loop().time() - began
        pause = _PAUSES[0] if lasted > _PAUSES[1] * 2 else min(_PAUSES[1], pause * 2)
        log.warning("A part waits and is started again", operation=name, delay=pause, exc_info=fault)
        await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - jitter


class _Journal(JournalReader):
    """The journal, for services of the house alone."""

    Read = serves(HOUSE_ALONE)(JournalReader.Read)


async def _nothing() -> AsyncIterator[tuple[int, str, list[tuple[str, bytes]], bytes]]:
    """What a house that is not asked has told."""
    told: tuple[tuple[int, str, list[tuple[str, bytes]], bytes], ...] = ()
    for each in told:
        yield each


class _Journals(PeerJournals):
    """The journals of this house; a service that the house does not run has told nothing. What other houses told this
    one is asked of them, by the service that speaks to them."""

    def __init__(
        self, settings: ServiceSettings, peer: Callable[[str], grpc.aio.Channel], elsewhere: Source | None
    ) -> None:
        super().__init__(peer)
        self._peers, self._elsewhere = settings.peers, elsewhere

    async def read(
        self, topic: str, *, key: str = "", from_sequence: int = 0, from_position: int = 0
    ) -> AsyncIterator[tuple[int, str, list[tuple[str, bytes]], bytes]]:
        """(position, key, headers, value), oldest first."""
        where = {"key": key, "from_sequence": from_sequence, "from_position": from_position}
        if between_houses(topic):
            told = self._elsewhere.read(topic, **where) if self._elsewhere else _nothing()  # type: ignore[arg-type]
        elif topic.split(".")[1] in self._peers:
            told = super().read(topic, **where)  # type: ignore[arg-type]
        else:
            told = _nothing()
        async for record in told:
            yield record


class Parts:
    """One service, running."""

    def __init__(self, service: Service, *, behind: Callable[[], Awaitable[int]] | None = None) -> None:
        settings = service.settings
        self.service, self.name = service, service.name
        self.database = Database(settings.database_url.get_secret_value(), size=settings.database_pool)
        self.works: Works[Any] = Works(
            self.database,
            service.work,
            settings=settings,
            publications=service.publications,
            deadlines=service.deadlines,
        )
        self.bus = Bus(settings)
        self._channels: dict[str, grpc.aio.Channel] = {}
        elsewhere = service.elsewhere(self.works) if service.elsewhere else None
        self.journals = _Journals(settings, self._peer, elsewhere)
        inboxes = (Inbox(self.works, self.bus, hears, source=self.journals) for hears in service.hears)
        # In a house without the services it hears of, a group has nothing to listen to.
        self.inboxes = [inbox for inbox in inboxes if inbox.topics]
        self.relay = Relay(
            self.database.url,
            self.bus,
            self.name,
            self.works.wake,
            behind=behind if settings.bus_kind == "embedded" else None,
            signer=Signer.load(settings.node_key_file) if settings.node_key_file else None,
        )
        self.deadlines = DeadlineLoop(self.works)
        self.outside = [OutsideLoop(self.works, each) for each in service.outside]
        self.periodic = [PeriodicLoop(self.works, each) for each in service.periodic]
        self.ready = Ready(self.database, service.migrations, self.states)

    def servicers(self) -> Sequence[Servicer]:
        """The service's own, and what every service answers in its house."""
        return [*self.service.servicers(self.works), _Journal(self.database)]

    def _peer(self, service: str) -> grpc.aio.Channel:
        """A channel to a service of this house, opened once."""
        if service not in self._channels:
            self._channels[service] = channel(self.service.settings, service)
        return self._channels[service]

    async def close(self) -> None:
        """After the loops have ended."""
        for each in self._channels.values():
            await each.close(None)
        await self.database.close()

    async def rebuild(self, group: str) -> Rebuilt:
        """Rebuild the projections of one group from the journals of the house."""
        hears = {each.group: each for each in self.service.hears}
        if group not in hears:
            raise Unmet("unknown_group", f"{self.name} has these groups: {', '.join(sorted(hears))}.")
        return await replay.rebuild(self.database, hears[group], self.journals, self.service.settings.node_id)

    def loops(self) -> Iterator[tuple[str, Callable[[], Awaitable[None]]]]:
        """Everything that runs beside the doors."""
        yield "relay", self.relay.run
        for inbox in self.inboxes:
            yield f"inbox.{inbox.group}", inbox.run
        yield "deadlines", self.deadlines.run
        for loop in self.outside:
            yield f"outside.{loop.name}", loop.run
        for periodic in self.periodic:
            yield f"periodic.{periodic.name}", periodic.run
        yield "measure", self._measure

    async def run(self, name: str, loop: Callable[[], Awaitable[None]]) -> None:
        """One of them, under the service's name."""
        with telemetry.speaking(self.name, node=self.service.settings.node_id):
            await kept_running(name, loop)

    def states(self) -> Mapping[str, object]:
        """How the parts are, for operators; never part of a verdict."""
        inboxes = {inbox.group: inbox.state for inbox in self.inboxes}
        return {"relay": "active" if self.relay.active else "standby", "inbox": inboxes}

    def nudge(self) -> None:
        """Whatever waits looks now: the clock was wound."""
        self.deadlines.nudge()
        for loop in (*self.outside, *self.periodic):
            loop.nudge()

    async def standing(self) -> tuple[int, float, int]:
        """Rows that wait for the bus, the age of the oldest in seconds, and promises that are due."""
        async with self.database.connection() as conn:
            row = await conn.fetchrow(_STANDING)
        return (row["rows"], row["age"] or 0.0, row["due"]) if row else (0, 0.0, 0)

    async def _measure(self) -> None:
        while True:
            rows, age, due = await self.standing()
            telemetry.gauge("pending_rows", rows)
            telemetry.gauge("pending_age_seconds", max(0.0, age))
            telemetry.gauge("promises_due", due)
            await asyncio.sleep(_MEASURE)
