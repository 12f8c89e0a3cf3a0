"""`doctor --audit`: journals, topics, watermarks and projections of a running house compared at stated positions.

First the journals are looked at, then the bus, then what each group has applied: whatever the first look saw as sent
must stand on the bus (as far back as it keeps records) and, where a group has read that far, have been applied or be
parked. Nothing is changed; a projection is rebuilt beside the live one and thrown away.
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

import asyncpg

from chassis.envelope import Envelope, from_headers
from house import bus_reading, digests, topics
from house.composition import client_of
from house.environment import read_url
from house.folder import SERVICES
from house.postgres import database_of, named
from house.status import group_ids, running
from house.trouble import Trouble

if TYPE_CHECKING:
    from collections.abc import Mapping

    from house.bus_reading import Extent, Place
    from house.folder import Folder

Stream = tuple[str, str]  # topic and key
_JOURNAL: Final = """
select topic, key, sequence, event_id, position in (select position from pending) as waits
from journal where topic is not null order by topic, key, sequence
"""
_FIGURES: Final = """
select (select count(*) from pending) as pending,
       (select count(*) from parked where reason <> 'gap') as parked,
       (select count(*) from parked where reason = 'gap') as held,
       (select coalesce(max(position), 0) from journal) as position
"""
_TWICE: Final = """
select count(*) from (
    select causation_id, actor_ref, aggregate_type, aggregate_id, fact_type from journal
    where causation_id = any($1::uuid[]) and actor_role = 'SYSTEM'
    group by 1, 2, 3, 4, 5 having count(distinct version) > 1) as twice
"""
_LETTERS: Final = """
select count(*) from (
    select 1 from journal where fact_type like '%%Sent' group by aggregate_id having count(*) > 1) as twice
"""


@dataclass
class Audit:
    """What was found; the first four and the digest decide."""

    lost: int = 0
    ghost: int = 0
    doubled: int = 0
    out_of_order: int = 0
    parked: int = 0
    held: int = 0
    pending: int = 0
    unknown_notices: int = 0
    digest_equal: bool = True
    repeated: int = 0
    facts: int = 0
    records: int = 0
    lag: int = 0
    positions: dict[str, int] = field(default_factory=dict)
    offsets: dict[str, int] = field(default_factory=dict)
    digests: dict[str, dict[str, Any]] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Nothing lost, invented, doubled or out of order, and the projections are what the journals say."""
        return not (self.lost or self.ghost or self.doubled or self.out_of_order) and self.digest_equal

    def found(self, what: str, text: str) -> None:
        """Count one finding and keep the first few in words."""
        setattr(self, what, getattr(self, what) + 1)
        if len(self.findings) < _SHOWN:
            self.findings.append(f"{what}: {text}")

    def as_json(self) -> dict[str, Any]:
        """What `doctor --audit --json` prints."""
        return {**asdict(self), "clean": self.clean}


_SHOWN: Final = 20


@dataclass
class _Told:
    """What one journal says of one stream."""

    events: dict[int, tuple[str, bool]] = field(default_factory=dict)  # sequence → event id, still pending


@dataclass
class _OnBus:
    """What a topic holds of one stream."""

    place: Place
    events: dict[int, str] = field(default_factory=dict)
    highest: int = 0


async def audit(folder: Folder) -> Audit:
    """Look at everything once. Raises `Trouble` where the databases or the bus do not answer."""
    run = running(folder)
    url = read_url(folder)
    found = Audit()
    try:
        journals = {s: await _journal(named(url, database_of(run.node, s)), s, found) for s in SERVICES}
        names = [topic.name for topic in topics.registry(run.node)]
        client = client_of(run.bus_servers)
        seen = await asyncio.to_thread(bus_reading.look, client, names)
        on_bus = await asyncio.to_thread(_on_bus, client, seen.extents, found)
        for service, told in journals.items():
            _compare(told, on_bus, seen.extents, _keeps_all(run.bus, seen.extents, service), found)
            await _in_journal(named(url, database_of(run.node, service)), f"{run.node}.{service}.v1", on_bus, found)
        for service in SERVICES:
            database = named(url, database_of(run.node, service))
            for group, read in group_ids(run.node, service).items():
                await _applied(database, group, read, _merged(journals), seen, on_bus, found)
            await _effects(database, journals, found)
        await digests.compare(folder, run, found)
    except bus_reading.BusAway:
        raise Trouble("The bus does not answer.", mend="Wait until it is back, then audit again.") from None
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as away:
        raise Trouble(
            f"A database does not answer ({type(away).__name__}).", mend="Wait until it is back, then audit again."
        ) from None
    return found


