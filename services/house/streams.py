"""What journals, bus and groups each say of every stream, and where they contradict each other."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import asyncpg

from chassis.envelope import Envelope, from_headers
from house import bus_reading

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from house.bus_reading import Extent, Place, Record, Seen

Stream = tuple[str, str]  # topic and key; between houses the key has its teller before it
Owner = tuple[str, str]  # house and service
Finding = tuple[str, str]  # lost, ghost, doubled or out_of_order, and what in words
Journals = dict[Stream, dict[int, "Event"]]

_FIGURES: Final = """
select (select count(*) from pending) as pending,
       (select count(*) from parked where reason <> 'gap') as parked,
       (select count(*) from parked where reason = 'gap') as held,
       (select count(*) from quarantined) as quarantined,
       (select coalesce(max(position), 0) from journal) as position,
       to_regclass('notice') is not null as notices
"""
_JOURNAL: Final = """
select topic, key, sequence, event_id, pending.position is not null as waits
from journal left join pending using (position) where topic is not null
"""
# A heard fact that was handled twice makes the same fact of the same record twice. (One handling may tell several.)
_TWICE: Final = """
select aggregate_type, fact_type, count(*) as times from journal
where causation_id = any($1::uuid[]) group by causation_id, aggregate_type, aggregate_id, fact_type
having count(distinct recorded_at) > 1
"""
_LETTERS: Final = """
select aggregate_id from journal where fact_type like '%Sent' group by aggregate_id, fact_type having count(*) > 1
"""


@dataclass(frozen=True, slots=True)
class Event:
    """One told fact: its id, and whether it still waits to leave."""

    id: str
    waits: bool


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Counts of one service as of the moment its journal was read."""

    pending: int
    parked: int
    held: int
    quarantined: int
    position: int
    unknown: int


@dataclass
class Held:
    """What a topic holds of one stream."""

    place: Place
    events: dict[int, str] = field(default_factory=dict)
    highest: int = 0


@dataclass
class OnBus:
    """What the bus holds."""

    streams: dict[Stream, Held] = field(default_factory=dict)
    records: int = 0
    repeated: int = 0
    findings: list[Finding] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Applied:
    """What one group has applied, and how far it has read."""

    group: str
    topics: Sequence[str]
    marks: Mapping[Stream, int]
    waiting: frozenset[Stream]
    doubted: frozenset[tuple[str, str]]  # topic, and a house of which something was not believed
    behind: frozenset[Place]
    lag: int


def _stream(topic: str, key: str, teller: str, between: frozenset[str]) -> Stream:
    """Between houses several tell on one topic, each in streams of its own."""
    return topic, f"{teller}/{key}" if topic in between else key


def _owner(stream: Stream, between: frozenset[str]) -> Owner:
    """Whose journal must hold what stands on this stream."""
    if stream[0] in between:
        return stream[1].partition("/")[0], "partners"
    node, service, *_ = stream[0].split(".")
    return node, service


async def journal(url: str, node: str, between: frozenset[str]) -> tuple[Figures, Journals]:
    """Everything one journal has told, with the service's own figures, as of one moment."""
    streams: Journals = {}
    conn = await asyncpg.connect(url, timeout=10)
    try:
        async with conn.transaction(isolation="repeatable_read", readonly=True):
            row: Any = await conn.fetchrow(_FIGURES)
            unknown = (
                await conn.fetchval("select count(*) from notice where status = 'UNKNOWN'") if row["notices"] else 0
            )
            async for each in conn.cursor(_JOURNAL, prefetch=2_000):
                events = streams.setdefault(_stream(each["topic"], each["key"], node, between), {})
                events[each["sequence"]] = Event(str(each["event_id"]), each["waits"])
    finally:
        await conn.close()
    counts = {name: row[name] for name in ("pending", "parked", "held", "quarantined", "position")}
    return Figures(**counts, unknown=unknown), streams


def numbered(told: Journals) -> Iterator[Finding]:
    """Each stream is numbered 1, 2, 3 … in its journal."""
    for (topic, key), events in told.items():
        if len(events) != max(events):
            yield "out_of_order", f"the journal numbers {topic} {key} with gaps"


def on_bus(client: Mapping[str, Any], extents: Mapping[Place, Extent], between: frozenset[str]) -> OnBus:
    """Every record within the extents; order and doubles are judged as they come."""
    found = OnBus()
    for record in bus_reading.read(client, extents):
        found.records += 1
        envelope = from_headers(record.headers)
        if isinstance(envelope, Envelope):
            _take(found, record, envelope, between)
        else:
            found.findings.append(("ghost", f"{record.place.topic} holds a record that is none of ours"))
    return found


def _take(found: OnBus, record: Record, envelope: Envelope, between: frozenset[str] = frozenset()) -> None:
    stream = _stream(record.place.topic, record.key, envelope.source_node, between)
    sequence, event = envelope.stream_sequence, str(envelope.event_id)
    held = found.streams.setdefault(stream, Held(record.place, highest=sequence - 1))
    if held.events.get(sequence) == event:
        found.repeated += 1  # the relay may send again; hearers know it
        return
    if sequence in held.events:
        found.findings.append(("doubled", f"{stream[0]} {stream[1]} holds two facts with number {sequence}"))
        return
    if sequence != held.highest + 1:
        found.findings.append(("out_of_order", f"{stream[0]} {stream[1]}: {sequence} follows {held.highest}"))
    held.events[sequence] = event
    held.highest = max(held.highest, sequence)


