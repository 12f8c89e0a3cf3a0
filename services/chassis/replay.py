"""A journal read again: for gaps, new hearers, a bus that was replaced, and rebuilds.

`JournalService.Read` serves messages, never facts, to services of the same house; the total comes first, so that
progress can be shown. A rebuild reads into shadow tables, catches up, swaps in one transaction and compares digests.
Projections are pure and may be replayed; commands and effects are not reachable from here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chassis import projection, telemetry
from chassis.envelope import Envelope, from_headers, registry, unpack_headers
from chassis.hearing import Heard
from throughcare.chassis.v1 import service_pb2 as contract
from throughcare.chassis.v1 import service_pb2_grpc as stubs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    import grpc.aio
    from sqlalchemy import Table

    from chassis.database import Connection, Database
    from chassis.hearing import Hears, Source
    from chassis.projection import Row

CHUNK = 1_000
_COUNT = "select count(*) from journal where topic = $1 and position > $2"
_AFTER = """
select position, key, headers, message from journal where topic = $1 and position > $2 order by position limit $3
"""
_COUNT_KEY = "select count(*) from journal where topic = $1 and key = $2 and sequence >= $3"
_KEY = """
select position, key, headers, message, sequence from journal
where topic = $1 and key = $2 and sequence >= $3 order by sequence limit $4
"""


class JournalReader(stubs.JournalServiceServicer):
    """Serves this service's journal."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def Read(
        self, request: contract.ReadRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> AsyncIterator[contract.ReadResponse]:
        """The total, then the messages, in chunks that hold no transaction open between them."""
        count, sql = (_COUNT_KEY, _KEY) if request.key else (_COUNT, _AFTER)
        after = request.from_sequence if request.key else request.from_position
        where = (request.topic, request.key) if request.key else (request.topic,)
        async with self.database.connection() as conn:
            yield contract.ReadResponse(total=await conn.fetchval(count, *where, after))
        while True:
            async with self.database.connection() as conn:
                rows = await conn.fetch(sql, *where, after, CHUNK)
            for row in rows:
                yield contract.ReadResponse(
                    position=row["position"],
                    key=row["key"],
                    headers=[contract.Header(name=name, value=value) for name, value in unpack_headers(row["headers"])],
                    value=row["message"],
                )
            if len(rows) < CHUNK:
                return
            after = rows[-1]["sequence"] + 1 if request.key else rows[-1]["position"]


class PeerJournals:
    """The journals of the services of this house, over RPC: `peer(service)` opens a channel to one."""

    def __init__(
        self,
        peer: Callable[[str], grpc.aio.Channel],
        *,
        seconds: float = 60,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        self._peer, self._seconds, self._progress = peer, seconds, progress

    async def read(
        self, topic: str, *, key: str = "", from_sequence: int = 0, from_position: int = 0
    ) -> AsyncIterator[tuple[int, str, list[tuple[str, bytes]], bytes]]:
        """(position, key, headers, value), oldest first; ConnectionError where the service is away."""
        import grpc  # noqa: PLC0415 - heavy, and needed by this branch alone

        service = topic.split(".")[1]
        request = contract.ReadRequest(topic=topic, key=key, from_sequence=from_sequence, from_position=from_position)
        stub = stubs.JournalServiceStub(self._peer(service))
        try:
            async for answer in stub.Read(request, timeout=self._seconds):
                if answer.position:
                    yield answer.position, answer.key, [(h.name, h.value) for h in answer.headers], answer.value
                elif self._progress:
                    self._progress(answer.total)
        except grpc.aio.AioRpcError as fault:
            raise ConnectionError(f"the journal of {service} cannot be read now") from fault


@dataclass(frozen=True)
class Rebuilt:
    """What a rebuild did: messages read, and whether the shadow came out equal to what was live."""

    messages: int
    live: str
    rebuilt: str

    @property
    def equal(self) -> bool:
        """Whether nothing had been lost or doubled."""
        return self.live == self.rebuilt


async def _project(hears: Hears, heard: Sequence[Heard[Any]]) -> list[Row]:
    return [
        row
        for each in heard
        for subscription in hears.of(type(each.message))
        if subscription.projects
        for row in subscription.handler(each)
    ]


def _heard(topic: str, key: str, headers: Sequence[tuple[str, bytes]], value: bytes) -> Heard[Any] | None:
    envelope = from_headers(headers)
    kind = registry().get(envelope.type) if isinstance(envelope, Envelope) else None
    if kind is None or not isinstance(envelope, Envelope):
        return None
    return Heard(kind.FromString(value), envelope, topic, key)


async def _read_into_shadow(
    database: Database, hears: Hears, source: Source, after: dict[str, int], upto: Mapping[tuple[str, str], int] | None
) -> int:
    """Read every topic from where it was left; with `upto`, only what the live tables have applied."""
    messages = 0
    for topic in list(after):
        chunk: list[Heard[Any]] = []

        async def write(held: list[Heard[Any]]) -> None:
            async with database.transaction() as conn:
                await projection.write(conn, await _project(hears, held), shadows=True)

        async for position, key, headers, value in source.read(topic, from_position=after[topic]):
            after[topic] = position
            heard = _heard(topic, key, headers, value)
            if heard is None or (upto is not None and heard.seq > upto.get((topic, key), 0)):
                continue
            chunk.append(heard)
            messages += 1
            if len(chunk) >= CHUNK:
                await write(chunk)
                chunk = []
        await write(chunk)
    telemetry.count("rebuilt_rows", messages, group=hears.group)
    return messages


async def watermarks(conn: Connection, group: str) -> dict[tuple[str, str], int]:
    """What a group has applied of each stream."""
    rows = await conn.fetch("select topic, key, seq from watermark where grp = $1", group)
    return {(row["topic"], row["key"]): row["seq"] for row in rows}


async def compare(database: Database, hears: Hears, source: Source, node: str) -> Rebuilt:
    """Rebuild into shadows up to what the live tables have applied, and compare; nothing is swapped."""
    group = f"{node}.{hears.group}"
    async with database.transaction() as conn:
        await conn.execute("set transaction isolation level repeatable read")
        applied = await watermarks(conn, group)
        live = await projection.digest(conn, hears.tables)
    async with database.transaction() as conn:
        await projection.start_shadow(conn, hears.tables)
    topics = dict.fromkeys(hears.topics(node), 0)
    messages = await _read_into_shadow(database, hears, source, topics, applied)
    async with database.transaction() as conn:
        rebuilt = await projection.digest(conn, hears.tables, shadows=True)
        await _drop(conn, hears.tables)
    return Rebuilt(messages, live, rebuilt)


async def _drop(conn: Connection, tables: Sequence[Table]) -> None:
    for table in tables:
        await conn.execute(f"drop table if exists {projection.shadow(table)}")


async def rebuild(database: Database, hears: Hears, source: Source, node: str) -> Rebuilt:
    """Replace the projections of a group by what the journals say; readers see the old or the new, nothing between.

    The inbox may go on: what it writes meanwhile is caught up under the swap's locks, from the live tables
    themselves, since a row of a higher `seq` always wins.
    """
    async with database.transaction() as conn:
        await projection.start_shadow(conn, hears.tables)
    after = dict.fromkeys(hears.topics(node), 0)
    messages = await _read_into_shadow(database, hears, source, after, None)
    messages += await _read_into_shadow(database, hears, source, after, None)
    async with database.transaction() as conn:
        live = await projection.digest(conn, hears.tables)
        rebuilt = await projection.digest(conn, hears.tables, shadows=True)
        await projection.swap(conn, hears.tables)
    return Rebuilt(messages, live, rebuilt)
