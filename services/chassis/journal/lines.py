"""The rows to be of some facts: which message goes where, under which key and in which envelope."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from chassis import envelope
from chassis.shares import Announcement, Fed, Share

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from uuid import UUID

    from google.protobuf.message import Message

    from chassis.access import Call
    from chassis.aggregate import Event
    from chassis.journal.publications import Publications, Told
    from chassis.shares import Pairwise

Stream = tuple[str, str]
Place = tuple[int | None, int | None]


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
class Line:
    """One row to be: a fact with one of its messages, or with none."""

    news: News
    event_id: UUID
    message: Message | None
    topic: str | None = None
    key: str | None = None
    carries_fact: bool = True
    told: Told | None = None

    @property
    def feed(self) -> str:
        """The feed that this is the next message of, or nothing."""
        return self.told.feed if isinstance(self.told, Fed) else ""


def lines_of(
    news: Sequence[News], publications: Publications, node: str, new_id: Callable[[], UUID], names: Pairwise
) -> list[Line]:
    return [
        _line(item, told, node, new_id, names, carries_fact=nth == 0)
        for item in news
        for nth, told in enumerate(publications.messages(item.fact) or (None,))
    ]


def _line(
    item: News, told: Told | None, node: str, new_id: Callable[[], UUID], names: Pairwise, *, carries_fact: bool
) -> Line:
    line = Line(news=item, event_id=new_id(), message=None, carries_fact=carries_fact, told=told)
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


def _leaving(line: Line, told: Share | Announcement, names: Pairwise) -> Line:
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


def feed_topic(feed: str) -> str:
    """Under which name the head of a feed is kept; no topic of the bus is called so."""
    return f"feed {feed}"


def streams_of(line: Line) -> tuple[Stream | None, Stream | None]:
    """The stream and the feed that this line is the next of."""
    stream = None if line.topic is None or line.key is None else (line.topic, line.key)
    return stream, (feed_topic(line.feed), "") if line.feed else None


def counted(lines: Sequence[Line]) -> tuple[dict[Stream, int], list[tuple[int | None, ...]]]:
    """How many lines each stream and feed gets, sorted; and of each line the place of its stream among them, from 1,
    and how many of its stream come after it; the same of its feed."""
    counts: dict[Stream, int] = {}
    for line in lines:
        for stream in filter(None, streams_of(line)):
            counts[stream] = counts.get(stream, 0) + 1
    streams = {stream: counts[stream] for stream in sorted(counts)}
    place = {stream: nth for nth, stream in enumerate(streams, 1)}

    def number(stream: Stream | None) -> Place:
        if stream is None:
            return None, None
        counts[stream] -= 1
        return place[stream], counts[stream]

    return streams, [tuple(part for stream in streams_of(line) for part in number(stream)) for line in lines]


def packed(line: Line, node: str, recorded_at: datetime) -> tuple[bytes | None, bytes | None]:
    """The headers as they are kept, before and behind the sequence, which the database gives, as it does the number in
    a feed, which stands last."""
    if line.message is None:
        return None, None
    headers = envelope.to_headers(_envelope(line, line.message, node, recorded_at))
    if line.feed:
        headers += [("ce_feed", line.feed.encode()), ("ce_feednumber", b"")]
    return envelope.pack_around(headers, "ce_streamsequence")


def _envelope(line: Line, message: Message, node: str, recorded_at: datetime) -> envelope.Envelope:
    news = line.news
    if isinstance(line.told, Share | Announcement):
        return _share_envelope(line, line.told, node, recorded_at)
    return envelope.Envelope(
        event_id=line.event_id,
        type=message.DESCRIPTOR.full_name,
        schema_version=1,
        reach=envelope.reach_of(type(message)),
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


def _share_envelope(line: Line, told: Share | Announcement, node: str, recorded_at: datetime) -> envelope.Envelope:
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
        stream_sequence=0,
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
