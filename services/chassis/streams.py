"""The messages of a batch, stream by stream: duplicate, next, gap, parked; and what handling each one comes to.

Per (group, topic, key) a watermark says what has been applied (grade G2). A message below it is a duplicate, the
next one is applied, a later one is held until the gap is filled from its source's journal. An outcome is Applied,
Ignored, Parked or a fault; there is no other.
"""

from __future__ import annotations

import asyncio
import base64
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from google.protobuf.message import DecodeError

from chassis import parking, telemetry
from chassis.aggregate import Refused
from chassis.bus import BUS_FAULTS
from chassis.database import TRY_AGAIN, UNREACHABLE
from chassis.envelope import LARGEST, Envelope, Undecodable, from_headers, key_of, registry
from chassis.faultpoints import fail_point
from chassis.hearing import Heard

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chassis.bus import Record
    from chassis.database import Connection
    from chassis.hearing import Hears, Source, Subscription
    from chassis.work import Work, Works

log = telemetry.logger(__name__)
FAULTS = (*UNREACHABLE, *TRY_AGAIN, *BUS_FAULTS)
OURS = re.compile(r"throughcare\.[a-z]+\.v(\d+)\.[A-Za-z]+")
_STATES = """
select given.topic, given.key, watermark.seq, exists(
    select 1 from parked where parked.grp = $1 and parked.topic = given.topic and parked.key = given.key) as blocked
from unnest($2::text[], $3::text[]) as given(topic, key)
left join watermark on watermark.grp = $1 and watermark.topic = given.topic and watermark.key = given.key
"""
_RAISE = """
insert into watermark as held (grp, topic, key, seq, at)
select $1, topic, key, seq, $2 from unnest($3::text[], $4::text[], $5::bigint[]) as given(topic, key, seq)
order by topic, key
on conflict (grp, topic, key) do update set seq = excluded.seq, at = excluded.at where held.seq < excluded.seq
"""


@dataclass(frozen=True, slots=True)
class Item:
    """One record with its envelope, or with the reason why it has none."""

    topic: str
    key: str
    raw_key: bytes | None
    headers: Sequence[tuple[str, bytes | None]]
    value: bytes | None
    envelope: Envelope | Undecodable


@dataclass(slots=True)
class State:
    """Where a stream stands within this batch."""

    seq: int
    blocked: bool
    raised: bool = False


def _key(raw: bytes | None) -> str:
    try:
        return (raw or b"").decode()
    except UnicodeDecodeError:
        return f"0x{raw.hex()}" if raw else ""


def item_of(record: Record, *, node: str) -> Item:
    """A record from the bus."""
    envelope = from_headers(record.headers)
    if isinstance(envelope, Envelope) and envelope.source_node != node:
        envelope = Undecodable("foreign_source")
    return Item(record.topic, _key(record.key), record.key, record.headers, record.value, envelope)


def recorded(topic: str, key: str, headers: Sequence[tuple[str, bytes | None]], value: bytes, *, node: str) -> Item:
    """A message from a journal."""
    return Item(topic, key, key.encode(), headers, value, from_headers(headers))


def _stored(item: Item) -> list[list[str | None]]:
    return [[name, None if held is None else base64.b64encode(held).decode()] for name, held in item.headers]


def _restored(parked: parking.Parked) -> Item:
    headers = [(str(name), None if held is None else base64.b64decode(held)) for name, held in parked.headers]
    return Item(parked.topic, parked.key, parked.raw_key, headers, parked.value, from_headers(headers))


class CannotBeHandled(Exception):  # noqa: N818 - an outcome
    """Park it: `reason` is a code, `sentence` what a person reads."""

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(reason)
        self.reason, self.sentence = reason, sentence


def _why(fault: Exception) -> tuple[str, str]:
    """Code and sentence for a parked row; never the text of a foreign exception, which may hold content."""
    match fault:
        case CannotBeHandled():
            return fault.reason, fault.sentence
        case Refused():
            return fault.reason, fault.sentence or f"The service refuses it: {fault.reason}."
        case DecodeError():
            return "undecodable", "Its body is not what its type says."
        case _:
            return "fault", f"Handling it failed with {type(fault).__name__}. Tell the developers, then retry."


