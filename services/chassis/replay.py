"""A journal read again: for gaps, new hearers, a bus that was replaced, and rebuilds.

`JournalService.Read` serves messages, never facts, to services of the same house; the total comes first, so that
progress can be shown. A rebuild reads into shadow tables, catches up, swaps in one transaction and compares digests.
Projections are pure and may be replayed; commands and effects are not reachable from here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chassis import projection, telemetry
from chassis.database import again
from chassis.envelope import Envelope, from_headers, registry, unpack_headers
from chassis.hearing import Heard
from chassis.inbox.journals import SETTLED
from throughcare.chassis.v1 import service_pb2 as contract
from throughcare.chassis.v1 import service_pb2_grpc as stubs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

    import grpc.aio
    from sqlalchemy import Table

    from chassis.database import Connection, Database
    from chassis.hearing import Hears, Source
    from chassis.projection import Row

CHUNK = 1_000
_MARKS = """
select topic, key, seq from watermark
where grp = $1 and (topic, key) in (select * from unnest($2::text[], $3::text[]))
"""
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
    """Rows of the group's own tables. What else it keeps, of other houses, a rebuild leaves as it is: their journals
    are theirs."""
    return [
        row
        for each in heard
        for subscription in hears.of(type(each.message))
        if subscription.projects
        for row in subscription.handler(each)
        if row.table in hears.tables
    ]


def _heard(topic: str, key: str, headers: Sequence[tuple[str, bytes]], value: bytes) -> Heard[Any] | None:
    envelope = from_headers(headers)
    kind = registry().get(envelope.type) if isinstance(envelope, Envelope) else None
    if kind is None or not isinstance(envelope, Envelope):
        return None
    return Heard(kind.FromString(value), envelope, topic, key)


async def _applied(
    conn: Connection, group: str, chunk: Sequence[tuple[int, Heard[Any]]]
) -> tuple[list[Heard[Any]], int]:
    """Those of a chunk that the group has applied, and before which position the first one lies that it has not."""
    streams = list({(heard.topic, heard.key) for _, heard in chunk})
    rows = await conn.fetch(_MARKS, group, [topic for topic, _ in streams], [key for _, key in streams])
    marks = {(row["topic"], row["key"]): row["seq"] for row in rows}
    applied, first = [], 0
    for position, heard in chunk:
        if heard.seq <= marks.get((heard.topic, heard.key), 0):
            applied.append(heard)
        elif not first:
            first = position
    return applied, first


def _first(one: int, other: int) -> int:
    """The lower of two positions of which either may be none."""
    return min(one, other) if one and other else one or other


async def _project_applied(conn: Connection, hears: Hears, group: str, chunk: Sequence[tuple[int, Heard[Any]]]) -> int:
    """Project what the group has applied of a chunk; the position of the first it has not, or 0."""
    applied, first = await _applied(conn, group, chunk)
    await projection.write(conn, await _project(hears, applied), shadows=True)
    return first


async def _read_into_shadow(
    conn: Connection, hears: Hears, source: Source, group: str, after: Mapping[str, int]
) -> tuple[int, dict[str, int]]:
    """Project what the group has applied of every topic since these positions; how much it was, and from where to read
    on: what waits, parked or on its way, is left out, as it is from the live tables."""
    messages, further = 0, dict(after)
    settled = await conn.fetchval("select house_now()") - SETTLED
    for topic, begin in after.items():
        waiting, safe = 0, begin
        chunk: list[tuple[int, Heard[Any]]] = []
        async for position, key, headers, value in source.read(topic, from_position=begin):
            messages += 1
            if (heard := _heard(topic, key, headers, value)) is None:
                continue
            safe = position if heard.envelope.recorded_at < settled else safe
            chunk.append((position, heard))
            if len(chunk) >= CHUNK:
                waiting = _first(waiting, await _project_applied(conn, hears, group, chunk))
                chunk = []
        waiting = _first(waiting, await _project_applied(conn, hears, group, chunk))
        further[topic] = min(safe, waiting - 1) if waiting else safe
    telemetry.count("rebuilt_rows", messages, group=hears.group)
    return messages, further


async def compare(database: Database, hears: Hears, source: Source, node: str) -> Rebuilt:
    """Rebuild into shadows and compare with what is live; nothing is swapped. The inbox may go on meanwhile."""
    return await _rebuilt(database, hears, source, node, _drop)


async def rebuild(database: Database, hears: Hears, source: Source, node: str) -> Rebuilt:
    """Replace the projections of a group by what the journals say; readers see the old or the new, nothing between.

    The inbox may go on: only the last moments are read again, and the swap made, while it may not write.
    """
    return await _rebuilt(database, hears, source, node, projection.swap)


async def _rebuilt(
    database: Database,
    hears: Hears,
    source: Source,
    node: str,
    end: Callable[[Connection, Sequence[Table]], Awaitable[None]],
) -> Rebuilt:
    group, tables = f"{node}.{hears.group}", sorted(hears.tables, key=projection.live)
    async with database.transaction() as conn:
        await projection.start_shadow(conn, tables)
    async with database.connection() as conn:
        messages, further = await _read_into_shadow(conn, hears, source, group, dict.fromkeys(hears.topics(node), 0))

    async def caught_up() -> Rebuilt:
        async with database.transaction() as conn:
            for table in tables:
                await conn.execute(f"lock table {projection.live(table)} in exclusive mode")
            # The source is asked within a transaction here, for the tail alone: the digests are of one moment.
            await _read_into_shadow(conn, hears, source, group, further)
            live = await projection.digest(conn, tables)
            rebuilt = await projection.digest(conn, tables, shadows=True)
            await end(conn, tables)
            at = await conn.fetchval("select house_now()")
            await conn.execute("insert into rebuilt values ($1, $2, $3, $4, $5)", group, at, messages, live, rebuilt)
        return Rebuilt(messages, live, rebuilt)

    return await again(caught_up)  # the inbox writes to the same tables, in an order of its own


async def _drop(conn: Connection, tables: Sequence[Table]) -> None:
    for table in tables:
        await conn.execute(f"drop table if exists {projection.shadow(table)}")
