"""Twelve bugs that careful people have written, as patches: each must be caught by what catches ours being right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chassis import parking, relay, replay
from chassis.bus import Listening, Place
from chassis.envelope import Envelope, Undecodable
from chassis.inbox import Inbox, offsets
from chassis.streams import Streams

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    Plant = Callable[[pytest.MonkeyPatch], None]


def naive_cursor(patch: pytest.MonkeyPatch) -> None:
    """Reads positions greater than the last one seen: what commits late is passed."""
    last = {"position": 0}

    class Once(relay.Relay):
        async def _send_all(self, conn: Any) -> int:
            rows = await conn.fetch(
                "select position, topic, key, headers, message from pending join journal using (position)"
                " where position > $1 order by position limit 1000",
                last["position"],
            )
            if rows:
                last["position"] = rows[-1]["position"]
                await self._acknowledged(await self._send(rows, set()))
                await conn.execute("delete from pending where position <= $1", last["position"])
            return len(rows)

    patch.setattr("tests.faults.world.Relay", Once)


def delete_before_acknowledgement(patch: pytest.MonkeyPatch) -> None:
    """Commits the deletion without waiting for the broker."""

    async def at_once(self: Any, flight: Any) -> None:
        for batch in flight.sent:
            batch.acknowledgement.add_done_callback(lambda future: future.cancelled() or future.exception())

    patch.setattr(relay.Relay, "_acknowledged", at_once)


def _trusting(patch: pytest.MonkeyPatch) -> None:
    """Takes whatever offset a batch starts at: without this, a batch that was skipped is noticed and sought back."""

    def fitting(self: Any, listening: Any, records: Any) -> Any:
        batch: dict[Place, list[Any]] = {}
        for record in records:
            batch.setdefault(Place(record.topic, record.partition), []).append(record)
        self.offsets.expected.update({place: batch[place][0].offset for place in batch})
        return batch

    patch.setattr(Inbox, "_fitting", fitting)
    fence_compares_nothing(patch)
    # A jump in a stream is a gap, and a gap is noticed too: so the streams trust as well.
    _ungapped(patch)


def _ungapped(patch: pytest.MonkeyPatch) -> None:
    def unfit(self: Any, item: Any, state: Any) -> Any:
        if isinstance(item.envelope, Undecodable):
            return item.envelope.reason, ""
        if item.envelope.stream_sequence > state.seq:
            state.seq = item.envelope.stream_sequence - 1
        return None

    _unmarked(patch)

    patch.setattr(Streams, "unfit", unfit)


def _unmarked(patch: pytest.MonkeyPatch) -> None:
    """Marks of streams move without a comparison, which would notice as well."""

    def raise_marks(self: Any, work: Any, states: Any) -> None:
        for nth, ((topic, key), state) in enumerate(states.items()):
            work.besides(
                f"mark_{nth} as (insert into watermark values ($1, $2, $3, $4, $5) on conflict (grp, topic, key)"
                " do update set seq = greatest(watermark.seq, excluded.seq) returning 1)",
                self.group, topic, key, state.seq, work.now, name=f"mark_{nth}", must=(1, Exception),
            )  # fmt: skip

    patch.setattr(Streams, "raise_marks", raise_marks)


def offset_before_effect(patch: pytest.MonkeyPatch) -> None:
    """Moves the offsets in a transaction of their own, then has the effects."""
    original = Inbox._apply

    async def apply(self: Any, items: Any, following: Any, read: Any, *distrusted: Any) -> None:
        async with self.works.database.transaction() as conn:
            await self.offsets.advance(conn, following)
        self.offsets.expected.update(following)
        await original(self, items, {}, None, *distrusted)

    _ungapped(patch)
    patch.setattr(Inbox, "_apply", apply)


def no_guard_against_repeats(patch: pytest.MonkeyPatch) -> None:
    """Applies whatever comes."""
    patch.setattr(Streams, "unfit", lambda *_: None)
    patch.setattr(Streams, "is_next", lambda _, item, __: isinstance(item.envelope, Envelope))


def guard_off_by_one(patch: pytest.MonkeyPatch) -> None:
    """Takes the newest message of a stream for the next one."""
    original = Streams.is_next

    def is_next(self: Any, item: Any, state: Any) -> bool:
        newest = isinstance(item.envelope, Envelope) and item.envelope.stream_sequence == state.seq
        return newest or original(self, item, state)

    patch.setattr(Streams, "is_next", is_next)


def followers_dropped(patch: pytest.MonkeyPatch) -> None:
    """Parks the message that fails and drops those behind it."""
    original = Streams._park

    def park(self: Any, parkings: Any, item: Any, state: Any, *why: str) -> None:
        if why[0] != parking.BEHIND:
            original(self, parkings, item, state, *why)

    patch.setattr(Streams, "_park", park)


def acknowledged_on_error(patch: pytest.MonkeyPatch) -> None:
    """Goes on after a fault as if the batch had been handled."""

    async def hear(self: Any, listening: Any, records: Any) -> None:
        batch = self._fitting(listening, records)
        try:
            await self._hear(listening, batch)
        except Exception:  # noqa: BLE001 - the bug
            self.offsets.expected.update({place: held[-1].offset + 1 for place, held in batch.items()})

    _trusting(patch)
    patch.setattr(Inbox, "hear", hear)


def seeks_the_first_partition_alone(patch: pytest.MonkeyPatch) -> None:
    """Seeks back one partition of a batch that failed."""
    original = Inbox._seek_back

    async def seek_back(self: Any, listening: Any, places: set[Place]) -> None:
        await original(self, listening, set(sorted(places)[:1]))

    _trusting(patch)
    patch.setattr(Inbox, "_seek_back", seek_back)


def numbered_before_the_lock(patch: pytest.MonkeyPatch) -> None:
    """Looks the last number of a stream up instead of locking its head."""
    unlocked = """
    select news.topic, news.key, news.n + coalesce((select max(sequence) from journal
        where journal.topic = news.topic and journal.key = news.key), 0) as seq
    from unnest($1::text[], $2::text[], $3::bigint[]) as news(topic, key, n)
    """
    patch.setattr("chassis.journal.writing._HEADS", unlocked)


def effects_in_a_replay(patch: pytest.MonkeyPatch) -> None:
    """Runs commands, too, when a projection is rebuilt."""
    original = replay._project

    async def project(hears: Any, heard: Any) -> Any:
        for each in heard:
            for subscription in hears.of(type(each.message)):
                if not subscription.projects:
                    async with hears.replaying.batch() as work:
                        await subscription.handler(work, each)
                        await work.flush()
        return await original(hears, heard)

    patch.setattr(replay, "_project", project)


def handler_raises(patch: pytest.MonkeyPatch) -> None:
    """Lets a fault reach FastStream, which swallows it and fetches on."""

    async def hear(self: Any, listening: Any, records: Any) -> None:
        await self._hear(listening, self._fitting(listening, records))

    async def straight(self: Any, records: Any) -> None:
        await self.hearer.hear(self, records)

    _trusting(patch)
    patch.setattr(Inbox, "hear", hear)
    patch.setattr(Listening, "_hear", straight)


def fence_compares_nothing(patch: pytest.MonkeyPatch) -> None:
    """Moves the offset whoever asks."""
    blind = offsets._ADVANCE.replace("and held.next = given.expected", "and given.expected is not null")
    patch.setattr(offsets, "_ADVANCE", blind)
