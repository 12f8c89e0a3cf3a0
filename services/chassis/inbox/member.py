"""One member of a consumer group: it joins, settles where to read, handles batches, and tends what waits."""

from __future__ import annotations

import asyncio
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any

import asyncpg

from chassis import parking, quarantine, telemetry
from chassis.bus import Place, until_there
from chassis.envelope import CONTROL
from chassis.faultpoints import fail_point
from chassis.inbox import journals
from chassis.inbox.offsets import Fenced, Offsets
from chassis.quarantine import Quarantined
from chassis.shares import between_houses
from chassis.streams import FAULTS, UNKNOWN_SENDER, Item, Streams, retry

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from chassis.bus import Bus, Listening, Record
    from chassis.hearing import Hears, Source
    from chassis.work import Works

log = telemetry.logger(__name__)
PAUSES = (0.05, 5.0)
TEND, LOOK = 0.25, 5.0


class _Replaced(Exception):  # noqa: N818 - not an error
    """The bus is another one than before: join again."""


def _is_stranger(topic: str, reason: str) -> bool:
    """Somebody says to all that he is there, and this house has not registered him yet: nothing of it is believed, and
    nothing is wrong."""
    return (topic, reason) == (CONTROL, UNKNOWN_SENDER)


def _quarantined(item: Item, partition: int, offset: int) -> Quarantined:
    source = item.key.partition("/")[0]
    return Quarantined(
        topic=item.topic,
        partition=partition,
        offset=offset,
        source=source,
        reason=item.distrusted,
        value=item.value or b"",
    )


