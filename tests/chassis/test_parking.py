"""Messages that wait: tried again in order, then by a person; dropped by two people, never skipped."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
import pytest_asyncio

from chassis import parking
from chassis.aggregate import NotFound, Unmet
from chassis.bus import Place
from chassis.database import now, wind
from chassis.envelope import registry
from chassis.inbox import Inbox
from chassis.streams import retry
from tests.chassis.hearing_toy import POISON, Kept, drafted, effects, hearing_works, hears, ids, rows
from tests.chassis.test_streams import TOPIC, Lying, Nowhere
from tests.support.kafka import Raw, told
from throughcare.referral.v1.events_pb2 import ReferralDrafted

if TYPE_CHECKING:
    from chassis.database import Database


class Group:
    """One group whose batches are handed in by hand."""

    def __init__(self, inbox: Inbox, database: Database) -> None:
        self.inbox, self.database = inbox, database
        self.source: Kept | None = None

    async def hear(self, *raws: Raw) -> None:
        first = self.inbox.offsets.expected[Place(TOPIC, 0)]
        await self.inbox.hear(Nowhere(), [Lying(raw, first + n) for n, raw in enumerate(raws)])  # type: ignore[arg-type]

    async def tries(self) -> int:
        """Try whatever is due; how often something was."""
        count = 0
        while await retry(self.inbox.streams, self.inbox.works, self.source):
            count += 1
            assert count < 50, "it is tried without end"
        return count

    async def wind(self, **ahead: float) -> None:
        async with self.database.transaction() as conn:
            await wind(conn, timedelta(**ahead))

    async def cure(self, key: object) -> None:
        async with self.database.transaction() as conn:
            await conn.execute("insert into cure values ($1)", str(key))

    async def waiting(self) -> list[tuple[int | None, str, int]]:
        found = await rows(self.database, "select sequence, reason, attempts from parked order by sequence nulls first")
        return [tuple(row) for row in found]  # type: ignore[misc]

    async def drop(self, nth: int, by: str, reason: str = "It was told in error.") -> bool:
        async with self.database.transaction() as conn:
            return await parking.drop(conn, nth, by=by, reason=reason, at=await now(conn))


@pytest_asyncio.fixture
async def group(database: Database, tmp_path: Any) -> Group:
    inbox = Inbox(await hearing_works(database, tmp_path), None, hears())  # type: ignore[arg-type]
    async with database.transaction() as conn:
        await inbox.offsets.begin(conn, {Place(TOPIC, 0): 0})
        await inbox.offsets.read(conn)
    return Group(inbox, database)


ONE, TWO = ids(2)


async def test_after_the_cause_is_gone_all_that_waited_goes_in_order(group) -> None:
    await group.hear(told(drafted(POISON), 1, case=ONE), *(told(drafted(), n, case=ONE) for n in (2, 3, 4)))
    await group.cure(ONE)

    await group.wind(seconds=2)
    await group.tries()

    assert await effects(group.database) == {str(ONE): [1, 2, 3, 4]}
    assert await group.waiting() == []
    await group.hear(told(drafted(), 5, case=ONE))
    assert (await effects(group.database))[str(ONE)] == [1, 2, 3, 4, 5]


async def test_a_stream_is_tried_at_1_s_10_s_1_min_10_min_and_1_h_and_then_waits_for_a_person(group) -> None:
    await group.hear(told(drafted(POISON), 1, case=ONE), told(drafted(), 2, case=ONE))

    for pause in (1, 10, 60, 600, 3600):
        await group.wind(seconds=pause * 0.9)
        early = await group.tries()
        await group.wind(seconds=pause * 0.2)
        assert (early, await group.tries()) == (0, 1), pause

    await group.wind(days=30)
    assert await group.tries() == 0
    assert await group.waiting() == [(1, "programme_unknown", 5), (2, "behind", 0)]


async def test_a_person_may_try_again_from_the_oldest(group) -> None:
    await group.hear(told(drafted(POISON), 1, case=ONE), told(drafted(), 2, case=ONE))
    await group.wind(days=2)
    for _ in range(5):
        await group.tries()
        await group.wind(days=1)
    await group.cure(ONE)
    behind = (await rows(group.database, "select max(nth) as nth from parked"))[0]["nth"]

    async with group.database.transaction() as conn:
        await parking.retry(conn, behind, at=await now(conn))
    await group.tries()

    assert await effects(group.database) == {str(ONE): [1, 2]}


async def test_what_still_fails_stops_only_what_is_behind_it(group) -> None:
    await group.hear(
        told(drafted(POISON), 1, case=ONE), told(drafted(), 2, case=ONE), told(drafted("raises"), 3, case=ONE),
        told(drafted(), 4, case=ONE),
    )  # fmt: skip
    await group.cure(ONE)

    await group.wind(seconds=2)
    await group.tries()

    assert await effects(group.database) == {str(ONE): [1, 2]}
    assert await group.waiting() == [(3, "fault", 0), (4, "behind", 0)]


async def test_a_gap_is_filled_from_the_source_and_all_go_in_order(group) -> None:
    stream = [told(drafted(), n, case=ONE) for n in range(1, 7)]
    group.source = Kept(TOPIC, stream)

    await group.hear(stream[0], stream[3], stream[5])
    await group.wind(seconds=2)
    await group.tries()
    await group.wind(seconds=2)
    await group.tries()

    assert await effects(group.database) == {str(ONE): [1, 2, 3, 4, 5, 6]}
    assert await group.waiting() == []


async def test_a_missing_message_that_fails_is_itself_what_waits(group) -> None:
    stream = [told(drafted(), 1, case=ONE), told(drafted(POISON), 2, case=ONE), told(drafted(), 3, case=ONE)]
    group.source = Kept(TOPIC, stream)

    await group.hear(stream[0], stream[2])
    await group.wind(seconds=2)
    await group.tries()

    assert await effects(group.database) == {str(ONE): [1]}
    assert await group.waiting() == [(2, "programme_unknown", 0), (3, "gap", 0)]
    await group.cure(ONE)
    await group.wind(seconds=11)
    await group.tries()
    assert await effects(group.database) == {str(ONE): [1, 2, 3]}


async def test_a_gap_whose_source_is_away_is_kept_and_costs_no_try(group) -> None:
    class Away(Kept):
        async def read(self, *_: Any, **__: Any) -> Any:
            raise ConnectionError
            yield

    group.source = Away(TOPIC, [])
    await group.hear(told(drafted(), 2, case=ONE))
    await group.wind(seconds=2)

    with pytest.raises(ConnectionError):
        await group.tries()

    assert await group.waiting() == [(2, "gap", 0)]


async def test_what_was_parked_at_the_moment_of_a_release_is_not_forgotten(group) -> None:
    """A batch saw its stream blocked, and committed after the release: nobody stands before its message any more."""
    await group.hear(told(drafted(), 1, case=ONE))
    async with group.database.transaction() as conn:
        waiting = parking.Parking(
            topic=TOPIC, key=str(ONE), raw_key=b"", sequence=2, type="", reason=parking.BEHIND, sentence="",
            headers=[[n, None if v is None else __import__("base64").b64encode(v).decode()]
                     for n, v in told(drafted(), 2, case=ONE).headers],
            value=b"",
        )  # fmt: skip
        await parking.park(conn, group.inbox.group, [waiting], at=await now(conn))
    assert await group.tries() == 0

    async with group.database.transaction() as conn:
        await parking.lead(conn, group.inbox.group, at=await now(conn))
    await group.tries()

    assert await effects(group.database) == {str(ONE): [1, 2]}


async def test_an_upgraded_node_reads_at_its_start_what_an_older_one_could_not(group, monkeypatch) -> None:
    newer = "throughcare.referral.v2.ReferralDrafted"
    await group.hear(told(drafted(), 1, case=ONE, type=newer, schema_version=2), told(drafted(), 2, case=ONE))
    await group.wind(days=1)
    before = await group.tries()

    monkeypatch.setitem(registry(), newer, ReferralDrafted)
    async with group.database.transaction() as conn:
        await parking.drive(conn, group.inbox.group, parking.NEEDS_UPGRADE, at=await now(conn))
    await group.tries()

    assert before == 0
    assert await effects(group.database) == {str(ONE): [1, 2]}


async def test_a_message_is_dropped_by_two_people_with_a_reason_and_the_rest_goes_on(group) -> None:
    await group.hear(told(drafted(POISON), 1, case=ONE), told(drafted(), 2, case=ONE))
    nth = (await rows(group.database, "select min(nth) as nth from parked"))[0]["nth"]

    with pytest.raises(Unmet, match="reason_required"):
        await group.drop(nth, "staff-sm-1", reason=" ")
    proposed = await group.drop(nth, "staff-sm-1")
    with pytest.raises(Unmet, match="second_person_required"):
        await group.drop(nth, "staff-sm-1")
    assert await effects(group.database) == {}
    dropped = await group.drop(nth, "staff-sm-2")
    await group.tries()

    assert (proposed, dropped) == (False, True)
    assert await effects(group.database) == {str(ONE): [2]}
    (kept,) = await rows(group.database, "select * from parked_dropped")
    assert (kept["proposed_by"], kept["confirmed_by"], kept["because"]) == (
        "staff-sm-1", "staff-sm-2", "It was told in error.",
    )  # fmt: skip
    with pytest.raises(asyncpg.RaiseError):
        await rows(group.database, "delete from parked_dropped")


async def test_only_the_oldest_of_a_key_may_be_dropped(group) -> None:
    await group.hear(told(drafted(POISON), 1, case=ONE), told(drafted(), 2, case=ONE))
    nth = (await rows(group.database, "select max(nth) as nth from parked"))[0]["nth"]

    with pytest.raises(Unmet, match="not_the_oldest"):
        await group.drop(nth, "staff-sm-1")
    with pytest.raises(NotFound):
        await group.drop(nth + 1000, "staff-sm-1")


async def test_after_an_unreadable_message_is_dropped_the_true_one_comes_from_the_source(group) -> None:
    stream = [told(drafted(), n, case=ONE) for n in (1, 2, 3)]
    group.source = Kept(TOPIC, stream)
    await group.hear(stream[0], Raw(stream[1].key, stream[1].value, []), stream[2])
    nth = (await rows(group.database, "select nth from parked where sequence is null"))[0]["nth"]

    await group.drop(nth, "staff-sm-1")
    await group.drop(nth, "staff-sm-2")
    for _ in range(3):
        await group.wind(seconds=2)
        await group.tries()

    assert await effects(group.database) == {str(ONE): [1, 2, 3]}


async def test_while_a_key_waits_the_work_is_told_that_nothing_told_of_it_counts(group) -> None:
    await group.hear(told(drafted(POISON), 1, case=ONE), told(drafted(), 1, case=TWO))

    async with group.inbox.works.batch() as work:
        assert await work.blocked("referral", ONE)
        assert not await work.blocked("referral", TWO)


async def test_two_members_that_retry_at_once_have_each_effect_once(group) -> None:
    import asyncio

    await group.hear(*(told(drafted(POISON), 1, case=case) for case in ids(8)))
    await group.hear(*(told(drafted(), 2, case=case) for case in ids(8)))
    for case in ids(8):
        await group.cure(case)
    await group.wind(seconds=2)

    async def all_due() -> None:
        from chassis.streams import FAULTS

        for _ in range(40):
            try:
                if not await retry(group.inbox.streams, group.inbox.works, None):
                    return
            except FAULTS:
                continue

    await asyncio.gather(*(all_due() for _ in range(3)))

    assert await effects(group.database) == {str(case): [1, 2] for case in ids(8)}
