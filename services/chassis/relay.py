"""Pending rows → bus, in order, one active holder a service, fenced by the database.

Per transaction up to four batches of rows are deleted from `pending`, sent, and the transaction commits only when
the broker has acknowledged all of them: so nothing is lost, nothing is invented, and what may be told twice is at
most one transaction's batches for each death or doubt. Rows that go are those with the lowest positions at each
read, never those after a cursor: a stream's next row is visible only once the one before is (ADR 0005). The lock
is a transaction lock on the connection that deletes: the server cuts a paused relay off, and its commit fails.
"""

from __future__ import annotations

import asyncio
import random
import zlib
from collections import Counter
from enum import Enum, auto
from typing import TYPE_CHECKING

import asyncpg

from chassis import telemetry
from chassis.bus import BUS_FAULTS
from chassis.database import TRY_AGAIN, UNREACHABLE, prepare
from chassis.envelope import unpack_headers
from chassis.faultpoints import fail_point
from chassis.shares import between_houses, stub_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from chassis.bus import Bus, Place, Producer, Sent
    from chassis.shares import Signer

log = telemetry.logger(__name__)
ROWS, BATCHES = 1_000, 4
ACKNOWLEDGED_WITHIN = 5.0
STANDBY = (0.25, 0.5)
POLL = (0.025, 0.25)
BACK_OFF = (0.1, 5.0)
# Two statements with arrays rather than one with joins: their plans need no statistics, which a queue never has.
_TAKE = """
delete from pending where position = any(array(
    select position from pending where not held order by position limit $1))
returning position, stub
"""
_READ = (
    "select position, topic, key, headers, message from journal where position = any($1::bigint[]) order by position"
)


class Turn(Enum):
    """What a turn came to."""

    NOTHING = auto()
    STANDBY = auto()
    EMPTIED = auto()
    SENT = auto()


class Doubt(Exception):  # noqa: N818 - not an error: the broker's word is missing
    """Nobody knows whether a batch arrived; `known` are the positions that certainly did."""

    def __init__(self, known: list[int]) -> None:
        super().__init__("acknowledgement missing")
        self.known = known


class _Flight:
    """One read of rows under way to the broker."""

    def __init__(self, rows: Sequence[asyncpg.Record], sent: list[Sent]) -> None:
        self.rows, self.sent = rows, sent

    def acknowledged(self, broken: set[Place]) -> list[int]:
        """Positions whose batch, and every earlier one of its partition, has been acknowledged."""
        known: list[int] = []
        for batch in self.sent:
            if not batch.good:
                broken.add(batch.place)
            elif batch.place not in broken:
                known += [self.rows[number]["position"] for number in batch.held]
        return known


def _given_up(turn: asyncio.Future[Turn]) -> None:
    """Nobody waits for this turn any more: how it ended is said here, and what it did not finish is pending still."""
    if not turn.cancelled() and (fault := turn.exception()):
        log.warning("relay_stopped_within_a_turn", error=type(fault).__name__)


