"""P9: from the commit of a command to the commit of the projection, at steady rates, against polling once a second."""

from __future__ import annotations

import asyncio
import statistics
from typing import TYPE_CHECKING

from benchmarks.measure import Run, Table
from benchmarks.stage import hears
from chassis.inbox import Inbox
from chassis.relay import Relay
from tests.chassis.toy import begin, calling

if TYPE_CHECKING:
    from benchmarks.stage import Stage


async def _rate(stage: Stage, per_second: int, seconds: int) -> list[float]:
    """Milliseconds from commit to projection, measured by the database's clock."""
    made: list[str] = []
    for _ in range(per_second * seconds):
        began = asyncio.get_running_loop().time()
        made.append((await stage.toy.do(begin, calling()))["case"])
        await asyncio.sleep(max(0.0, 1 / per_second - (asyncio.get_running_loop().time() - began)))
    await asyncio.sleep(1)
    async with stage.database.connection() as conn:
        rows = await conn.fetch(
            "select extract(epoch from s.at - j.recorded_at) * 1000 as ms from journal j join seen_at s on s.key = j.key"
            " where j.key = any($1)", made,
        )  # fmt: skip
    return sorted(float(row["ms"]) for row in rows)


async def measure(stage: Stage, *, rounds: int) -> list[Table]:
    """At 1, 20 and 200 a second; the trigger notes when a row became visible to its own transaction's end."""
    async with stage.database.connection() as conn:
        await conn.execute(
            "create table if not exists seen_at (key text primary key, at timestamptz);"
            "create or replace function note_seen() returns trigger language plpgsql as"
            " $$ begin insert into seen_at values (new.key, clock_timestamp()) on conflict do nothing; return new; end $$;"
            "create or replace trigger note_seen after insert on seen for each row execute function note_seen();"
            "truncate seen"
        )
    await stage.new_topic()
    relay = Relay(stage.url, stage.bus, "referral", stage.toy.wake)
    inbox = Inbox(stage.toy, stage.bus, hears("latency"))
    async with stage.database.transaction() as conn:
        await conn.execute("delete from pending")
    tasks = [asyncio.create_task(relay.run()), asyncio.create_task(inbox.run())]
    await stage.toy.do(begin, calling())
    await stage.until("select count(*) > 0 from seen_at", value=True)
    table = Table("P9", "milliseconds from commit to projection")
    for per_second in (1, 20, 200):
        found = await _rate(stage, per_second, 30 if per_second == 1 else max(5, rounds))
        cut = statistics.quantiles(found, n=100)
        table.runs[f"{per_second}/s, p50 in ms"] = [Run(rate=cut[49], cpu=0)]
        table.runs[f"{per_second}/s, p95 in ms"] = [Run(rate=cut[94], cpu=0)]
        table.runs[f"{per_second}/s, p99 in ms"] = [Run(rate=cut[98], cpu=0)]
        table.notes.append(
            f"{per_second}/s: p50 {cut[49]:.1f}, p95 {cut[94]:.1f}, p99 {cut[98]:.1f} ms of {len(found)}"
        )
    table.notes.append(
        "goal: p50 at most 5 ms, p99 at most 50 ms up to 200/s; a peer that polls once a second has p50 500 ms by construction"
    )
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    return [table]
