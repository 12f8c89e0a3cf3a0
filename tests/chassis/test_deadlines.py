"""Due promises lead to their command once; calls to the outside are claimed, made and recorded, never repeated."""

from __future__ import annotations

import asyncio
import random
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio

from chassis import telemetry
from chassis.aggregate import Event, Unmet
from chassis.database import wind
from chassis.deadlines import DeadlineLoop, OutsideLoop
from chassis.promises import Deadlines, Drop, Keep, Make, Move
from tests.chassis.toy import Begun, begin, calling, works
from tests.support.postgres import eventually

DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Reminded(Event):
    """The due command's own fact."""


@pytest_asyncio.fixture
async def toy(database, tmp_path):
    """The toy service with a table of deadlines of the test's own: L1 is due a day after the beginning."""
    made = await works(database, tmp_path)
    made.deadlines = Deadlines()
    made.deadlines.on(Begun)(lambda fact: [Make("L1", due_at=fact.at + DAY, detail={"rung": 1})])
    return made


@asynccontextmanager
async def running(loop):
    task = asyncio.create_task(loop.run())
    try:
        yield loop
    finally:
        task.cancel()
        await asyncio.wait([task])


async def rows(toy, sql, *arguments):
    async with toy.database.connection() as conn:
        return await conn.fetch(sql, *arguments)


async def a_day_passes(toy, days=1):
    async with toy.database.connection() as conn:
        await wind(conn, days * DAY)


async def promise_of(toy):
    [row] = await rows(toy, "select * from promises")
    return row


def on_due(toy, *, tells=None, changes=(), raises=None):
    """What L1 leads to: remembers the promises, tells a fact, or raises."""
    fired = []
    if tells:
        toy.deadlines.on(tells)(lambda _: list(changes))

    @toy.deadlines.due("L1")
    async def due(work, promise):
        fired.append(promise)
        if raises:
            raise raises
        if tells:
            thing = await work.things.get(promise.aggregate_id)
            await work.things.put(thing.telling(tells(at=work.now)))

    return fired


async def test_a_promise_that_falls_due_leads_to_its_command_and_stands_as_missed(toy):
    fired = on_due(toy, tells=Reminded)
    thing = await toy.do(begin, calling())
    loop = DeadlineLoop(toy)

    assert await loop.fire() is False
    await a_day_passes(toy)
    assert await loop.fire() is True
    assert await loop.fire() is False

    [promise] = fired
    assert (promise.code, str(promise.aggregate_id), promise.detail) == ("L1", thing["id"], {"rung": 1})
    assert (await promise_of(toy))["missed_at"] is not None
    [fact] = await rows(toy, "select * from journal where fact_type = 'Reminded'")
    assert fact["actor_role"] == "SYSTEM"


@pytest.mark.parametrize(
    ("change", "open_", "kept"),
    [(Keep("L1"), False, True), (Move("L1", None), True, False), (Make("L1", None), True, False)],
)
async def test_a_due_command_may_keep_the_promise_or_give_it_a_new_time(toy, change, open_, kept):
    later = []
    on_due(toy, tells=Reminded, changes=later)
    await toy.do(begin, calling())
    await a_day_passes(toy)
    due_at = (await promise_of(toy))["due_at"] + 2 * DAY
    later.append(change if kept else type(change)("L1", due_at=due_at))

    assert await DeadlineLoop(toy).fire() is True

    promise = await promise_of(toy)
    assert promise["missed_at"] is None
    assert (promise["kept_at"] is not None) is kept
    assert (promise["kept_at"] is None and promise["due_at"] == due_at) is open_


@pytest.mark.parametrize("seed", range(8))
async def test_many_changes_in_one_work_come_to_the_same_as_one_by_one(toy, seed):
    """Whatever is made, moved, kept and dropped in whatever order: what is folded or sent together changes nothing."""
    dice = random.Random(seed)
    for _ in range(12):
        at_once, in_turn = uuid4(), uuid4()
        async with toy.batch() as work:
            drawn = [a_change(dice, work.now) for _ in range(dice.randint(1, 9))]
            for change in drawn:
                work.change(change, aggregate_type="thing", aggregate_id=at_once)
            await work.flush()
            for change in drawn:
                work.change(change, aggregate_type="thing", aggregate_id=in_turn)
                await work.flush()

        kept = "select code, due_at, made_at, kept_at, detail from promises where aggregate_id = $1 order by 1, 2, 4"
        assert await rows(toy, kept, at_once) == await rows(toy, kept, in_turn), drawn


