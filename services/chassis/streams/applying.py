"""Applies the messages of a batch: all together, or, where one cannot be handled, each in a savepoint of its own."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import asyncpg

from chassis import parking, telemetry
from chassis.aggregate import Refused
from chassis.bus import BUS_FAULTS
from chassis.database import TRY_AGAIN, UNREACHABLE, now
from chassis.envelope import CONTROL, LARGEST, Envelope, Undecodable, key_of, legible, registry, topic_of
from chassis.faultpoints import fail_point
from chassis.hearing import Heard
from chassis.shares import between_houses
from chassis.streams.between import arrived
from chassis.streams.items import CannotBeHandled, Item, item_of, to_park, why

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from google.protobuf.message import Message

    from chassis.database import Connection
    from chassis.hearing import Hears, Subscription
    from chassis.shares import Trusted
    from chassis.work import Work

log = telemetry.logger(__name__)


class Overtaken(Exception):  # noqa: N818 - not an error: somebody else was first
    """Another transaction applied messages of the same stream meanwhile: look again."""


# What is no message's fault: roll back, wait, do it again. Everything else is, and parks the message.
FAULTS: Final = (
    *UNREACHABLE,
    *TRY_AGAIN,
    *BUS_FAULTS,
    Overtaken,
    asyncpg.LockNotAvailableError,
    asyncpg.InvalidTransactionStateError,
    asyncpg.PostgresSystemError,
    asyncpg.InternalServerError,
)
_STATES = """
select given.topic, given.key, watermark.seq, exists(
    select 1 from parked where parked.grp = $1 and parked.topic = given.topic and parked.key = given.key) as blocked
