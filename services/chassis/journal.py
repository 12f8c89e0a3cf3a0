"""One row per fact, in the transaction of the change: the audit of facts, the outbox, the source of every replay.

A sequence number is not a commit order. So at the flush the heads of all streams of the work are raised in one
statement, sorted; their row locks are held to the commit, and positions are drawn only after them: for one stream,
sequence, position and commit order then coincide (ADR 0005). Rows are never changed; what is to be sent stands in
`pending` until the bus has acknowledged it.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import TypeAdapter

from chassis import envelope
from chassis.aggregate import Event
from chassis.shares import Announcement, Fed, Share

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from uuid import UUID

    from google.protobuf.message import Message

    from chassis.access import Call
    from chassis.database import Connection
    from chassis.sealed import Keys
    from chassis.shares import Pairwise

    Told = Message | Share | Announcement | Fed

SHARDS = 16
F = TypeVar("F", bound=Event)

_HEADS = """
insert into stream_head as head (topic, key, seq)
select topic, key, n from unnest($1::text[], $2::text[], $3::bigint[]) as news(topic, key, n) order by topic, key
on conflict (topic, key) do update set seq = head.seq + excluded.seq
returning topic, key, seq
"""
_INSERT = """
with given as (
    select nextval('journal_position') as position, row.* from (
        select * from unnest(
            $1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::uuid[], $7::bigint[], $8::uuid[],
            $9::uuid[], $10::text[], $11::bytea[], $12::bytea[], $13::bytea[], $14::timestamptz[], $15::timestamptz[],
            $16::text[], $17::text[], $18::uuid[], $19::uuid[], $20::text[], $21::int[]
        ) with ordinality as news(
            event_id, topic, key, sequence, aggregate_type, aggregate_id, version, person_id, case_id, fact_type,
            fact, headers, message, occurred_at, recorded_at, actor_role, actor_ref, correlation_id, causation_id,
            traceparent, shard, nth
        ) order by nth
    ) as row
), kept as (
    insert into journal (
        position, event_id, topic, key, sequence, aggregate_type, aggregate_id, version, person_id, case_id,
        fact_type, fact, headers, message, occurred_at, recorded_at, actor_role, actor_ref, correlation_id,
        causation_id, traceparent)
    select position, event_id, topic, key, sequence, aggregate_type, aggregate_id, version, person_id, case_id,
        fact_type, fact, headers, message, occurred_at, recorded_at, actor_role, actor_ref, correlation_id,
        causation_id, traceparent from given
)
insert into pending (position, shard, held)
select position, shard, topic in (select held_topic.topic from held_topic) from given where topic is not null
"""


class Publications:
    """Which facts leave a service, and as what: one function each. A fact not listed stays in the house."""

    def __init__(self, service: str) -> None:
        self.service = service
        self._tells: dict[type[Event], Callable[[Any], Any]] = {}

    def tells(self, fact: type[F]) -> Callable[[Callable[[F], Any]], Callable[[F], Any]]:
        """Register the function that turns a fact into its message, messages or nothing."""

        def register(function: Callable[[F], Any]) -> Callable[[F], Any]:
            if fact in self._tells:
                raise TypeError(f"{fact.__name__} is published twice")
            self._tells[fact] = function
            return function

        return register

    def messages(self, fact: Event) -> tuple[Told, ...]:
        """What is told of this fact: in the house as it is, to other houses as shares and announcements."""
        function = self._tells.get(type(fact))
        told = function(fact) if function else None
        if told is None:
            return ()
        return told if isinstance(told, tuple) else (told,)

    @property
    def facts(self) -> tuple[type[Event], ...]:
        """Every fact that is told."""
        return tuple(self._tells)


@dataclass(frozen=True, kw_only=True)
class News:
    """One fact on its way into the journal: whose it is, and who told it on what occasion."""

    fact: Event
    aggregate_type: str
    aggregate_id: UUID
    version: int
    person_id: UUID | None
    case_id: UUID | None
    call: Call


@dataclass(frozen=True, kw_only=True)
class _Line:
    """One row to be: a fact with one of its messages, or with none."""

    news: News
    event_id: UUID
    message: Message | None
    topic: str | None = None
    key: str | None = None
    sequence: int | None = None
    carries_fact: bool = True
    told: Told | None = None
    feed_number: int = 0

    @property
    def feed(self) -> str:
        """The feed that this is the next message of, or nothing."""
        return self.told.feed if isinstance(self.told, Fed) else ""


_ADAPTERS: dict[type[Event], TypeAdapter[Any]] = {}


def _adapter(kind: type[Event]) -> TypeAdapter[Any]:
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


def fact_of(kind: type[F], text: bytes) -> F:
    """Read a fact back from what the journal kept (already opened)."""
    return _adapter(kind).validate_json(text)  # type: ignore[no-any-return]


def shard_of(key: str) -> int:
    """The shard of a stream; stored with the row, so that it never changes under way."""
    return zlib.crc32(key.encode()) % SHARDS


def _lines(
    news: Sequence[News], publications: Publications, node: str, new_id: Callable[[], UUID], names: Pairwise
) -> list[_Line]:
    return [
        _line(item, told, node, new_id, names, carries_fact=nth == 0)
        for item in news
        for nth, told in enumerate(publications.messages(item.fact) or (None,))
    ]


def _line(
    item: News, told: Told | None, node: str, new_id: Callable[[], UUID], names: Pairwise, *, carries_fact: bool
) -> _Line:
    line = _Line(news=item, event_id=new_id(), message=None, carries_fact=carries_fact, told=told)
    match told:
        case None:
            return line
        case Share() | Announcement():
            return _leaving(line, told, names)
        case Fed():
            message = told.message
        case _:
            message = told
    envelope.check(message)
    key = envelope.key_of(type(message), case=item.case_id, person=item.person_id, aggregate=item.aggregate_id)
    return replace(line, message=message, topic=envelope.topic_of(type(message), node), key=key)


def _leaving(line: _Line, told: Share | Announcement, names: Pairwise) -> _Line:
    """Named as its recipient knows things, for the recipient's inbox."""
    kind, to = type(told.message), told.to if isinstance(told, Share) else ""
    envelope.check_leaving(told.message)
    if isinstance(told, Share):
        subject_ref = told.subject_ref
        if not subject_ref and line.news.person_id is not None and envelope.concerns_person(kind):
            subject_ref = names.subject_ref(to, line.news.person_id)
        about = told.aggregate_id or names.reference(to, line.news.aggregate_id)
        told = replace(told, aggregate_id=about, subject_ref=subject_ref)
        key = envelope.key_of(kind, case=None, person=None, aggregate=about, subject_ref=subject_ref)
    else:
        key = envelope.key_of(kind, case=None, person=None, aggregate=told.aggregate_id)
    return replace(line, message=told.message, told=told, topic=envelope.topic_of(kind, to), key=key)


