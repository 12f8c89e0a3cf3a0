"""R19: writers at the same time, with pauses between sequence and commit; ours against two readers that look right."""

from __future__ import annotations

import asyncio
import random

import pytest

from tests.faults.conftest import LONG

pytestmark = pytest.mark.kafka
SECONDS = 60 if LONG else 8


async def test_r19_eight_writers_lose_and_invert_nothing(here, figures) -> None:
    await here.people(20)
    draw = random.Random(19)
    # The same facts once more in a plain outbox: a serial number each, and the number of the writer's transaction.
    async with here.database.connection() as conn:
        await conn.execute(
            "create table plain (id bigint generated always as identity primary key, xid xid8 not null"
            " default pg_current_xact_id(), key int not null, nth int not null);"
            "create table plain_head (key int primary key, nth int not null);"
            "insert into plain_head select n, 0 from generate_series(0, 4) as n"
        )
    done = asyncio.Event()

    async def plain_writer() -> None:
        while not done.is_set():
            async with here.database.transaction() as conn:
                early = draw.random() < 0.5
                if early:
                    await conn.execute("select pg_current_xact_id()")
                    await asyncio.sleep(draw.uniform(0, 0.01))
                key = draw.randrange(5)
                nth = await conn.fetchval("update plain_head set nth = nth + 1 where key = $1 returning nth", key)
                await conn.execute("insert into plain (key, nth) values ($1, $2)", key, nth)
                await asyncio.sleep(draw.uniform(0, 0.01))

    naive: list[tuple[int, int, int]] = []
    by_xid: list[tuple[int, int, int]] = []

    async def plain_readers() -> None:
        last, last_xid = 0, "0"
        while not done.is_set():
            async with here.database.connection() as conn:
                rows = await conn.fetch("select id, key, nth from plain where id > $1 order by id", last)
                naive.extend(tuple(row) for row in rows)
                last = rows[-1]["id"] if rows else last
                upto = await conn.fetchval("select pg_snapshot_xmin(pg_current_snapshot())::text")
                rows = await conn.fetch(
                    "select id, key, nth from plain where xid >= $1::text::xid8 and xid < $2::text::xid8"
                    " order by xid, id",
                    last_xid, upto,
                )  # fmt: skip
                by_xid.extend(tuple(row) for row in rows)
                last_xid = upto
            await asyncio.sleep(0.002)

    async def stop() -> None:
        await asyncio.sleep(SECONDS)
        done.set()

    async def ours() -> None:
        while not done.is_set():
            await here.tell(40)

    async with here.relay(), here.member():
        await asyncio.gather(stop(), ours(), plain_readers(), *(plain_writer() for _ in range(6)))
        await here.quiet()
    verdict = await here.verdict()
    total = await here.value("select count(*) from plain")
    inverted = _inversions(by_xid)
    figures(
        "R19",
        committed=verdict.committed,
        lost=len(verdict.lost),
        inversions=len(verdict.disorder),
        naive_reader_lost=total - len(naive),
        xmin_reader_inversions=inverted,
    )
    assert verdict.violations == {}
    assert verdict.committed > 200
    # The peers show that the run was hard enough to tell.
    assert total - len(naive) > 0 or inverted > 0


def _inversions(rows: list[tuple[int, int, int]]) -> int:
    heads: dict[int, int] = {}
    wrong = 0
    for _, key, nth in rows:
        wrong += nth < heads.get(key, 0)
        heads[key] = max(heads.get(key, 0), nth)
    return wrong