class Inbox:
    """One consumer group of one service."""

    def __init__(self, works: Works[Any], bus: Bus, hears: Hears, *, source: Source | None = None) -> None:
        self.works, self.bus, self.hears, self.source = works, bus, hears, source
        self.node = works.settings.node_id
        self.group = f"{self.node}.{hears.group}"
        self.topics = hears.topics(self.node, works.settings.services)
        self.streams = Streams(hears, self.group, self.node)
        self.offsets = Offsets(self.group)
        self.state = "starting"
        self.listening: Listening | None = None
        self._unsettled: dict[Place, int] = {}  # with the assignment that it came by
        self._assignments = 0
        self._settle = asyncio.Event()
        self._jumped: dict[Place, int] = {}
        self._unreached: set[str] = set()
        self._untold: dict[Place, int] = {}
        self._pause = PAUSES[0]

    async def run(self) -> None:
        """Hear until cancelled; the bus, the database or a source that is away is waited for."""
        pause = PAUSES[0]
        while True:
            before = self._assignments
            try:
                await self._ready()
                await self._join()
            except* _Replaced:
                log.warning("The bus was replaced", group=self.group)
            except* FAULTS as faults:
                # Who was let in begins with short pauses again; who is refused asks less and less often.
                pause = PAUSES[0] if self._assignments > before else pause
                log.warning("inbox_waits", group=self.group, error=type(faults.exceptions[0]).__name__, delay=pause)
                await asyncio.sleep(pause)
                pause = min(PAUSES[1], pause * 2)

    async def _join(self) -> None:
        """Be a member until cancelled."""
        self.listening = listening = self.bus.listen(self.group, self.topics, self)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(listening.start())
                group.create_task(self._settling(listening))
                group.create_task(self._tending(listening))
        finally:
            await listening.stop()

    async def _ready(self) -> None:
        """Know the cluster; where it is new to this group, what the bus forgot is read from the journals."""
        self.offsets = Offsets(self.group)
        self.offsets.cluster = await until_there(self.bus.cluster_id)
        while not await self._may_go_on():  # noqa: ASYNC110 - a person is waited for, in the database
            await asyncio.sleep(LOOK)
        async with self.works.database.transaction() as conn:
            at = await conn.fetchval("select house_now()")
            await parking.drive(conn, self.group, parking.NEEDS_UPGRADE, at=at)
            new = await self.offsets.seen(conn) != self.offsets.cluster
            await self.streams.look_whom_to_trust(conn)
            unread = await journals.unread(conn, self.group, self._journals(self.topics))
        await self._catch_up(self._journals(self.topics) if new else unread)
        async with self.works.database.transaction() as conn:
            await self.offsets.see(conn)
        self.state = "joining"

    async def _may_go_on(self) -> bool:
        """Outside the embedded profile a bus that was lost whole waits for a person, and says so."""
        async with self.works.database.connection() as conn:
            seen = await self.offsets.seen(conn)
        if self.works.settings.embedded_profile or seen in {None, self.offsets.cluster}:
            return True
        if self.state != "cluster_changed":
            self.state = "cluster_changed"
            log.error("cluster_changed: the bus was lost whole; follow the runbook lost-bus", group=self.group)
        return False

    def _journals(self, topics: Iterable[str]) -> list[str]:
        """Where these topics can be read again: a topic between houses in the journal of every house that is known."""
        return [
            name
            for topic in topics
            for name in (
                [f"{topic}@{sender}" for sender in sorted(self.streams.trusted)] if between_houses(topic) else [topic]
            )
        ]

    async def _catch_up(self, names: Sequence[str]) -> None:
        """Read these journals. One of another house that is away is read later: nobody waits for it."""
        for name in names if self.source is not None else ():
            assert self.source is not None  # noqa: S101 - for the type checker
            try:
                await journals.catch_up(
                    self.works.database,
                    self.source,
                    group=self.group,
                    topic=name,
                    item=self.streams.item,
                    apply=self._apply_read,
                )
            except ConnectionError:
                if "@" not in name:
                    raise
                self._unreached.add(name)
            else:
                self._unreached.discard(name)

    async def _apply_read(self, items: Sequence[Item], read: tuple[str, int]) -> None:
        distrusted = [_quarantined(item, -1, -1) for item in items if item.distrusted]
        await self._apply([item for item in items if not item.distrusted], {}, read, distrusted)

    def assigned(self, listening: Listening, places: set[Place]) -> None:
        """These partitions are ours; each is held back until it is settled where to read on."""
        self._assignments += 1
        self._unsettled = dict.fromkeys(places, self._assignments)
        self._settle.set()

    async def _settling(self, listening: Listening) -> None:
        """Settle what was assigned, as soon as table and log can be asked; never by guessing."""
        pause = PAUSES[0]
        while True:
            await self._settle.wait()
            self._settle.clear()
            try:
                await self._settled(listening, dict(self._unsettled))
                pause = PAUSES[0]
            except FAULTS as fault:
                log.warning("assignment_unsettled", group=self.group, error=type(fault).__name__, delay=pause)
                await asyncio.sleep(pause)
                pause = min(PAUSES[1], pause * 2)
                self._settle.set()

    async def _settled(self, listening: Listening, wanted: Mapping[Place, int]) -> None:
        """Compare the table with what the log still holds, then read on. Outside of it: never a silent reset."""
        ends = await listening.ends(wanted)
        async with self.works.database.transaction() as conn:
            await self.offsets.begin(conn, {place: first for place, (first, _) in ends.items()})
            known = await self.offsets.read(conn)
        if lost := {place: first for place, (first, end) in ends.items() if not first <= known[place] <= end}:
            await self._lost(lost)
        for place in ends:
            if self._unsettled.get(place) == wanted[place] and (place not in lost or self.source is not None):
                listening.seek(place, self.offsets.expected[place])
                listening.resume(place)
                del self._unsettled[place]
        if not lost or self.source is not None:
            self.state = "reading"

    async def _lost(self, lost: Mapping[Place, int]) -> None:
        """Records are gone that this group never read: say so loudly, and read them from the journals."""
        self.state = "offset_lost"
        telemetry.gauge("offset_lost", len(lost), group=self.group)
        for place in lost:
            log.error("offset_lost", group=self.group, topic=place.topic, partition=place.partition)
        if self.source is None:
            return  # these partitions stay as they are, and the state says so, until there is a source to read from
        await self._catch_up(self._journals(sorted({place.topic for place in lost})))
        async with self.works.database.transaction() as conn:
            await self.offsets.put(conn, lost)
            await self.offsets.read(conn)
        telemetry.gauge("offset_lost", 0, group=self.group)

    async def hear(self, listening: Listening, records: Sequence[Record]) -> None:
        """Handle a batch to the end: committed, or every partition of it sought back to the table."""
        batch = self._fitting(listening, records)
        try:
            if batch:
                await self._hear(listening, batch)
            self._pause = PAUSES[0]
        except Fenced:
            telemetry.count("fence_refusals", sum(map(len, batch.values())), group=self.group)
            await self._seek_back(listening, set(batch))
        except Exception as fault:  # whatever it is, FastStream would skip the batch without a trace
            log.warning("batch_again", group=self.group, delay=self._pause, exc_info=fault)
            await asyncio.sleep(self._pause)
            self._pause = min(PAUSES[1], self._pause * 2)
            await self._seek_back(listening, set(batch))

    async def _hear(self, listening: Listening, batch: Mapping[Place, list[Record]]) -> None:
        began = asyncio.get_running_loop().time()
        if any(between_houses(place.topic) for place in batch):
            async with self.works.database.connection() as conn:
                await self.streams.look_whom_to_trust(conn)
        items, distrusted = self._sorted_out(record for records in batch.values() for record in records)
        following = {place: records[-1].offset + 1 for place, records in batch.items()}
        await self._apply(items, following, None, distrusted)
        fail_point("inbox.committed")
        self.streams.tell_counts()
        self.offsets.expected.update(following)
        telemetry.observe("inbox_batch_seconds", asyncio.get_running_loop().time() - began, group=self.group)
        self._untold.update(following)

    def _sorted_out(self, records: Iterable[Record]) -> tuple[list[Item], list[Quarantined]]:
        """What is believed, and what is not."""
        items: list[Item] = []
        distrusted: list[Quarantined] = []
        for record in records:
            item = self.streams.item(record.topic, record.key, record.headers, record.value)
            if item.distrusted:
                distrusted.append(_quarantined(item, record.partition, record.offset))
            else:
                items.append(item)
        return items, distrusted

    async def _apply(
        self,
        items: Sequence[Item],
        following: Mapping[Place, int],
        read: tuple[str, int] | None,
        distrusted: Sequence[Quarantined] = (),
    ) -> None:
        """Apply the items in one transaction with the offsets; where one fails, each in a savepoint of its own."""
        for each in (self.streams.together, self.streams.one_by_one):
            try:
                async with self.works.batch(partial(self.offsets.advance, following=following)) as work:
                    fail_point("inbox.begun")
                    if read is not None:
                        await journals.mark_read(work.conn, self.group, *read)
                    kept = [found for found in distrusted if not _is_stranger(found.topic, found.reason)]
                    await quarantine.keep(work.conn, kept, at=work.now)
                    await each(work, items)
                    fail_point("inbox.before_commit")
            except (*FAULTS, Fenced):
                raise
            except Exception as poison:
                if each == self.streams.one_by_one or isinstance(poison, asyncpg.InterfaceError):
                    raise
                log.info("batch_by_message", group=self.group, error=type(poison).__name__)
            else:
                self._alarm(distrusted)
                return

    def _alarm(self, distrusted: Iterable[Quarantined]) -> None:
        """Somebody sends what is not believed: loud, and without harm to others."""
        for (topic, reason), count in Counter((each.topic, each.reason) for each in distrusted).items():
            if _is_stranger(topic, reason):
                telemetry.count("strangers_heard", count, group=self.group)
                log.info("strangers_heard", group=self.group, count=count)
                continue
            telemetry.count("quarantined", count, group=self.group, reason=reason)
            log.error("share_quarantined", group=self.group, topic=topic, reason=reason, count=count)

    def _fitting(self, listening: Listening, records: Sequence[Record]) -> dict[Place, list[Record]]:
        """The records by partition, without those of partitions that do not go on where the table stands."""
        batch: dict[Place, list[Record]] = {}
        for record in records:
            batch.setdefault(Place(record.topic, record.partition), []).append(record)
        for place in list(batch):
            first, wanted = batch[place][0].offset, self.offsets.expected.get(place)
            if place in self._unsettled or wanted is None:
                del batch[place]  # it is sought once it is settled
                continue
            if first == wanted or (first > wanted and self._jumped.pop(place, -1) == first):
                continue  # in order, or the broker says twice that nothing lies between (markers of a transaction)
            if first > wanted:
                self._jumped[place] = first
            listening.seek(place, wanted)
            del batch[place]
        return batch

    async def _seek_back(self, listening: Listening, places: set[Place]) -> None:
        try:
            async with self.works.database.connection() as conn:
                await self.offsets.read(conn)
        except FAULTS:
            log.debug("table_away", group=self.group)
        for place in places:
            listening.seek(place, self.offsets.expected.get(place, 0))

    async def _tending(self, listening: Listening) -> None:
        """Between batches: parked messages that are due, gaps, figures, and whether the log still holds our place."""
        looked = 0.0
        while True:
            await asyncio.sleep(TEND)
            try:
                while await retry(self.streams, self.works, self.source):
                    continue
                await self.tell(listening)
                await self._figures()
                if (at := asyncio.get_running_loop().time()) - looked >= LOOK:
                    looked = at
                    await self._look(listening)
            except FAULTS as fault:
                log.debug("tending_waits", group=self.group, error=type(fault).__name__)
                await asyncio.sleep(PAUSES[1] / 5)

    async def tell(self, listening: Listening) -> None:
        """Tell the broker how far we are, now and then: advice for its tools, for which no batch has to wait."""
        told, self._untold = self._untold, {}
        if told:
            await listening.tell(told)
            fail_point("inbox.told")

    async def _look(self, listening: Listening) -> None:
        """What the library would only log, for ever: another bus, or a log that was cut short under us."""
        if await self.bus.cluster_id() != self.offsets.cluster:
            raise _Replaced
        await self._look_elsewhere()
        known = dict(self.offsets.expected)
        ends = await listening.ends(listening.assigned() - set(self._unsettled))
        if lost := [place for place, (first, end) in ends.items() if not first <= known.get(place, first) <= end]:
            self._assignments += 1
            self._unsettled |= dict.fromkeys(lost, self._assignments)
            self._settle.set()
        async with self.works.database.transaction() as conn:
            await parking.lead(conn, self.group, at=await conn.fetchval("select house_now()"))

    async def _look_elsewhere(self) -> None:
        """Journals of other houses that were away when they were wanted, or of houses that are new."""
        if self.hears.trust is None:
            return
        async with self.works.database.connection() as conn:
            await self.streams.look_whom_to_trust(conn)
            unread = await journals.unread(conn, self.group, [n for n in self._journals(self.topics) if "@" in n])
        await self._catch_up(sorted({*unread, *self._unreached}))

    def behind(self) -> dict[Place, int]:
        """Per assigned partition, how many records have not been applied."""
        return self.listening.lag(self.offsets.expected) if self.listening else {}

    async def _figures(self) -> None:
        lags = self.behind()
        for place, lag in lags.items():
            telemetry.gauge("consumer_lag", lag, group=self.group, topic=place.topic, partition=place.partition)
        async with self.works.database.transaction() as conn:
            parked, held = await parking.counts(conn, self.group)
            telemetry.gauge("parked", parked, group=self.group)
            telemetry.gauge("held", held, group=self.group)
            if self.hears.caught_up is None or not lags:
                return
            at = await conn.fetchval("select house_now()")
            behind = {place.topic for place, lag in lags.items() if lag}
            for topic in {place.topic for place in lags} - behind:
                await self.hears.caught_up(conn, topic, at)
