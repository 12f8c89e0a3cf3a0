"""Bus → batch → one transaction → offsets: each event has its effect exactly once.

Offsets live in PostgreSQL and move by compare-and-set in the transaction of the effects, so a member that has lost
its partition changes nothing. A message that cannot be handled is parked with every later one of its key; all other
keys flow. A fault of infrastructure rolls back, seeks back and tries again. Nothing here raises into FastStream.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import asyncpg

from chassis import parking, telemetry
from chassis.bus import BUS_FAULTS, Place, until_there
from chassis.database import TRY_AGAIN, UNREACHABLE
from chassis.faultpoints import fail_point
from chassis.streams import Item, Streams, item_of, recorded

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from chassis.bus import Bus, Listening, Record
    from chassis.database import Connection
    from chassis.hearing import Hears, Source
    from chassis.work import Works


log = telemetry.logger(__name__)
FAULTS = (*UNREACHABLE, *TRY_AGAIN, *BUS_FAULTS)
PAUSES = (0.05, 5.0)
TEND = 0.25
CHUNK = 1_000
_KNOWN = "select topic, partition, next from consumer_offset where cluster = $1 and grp = $2"
_ADVANCE = """
update consumer_offset as held set next = given.next
from unnest($3::text[], $4::int[], $5::bigint[], $6::bigint[]) as given(topic, partition, expected, next)
where held.cluster = $1 and held.grp = $2 and held.topic = given.topic and held.partition = given.partition
    and held.next = given.expected
