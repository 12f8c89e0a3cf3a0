"""A batch, stream by stream: each effect once, in order; one message that fails stops its own key and no other."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
import pytest_asyncio

from chassis.bus import Place
from chassis.inbox import Inbox
from chassis.streams import FAULTS
from chassis.streams.applying import Overtaken
from tests.chassis.hearing_toy import (
    POISON,
    RAISES,
    accepted,
    drafted,
    effects,
    hearing_works,
    hears,
    ids,
    rows,
    withdrawn,
)
from tests.chassis.toy import ThingWork, begin
from tests.support.kafka import Raw, told
from throughcare.referral.v1.events_pb2 import ReferralAccepted

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from chassis.database import Database
    from chassis.hearing import Heard
    from chassis.work import Work

TOPIC = "together.referral.v1"


class Lying:
    """A record that lies on the bus."""

    def __init__(self, raw: Raw, offset: int, topic: str = TOPIC) -> None:
        self.topic, self.partition, self.offset = topic, 0, offset
        self.key, self.value, self.headers = raw.key, raw.value, raw.headers


class Nowhere:
    """A membership of no group: seeking and telling are remembered."""

    def __init__(self) -> None:
        self.sought: list[tuple[Place, int]] = []
        self.told: dict[Place, int] = {}

    def seek(self, place: Place, offset: int) -> None:
        self.sought.append((place, offset))

    async def tell(self, offsets: dict[Place, int]) -> None:
        self.told |= offsets


@pytest_asyncio.fixture
async def inbox(database: Database, tmp_path) -> Inbox:
    toy = await hearing_works(database, tmp_path)
    found = Inbox(toy, None, hears())  # type: ignore[arg-type]  # no bus: batches are handed in by hand
    found.offsets.cluster = "cluster-1"
    async with database.transaction() as conn:
        await found.offsets.begin(conn, {Place(TOPIC, 0): 0})
        await found.offsets.read(conn)
    return found


@pytest.fixture
def hear(inbox: Inbox) -> Callable[..., Awaitable[Nowhere]]:
    async def hear(*raws: Raw, topic: str = TOPIC) -> Nowhere:
        first = inbox.offsets.expected[Place(TOPIC, 0)]
        nowhere = Nowhere()
        await inbox.hear(nowhere, [Lying(raw, first + n, topic) for n, raw in enumerate(raws)])  # type: ignore[arg-type]
        return nowhere

    return hear


async def parked(database: Database) -> list[tuple[str, int | None, str]]:
    found = await rows(database, "select key, sequence, reason from parked order by key, sequence nulls first, nth")
    return [tuple(row) for row in found]  # type: ignore[misc]


async def test_each_message_has_its_effect_once_and_in_order(inbox, hear, database) -> None:
    one, two = ids(2)

    batch = [told(drafted(), n, case=case) for n in (1, 2, 3) for case in (one, two)]
    await hear(*batch)
    await hear(*batch, told(drafted(), 4, case=one))

    assert await effects(database) == {str(one): [1, 2, 3, 4], str(two): [1, 2, 3]}
    assert [tuple(row) for row in await rows(database, "select key, seq from seen order by key")] == [
        (str(one), 4),
        (str(two), 3),
    ]
    assert inbox.offsets.expected[Place(TOPIC, 0)] == 13


async def test_offsets_move_with_the_effects_and_kafka_is_told_afterwards(inbox, hear, database) -> None:
    nowhere = await hear(told(drafted(), 1, case=ids(1)[0]))

    assert await rows(database, "select next from consumer_offset") == [(1,)]
    assert nowhere.told == {}  # nobody waits for the broker to have heard it

    await inbox.tell(nowhere)

    assert nowhere.told == {Place(TOPIC, 0): 1}


async def test_a_zombie_is_refused_by_the_fence_and_changes_nothing(inbox, hear, database) -> None:
    one = ids(1)[0]
    records = [told(drafted(), 1, case=one), told(drafted(), 2, case=one)]
    async with database.transaction() as conn:
        await conn.execute("update consumer_offset set next = 7")  # another member has been here

    nowhere = await hear(*records)

    assert await effects(database) == {}
    assert await rows(database, "select 1 from watermark") == []
    assert nowhere.sought == [(Place(TOPIC, 0), 7)]
    assert inbox.offsets.expected[Place(TOPIC, 0)] == 7


async def test_a_batch_beyond_the_expected_offset_is_accepted_only_when_the_broker_says_it_twice(
    inbox, database
) -> None:
    nowhere, one = Nowhere(), ids(1)[0]
    beyond = [Lying(told(drafted(), 1, case=one), 5)]

    await inbox.hear(nowhere, beyond)
    first = await effects(database)
    await inbox.hear(nowhere, beyond)

    assert first == {}
    assert nowhere.sought == [(Place(TOPIC, 0), 0)]
    assert await effects(database) == {str(one): [1]}
    assert await rows(database, "select next from consumer_offset") == [(6,)]


async def test_records_fetched_before_a_seek_are_not_taken_for_the_next_ones(inbox, hear, database) -> None:
    one = ids(1)[0]
    await hear(told(drafted(), 1, case=one), told(drafted(), 2, case=one))
    nowhere = Nowhere()

    await inbox.hear(nowhere, [Lying(told(drafted(), 1, case=one), 0)])

    assert nowhere.sought == [(Place(TOPIC, 0), 2)]
    assert await effects(database) == {str(one): [1, 2]}


@pytest.mark.parametrize("programme", [POISON, RAISES])
async def test_a_message_that_fails_parks_its_key_and_all_others_flow(programme, hear, database) -> None:
    bad, good = ids(2)

    await hear(
        told(drafted(), 1, case=bad),
        told(drafted(programme), 2, case=bad),
        told(drafted(), 1, case=good),
        told(drafted(), 3, case=bad),
        told(drafted(), 2, case=good),
    )
    await hear(told(drafted(), 4, case=bad), told(drafted(), 3, case=good))

    assert await effects(database) == {str(bad): [1], str(good): [1, 2, 3]}
    reason = "programme_unknown" if programme == POISON else "fault"
    assert await parked(database) == [(str(bad), 2, reason), (str(bad), 3, "behind"), (str(bad), 4, "behind")]


async def test_what_a_person_reads_of_a_failure_is_the_refusals_sentence_and_never_a_foreign_text(
    hear, database
) -> None:
    one, two = ids(2)

    await hear(told(drafted(POISON), 1, case=one), told(drafted(RAISES), 1, case=two))

    refused, raised = [row["sentence"] for row in await rows(database, "select sentence from parked order by key")]
    assert refused == "Register the programme, then try again."
    assert "RuntimeError" in raised
    assert "Example Street" not in raised


async def test_a_race_is_ignored_and_audited_and_what_is_remembered_stands(hear, database) -> None:
    one = ids(1)[0]

    await hear(told(drafted(), 1, case=one), told(withdrawn(), 2, case=one), told(drafted(), 3, case=one))

    assert await effects(database) == {str(one): [1, 3]}
    assert await parked(database) == []
    assert [row["outcome"] for row in await rows(database, "select outcome from audit")] == ["ignored:raced"]
    assert await rows(database, "select state, seq from seen") == [("ReferralDrafted", 3)]


async def test_a_race_in_a_batch_that_has_to_go_one_by_one_is_ignored_all_the_same(hear, database) -> None:
    one, two = ids(2)

    await hear(told(withdrawn(), 1, case=one), told(drafted(RAISES), 1, case=two))

    assert [row["outcome"] for row in await rows(database, "select outcome from audit")] == ["ignored:raced"]
    assert await rows(database, "select key, state from seen") == [(str(one), "ReferralWithdrawn")]


async def test_a_message_after_a_gap_is_held_and_a_key_met_in_the_middle_is_too(hear, database) -> None:
    one, two = ids(2)

    await hear(told(drafted(), 1, case=one), told(drafted(), 3, case=one), told(drafted(), 5, case=two))

    assert await effects(database) == {str(one): [1]}
    assert await parked(database) == [(str(one), 3, "gap"), (str(two), 5, "gap")]


async def test_a_parked_message_that_is_heard_again_is_parked_once(hear, database) -> None:
    one = ids(1)[0]
    records = [told(drafted(POISON), 1, case=one), told(drafted(), 2, case=one)]

    await hear(*records)
    await hear(*records)

    assert await parked(database) == [(str(one), 1, "programme_unknown"), (str(one), 2, "behind")]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda raw: Raw(raw.key, raw.value, [("ce_id", None), ("x", b"\xff\xfe")]), "headers_not_text"),
        (lambda raw: Raw(raw.key, raw.value, [*raw.headers, ("other", b"\xff\xfe")]), "headers_not_text"),
        (lambda raw: Raw(raw.key, raw.value, [*raw.headers, ("other", b"a\0b")]), "headers_not_text"),
        (lambda raw: Raw(raw.key, raw.value, []), "header_missing:ce_id"),
        (lambda raw: Raw(raw.key, b"\xff\xff\xff", raw.headers), "undecodable"),
        (lambda raw: Raw(raw.key, raw.value + b"\0" * 300_000, raw.headers), "too_large"),
        (lambda raw: Raw(str(uuid4()).encode(), raw.value, raw.headers), "wrong_key"),
        (lambda raw: Raw(b"\xfe\xff", raw.value, raw.headers), "wrong_key"),
        (lambda raw: Raw(b"a\0b", raw.value, raw.headers), "wrong_key"),
        (lambda raw: Raw(None, raw.value, raw.headers), "wrong_key"),
    ],
)
async def test_what_cannot_be_read_parks_under_the_raw_key_and_all_others_flow(change, reason, hear, database) -> None:
    bad, good = ids(2)
    raw = change(told(drafted(), 1, case=bad))

    await hear(told(drafted(), 1, case=good), raw, told(drafted(), 2, case=good))

    (row,) = await rows(database, "select raw_key, value, reason from parked")
    assert tuple(row) == (raw.key, raw.value, reason)
    assert await effects(database) == {str(good): [1, 2]}


async def test_a_header_without_a_value_and_a_header_with_a_zero_in_its_name_do_not_disturb(hear, database) -> None:
    one, two = ids(2)
    odd = told(drafted(), 1, case=one)
    poison = told(drafted(POISON), 1, case=two)

    await hear(
        Raw(odd.key, odd.value, [*odd.headers, ("empty", None), ("no\0name", b"x")]),
        Raw(poison.key, poison.value, [*poison.headers, ("empty", None), ("no\0name", b"x")]),
    )

    assert await effects(database) == {str(one): [1]}
    assert await parked(database) == [(str(two), 1, "programme_unknown")]


async def test_a_tombstone_is_a_message_with_an_empty_body(hear, database) -> None:
    one = ids(1)[0]
    raw = told(drafted(), 1, case=one)

    await hear(Raw(raw.key, None, raw.headers))

    assert await effects(database) == {str(one): [1]}


async def test_a_message_of_another_house_or_another_topic_has_no_effect(hear, database) -> None:
    one, two = ids(2)

    await hear(told(drafted(), 1, case=one, node="elsewhere"))
    await hear(told(drafted(), 1, case=two), topic="together.casework.v1")

    assert await effects(database) == {}
    assert {reason for _, _, reason in await parked(database)} <= {"foreign_source", "wrong_key"}


async def test_a_later_major_version_waits_for_an_upgrade_and_an_unknown_type_is_passed(hear, database) -> None:
    one, two = ids(2)

    await hear(
        told(drafted(), 1, case=one, type="throughcare.referral.v2.ReferralDrafted", schema_version=2),
        told(drafted(), 1, case=two, type="throughcare.referral.v1.ReferralSung"),
        told(accepted(), 2, case=two),
        told(drafted(), 3, case=two),
    )

    assert await parked(database) == [(str(one), 1, "needs-upgrade")]
    assert await effects(database) == {str(two): [3]}


async def test_an_infrastructure_fault_parks_nothing_and_the_batch_comes_again(inbox, hear, database) -> None:
    one = ids(1)[0]
    raw = told(drafted(), 1, case=one)
    async with database.connection() as conn:
        await conn.execute("alter table effect rename to effect_away")
        await conn.execute(
            "create function effect_fails() returns trigger language plpgsql as"
            " $$ begin raise exception using errcode = '55P03', message = 'lock not available'; end $$"
        )
        await conn.execute("create view effect as select * from effect_away")
        await conn.execute(
            "create trigger fails instead of insert on effect for each row execute function effect_fails()"
        )

    nowhere = await hear(raw)
    async with database.connection() as conn:
        await conn.execute("drop view effect")
        await conn.execute("alter table effect_away rename to effect")
    await hear(raw)

    assert nowhere.sought == [(Place(TOPIC, 0), 0)]
    assert await parked(database) == []
    assert await effects(database) == {str(one): [1]}


async def test_two_that_apply_the_same_stream_at_once_have_its_effect_once(inbox, database) -> None:
    one = ids(1)[0]
    from chassis.streams import recorded

    item = recorded(TOPIC, str(one), told(drafted(), 1, case=one).headers, b"")
    both_read = asyncio.Barrier(2)
    real = inbox.streams.states

    async def states(*arguments: Any) -> Any:
        found = await real(*arguments)
        await both_read.wait()
        return found

    inbox.streams.states = states

    async def apply() -> None:
        async with inbox.works.batch() as work:
            await inbox.streams.together(work, [item])

    outcomes = await asyncio.gather(apply(), apply(), return_exceptions=True)

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["NoneType", "Overtaken"]
    assert issubclass(Overtaken, FAULTS)
    assert await effects(database) == {str(one): [1]}


async def test_a_batch_that_leads_to_commands_that_tell_is_applied_together(inbox, hear, database, monkeypatch) -> None:
    """Marks, rows, journal and promises go in one statement: a batch falls apart for what cannot be handled alone."""

    @inbox.hears.command(ReferralAccepted)
    async def begun(work: ThingWork, heard: Heard[Any]) -> None:
        await begin.inside(work)

    async def one_by_one(work: Work, items: Sequence[Any]) -> None:
        raise AssertionError("the batch fell apart")

    monkeypatch.setattr(inbox.streams, "one_by_one", one_by_one)

    await hear(*(told(accepted(), n, case=case) for case in ids(3) for n in (1, 2)))

    assert len(await rows(database, "select 1 from journal")) == 6
    assert len(await rows(database, "select 1 from watermark")) == 3


async def test_a_batch_of_a_thousand_takes_few_statements(inbox, hear, database, monkeypatch) -> None:
    """The same on every machine: what a thousand messages cost does not grow with their number."""
    counted: list[str] = []
    inbox.hears.subscriptions[:] = [each for each in inbox.hears.subscriptions if each.projects]
    inbox.hears._of = {kind: tuple(each for each in found if each.projects) for kind, found in inbox.hears._of.items()}
    records = [told(drafted(), n, case=case) for case in ids(200) for n in range(1, 6)]
    async with database.pool.acquire() as conn:
        held = conn._con  # the one connection of this pool that is open
        held.add_query_logger(lambda record: counted.append(record.query))
    monkeypatch.setattr(database.pool, "_maxsize", 1)

    await hear(*records)

    assert len(counted) <= 5, counted
    assert len(await rows(database, "select 1 from seen")) == 200