def a_change(dice, now):
    code, due_at = dice.choice("AB"), now + dice.randint(1, 9) * DAY
    return dice.choice([Make(code, due_at, {"n": dice.randint(1, 9)}), Move(code, due_at), Keep(code), Drop(code)])


async def test_a_due_command_may_drop_the_promise(toy):
    on_due(toy, tells=Reminded, changes=[Drop("L1")])
    await toy.do(begin, calling())
    await a_day_passes(toy)

    assert await DeadlineLoop(toy).fire() is True
    assert await rows(toy, "select * from promises") == []


async def test_two_replicas_fire_each_promise_once(toy):
    fired = on_due(toy, tells=Reminded)
    for _ in range(12):
        await toy.do(begin, calling())
    await a_day_passes(toy)
    one, other = DeadlineLoop(toy), DeadlineLoop(toy)

    async def drain(loop):
        while await loop.fire():
            pass

    await asyncio.gather(drain(one), drain(other))
    await drain(one)

    assert len(fired) == len({promise.id for promise in fired}) == 12
    assert len(await rows(toy, "select * from promises where missed_at is not null")) == 12


async def test_a_refusal_is_audited_and_the_promise_is_missed_all_the_same(toy):
    on_due(toy, raises=Unmet("ended_meanwhile", "It has ended."))
    await toy.do(begin, calling())
    await a_day_passes(toy)

    assert await DeadlineLoop(toy).fire() is True

    assert (await promise_of(toy))["missed_at"] is not None
    [entry] = await rows(toy, "select * from audit where action = 'deadline.L1'")
    assert entry["outcome"] == "ignored:ended_meanwhile"


@pytest.mark.logs_errors("A due promise cannot be dealt with")
async def test_one_promise_that_cannot_be_dealt_with_holds_no_other(toy):
    dealt = []

    @toy.deadlines.due("L1")
    async def due(work, promise):
        await work.conn.execute("insert into received values ($1, '', '', null, now())", promise.id)
        if promise.detail["rung"] == 1 and not dealt:
            await work.conn.execute("select 1/0")
        dealt.append(promise.id)

    first = await toy.do(begin, calling())
    toy.deadlines.on(Begun)(lambda fact: [Make("L1", due_at=fact.at + DAY, detail={"rung": 2})])
    await toy.do(begin, calling())
    await a_day_passes(toy, 2)
    loop = DeadlineLoop(toy)

    assert await loop.fire() is True
    assert await loop.fire() is True
    assert await loop.fire() is False  # the first rests
    [still] = await rows(toy, "select * from promises where missed_at is null")
    assert str(still["aggregate_id"]) == first["id"]
    assert len(await rows(toy, "select 1 from received where key = $1", still["id"])) == 0

    await asyncio.sleep(1.05)
    assert await loop.fire() is True
    assert len(await rows(toy, "select * from promises where missed_at is not null")) == 2


async def test_the_loop_notices_a_wound_clock_and_a_nudge(toy):
    fired = on_due(toy, tells=Reminded)
    await toy.do(begin, calling())
    async with running(DeadlineLoop(toy)) as loop:
        await asyncio.sleep(0.1)
        await a_day_passes(toy)
        loop.nudge()
        await eventually(lambda: _true(fired), within=0.8)

        await toy.do(begin, calling())
        await a_day_passes(toy)
        await eventually(lambda: _true(len(fired) == 2), within=5)  # nobody nudges: the poll


async def _true(value):
    return bool(value)


async def test_a_database_that_is_away_stops_nothing_for_good(toy, monkeypatch):
    fired = on_due(toy, tells=Reminded)
    await toy.do(begin, calling())
    await a_day_passes(toy)
    loop, claim, failures = DeadlineLoop(toy), DeadlineLoop.fire, iter([OSError("away")] * 3)

    async def failing():
        for failure in failures:
            raise failure
        return await claim(loop)

    monkeypatch.setattr(loop, "fire", failing)
    async with running(loop):
        await eventually(lambda: _true(fired), within=5)