from unnest($2::text[], $3::text[]) as given(topic, key)
left join watermark on watermark.grp = $1 and watermark.topic = given.topic and watermark.key = given.key
"""
# By compare-and-set: whoever read the same mark and commits second changes nothing, and has to look again.
_RAISE = """
heard as (
    select * from unnest($3::text[], $4::text[], $5::bigint[], $6::bigint[]) as heard(topic, key, was, seq)
), moved as (
    update watermark as held set seq = heard.seq, at = $2 from heard
    where held.grp = $1 and held.topic = heard.topic and held.key = heard.key and held.seq = heard.was returning 1
), begun as (
    insert into watermark (grp, topic, key, seq, at)
    select $1, topic, key, seq, $2 from heard where was = 0 order by topic, key on conflict do nothing returning 1
), marked as (
    select 1 from moved union all select 1 from begun
)
"""


def sequence_of(item: Item) -> int:
    """Its place in its stream; none where it has no envelope."""
    return item.envelope.stream_sequence if isinstance(item.envelope, Envelope) else 0


@dataclass(slots=True)
class State:
    """Where a stream stands within this transaction, and where it stood at its beginning."""

    was: int
    seq: int
    blocked: bool


States = dict[tuple[str, str], State]


@dataclass(slots=True)
class _Known:
    """A type of message as this group takes it."""

    kind: type[Message]
    topic: str
    span: str
    subscriptions: tuple[Subscription, ...]
    commands: bool  # whether any of them gives one, which then acts for the house because of this message
    handled: int = 0


class Streams:
    """Applies messages for one group."""

    def __init__(self, hears: Hears, group: str, node: str) -> None:
        self.hears, self.group, self.node = hears, group, node
        self.trusted: Trusted = {}
        self.at = datetime.min.replace(tzinfo=UTC)
        self._known: dict[tuple[str, int], _Known] = {}

    async def look_whom_to_trust(self, conn: Connection) -> None:
        """Who is believed from now on; before each batch, where this group hears other houses."""
        if self.hears.trust is not None:
            self.trusted, self.at = await self.hears.trust(conn), await now(conn)

    def item(
        self, topic: str, raw_key: bytes | None, headers: Sequence[tuple[str, bytes | None]], value: bytes | None
    ) -> Item:
        """A record as an item of its stream."""
        if between_houses(topic):
            return arrived(topic, raw_key, headers, value, node=self.node, trusted=self.trusted, at=self.at)
        return item_of(topic, raw_key, headers, value, node=self.node)

    async def together(self, work: Work, items: Sequence[Item]) -> None:
        """All items at once, one flush. Any failure is raised: the caller runs them one by one."""
        states = await self.states(work.conn, {(item.topic, item.key) for item in items})
        parkings: list[parking.Parking] = []
        for item in items:
            state = states[item.topic, item.key]
            if unfit := self.unfit(item, state):
                self._park(parkings, item, state, *unfit)
            elif self.is_next(item, state):
                await self._one(work, item)
                state.seq = sequence_of(item)
        fail_point("inbox.applied")
        self.raise_marks(work, states)
        await parking.park(work.conn, self.group, parkings, at=work.now)
        await work.flush()

    async def one_by_one(self, work: Work, items: Sequence[Item]) -> None:
        """Each item in a savepoint and with a flush of its own; what fails is parked with what follows it."""
        states = await self.states(work.conn, {(item.topic, item.key) for item in items})
        parkings: list[parking.Parking] = []
        for item in items:
            state = states[item.topic, item.key]
            if unfit := self.unfit(item, state) or await self.carefully(work, item, state):
                self._park(parkings, item, state, *unfit)
        self.raise_marks(work, states)
        await parking.park(work.conn, self.group, parkings, at=work.now)
        await work.flush()

    async def states(self, conn: Connection, streams: set[tuple[str, str]]) -> States:
        """Where these streams stand for this group."""
        topics, keys = [topic for topic, _ in streams], [key for _, key in streams]
        return {
            (row["topic"], row["key"]): State(row["seq"] or 0, row["seq"] or 0, row["blocked"])
            for row in await conn.fetch(_STATES, self.group, topics, keys)
        }

    def raise_marks(self, work: Work, states: Mapping[tuple[str, str], State]) -> None:
        """Write the watermarks that moved, at the flush; Overtaken where another transaction moved one meanwhile."""
        moved = [(topic, key, state.was, state.seq) for (topic, key), state in states.items() if state.seq > state.was]
        if not moved:
            return
        columns = (list(column) for column in zip(*moved, strict=True))
        work.besides(_RAISE, self.group, work.now, *columns, name="marked", must=(len(moved), Overtaken))

    def unfit(self, item: Item, state: State) -> tuple[str, str] | None:
        """Why an item must wait, before it is looked into."""
        if isinstance(item.envelope, Undecodable):
            return item.envelope.reason, "Its envelope cannot be read. Ask the sender to send it again, or drop it."
        if item.envelope.stream_sequence <= state.seq:
            return None
        if state.blocked:
            return parking.BEHIND, "An earlier message of the same case waits."
        return self._not_yet(item, item.envelope, state)

    def _not_yet(self, item: Item, envelope: Envelope, state: State) -> tuple[str, str] | None:
        """Why the first that waits on a stream has to."""
        if item.topic == CONTROL:
            return None
        if between_houses(item.topic) and self._suspended(envelope):
            return parking.SUSPENDED, "Its sender is suspended. It is applied once the node is resumed."
        if envelope.stream_sequence > state.seq + 1:
            return parking.GAP, "A message before this one is missing; it is being read from its source."
        if item.value is not None and len(item.value) > LARGEST:
            return "too_large", "It is larger than 256 KiB. Ask the sender what it is, or drop it."
        return None

    def _suspended(self, envelope: Envelope) -> bool:
        sender = self.trusted.get(envelope.source_node)
        return sender is not None and sender.suspended

    def is_next(self, item: Item, state: State) -> bool:
        """Whether it is the next of its stream; a duplicate is counted and passed.

        Of what nodes say of themselves to all, the newest word counts, and nobody reads a year of heartbeats again.
        """
        following = sequence_of(item)
        if following == state.seq + 1 or (item.topic == CONTROL and following > state.seq):
            return True
        telemetry.count("duplicates", group=self.group)
        return False

    async def carefully(self, work: Work, item: Item, state: State) -> tuple[str, str] | None:
        """Handle an item, if it is the next, so that its failure undoes it alone; None, or why it has to wait."""
        if not self.is_next(item, state):
            return None
        mark = await work.mark()
        try:
            await self._one(work, item)
            await work.flush()
        except (*FAULTS, asyncio.CancelledError):
            raise
        except Exception as fault:  # noqa: BLE001 - a deterministic failure: this message is parked, the others flow
            await work.undo(mark)
            log.warning("message_parked", group=self.group, error=type(fault).__name__, reason=why(fault)[0])
            return why(fault)
        await work.release(mark)
        state.seq = sequence_of(item)
        return None

    def _park(self, parkings: list[parking.Parking], item: Item, state: State, reason: str, sentence: str) -> None:
        state.blocked = True
        telemetry.count("messages_parked", group=self.group, reason=reason)
        parkings.append(to_park(item, reason, sentence))

    async def _one(self, work: Work, item: Item) -> None:
        """Handle one message: every subscription of its type. Raises what cannot be handled."""
        envelope = item.envelope
        if not isinstance(envelope, Envelope):
            raise CannotBeHandled(envelope.reason, "Its envelope cannot be read.")
        known = self._known.get((envelope.type, envelope.schema_version)) or self._know(envelope)
        if known is None or not known.subscriptions:
            return
        kind = known.kind
        expected = key_of(
            kind,
            case=envelope.case_id,
            person=envelope.person_id,
            aggregate=envelope.aggregate_id,
            subject_ref=envelope.subject_ref,
        )
        if between_houses(item.topic):
            expected = f"{envelope.source_node}/{expected}"
        if expected != item.key or known.topic != item.topic:
            raise CannotBeHandled("wrong_key", "It came on another stream than its own.")
        heard = Heard(kind.FromString(item.value or b""), envelope, item.topic, item.key)
        with telemetry.span(known.span, traceparent=envelope.traceparent, kind="consumer"):
            if known.commands:
                work.hearing(envelope)
            for subscription in known.subscriptions:
                if subscription.projects:
                    work.remember(subscription.handler(heard))
                else:
                    await self._commanded(work, subscription, heard)
        known.handled += 1

    def tell_counts(self) -> None:
        """Say how many messages of each type were handled since the last time."""
        for known in self._known.values():
            if known.handled:
                telemetry.count("applied", known.handled, group=self.group, type=known.kind.__name__)
                known.handled = 0

    def _know(self, envelope: Envelope) -> _Known | None:
        """What this type leads to, looked up once; None for a type that is passed."""
        kind = registry().get(envelope.type)
        if kind is None or legible(envelope) != "yes":
            self._illegible(envelope)
            return None
        leads_to = self.hears.of(kind)
        commands = not all(each.projects for each in leads_to)
        known = _Known(kind, topic_of(kind, self.node), f"hear {kind.__name__}", leads_to, commands)
        self._known[envelope.type, envelope.schema_version] = known
        return known

    def _illegible(self, envelope: Envelope) -> None:
        """A type this release does not know is passed; one of a later major version waits for an upgrade."""
        if legible(envelope) == "needs_upgrade":
            raise CannotBeHandled(parking.NEEDS_UPGRADE, "A newer release of this service can read it. Upgrade.")
        telemetry.count("unknown_types", group=self.group)

    async def _commanded(self, work: Work, subscription: Subscription, heard: Heard[Any]) -> None:
        await work.settle()
        before = work.buffered() if subscription.ignored_when else None
        try:
            await subscription.handler(work, heard)
        except Refused as refusal:
            if before is None or refusal.reason not in subscription.ignored_when:
                raise
            work.rebuffer(before)
            kind = subscription.kind.__name__
            work.audit(f"heard.{kind}", record=heard.envelope.aggregate_id, outcome=f"ignored:{refusal.reason}")
            telemetry.count("ignored", group=self.group, type=kind, reason=refusal.reason)