class Streams:
    """Applies batches for one group."""

    def __init__(self, hears: Hears, group: str, node: str) -> None:
        self.hears, self.group, self.node = hears, group, node

    async def together(self, work: Work, items: Sequence[Item]) -> None:
        """All items at once, one flush. Any failure is raised: the caller runs them one by one."""
        states = await self._states(work.conn, items)
        parkings: list[parking.Parking] = []
        for item in items:
            state = states[item.topic, item.key]
            if why := self._unfit(item, state):
                self._park(parkings, item, state, *why)
            elif self._is_next(item, state):
                await self._one(work, item)
                self._applied(item, state)
        fail_point("inbox.applied")
        await self._finish(work, states, parkings)
        await work.flush()

    async def one_by_one(self, work: Work, items: Sequence[Item]) -> None:
        """Each item in a savepoint and with a flush of its own; what fails is parked with what follows it."""
        states = await self._states(work.conn, items)
        parkings: list[parking.Parking] = []
        for item in items:
            state = states[item.topic, item.key]
            why = self._unfit(item, state)
            if not why and self._is_next(item, state):
                why = await self._carefully(work, item)
                if not why:
                    self._applied(item, state)
            if why:
                self._park(parkings, item, state, *why)
        await self._finish(work, states, parkings)
        await work.flush()

    async def retry(self, works: Works[Any], source: Source | None) -> bool:
        """Try one stream whose oldest parked message is due; whether there was one."""
        async with works.database.transaction() as conn:
            due = await parking.due(conn, self.group, at=await conn.fetchval("select house_now()"))
            if due is None:
                return False
            waiting = await parking.of(conn, self.group, *due)
            known = await conn.fetchval(
                "select seq from watermark where grp = $1 and topic = $2 and key = $3", self.group, *due
            )
        missing: list[Item] = []
        if waiting and waiting[0].reason == parking.GAP and source is not None:
            missing = await self._missing(source, *due, after=known or 0, before=waiting[0].sequence or 0)
        async with works.batch() as work:
            await self._release(work, due, missing)
        return True

    async def _missing(self, source: Source, topic: str, key: str, *, after: int, before: int) -> list[Item]:
        """The messages between, from the journal of the service that told them."""
        found: list[Item] = []
        async for _, _, headers, value in source.read(topic, key=key, from_sequence=after + 1):
            item = recorded(topic, key, headers, value, node=self.node)
            if not isinstance(item.envelope, Envelope) or item.envelope.stream_sequence >= before:
                break
            found.append(item)
        telemetry.count("gaps_filled", len(found), group=self.group)
        return found

    async def _release(self, work: Work, stream: tuple[str, str], missing: Sequence[Item]) -> None:
        """Apply what was missing, then the parked ones in order, up to the first that still fails."""
        locked = await parking.of(work.conn, self.group, *stream)
        await work.conn.execute(
            "select 1 from parked where nth = any($1::bigint[]) for update", [each.nth for each in locked]
        )
        if not locked:
            return
        states = await self._states(work.conn, [*missing, _restored(locked[0])])
        state = states[stream]
        state.blocked = False
        done: list[parking.Parked] = []
        why: tuple[str, str] | None = None
        for item in missing:
            why = self._unfit(item, state)
            if not why and self._is_next(item, state):
                why = await self._carefully(work, item)
            if why:
                break
            self._applied(item, state)
        for parked in locked if not why else ():
            item = _restored(parked)
            why = self._unfit(item, state)
            if not why and self._is_next(item, state):
                why = await self._carefully(work, item)
                if not why:
                    self._applied(item, state)
            if why:
                break
            done.append(parked)
        await self._finish(work, states, [])
        await parking.release(work.conn, done)
        left = [parked for parked in locked if parked not in done]
        if left and why:
            await parking.failed(work.conn, left[0], at=work.now, reason=why[0], sentence=why[1])
        else:
            await parking.next_in_line(work.conn, self.group, *stream, at=work.now)
        await work.flush()

    async def _states(self, conn: Connection, items: Sequence[Item]) -> dict[tuple[str, str], State]:
        streams = list({(item.topic, item.key) for item in items})
        rows = await conn.fetch(_STATES, self.group, [t for t, _ in streams], [k for _, k in streams])
        return {(row["topic"], row["key"]): State(seq=row["seq"] or 0, blocked=row["blocked"]) for row in rows}

    def _unfit(self, item: Item, state: State) -> tuple[str, str] | None:
        """Why an item must wait, before it is looked into."""
        if isinstance(item.envelope, Undecodable):
            return item.envelope.reason, "Its envelope cannot be read. Ask the sender to send it again, or drop it."
        if item.envelope.stream_sequence <= state.seq:
            return None
        if state.blocked:
            return parking.BEHIND, "An earlier message of the same case waits."
        if item.envelope.stream_sequence > state.seq + 1:
            return parking.GAP, "A message before this one is missing; it is being read from its source."
        if item.value is not None and len(item.value) > LARGEST:
            return "too_large", "It is larger than 256 KiB. Ask the sender what it is, or drop it."
        return None

    def _is_next(self, item: Item, state: State) -> bool:
        """Whether it is the next of its stream; a duplicate is counted and passed."""
        if isinstance(item.envelope, Envelope) and item.envelope.stream_sequence == state.seq + 1:
            return True
        telemetry.count("duplicates", group=self.group)
        return False

    def _applied(self, item: Item, state: State) -> None:
        if isinstance(item.envelope, Envelope) and item.envelope.stream_sequence > state.seq:
            state.seq, state.raised = item.envelope.stream_sequence, True

    def _park(self, parkings: list[parking.Parking], item: Item, state: State, reason: str, sentence: str) -> None:
        state.blocked = True
        telemetry.count("messages_parked", group=self.group, reason=reason)
        known = item.envelope if isinstance(item.envelope, Envelope) else None
        parkings.append(
            parking.Parking(
                topic=item.topic,
                key=item.key,
                raw_key=item.raw_key,
                sequence=known.stream_sequence if known else None,
                type=known.type if known else "",
                headers=_stored(item),
                value=item.value,
                reason=reason,
                sentence=sentence,
            )
        )

    async def _finish(
        self, work: Work, states: dict[tuple[str, str], State], parkings: Sequence[parking.Parking]
    ) -> None:
        raised = [(topic, key, state.seq) for (topic, key), state in states.items() if state.raised]
        if raised:
            topics, keys, seqs = (list(column) for column in zip(*raised, strict=True))
            await work.conn.execute(_RAISE, self.group, work.now, topics, keys, seqs)
        await parking.park(work.conn, self.group, parkings, at=work.now)

    async def _carefully(self, work: Work, item: Item) -> tuple[str, str] | None:
        """Handle one item so that its failure undoes it alone; None, or why it has to be parked."""
        mark = await work.mark()
        try:
            await self._one(work, item)
            await work.flush()
        except (*FAULTS, asyncio.CancelledError):
            raise
        except Exception as fault:  # noqa: BLE001 - a deterministic failure: this message is parked, the others flow
            await work.undo(mark)
            log.warning("message_parked", group=self.group, error=type(fault).__name__, reason=_why(fault)[0])
            return _why(fault)
        await work.release(mark)
        return None

    async def _one(self, work: Work, item: Item) -> None:
        """Handle one message: every subscription of its type. Raises what cannot be handled."""
        envelope = item.envelope
        if not isinstance(envelope, Envelope):
            raise CannotBeHandled(envelope.reason, "Its envelope cannot be read.")
        kind = registry().get(envelope.type)
        if kind is None:
            self._unknown(envelope)
            return
        subscriptions = self.hears.of(kind)
        if not subscriptions:
            return
        expected = key_of(kind, case=envelope.case_id, person=envelope.person_id, aggregate=envelope.aggregate_id)
        if expected != item.key:
            raise CannotBeHandled("wrong_key", "It came on another case's stream than its own.")
        heard = Heard(kind.FromString(item.value or b""), envelope, item.topic, item.key)
        with telemetry.span(f"hear {kind.__name__}", traceparent=envelope.traceparent, kind="consumer"):
            work.hearing(envelope)
            for subscription in subscriptions:
                await self._subscribed(work, subscription, heard)
        telemetry.count("applied", group=self.group, type=kind.__name__)

    def _unknown(self, envelope: Envelope) -> None:
        """A type this release does not know is passed; one of another major version waits for an upgrade."""
        version = OURS.fullmatch(envelope.type)
        if version and version[1] != "1":
            raise CannotBeHandled(parking.NEEDS_UPGRADE, "A newer release of this service can read it. Upgrade.")
        telemetry.count("unknown_types", group=self.group)

    async def _subscribed(self, work: Work, subscription: Subscription, heard: Heard[Any]) -> None:
        if subscription.projects:
            work.remember(subscription.handler(heard))
            return
        await work.settle()
        before = work.buffered()
        try:
            await subscription.handler(work, heard)
        except Refused as refusal:
            if refusal.reason not in subscription.ignored_when:
                raise
            work.rebuffer(before)
            kind = subscription.kind.__name__
            work.audit(f"heard.{kind}", record=heard.envelope.aggregate_id, outcome=f"ignored:{refusal.reason}")
            telemetry.count("ignored", group=self.group, type=kind, reason=refusal.reason)
