"""R1-R4, R7, R10, R11: processes, the broker and the database die or stop at every awkward line."""

from __future__ import annotations

import asyncio
import signal
import time
from contextlib import suppress

import asyncpg
import pytest

from chassis.database import UNREACHABLE
from tests.chassis.toy import calling
from tests.faults.conftest import LONG
from tests.faults.world import World, again
from tests.support.postgres import eventually

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(3600 if LONG else 300)]
KILLS = 50 if LONG else 5
RELAY = ("relay.locked", "relay.taken", "relay.sent", "relay.acknowledged", "relay.before_commit", "relay.committed")
INBOX = ("inbox.begun", "inbox.applied", "inbox.before_commit", "inbox.committed", "inbox.told")


async def _kill_at(here: World, part: str, point: str, *, kills: int) -> int:
    """Start the part again and again while facts flow; it kills itself at the point. Returns how often it did."""
    killed = 0
    for nth in range(kills):
        process = await here.start(part, fail=f"{point}=kill@{1 + nth % 3}")
        for _ in range(60):
            await here.tell(10)
            if process.returncode is not None:
                break
            with suppress(TimeoutError):
                async with asyncio.timeout(0.05):
                    await process.wait()
        killed += process.returncode == -signal.SIGKILL
        if process.returncode is None:
            process.kill()
            await process.wait()
    return killed


@pytest.mark.parametrize("point", RELAY)
async def test_r2_a_relay_killed_anywhere_loses_invents_and_inverts_nothing(here, figures, point) -> None:
    await here.people(20)
    async with here.member():
        killed = await _kill_at(here, "relay", point, kills=KILLS)
        await here.tell(10)
        async with here.relay():
            await here.quiet()
    verdict = await here.verdict()
    figures(f"R2 {point}", deaths=killed, committed=verdict.committed, duplicates=verdict.duplicates)
    assert killed >= KILLS - 1
    assert verdict.violations == {}
    assert verdict.duplicates <= 4 * 1_000 * killed


@pytest.mark.parametrize("point", INBOX)
async def test_r3_a_consumer_killed_anywhere_has_each_effect_once(here, figures, point) -> None:
    await here.people(20)
    async with here.relay():
        killed = await _kill_at(here, "member", point, kills=KILLS)
        await here.tell(10)
        async with here.member():
            await here.quiet(within=60)
    verdict = await here.verdict()
    figures(f"R3 {point}", deaths=killed, committed=verdict.committed, doubled=len(verdict.doubled))
    assert killed >= KILLS - 1
    assert verdict.violations == {}


async def test_r1_a_command_cut_off_anywhere_is_whole_or_not_at_all(here, figures) -> None:
    await here.people(10)
    outcomes = {"ok": 0, "unknown": 0, "refused": 0}
    knife = await asyncpg.connect(here.database.url)  # of no pool: it must not cut itself off
    for nth in range(200 if LONG else 60):
        task = asyncio.create_task(here.works.do(again, calling(), id=here.things[nth % 10]))
        await asyncio.sleep(0.002 * (nth % 15))
        await knife.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where application_name = 'throughcare' and datname = current_database()"
        )
        try:
            await task
            outcomes["ok"] += 1
        except (*UNREACHABLE, asyncpg.PostgresError):
            outcomes["unknown"] += 1
    await knife.close()

    async def counted() -> int | None:
        with suppress(*UNREACHABLE):  # a connection of the pool may not know yet that it was cut off
            return await here.value("select sum(version) from thing")
        return None

    versions = await eventually(counted)
    facts = await here.value("select count(*) from journal")
    audited = await here.value("select count(*) from audit where action = 'thing.again' and outcome = 'done'")
    answered = await here.value("select count(*) from received where command = 'thing.again' and answer is not null")
    figures("R1", **outcomes, facts=facts)
    assert versions == facts
    assert audited == answered == facts - 20
    assert facts - 20 >= outcomes["ok"]
    async with here.relay(), here.member():
        await here.quiet()
    assert (await here.verdict()).violations == {}


async def test_r4_the_broker_dies_and_commands_do_not_notice(here, broker, figures) -> None:
    await here.people(20)
    down = 20 if LONG else 5
    async with here.relay(), here.member():
        await here.tell(100)
        broker.kill()
        began, told, slowest = time.monotonic(), 0, 0.0
        while time.monotonic() - began < down:
            at = time.monotonic()
            await here.tell(10)
            slowest, told = max(slowest, time.monotonic() - at), told + 10
        broker.start()
        up = time.monotonic()
        await here.quiet(within=60)
        recovery = time.monotonic() - up
    verdict = await here.verdict()
    figures("R4", told_while_down=told, recovery_seconds=f"{recovery:.1f}", duplicates=verdict.duplicates)
    assert told > 0
    assert verdict.violations == {}
    assert recovery <= 15


async def test_r10_a_paused_relay_is_replaced_and_its_late_commit_refused(here, figures) -> None:
    await here.people(20)
    async with here.member():
        zombie = await here.start("relay", fail="relay.before_commit=stop@1")
        await here.tell(50)
        await asyncio.sleep(2)
        began = time.monotonic()
        async with here.relay():
            await here.quiet(within=60)
            takeover = time.monotonic() - began
            zombie.send_signal(signal.SIGCONT)
            await asyncio.sleep(1)
            await here.tell(50)
            await here.quiet(within=60)
    verdict = await here.verdict()
    figures("R10", takeover_seconds=f"{takeover:.1f}", duplicates=verdict.duplicates)
    assert takeover <= 17
    assert verdict.violations == {}


async def test_r11_a_paused_consumer_comes_back_and_the_fence_refuses_it(here, figures) -> None:
    await here.people(20)
    async with here.relay():
        zombie = await here.start("member", fail="inbox.before_commit=stop@1")
        await here.tell(50)
        await asyncio.sleep(3)
        async with here.member():
            await here.quiet(within=90)
            zombie.send_signal(signal.SIGCONT)
            await asyncio.sleep(2)
            await here.tell(50)
            await here.quiet(within=60)
    verdict = await here.verdict()
    figures("R11", committed=verdict.committed, doubled=len(verdict.doubled))
    assert verdict.violations == {}