class Relay:
    """The relay of one service; run it in as many replicas as you like, one is active."""

    def __init__(
        self,
        url: str,
        bus: Bus,
        service: str,
        wake: asyncio.Event,
        *,
        behind: Callable[[], Awaitable[int]] | None = None,
        signer: Signer | None = None,
    ) -> None:
        self.url, self.bus, self.service, self.wake = url, bus, service, wake
        self.behind, self.signer = behind, signer
        self.active = False
        self._conn: asyncpg.Connection | None = None
        self._producer: Producer | None = None
        self._lock = zlib.crc32(service.encode()) - 2**31

    async def run(self) -> None:
        """Send until cancelled. Faults of the bus or the database are waited out; anything else is raised."""
        pause, idle = BACK_OFF[0], POLL[0]
        try:
            while True:
                try:
                    turn = await self._whole_turn()
                    pause = BACK_OFF[0]
                except Doubt as doubt:
                    telemetry.count("bus_faults", operation="send")
                    await self._abandon()
                    await self._settle(doubt.known)
                    pause = await self._wait(pause)
                    continue
                except (*UNREACHABLE, *TRY_AGAIN, *BUS_FAULTS, asyncpg.PostgresError) as fault:
                    log.warning("relay_waits", error=type(fault).__name__, service=self.service)
                    await self._abandon()
                    await self._disconnect()
                    pause = await self._wait(pause)
                    continue
                if turn is Turn.STANDBY:
                    await asyncio.sleep(random.uniform(*STANDBY))  # noqa: S311 - jitter
                elif turn is Turn.SENT:
                    idle = POLL[0]
                else:
                    idle = POLL[0] if turn is Turn.EMPTIED else min(POLL[1], idle * 2)
                    await self._sleep(idle)
        finally:
            self._standing(active=False)
            await self._stop()

    async def _whole_turn(self) -> Turn:
        """A turn is finished even when the process is asked to stop: then nothing is in doubt, or sent twice."""
        turn = asyncio.ensure_future(self._turn())
        try:
            return await asyncio.shield(turn)
        except asyncio.CancelledError:
            turn.add_done_callback(_given_up)
            await asyncio.wait({turn}, timeout=ACKNOWLEDGED_WITHIN + 1)
            if not turn.done():
                await self._abandon()
                turn.cancel()
            raise

    async def _turn(self) -> Turn:
        """One transaction."""
        conn = await self._connect()
        if self.behind and await self.behind() > 0:
            return Turn.STANDBY
        async with conn.transaction():
            locked = await conn.fetchval("select pg_try_advisory_xact_lock($1, 0)", self._lock)
            self._standing(active=locked)
            if not locked:
                return Turn.STANDBY
            fail_point("relay.locked")
            moved = await self._send_all(conn)
            fail_point("relay.before_commit")
        fail_point("relay.committed")
        # A set that was not full was the last: whoever commits here meanwhile wakes us.
        return Turn.NOTHING if not moved else Turn.EMPTIED if moved % ROWS else Turn.SENT

    async def _send_all(self, conn: asyncpg.Connection) -> int:
        """Up to four sets of rows, one on its way while the next is read; how many rows. Doubt where one is missing."""
        began = asyncio.get_running_loop().time()
        flights: list[_Flight] = []
        moved = 0
        try:
            async with asyncio.timeout(ACKNOWLEDGED_WITHIN):
                for _ in range(BATCHES):
                    taken = await conn.fetch(_TAKE, ROWS)
                    if not taken:
                        break
                    rows = await conn.fetch(_READ, [row["position"] for row in taken])
                    fail_point("relay.taken")
                    flights.append(await self._send(rows, {row["position"] for row in taken if row["stub"]}))
                    moved += len(rows)
                    if len(flights) > 1:
                        await self._acknowledged(flights[-2])
                    # What leaves the house goes one batch at a time: who takes a basis away waits for no more.
                    if len(rows) < ROWS or any(between_houses(row["topic"]) for row in rows):
                        break
                for flight in flights[-1:]:
                    await self._acknowledged(flight)
        except BUS_FAULTS as fault:
            broken: set[Place] = set()
            raise Doubt([position for flight in flights for position in flight.acknowledged(broken)]) from fault
        if moved:
            telemetry.observe("relay_batch_seconds", asyncio.get_running_loop().time() - began)
        return moved

    async def _send(self, rows: Sequence[asyncpg.Record], stubs: set[int]) -> _Flight:
        """Send the rows; of a stub only the envelope goes, so that its stream stays whole."""
        producer = await self._ready()
        records = (self._record(row, stub=row["position"] in stubs) for row in rows)
        flight = _Flight(rows, await producer.send(records))
        fail_point("relay.sent")
        return flight

    def _record(self, row: asyncpg.Record, *, stub: bool) -> tuple[str, bytes, bytes, list[tuple[str, bytes]]]:
        """A row as it goes out: signed where it leaves the house."""
        topic, key, headers = row["topic"], row["key"], unpack_headers(row["headers"])
        value: bytes = b"" if stub else row["message"]
        if between_houses(topic):
            if self.signer is None:
                raise TypeError("node_key_file is needed: what leaves the house is signed")
            headers = self.signer.signed(topic, key, stub_of(headers) if stub else headers, value)
        return topic, key.encode(), value, headers

    async def _acknowledged(self, flight: _Flight) -> None:
        for batch in flight.sent:
            await asyncio.shield(batch.acknowledgement)
        fail_point("relay.acknowledged")
        for topic, count in Counter(row["topic"] for row in flight.rows).items():
            telemetry.count("relay_sent", count, topic=topic)

    async def _settle(self, known: list[int]) -> None:
        """After a doubt: what certainly arrived need not go again."""
        if not known:
            return
        try:
            conn = await self._connect()
            async with conn.transaction():
                if await conn.fetchval("select pg_try_advisory_xact_lock($1, 0)", self._lock):
                    await conn.execute("delete from pending where position = any($1::bigint[])", known)
        except (*UNREACHABLE, asyncpg.PostgresError):
            await self._disconnect()

    async def _ready(self) -> Producer:
        if self._producer is None:
            producer = self.bus.producer()
            await producer.start()
            self._producer = producer
        return self._producer

    async def _connect(self) -> asyncpg.Connection:
        if self._conn is None or self._conn.is_closed():
            self._conn = await asyncpg.connect(
                self.url,
                timeout=5,
                command_timeout=10,
                server_settings={
                    "idle_in_transaction_session_timeout": "15s",
                    "statement_timeout": "10s",
                    "application_name": f"throughcare relay {self.service}",
                },
            )
            await prepare(self._conn)
        return self._conn

    def _standing(self, *, active: bool) -> None:
        if active != self.active:
            self.active = active
            telemetry.gauge("relay_active", int(active), shard="all")

    async def _abandon(self) -> None:
        if self._producer is not None:
            telemetry.count("producers_recreated")
            producer, self._producer = self._producer, None
            await producer.abandon()

    async def _disconnect(self) -> None:
        if self._conn is not None:
            self._conn.terminate()
            self._conn = None

    async def _wait(self, pause: float) -> float:
        await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - jitter
        return min(BACK_OFF[1], pause * 2)

    async def _sleep(self, longest: float) -> None:
        """Until somebody committed something here, or a while: other processes commit too."""
        try:
            async with asyncio.timeout(longest):
                await self.wake.wait()
        except TimeoutError:
            return
        self.wake.clear()

    async def _stop(self) -> None:
        if self._producer is not None:
            producer, self._producer = self._producer, None
            await producer.stop()
        await self._disconnect()
