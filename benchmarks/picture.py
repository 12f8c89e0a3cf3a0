"""L15 across houses: from the commit of an offer in one house to its being visible in the picture of the other, and
from there, received, in the picture of the first. All services of two houses in this process, on one Kafka."""

from __future__ import annotations

import asyncio
import statistics
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from benchmarks.measure import Run, Table
from chassis.certificates import Authority
from tests.journeys.cast import Journey
from tests.journeys.test_four_houses import TOGETHER, TRUST, let_know, offer, sign_everywhere
from tests.support.houses import ALL, PARTNER, running_houses

if TYPE_CHECKING:
    from benchmarks.stage import Stage
    from tests.support.house import House
    from tests.support.houses import Houses

RATES = (1, 10)
_NOTES = """
create table seen_at (id uuid, state text, at timestamptz, primary key (id, state));
create function note_seen() returns trigger language plpgsql as $$ begin
    insert into seen_at values (new.id, new.value ->> 'state', clock_timestamp()) on conflict do nothing;
    return new;
end $$;
create trigger note_seen after insert or update on picture.across_register
    for each row when (new.slot = 'standing') execute function note_seen();
"""
_TOLD = "select aggregate_id, min(recorded_at) from journal where fact_type = $1 group by aggregate_id"
_SEEN = "select id, at from seen_at where state = $1"


async def _between(told: House, fact: str, seen: House, state: str) -> dict[object, float]:
    """Milliseconds from the commit of a fact in one house to its row in the picture of another, by handoff."""
    async with told.database("partners").connection() as conn:
        began = dict(tuple(row) for row in await conn.fetch(_TOLD, fact))
    async with seen.database("partners").connection() as conn:
        ended = dict(tuple(row) for row in await conn.fetch(_SEEN, state))
    return {of: (ended[of] - began[of]).total_seconds() * 1000 for of in began if of in ended}


async def _offers(houses: Houses, jay: Journey, per_second: int, count: int) -> tuple[list[float], list[float]]:
    """There and back, of so many offers made at a steady rate."""
    clock, ids = asyncio.get_running_loop().time, []
    for _ in range(count):
        began = clock()
        ids.append((await offer(houses, jay, TRUST, "PSYCHOLOGY")).id)
        await asyncio.sleep(max(0.0, 1 / per_second - (clock() - began)))
    await houses.until_quiet()
    ours, theirs = houses[TOGETHER], houses[TRUST]
    there = await _between(ours, "Offered", theirs, "RECEIVED")
    back = await _between(theirs, "Received", ours, "RECEIVED")
    wanted = set(ids)
    return tuple([ms for of, ms in way.items() if str(of) in wanted] for way in (there, back))  # type: ignore[return-value]


async def measure(stage: Stage, *, rounds: int) -> list[Table]:
    """Offers of one man, one and ten a second."""
    table = Table("L15", "milliseconds from commit to the picture of another house")
    authority = Authority.make(stage.folder / "authority", "bench", at=datetime.now(UTC))
    folder = stage.folder / "houses"
    folder.mkdir()
    wanted = {TOGETHER: ALL, TRUST: PARTNER}
    async with running_houses(
        wanted, folder=folder, authority=authority, postgres_url=stage.url, kafka=stage.kafka
    ) as houses:
        jay = Journey(houses[TOGETHER])
        await sign_everywhere(houses, jay)
        await jay.programme_opens_in_camden()
        await jay.practitioner_refers_him()
        await jay.manager_looks_at_it()
        await jay.he_agrees_to_take_part()
        await jay.manager_takes_him_on()
        await let_know(jay, houses.of[TRUST].organisation)
        await houses.until_quiet()
        for house in houses.values():
            async with house.database("partners").connection() as conn:
                await conn.execute(_NOTES)
        await _offers(houses, jay, 5, 10)  # warms: not counted
        for per_second in RATES:
            there, back = await _offers(houses, jay, per_second, max(30 * per_second, 20 * rounds))
            for way, found in (("there", there), ("received, and back", back)):
                cut = statistics.quantiles(found, n=100)
                for name, at in (("p50", 49), ("p95", 94), ("p99", 98)):
                    table.runs[f"{per_second}/s {way}, {name} in ms"] = [Run(rate=cut[at], cpu=0)]
                table.notes.append(
                    f"{per_second}/s {way}: p50 {cut[49]:.0f}, p95 {cut[94]:.0f}, p99 {cut[98]:.0f} ms of {len(found)}"
                )
    table.notes.append("promise L15: 5 s at the 95th percentile, 60 s at the 99th")
    return [table]