async def _journal(url: str, service: str, found: Audit) -> dict[Stream, _Told]:
    """Everything one journal has told, and the service's own figures, as of one moment."""
    streams: dict[Stream, _Told] = {}
    conn = await asyncpg.connect(url, timeout=10)
    try:
        async with conn.transaction(isolation="repeatable_read", readonly=True):
            figures = await conn.fetchrow(_FIGURES)
            found.pending += figures["pending"]
            found.parked += figures["parked"]
            found.held += figures["held"]
            found.positions[service] = figures["position"]
            async for row in conn.cursor(_JOURNAL, prefetch=2_000):
                told = streams.setdefault((row["topic"], row["key"]), _Told())
                told.events[row["sequence"]] = (str(row["event_id"]), row["waits"])
                found.facts += 1
    finally:
        await conn.close()
    for (topic, key), told in streams.items():
        if sorted(told.events) != list(range(1, len(told.events) + 1)):
            found.found("out_of_order", f"the journal numbers {topic} {key} with gaps")
    return streams


def _on_bus(client: Mapping[str, Any], extents: Mapping[Place, Extent], found: Audit) -> dict[Stream, _OnBus]:
    """Every record within the extents, checked for order as it comes."""
    streams: dict[Stream, _OnBus] = {}
    found.offsets.update({f"{place.topic}/{place.partition}": extent.end for place, extent in extents.items()})
    for record in bus_reading.read(client, extents):
        found.records += 1
        envelope = from_headers(record.headers)
        if not isinstance(envelope, Envelope):
            found.found("ghost", f"{record.place.topic} holds a record that is none of ours at {record.offset}")
            continue
        stream = (record.place.topic, record.key)
        held = streams.setdefault(stream, _OnBus(record.place, highest=envelope.stream_sequence - 1))
        _in_order(held, envelope, stream, found)
    return streams


def _in_order(held: _OnBus, envelope: Envelope, stream: Stream, found: Audit) -> None:
    sequence, event = envelope.stream_sequence, str(envelope.event_id)
    if held.events.get(sequence) == event:
        found.repeated += 1  # the relay may send again; hearers know it
    elif sequence in held.events:
        found.found("doubled", f"{stream[0]} {stream[1]} holds two facts with number {sequence}")
    else:
        if sequence != held.highest + 1:
            found.found("out_of_order", f"{stream[0]} {stream[1]} goes from {held.highest} to {sequence}")
        held.events[sequence] = event
        held.highest = max(held.highest, sequence)


def _keeps_all(bus: str, extents: Mapping[Place, Extent], service: str) -> bool:
    """Whether the bus still holds everything ever sent: a real broker none of whose records have expired."""
    topic_first = [extent.first for place, extent in extents.items() if f".{service}." in place.topic]
    return bus != "embedded" and bool(topic_first) and not any(topic_first)


def _compare(
    told: Mapping[Stream, _Told],
    on_bus: Mapping[Stream, _OnBus],
    extents: Mapping[Place, Extent],
    keeps_all: bool,  # noqa: FBT001 - read off by name at its one call
    found: Audit,
) -> None:
    """What the journal says was sent must stand on the bus, from the first record of its stream that is kept."""
    for stream, journal in told.items():
        held = on_bus.get(stream)
        first = 1 if keeps_all else min(held.events, default=1) if held else None
        if first is None:
            continue
        for sequence, (event, waits) in journal.events.items():
            if sequence < first or waits:
                continue
            if held is None or sequence not in held.events:
                found.found("lost", f"{stream[0]} {stream[1]} number {sequence} is not on the bus")
            elif held.events[sequence] != event:
                found.found("ghost", f"{stream[0]} {stream[1]} number {sequence} is another fact on the bus")


