"""A stream that waits is tried again: what is missing is read from its source, then all go in order, as far as can be.

No call to another service happens within a transaction: the missing messages are read first, and parked in front.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chassis import parking, telemetry
from chassis.envelope import Envelope
from chassis.streams.items import Item, restored, to_park

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chassis.hearing import Source
    from chassis.streams.applying import Streams
    from chassis.work import Work, Works


async def retry(streams: Streams, works: Works[Any], source: Source | None) -> bool:
    """Try one stream whose oldest parked message is due; whether there was one."""
    async with works.database.transaction() as conn:
        # Who was suspended when it was parked may have been resumed since.
        await streams.look_whom_to_trust(conn)
        due = await parking.due(conn, streams.group, at=await conn.fetchval("select house_now()"))
        if due is None:
            return False
        waiting = await parking.of(conn, streams.group, *due, limit=1)
        known = (await streams.states(conn, {due}))[due].seq
    missing: list[Item] = []
    if source is not None and waiting and (waiting[0].sequence or 0) > known + 1:
        missing = await _missing(streams, source, *due, after=known, before=waiting[0].sequence or 0)
        telemetry.count("gaps_filled", len(missing), group=streams.group)
    async with works.batch() as work:
        await _release(streams, work, due, missing)
    return True


async def _missing(streams: Streams, source: Source, topic: str, key: str, *, after: int, before: int) -> list[Item]:
    """The messages between, from the journal of the service that told them."""
    found: list[Item] = []
    async for _, told_under, headers, value in source.read(topic, key=key, from_sequence=after + 1):
        item = streams.item(topic, told_under.encode(), headers, value)
        if not isinstance(item.envelope, Envelope) or item.envelope.stream_sequence >= before or item.distrusted:
            break
        found.append(item)
    return found


async def _release(streams: Streams, work: Work, stream: tuple[str, str], missing: Sequence[Item]) -> None:
    """Apply the parked messages in order, what was missing in front of them, up to the first that still fails."""
    found = [to_park(item, parking.BEHIND, "It was missing, and was read from its source.") for item in missing]
    await parking.park(work.conn, streams.group, found, at=work.now)
    waiting = await parking.taken(work.conn, streams.group, *stream)
    if not waiting:
        return
    states = await streams.states(work.conn, {stream})
    state = states[stream]
    state.blocked = False
    done: list[parking.Parked] = []
    failure: tuple[str, str] | None = None
    for parked in waiting:
        item = restored(parked, node=streams.node)
        failure = streams.unfit(item, state) or await streams.carefully(work, item, state)
        if failure:
            break
        done.append(parked)
    streams.raise_marks(work, states)
    await parking.release(work.conn, done)
    if failure:
        await parking.failed(work.conn, waiting[len(done)], at=work.now, reason=failure[0], sentence=failure[1])
    else:
        await parking.next_in_line(work.conn, streams.group, *stream, at=work.now)
    await work.flush()