async def test_a_service_without_due_commands_has_no_loop(toy):
    async with asyncio.timeout(1):
        await DeadlineLoop(toy).run()


class Letters:
    """Something outside: a table of letters, taken by setting `keeper`, sent by `call`."""

    name = "letters"

    def __init__(self, answers=None):
        self.sent, self.answers, self.in_transaction = [], answers or {}, []

    async def claim(self, work):
        taken = await work.conn.fetch(
            "update thing set keeper = 'taken' where id in"
            " (select id from thing where keeper = '' limit 10 for update skip locked) returning id"
        )
        return [row["id"] for row in taken]

    async def call(self, item):
        self.sent.append(item)
        answer = self.answers.get(len(self.sent), "delivered")
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def record(self, work, item, outcome):
        await work.conn.execute("update thing set keeper = $2 where id = $1", item, outcome)


async def keepers(toy):
    return sorted(row["keeper"] for row in await rows(toy, "select keeper from thing"))


async def test_what_is_claimed_is_called_once_and_recorded(toy):
    letters = Letters({2: "bounced"})
    for _ in range(3):
        await toy.do(begin, calling())
    async with running(OutsideLoop(toy, letters)):
        await eventually(lambda: _recorded(toy), within=5)

    assert len(letters.sent) == len(set(letters.sent)) == 3
    assert await keepers(toy) == ["bounced", "delivered", "delivered"]


async def _recorded(toy):
    return "taken" not in (found := await keepers(toy)) and "" not in found


@pytest.mark.logs_errors("A call to the outside failed")
async def test_a_call_that_dies_leaves_its_claim_and_is_not_repeated_by_itself(toy):
    letters = Letters({1: RuntimeError("half sent")})
    await toy.do(begin, calling())
    await toy.do(begin, calling())
    loop = OutsideLoop(toy, letters)

    assert await loop.turn() == 2
    assert await loop.turn() == 0
    assert len(letters.sent) == 2
    assert await keepers(toy) == ["delivered", "taken"]


async def test_no_transaction_is_open_while_the_outside_is_called(toy):
    class Watching(Letters):
        async def call(self, item):
            state = "select count(*) from pg_stat_activity where datname = current_database() and state like 'idle in%'"
            [row] = await rows(toy, state)
            self.in_transaction.append(row["count"])
            return await super().call(item)

    await toy.do(begin, calling())
    letters = Watching()
    await OutsideLoop(toy, letters).turn()

    assert letters.in_transaction == [0]


async def test_what_has_been_done_is_recorded_though_the_database_was_away(toy):
    class Away(Letters):
        failures = 2

        async def record(self, work, item, outcome):
            if self.failures:
                self.failures -= 1
                raise asyncpg.ConnectionDoesNotExistError("away")
            await super().record(work, item, outcome)

    await toy.do(begin, calling())
    letters = Away()
    await OutsideLoop(toy, letters).turn()

    assert len(letters.sent) == 1
    assert await keepers(toy) == ["delivered"]


@pytest.mark.logs_errors("A call to the outside failed")
async def test_a_call_that_never_ends_is_given_up(toy):
    class Hanging(Letters):
        async def call(self, item):
            await asyncio.sleep(60)

    await toy.do(begin, calling())
    await OutsideLoop(toy, Hanging(), call_timeout=0.05).turn()

    assert await keepers(toy) == ["taken"]


async def test_a_deadline_is_part_of_a_trace_and_counted(toy):
    on_due(toy, tells=Reminded)
    await toy.do(begin, calling())
    await a_day_passes(toy)

    with telemetry.collected() as spans:
        await DeadlineLoop(toy).fire()

    [span] = [each for each in spans.get_finished_spans() if each.name == "deadline L1"]
    [fact] = await rows(toy, "select traceparent from journal where fact_type = 'Reminded'")
    assert fact["traceparent"][3:35] == f"{span.context.trace_id:032x}"
    assert b'throughcare_promises_missed_total{code="L1"' in telemetry.exposition()