async def _in_journal(url: str, topic: str, on_bus: Mapping[Stream, _OnBus], found: Audit) -> None:
    """What stands on the bus must have been committed: asked after the bus was read."""
    events = {e: stream for stream, held in on_bus.items() if stream[0] == topic for e in held.events.values()}
    conn = await asyncpg.connect(url, timeout=10)
    try:
        rows = await conn.fetch(
            "select given.id from unnest($1::uuid[]) as given(id)"
            " where not exists (select from journal where event_id = given.id)",
            list(events),
        )
    finally:
        await conn.close()
    for row in rows:
        stream = events[str(row["id"])]
        found.found("ghost", f"{stream[0]} {stream[1]} holds a fact that was never committed")


def _merged(journals: Mapping[str, Mapping[Stream, _Told]]) -> dict[Stream, _Told]:
    return {stream: told for each in journals.values() for stream, told in each.items()}


async def _applied(
    url: str,
    group: str,
    read: list[str],
    told: Mapping[Stream, _Told],
    seen: bus_reading.Seen,
    on_bus: Mapping[Stream, _OnBus],
    found: Audit,
) -> None:
    """What a group has read past must have been applied, or be parked; what it applied must have been told."""
    conn = await asyncpg.connect(url, timeout=10)
    try:
        async with conn.transaction(isolation="repeatable_read", readonly=True):
            offsets = await conn.fetch(
                "select topic, partition, next from consumer_offset where cluster = $1 and grp = $2",
                seen.cluster, group,
            )  # fmt: skip
            marks = await conn.fetch("select topic, key, seq from watermark where grp = $1", group)
            blocked = await conn.fetch("select distinct topic, key from parked where grp = $1", group)
    finally:
        await conn.close()
    following = {bus_reading.Place(row["topic"], row["partition"]): row["next"] for row in offsets}
    behind = {p for p, e in seen.extents.items() if p.topic in read and following.get(p, e.first) < e.end}
    found.lag += sum(seen.extents[p].end - following.get(p, seen.extents[p].first) for p in behind)
    watermarks = {(row["topic"], row["key"]): row["seq"] for row in marks}
    waiting = {(row["topic"], row["key"]) for row in blocked}
    for stream, journal in told.items():
        if stream[0] not in read or stream in waiting:
            continue
        held = on_bus.get(stream)
        if held.place in behind if held else bool(behind):
            continue
        sent = max((s for s, (_, waits) in journal.events.items() if not waits), default=0)
        if watermarks.get(stream, 0) < sent:
            found.found("lost", f"{group} has not applied {stream[0]} {stream[1]} up to {sent}")
    for stream, sequence in watermarks.items():
        if stream in told and sequence > max(told[stream].events) and not await _told_since(url, stream, sequence):
            found.found("ghost", f"{group} has applied {stream[0]} {stream[1]} up to {sequence}, which was not told")


async def _told_since(url: str, stream: Stream, sequence: int) -> bool:
    """Whether the stream has grown since the first look: asked of its owner's own numbering."""
    service = stream[0].split(".")[1]
    node = stream[0].split(".")[0]
    conn = await asyncpg.connect(named(url, database_of(node, service)), timeout=10)
    try:
        head = await conn.fetchval("select seq from stream_head where topic = $1 and key = $2", *stream)
    finally:
        await conn.close()
    return bool(head is not None and head >= sequence)


async def _effects(url: str, journals: Mapping[str, Mapping[Stream, _Told]], found: Audit) -> None:
    """One heard fact must not have changed the same record twice in the same way; no notice may leave twice."""
    heard = [event for told in _merged(journals).values() for event, _ in told.events.values()]
    conn = await asyncpg.connect(url, timeout=10)
    try:
        twice = await conn.fetchval(_TWICE, heard)
        letters = await conn.fetchval(_LETTERS)
        notices = await conn.fetchval("select to_regclass('notice') is not null")
        if notices:
            found.unknown_notices += await conn.fetchval("select count(*) from notice where status = 'UNKNOWN'")
    finally:
        await conn.close()
    for _ in range(twice):
        found.found("doubled", "a heard fact changed the same record twice")
    for _ in range(letters):
        found.found("doubled", "a notice was sent twice")
