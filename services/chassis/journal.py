"""One row per fact, in the transaction of the change: the audit of facts, the outbox, the source of every replay.

A sequence number is not a commit order. So at the flush the heads of all streams of the work are raised in one
statement, sorted; their row locks are held to the commit, and positions are drawn only after them: for one stream,
sequence, position and commit order then coincide (ADR 0005). All of it is one statement, in which each part needs
what the one before returns. Rows are never changed; what is to be sent stands in `pending` until the bus has
acknowledged it.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import TypeAdapter

from chassis import envelope
from chassis.aggregate import Event

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from uuid import UUID

    from google.protobuf.message import Message

    from chassis.access import Call
    from chassis.database import Together
    from chassis.sealed import Keys

SHARDS = 16
F = TypeVar("F", bound=Event)

# The streams come sorted, each once: their new heads are returned in that order, which is how lines find theirs.
_HEADS = """
insert into stream_head as head (topic, key, seq)
select topic, key, n from unnest($1::text[], $2::text[], $3::bigint[]) with ordinality as news(topic, key, n, nth)
order by nth
on conflict (topic, key) do update set seq = head.seq + excluded.seq
returning topic, key, seq
"""
_ROWS = """
numbered as (
    select news.*, (array(select seq from heads))[stream] - after as sequence from unnest(
        $4::uuid[], $5::text[], $6::text[], $7::int[], $8::int[], $9::text[], $10::uuid[], $11::bigint[], $12::uuid[],
        $13::uuid[], $14::text[], $15::bytea[], $16::bytea[], $17::bytea[], $18::bytea[], $19::timestamptz[],
        $20::timestamptz[], $21::text[], $22::text[], $23::uuid[], $24::uuid[], $25::text[], $26::int[]
    ) with ordinality as news(
        event_id, topic, key, stream, after, aggregate_type, aggregate_id, version, person_id, case_id, fact_type,
        fact, before_sequence, behind_sequence, message, occurred_at, recorded_at, actor_role, actor_ref,
        correlation_id, causation_id, traceparent, shard, nth
    ) order by nth
), given as (
    -- A position is drawn only for a line that has its sequence: after the lock of its stream.
    select case when topic is null or sequence > 0 then nextval('journal_position') end as position,
        before_sequence || convert_to(sequence::text, 'UTF8') || behind_sequence as headers, numbered.*
    from numbered
), kept as (
    insert into journal (
        position, event_id, topic, key, sequence, aggregate_type, aggregate_id, version, person_id, case_id,
        fact_type, fact, headers, message, occurred_at, recorded_at, actor_role, actor_ref, correlation_id,
        causation_id, traceparent)
    select position, event_id, topic, key, sequence, aggregate_type, aggregate_id, version, person_id, case_id,
        fact_type, fact, headers, message, occurred_at, recorded_at, actor_role, actor_ref, correlation_id,
        causation_id, traceparent from given
), told as (
    insert into pending (position, shard) select position, shard from given where topic is not null returning 1
)
"""


@cache
def _insert(heads: str) -> str:
    return f"heads as ({heads}),{_ROWS}"


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

    def messages(self, fact: Event) -> tuple[Message, ...]:
        """What is told of this fact."""
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
    carries_fact: bool = True


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


def _lines(news: Sequence[News], publications: Publications, node: str, new_id: Callable[[], UUID]) -> list[_Line]:
    lines: list[_Line] = []
    for item in news:
        told = publications.messages(item.fact)
        for nth, message in enumerate(told or (None,)):
            line = _Line(news=item, event_id=new_id(), message=message, carries_fact=nth == 0)
            if message is not None:
                envelope.check(message)
                key = envelope.key_of(
                    type(message), case=item.case_id, person=item.person_id, aggregate=item.aggregate_id
                )
                line = replace(line, topic=envelope.topic_of(type(message), node), key=key)
            lines.append(line)
    return lines


Stream = tuple[str, str]


def _counted(lines: Sequence[_Line]) -> tuple[dict[Stream, int], list[tuple[int | None, int | None]]]:
    """How many lines each stream gets, streams sorted; and of each line the place of its stream among them, from 1,
    and how many of its stream come after it."""
    counts: dict[Stream, int] = {}
    for line in lines:
        if line.topic is not None and line.key is not None:
            counts[line.topic, line.key] = counts.get((line.topic, line.key), 0) + 1
    streams = {stream: counts[stream] for stream in sorted(counts)}
    place = {stream: nth for nth, stream in enumerate(streams, 1)}
    numbers: list[tuple[int | None, int | None]] = []
    for line in lines:
        if line.topic is None or line.key is None:
            numbers.append((None, None))
            continue
        counts[line.topic, line.key] -= 1
        numbers.append((place[line.topic, line.key], counts[line.topic, line.key]))
    return streams, numbers


def _headers(line: _Line, node: str, recorded_at: datetime) -> tuple[bytes | None, bytes | None]:
    """The headers as they are kept, before and behind the sequence, which the database gives."""
    if line.message is None:
        return None, None
    news = line.news
    return envelope.pack_around(
        envelope.to_headers(
            envelope.Envelope(
                event_id=line.event_id,
                type=line.message.DESCRIPTOR.full_name,
                schema_version=1,
                reach=envelope.reach_of(type(line.message)),
                source_node=node,
                aggregate_type=news.aggregate_type,
                aggregate_id=news.aggregate_id,
                stream_sequence=0,
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
            )
        ),
        "ce_streamsequence",
    )


def _row(
    line: _Line, number: tuple[int | None, int | None], keys: Keys, node: str, recorded_at: datetime
) -> tuple[object, ...]:
    news = line.news
    fact = None
    if line.carries_fact:
        fact = keys.seal(news.person_id, _adapter(type(news.fact)).dump_json(news.fact))
    return (
        line.event_id,
        line.topic,
        line.key,
        *number,
        news.aggregate_type,
        news.aggregate_id,
        news.version,
        news.person_id,
        news.case_id,
        type(news.fact).__name__,
        fact,
        *_headers(line, node, recorded_at),
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


def write(
    together: Together,
    news: Sequence[News],
    *,
    publications: Publications,
    keys: Keys,
    node: str,
    recorded_at: datetime,
    new_id: Callable[[], UUID],
) -> bool:
    """Write these facts, in this order, with what is told of them; the keys of their persons must be at hand.

    Returns whether anything will be pending. The message bytes are frozen here; the relay never decodes.
    """
    if not news:
        return False
    lines = _lines(news, publications, node, new_id)
    streams, numbers = _counted(lines)
    rows = (_row(line, number, keys, node, recorded_at) for line, number in zip(lines, numbers, strict=True))
    together.add(
        _insert(_HEADS),
        [topic for topic, _ in streams],
        [key for _, key in streams],
        list(streams.values()),
        *(list(column) for column in zip(*rows, strict=True)),
        name="told",
    )
    return bool(streams)