"""
_FOUND = """
insert into consumer_offset (cluster, grp, topic, partition, next)
select $1, $2, * from unnest($3::text[], $4::int[], $5::bigint[]) order by 3, 4 on conflict do nothing
"""


class Fenced(Exception):  # noqa: N818 - not an error: somebody else has the partition
    """The table does not stand where this member believed: it is a zombie."""


class Inbox:
    """One consumer group of one service."""

    def __init__(self, works: Works[Any], bus: Bus, hears: Hears, *, source: Source | None = None) -> None:
        self.works, self.bus, self.hears, self.source = works, bus, hears, source
        self.node = works.settings.node_id
        self.group = f"{self.node}.{hears.group}"
        self.topics = hears.topics(self.node)
        self.streams = Streams(hears, self.group, self.node)
        self.state = "starting"
        self.cluster = ""
        self.expected: dict[Place, int] = {}
        self.listening: Listening | None = None
        self._jumped: dict[Place, int] = {}
        self._pause = PAUSES[0]

    async def run(self) -> None:
        """Hear until cancelled; the bus, the database or a source that is away is waited for."""
        await self._ready()
        self.listening = self.bus.listen(self.group, self.topics, self)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(until_there(self.listening.start))
                group.create_task(self._tend())
        finally:
            await self.listening.stop()

    async def _ready(self) -> None:
        """Know the cluster; where it is new to this group, what the bus forgot is read from the journals."""
        pause = PAUSES[0]
        while True:
            try:
                self.cluster = await until_there(self.bus.cluster_id)
                async with self.works.database.transaction() as conn:
                    await parking.drive_upgraded(conn, self.group, at=await conn.fetchval("select house_now()"))
                    seen = await conn.fetchval("select cluster from bus_seen where grp = $1", self.group)
                if seen != self.cluster:
                    await self._catch_up()
                async with self.works.database.transaction() as conn:
                    self.expected = await self._table(conn)
                self.state = "reading"
            except FAULTS as fault:
                log.warning("inbox_waits", group=self.group, error=type(fault).__name__, delay=pause)
                await asyncio.sleep(pause)
                pause = min(PAUSES[1], pause * 2)
            else:
                return

    async def _catch_up(self) -> None:
        """Read what was told since this group last read the journals; known messages are duplicates."""
        for topic in self.topics if self.source else ():
            async with self.works.database.transaction() as conn:
                after = await conn.fetchval(
                    "select position from journal_read where grp = $1 and topic = $2", self.group, topic
                )
            chunk: list[Item] = []
            last = after or 0
            async for position, key, headers, value in self.source.read(topic, from_position=last):  # type: ignore[union-attr]
                chunk.append(recorded(topic, key, headers, value, node=self.node))
                last = position
                if len(chunk) >= CHUNK:
                    await self._apply(chunk, read=(topic, last))
                    chunk = []
            await self._apply(chunk, read=(topic, last))
        async with self.works.database.transaction() as conn:
            await conn.execute(
                "insert into bus_seen values ($1, $2) on conflict (grp) do update set cluster = excluded.cluster",
                self.group,
                self.cluster,
            )

    async def _table(self, conn: Connection) -> dict[Place, int]:
        rows = await conn.fetch(_KNOWN, self.cluster, self.group)
        return {Place(row["topic"], row["partition"]): row["next"] for row in rows}

    def first(self, places: set[Place]) -> Mapping[Place, int]:
        """Where to start, as far as known without asking."""
        return {place: self.expected.get(place, 0) for place in places}

    async def assigned(self, listening: Listening, places: set[Place]) -> None:
        """Seek to the table. What the log no longer holds, or does not hold yet, is read from the journals, loudly."""
        try:
            ends = await listening.ends(places)
            async with self.works.database.transaction() as conn:
                new = sorted(ends)
                await conn.execute(
                    _FOUND, self.cluster, self.group, [p.topic for p in new], [p.partition for p in new],
                    [ends[p][0] for p in new],
                )  # fmt: skip
                found = await self._table(conn)
            self.expected.update(found)
            lost = [p for p in new if not ends[p][0] <= found[p] <= ends[p][1]]
            if lost:
                await self._lost(lost, ends)
            for place in places:
                listening.seek(place, self.expected.get(place, 0))
        except FAULTS as fault:
            # Batches from places that are not known are refused by the fence and sought back until the table answers.
            log.warning("assignment_unknown", group=self.group, error=type(fault).__name__)

    async def _lost(self, lost: Sequence[Place], ends: Mapping[Place, tuple[int, int]]) -> None:
        self.state = "offset_lost"
        telemetry.gauge("offset_lost", len(lost), group=self.group)
        log.error("offset_lost", group=self.group, count=len(lost), topic=lost[0].topic, partition=lost[0].partition)
        if self.source is None:
            return
        await self._catch_up()
        async with self.works.database.transaction() as conn:
            for place in lost:
                await conn.execute(
                    "update consumer_offset set next = $5"
                    " where cluster = $1 and grp = $2 and topic = $3 and partition = $4",
                    self.cluster, self.group, place.topic, place.partition, ends[place][0],
                )  # fmt: skip
            self.expected.update(await self._table(conn))
        self.state = "reading"
        telemetry.gauge("offset_lost", 0, group=self.group)

    async def hear(self, listening: Listening, records: Sequence[Record]) -> None:
        """Handle a batch to the end: committed, or every partition of it sought back to the table."""
        places: set[Place] = set()
        try:
            if unknown := {Place(record.topic, record.partition) for record in records} - set(self.expected):
                await self.assigned(listening, unknown)
            batch = self._fitting(listening, records)
            places = set(batch)
            if batch:
                await self._hear(listening, batch)
            self._pause = PAUSES[0]
        except Fenced:
            telemetry.count("fence_refusals", len(records), group=self.group)
            await self._seek_back(listening, places)
        except Exception as fault:  # noqa: BLE001 - whatever it is, FastStream would skip the batch without a trace
            log.warning("batch_again", group=self.group, error=type(fault).__name__, delay=self._pause)
            await asyncio.sleep(self._pause)
            self._pause = min(PAUSES[1], self._pause * 2)
            await self._seek_back(listening, places)

    async def _hear(self, listening: Listening, batch: Mapping[Place, list[Record]]) -> None:
        items = [item_of(record, node=self.node) for records in batch.values() for record in records]
        following = {place: records[-1].offset + 1 for place, records in batch.items()}
        await self._apply(items, batch=following)
        fail_point("inbox.committed")
        self.expected.update(following)
        await listening.tell(following)
        fail_point("inbox.told")

    async def _apply(
        self,
        items: Sequence[Item],
        *,
        batch: Mapping[Place, int] | None = None,
        read: tuple[str, int] | None = None,
    ) -> None:
        """Apply the items in one transaction with the offsets; where one fails, each in a savepoint of its own."""
        for each in (self.streams.together, self.streams.one_by_one):
            try:
                async with self.works.batch() as work:
                    fail_point("inbox.begun")
                    await self._advance(work.conn, batch or {}, read)
                    await each(work, items)
                    fail_point("inbox.before_commit")
            except (*FAULTS, Fenced):
                raise
            except Exception as poison:
                if each == self.streams.one_by_one or isinstance(poison, asyncpg.InterfaceError):
                    raise
                log.info("batch_by_message", group=self.group, error=type(poison).__name__)
            else:
                return

    async def _advance(self, conn: Connection, batch: Mapping[Place, int], read: tuple[str, int] | None) -> None:
        if read:
            await conn.execute(
                "insert into journal_read values ($1, $2, $3)"
                " on conflict (grp, topic) do update set position = greatest(journal_read.position, excluded.position)",
                self.group, *read,
            )  # fmt: skip
        places = sorted(batch)
        if not places:
            return
        moved = await conn.execute(
            _ADVANCE, self.cluster, self.group, [p.topic for p in places], [p.partition for p in places],
            [self.expected[p] for p in places], [batch[p] for p in places],
        )  # fmt: skip
        if moved != f"UPDATE {len(places)}":
            raise Fenced

    def _fitting(self, listening: Listening, records: Sequence[Record]) -> dict[Place, list[Record]]:
        """The records by partition, without those of partitions that do not go on where the table stands."""
        batch: dict[Place, list[Record]] = {}
        for record in records:
            batch.setdefault(Place(record.topic, record.partition), []).append(record)
        for place in list(batch):
            first, wanted = batch[place][0].offset, self.expected.get(place)
            if first == wanted or (wanted is not None and first > wanted and self._jumped.pop(place, -1) == first):
                continue  # in order, or the broker says twice that nothing lies between (markers of a transaction)
            if wanted is not None and first > wanted:
                self._jumped[place] = first
            listening.seek(place, wanted or 0)
            del batch[place]
        return batch

    async def _seek_back(self, listening: Listening, places: set[Place]) -> None:
        try:
            async with self.works.database.connection() as conn:
                self.expected.update(await self._table(conn))
        except FAULTS:
            log.debug("table_away", group=self.group)
        for place in places:
            listening.seek(place, self.expected.get(place, 0))

    async def _tend(self) -> None:
        """Between batches: parked messages that are due, gaps, freshness, figures."""
        while True:
            await asyncio.sleep(TEND)
            try:
                while await self.streams.retry(self.works, self.source):
                    continue
                await self._figures()
            except FAULTS as fault:
                log.debug("tending_waits", group=self.group, error=type(fault).__name__)
                await asyncio.sleep(PAUSES[1] / 5)

    def behind(self) -> dict[Place, int]:
        """Per assigned partition, how many records have not been applied."""
        return self.listening.lag(self.expected) if self.listening else {}

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