async def _numbered(conn: Connection, lines: list[_Line]) -> list[_Line]:
    """Raise the heads of all streams, sorted, and number each stream's lines from the head returned."""
    counts: dict[tuple[str, str], int] = {}
    for line in lines:
        if line.topic is not None and line.key is not None:
            counts[line.topic, line.key] = counts.get((line.topic, line.key), 0) + 1
        if line.feed:
            counts[feed_topic(line.feed), ""] = counts.get((feed_topic(line.feed), ""), 0) + 1
    if not counts:
        return lines
    streams = sorted(counts)
    rows = await conn.fetch(
        _HEADS,
        [topic for topic, _ in streams],
        [key for _, key in streams],
        [counts[stream] for stream in streams],
    )
    following = {(row["topic"], row["key"]): row["seq"] - counts[row["topic"], row["key"]] + 1 for row in rows}
    numbered = []
    for line in lines:
        if line.topic is None or line.key is None:
            numbered.append(line)
            continue
        line = replace(line, sequence=following[line.topic, line.key])  # noqa: PLW2901 - the same line, numbered
        following[line.topic, line.key] += 1
        if line.feed:
            line = replace(line, feed_number=following[feed_topic(line.feed), ""])  # noqa: PLW2901
            following[feed_topic(line.feed), ""] += 1
        numbered.append(line)
    return numbered


def feed_topic(feed: str) -> str:
    """Under which name the head of a feed is kept; no topic of the bus is called so."""
    return f"feed {feed}"


def _share_envelope(line: _Line, told: Share | Announcement, node: str, recorded_at: datetime) -> envelope.Envelope:
    """Fresh ids, no case, no name of ours: what its recipient may know of a message."""
    news, share = line.news, told if isinstance(told, Share) else None
    basis = share.basis if share else None
    return envelope.Envelope(
        event_id=line.event_id,
        type=told.message.DESCRIPTOR.full_name,
        schema_version=1,
        reach="SHARE",
        source_node=node,
        aggregate_type=news.aggregate_type,
        aggregate_id=told.aggregate_id or news.aggregate_id,
        stream_sequence=line.sequence or 0,
        aggregate_version=0,
        person_id=None,
        case_id=None,
        occurred_at=news.fact.at,
        recorded_at=recorded_at,
        actor_role=news.call.actor.role.value,
        actor_ref="",
        correlation_id=line.event_id,
        causation_id=None,
        traceparent="",
        sensitivity="STANDARD",
        detail_ref=share.detail_ref if share else "",
        subject_ref=share.subject_ref if share else "",
        regime=basis.regime if basis else "",
        lawful_basis=basis.lawful_basis if basis else "",
        confidentiality_basis=basis.confidentiality_basis if basis else "",
        isa_id=basis.isa_id if basis else None,
    )


