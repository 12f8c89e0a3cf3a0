"""P11: a projection rebuilt from the journal, against the fold alone: the same messages read and projected, written
nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.measure import CLOCK, Table, alternate
from benchmarks.stage import TOPIC, hears
from chassis.envelope import Envelope, from_headers, registry, unpack_headers
from chassis.hearing import Heard
from chassis.replay import rebuild

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from benchmarks.stage import Stage

CHUNK = 1_000
_AFTER = (
    "select position, key, headers, message from journal where topic = $1 and position > $2 order by position limit $3"
)


class OwnJournal:
    """The journal read where it lies: the way to it by gRPC is P13's stream."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    async def read(
        self, topic: str, *, key: str = "", from_sequence: int = 0, from_position: int = 0
    ) -> AsyncIterator[tuple[int, str, list[tuple[str, bytes]], bytes]]:
        after = from_position
        while True:
            async with self.stage.database.connection() as conn:
                rows = await conn.fetch(_AFTER, topic, after, CHUNK)
            for row in rows:
                yield row["position"], row["key"], unpack_headers(row["headers"]), row["message"]
            if len(rows) < CHUNK:
                return
            after = rows[-1]["position"]


async def measure(stage: Stage, *, rounds: int, events: int = 100_000) -> list[Table]:
    """All of a journal, which the group is said to have applied."""
    await stage.fill(events)
    group, source = hears("rebuild"), OwnJournal(stage)
    async with stage.database.transaction() as conn:
        await conn.execute("delete from pending")
        await conn.execute(
            "insert into watermark (grp, topic, key, seq, at) select 'together.rebuild', topic, key, max(sequence),"
            " house_now() from journal where topic = $1 group by topic, key on conflict do nothing", TOPIC,
        )  # fmt: skip

    async def ours() -> int:
        CLOCK.get().begin()
        return (await rebuild(stage.database, group, source, "together")).messages

    async def fold() -> int:
        seen: dict[str, Any] = {}
        count = 0
        async for _, key, headers, value in source.read(TOPIC):
            envelope = from_headers(headers)
            assert isinstance(envelope, Envelope)
            kind = registry()[envelope.type]
            heard = Heard(kind.FromString(value), envelope, TOPIC, key)
            for subscription in group.of(kind):
                seen |= {row.values["key"]: row.values for row in subscription.handler(heard)}
            count += 1
        return count

    table = await alternate(
        Table("P11", "messages of a rebuild, against the fold alone"), {"rebuild": ours, "fold": fold}, rounds=rounds
    )
    rate = table.median("rebuild")
    table.notes += [
        f"against the fold: {table.ratio('rebuild', 'fold'):.2f}; goal at least 0.6",
        f"a million at this rate: {1e6 / rate:.0f} s; goal at most 60",
    ]
    return [table]
