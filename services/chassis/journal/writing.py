"""Facts and what is told of them, written in one statement, and read back."""

from __future__ import annotations

import zlib
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import TypeAdapter

from chassis.aggregate import Event
from chassis.journal.lines import counted, lines_of, packed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from uuid import UUID

    from chassis.database import Together
    from chassis.journal.lines import Line, News
    from chassis.journal.publications import Publications
    from chassis.sealed import Keys
    from chassis.shares import Pairwise

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
    select news.*, (array(select seq from heads))[stream] - after as sequence,
        (array(select seq from heads))[feed] - feed_after as feed_number
    from unnest(
        $4::uuid[], $5::text[], $6::text[], $7::int[], $8::int[], $9::int[], $10::int[], $11::text[], $12::uuid[],
        $13::bigint[], $14::uuid[], $15::uuid[], $16::text[], $17::bytea[], $18::bytea[], $19::bytea[], $20::bytea[],
        $21::timestamptz[], $22::timestamptz[], $23::text[], $24::text[], $25::uuid[], $26::uuid[], $27::text[],
        $28::int[]
    ) with ordinality as news(
        event_id, topic, key, stream, after, feed, feed_after, aggregate_type, aggregate_id, version, person_id,
        case_id, fact_type,
        fact, before_sequence, behind_sequence, message, occurred_at, recorded_at, actor_role, actor_ref,
        correlation_id, causation_id, traceparent, shard, nth
    ) order by nth
), given as (
    -- A position is drawn only for a line that has its sequence: after the lock of its stream.
    select case when topic is null or sequence > 0 then nextval('journal_position') end as position,
        before_sequence || convert_to(sequence::text, 'UTF8') || behind_sequence
            || convert_to(coalesce(feed_number::text, ''), 'UTF8') as headers,
        numbered.*
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
    insert into pending (position, shard, held)
    select position, shard, topic in (select held_topic.topic from held_topic) from given where topic is not null
    returning 1
)
"""


@cache
def _insert(heads: str) -> str:
    return f"heads as ({heads}),{_ROWS}"


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


def _row(
    line: Line, number: tuple[int | None, ...], keys: Keys, node: str, recorded_at: datetime
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
        *packed(line, node, recorded_at),
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
    names: Pairwise,
) -> bool:
    """Write these facts, in this order, with what is told of them; the keys of their persons must be at hand.

    Returns whether anything will be pending. The message bytes are frozen here; the relay never decodes.
    """
    if not news:
        return False
    lines = lines_of(news, publications, node, new_id, names)
    streams, numbers = counted(lines)
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