def _headers(line: _Line, node: str, recorded_at: datetime) -> bytes | None:
    if line.message is None or line.sequence is None:
        return None
    news = line.news
    if isinstance(line.told, Share | Announcement):
        shared = _share_envelope(line, line.told, node, recorded_at)
        return envelope.pack_headers(envelope.to_headers(shared))
    return envelope.pack_headers(
        envelope.to_headers(
            envelope.Envelope(
                event_id=line.event_id,
                type=line.message.DESCRIPTOR.full_name,
                schema_version=1,
                reach=envelope.reach_of(type(line.message)),
                source_node=node,
                aggregate_type=news.aggregate_type,
                aggregate_id=news.aggregate_id,
                stream_sequence=line.sequence,
                aggregate_version=news.version,
                person_id=news.person_id,
                case_id=news.case_id,
                occurred_at=news.fact.at,
                recorded_at=recorded_at,
                actor_role=news.call.actor.role.value,
                actor_ref=news.call.actor.id,
                correlation_id=news.call.correlation_id,
                causation_id=news.call.causation_id,
                traceparent=news.call.traceparent,
                sensitivity="STANDARD",
                detail_ref="",
                feed=line.feed,
                feed_number=line.feed_number,
            )
        )
    )


def _row(line: _Line, keys: Keys, node: str, recorded_at: datetime) -> tuple[object, ...]:
    news = line.news
    fact = None
    if line.carries_fact:
        fact = keys.seal(news.person_id, _adapter(type(news.fact)).dump_json(news.fact))
    return (
        line.event_id,
        line.topic,
        line.key,
        line.sequence,
        news.aggregate_type,
        news.aggregate_id,
        news.version,
        news.person_id,
        news.case_id,
        type(news.fact).__name__,
        fact,
        _headers(line, node, recorded_at),
        None if line.message is None else line.message.SerializeToString(deterministic=True),
        news.fact.at,
        recorded_at,
        news.call.actor.role.value,
        news.call.actor.id,
        news.call.correlation_id,
        news.call.causation_id,
        news.call.traceparent,
        shard_of(line.key or ""),
    )


async def write(
    conn: Connection,
    news: Sequence[News],
    *,
    publications: Publications,
    keys: Keys,
    node: str,
    recorded_at: datetime,
    new_id: Callable[[], UUID],
    names: Pairwise,
) -> bool:
    """Write these facts, in this order, with what is told of them: two statements, whatever their number.

    Returns whether anything is pending. The message bytes are frozen here; the relay never decodes.
    """
    if not news:
        return False
    await keys.load(conn, (item.person_id for item in news if item.person_id is not None), make=True)
    lines = await _numbered(conn, _lines(news, publications, node, new_id, names))
    columns = zip(*(_row(line, keys, node, recorded_at) for line in lines), strict=True)
    await conn.execute(_INSERT, *(list(column) for column in columns))
    return any(line.topic is not None for line in lines)


_WAITING = """
select pending.position, journal.headers from pending join journal using (position)
where journal.topic = $1 and ($2::uuid is null or journal.person_id = $2) and not pending.stub
order by pending.position for update of pending
"""


async def stub_pending(
    conn: Connection, topic: str, person_id: UUID | None, *, basis: str = "", isa_id: UUID | None = None
) -> int:
    """What still waits to go there, of this person or of all, goes without its content; how many that were.

    `basis` and `isa_id` narrow it to what rests on them. Rows are locked in the order in which the relay takes them,
    so a batch that is on its way is waited for: after the caller's commit nothing of it is acknowledged any more.
    """
    waiting = await conn.fetch(_WAITING, topic, person_id)
    ended = [row["position"] for row in waiting if _rests_on(row["headers"], basis, isa_id)]
    await conn.execute("update pending set stub = true where position = any($1::bigint[])", ended)
    return len(ended)


def _rests_on(headers: bytes, basis: str, isa_id: UUID | None) -> bool:
    named = dict(envelope.unpack_headers(headers))
    if basis and named.get("ce_confidentialitybasis") != basis.encode():
        return False
    return isa_id is None or named.get("ce_isaid") == str(isa_id).encode()