def sent(told: Journals, bus: OnBus, *, keeps_all: bool) -> Iterator[Finding]:
    """What was sent stands on the bus, from the first record of its stream that is kept; as it was told."""
    for stream, events in told.items():
        held = bus.streams.get(stream)
        if held is None and not keeps_all:
            continue
        there = held.events if held else {}
        first = 1 if keeps_all else min(there, default=1)
        for sequence, event in events.items():
            if sequence < first or event.waits:
                continue
            if sequence not in there:
                yield "lost", f"{stream[0]} {stream[1]} number {sequence} is not on the bus"
            elif there[sequence] != event.id:
                yield "ghost", f"{stream[0]} {stream[1]} number {sequence} is another fact on the bus"


async def committed(url: str, owner: Owner, bus: OnBus, between: frozenset[str]) -> list[Finding]:
    """What stands on the bus was committed. Asked after the bus was read: what is there now was told before."""
    own = {stream: held for stream, held in bus.streams.items() if _owner(stream, between) == owner}
    events = {event: stream for stream, held in own.items() for event in held.events.values()}
    conn = await asyncpg.connect(url, timeout=10)
    try:
        rows = await conn.fetch(
            "select id from unnest($1::uuid[]) as given(id) where not exists (select from journal where event_id = id)",
            list(events),
        )
    finally:
        await conn.close()
    return [("ghost", f"{' '.join(events[str(row['id'])])} holds a fact that was never committed") for row in rows]


async def applied(url: str, seen: Seen, group: str, topics: Sequence[str]) -> Applied:
    """How far a group has read and what it has applied, as of one moment."""
    conn = await asyncpg.connect(url, timeout=10)
    try:
        async with conn.transaction(isolation="repeatable_read", readonly=True):
            offsets = await conn.fetch(
                "select topic, partition, next from consumer_offset where cluster = $1 and grp = $2",
                seen.cluster,
                group,
            )
            marks = await conn.fetch("select topic, key, seq from watermark where grp = $1", group)
            blocked = await conn.fetch("select distinct topic, key from parked where grp = $1", group)
            doubted = await conn.fetch("select distinct topic, source from quarantined")
    finally:
        await conn.close()
    following = {bus_reading.Place(row["topic"], row["partition"]): row["next"] for row in offsets}
    extents = {place: extent for place, extent in seen.extents.items() if place.topic in topics}
    left = {place: extent.end - following.get(place, extent.first) for place, extent in extents.items()}
    return Applied(
        group=group,
        topics=topics,
        marks={(row["topic"], row["key"]): row["seq"] for row in marks},
        waiting=frozenset((row["topic"], row["key"]) for row in blocked),
        doubted=frozenset((row["topic"], row["source"]) for row in doubted),
        behind=frozenset(place for place, count in left.items() if count > 0),
        lag=sum(count for count in left.values() if count > 0),
    )


async def read_another(url: str, cluster: str) -> bool:
    """Whether a group of this service has read another bus than this one."""
    conn = await asyncpg.connect(url, timeout=10)
    try:
        return bool(await conn.fetchval("select exists (select from consumer_offset where cluster <> $1)", cluster))
    finally:
        await conn.close()


async def heads(databases: Mapping[Owner, str], topics: Sequence[str], between: frozenset[str]) -> dict[Stream, int]:
    """The newest number of every stream, as its owner says. Asked after the marks of a group were read."""
    found: dict[Stream, int] = {}
    for (node, _service), url in databases.items():
        conn = await asyncpg.connect(url, timeout=10)
        try:
            rows = await conn.fetch("select topic, key, seq from stream_head where topic = any($1)", list(topics))
        finally:
            await conn.close()
        found |= {_stream(row["topic"], row["key"], node, between): row["seq"] for row in rows}
    return found


def told_by(applied: Applied, databases: Mapping[Owner, str], between: frozenset[str]) -> Applied:
    """What a group has applied of those whose journals are looked at; of others nobody here can say what was told."""
    marks = {stream: seq for stream, seq in applied.marks.items() if _owner(stream, between) in databases}
    return replace(applied, marks=marks)


def effective(told: Journals, bus: OnBus, applied: Applied, newest: Mapping[Stream, int]) -> Iterator[Finding]:
    """What a group has read past was applied, or waits parked; what it applied was told."""
    for stream, events in told.items():
        if stream[0] not in applied.topics or stream in applied.waiting:
            continue
        if stream not in applied.marks and (stream[0], stream[1].partition("/")[0]) in applied.doubted:
            continue  # its house was not believed when it came: it is quarantined, and counted there
        held = bus.streams.get(stream)
        if held.place in applied.behind if held else bool(applied.behind):
            continue
        known = max((sequence for sequence, event in events.items() if not event.waits), default=0)
        if applied.marks.get(stream, 0) < known:
            yield "lost", f"{applied.group} has not applied {stream[0]} {stream[1]} up to {known}"
    for stream, sequence in applied.marks.items():
        if sequence > newest.get(stream, 0):
            yield "ghost", f"{applied.group} has applied {stream[0]} {stream[1]} up to {sequence}, which was not told"


async def twice(url: str, told: Journals) -> list[Finding]:
    """No heard fact changed the same record twice in the same way, and no notice left twice."""
    heard = [event.id for events in told.values() for event in events.values()]
    conn = await asyncpg.connect(url, timeout=10)
    try:
        effects, letters = await conn.fetch(_TWICE, heard), await conn.fetch(_LETTERS)
    finally:
        await conn.close()
    doubled = [
        ("doubled", f"a heard fact led to {row['fact_type']} of one record {row['times']} times") for row in effects
    ]
    return doubled + [("doubled", f"notice {row['aggregate_id']} was sent more than once") for row in letters]
