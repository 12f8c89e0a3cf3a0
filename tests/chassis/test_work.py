"""One unit of work: once, whole or not at all, seen only by those who may."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from chassis import audit
from chassis.access import Role
from chassis.aggregate import Conflict, Denied, NotFound, Refused, Unmet
from chassis.database import Together
from chassis.envelope import unpack_headers
from chassis.sealed import KeyGone, Keys
from tests.chassis.toy import Ended, Quiet, begin, calling, end, listed, peek, works

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from chassis.database import Database
    from chassis.work import Works


@pytest_asyncio.fixture
async def toy(database: Database, tmp_path: Path) -> Works:
    return await works(database, tmp_path)


async def rows(toy: Works, sql: str, *arguments: object) -> Sequence:
    async with toy.database.connection() as conn:
        return await conn.fetch(sql, *arguments)


async def test_a_command_writes_row_journal_promise_and_audit_together(toy: Works) -> None:
    answer = await toy.do(begin, calling(), note="he asked for help with housing")

    (journal,) = await rows(toy, "select * from journal")
    (promise,) = await rows(toy, "select * from promises")
    (entry,) = await rows(toy, "select * from audit")
    (pending,) = await rows(toy, "select * from pending")
    assert (journal["topic"], journal["key"], journal["sequence"]) == (
        "together.referral.v1",
        answer["case"],
        1,
    )
    assert journal["aggregate_id"] == UUID(answer["id"]) == promise["aggregate_id"]
    assert journal["version"] == 1
    assert pending["position"] == journal["position"]
    assert (entry["action"], entry["outcome"], entry["record"]) == ("thing.begin", "done", answer["id"])


async def test_the_same_key_twice_has_one_effect_and_the_same_answer(toy: Works) -> None:
    call = calling(key=uuid4())

    first, second = await toy.do(begin, call), await toy.do(begin, call)

    assert first == second
    assert len(await rows(toy, "select 1 from journal")) == 1


async def test_a_reading_is_made_anew_whatever_its_key_and_entered_as_one(toy: Works) -> None:
    made = await toy.do(begin, calling())
    call = calling(key=uuid4())

    first = await toy.do(peek, call, id=UUID(made["id"]))
    await toy.do(end, calling(), id=UUID(made["id"]))
    second = await toy.do(peek, call, id=UUID(made["id"]))

    assert (first, second) == ("OPEN", "ENDED")
    entries = await rows(toy, "select outcome from audit where action = 'thing.peek'")
    assert [entry["outcome"] for entry in entries] == ["read", "read"]
    assert await rows(toy, "select 1 from received where key = $1", call.key) == []


async def test_what_lets_nothing_be_read_says_so_in_the_entry(toy: Works) -> None:
    made = await toy.do(begin, calling())

    assert await toy.do(peek, calling(), id=UUID(made["id"]), whatever=False) == ""

    (entry,) = await rows(toy, "select outcome from audit where action = 'thing.peek'")
    assert entry["outcome"] == "refused:not_found"


async def test_the_same_key_at_the_same_time_has_one_effect(toy: Works) -> None:
    call = calling(key=uuid4())

    answers = await asyncio.gather(*(toy.do(begin, call) for _ in range(4)))

    assert all(answer == answers[0] for answer in answers)
    assert len(await rows(toy, "select 1 from thing")) == 1


async def test_the_same_key_with_another_body_is_refused_and_audited(toy: Works) -> None:
    key = uuid4()
    await toy.do(begin, calling(key=key, body=b"one"))

    with pytest.raises(Unmet, match="idempotency_mismatch"):
        await toy.do(begin, calling(key=key, body=b"other"))

    assert len(await rows(toy, "select 1 from thing")) == 1
    assert len(await rows(toy, "select 1 from audit where outcome = 'refused:idempotency_mismatch'")) == 1


async def test_a_refusal_leaves_one_audit_entry_and_nothing_else(toy: Works) -> None:
    thing = await toy.do(begin, calling())
    await toy.do(end, calling(), id=UUID(thing["id"]))
    before = [
        await rows(toy, f"select * from {table}") for table in ("thing", "journal", "promises", "pending", "received")
    ]

    with pytest.raises(Unmet, match="invalid_transition"):
        await toy.do(end, calling(), id=UUID(thing["id"]))

    after = [
        await rows(toy, f"select * from {table}") for table in ("thing", "journal", "promises", "pending", "received")
    ]
    assert after == before
    assert len(await rows(toy, "select 1 from audit where outcome = 'refused:invalid_transition'")) == 1


async def test_a_refusal_that_cannot_be_audited_is_no_refusal_and_leaves_nothing(
    toy: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the process dies in between: the caller has no answer, and the same key finds everything as it was."""
    key = uuid4()

    async def away(*_: object) -> None:
        raise ConnectionResetError

    with monkeypatch.context() as patched:
        patched.setattr(audit, "append", away)
        with pytest.raises(ConnectionResetError):
            await toy.do(end, calling(key=key), id=uuid4())

    assert await rows(toy, "select 1 from received") == await rows(toy, "select 1 from audit") == []
    with pytest.raises(NotFound):
        await toy.do(end, calling(key=key), id=uuid4())
    assert len(await rows(toy, "select 1 from audit where outcome = 'refused:not_found'")) == 1


@pytest.mark.parametrize(("how", "most"), [("new", 4), ("changed", 5), ("refused", 5), ("again", 4), ("read", 5)])
async def test_a_command_takes_few_round_trips(toy: Works, how: str, most: int) -> None:
    """The same on every machine: begin, the key with the clock, what is read, all that is written, commit."""
    thing, key = await toy.do(begin, calling()), uuid4()
    await toy.do(begin, calling(key=key))
    sent: list[str] = []
    async with toy.database.connection() as conn:
        conn.add_query_logger(lambda record: sent.append(record.query))
    given = {
        "new": lambda: toy.do(begin, calling(), note="a note"),
        "changed": lambda: toy.do(end, calling(), id=UUID(thing["id"])),
        "refused": lambda: toy.do(end, calling(), id=uuid4()),
        "again": lambda: toy.do(begin, calling(key=key)),
        "read": lambda: toy.ask(listed, calling()),
    }

    with suppress(NotFound):
        await given[how]()

    assert 0 < len(sent) <= most, sent


async def test_a_refused_key_may_be_tried_again_when_the_cause_is_mended(toy: Works) -> None:
    thing, key = await toy.do(begin, calling()), uuid4()
    with pytest.raises(Conflict):
        await toy.do(end, calling(key=key), id=UUID(thing["id"]), expected=7)

    assert await toy.do(end, calling(key=key), id=UUID(thing["id"]), expected=1) == 2


async def test_a_role_without_a_grant_is_denied_and_audited(toy: Works) -> None:
    with pytest.raises(Denied):
        await toy.do(begin, calling(Role.PP, id="pp-1"))

    assert len(await rows(toy, "select 1 from audit where outcome = 'refused:not_permitted'")) == 1


async def test_another_workers_record_looks_like_a_missing_one(toy: Works) -> None:
    thing = await toy.do(begin, calling(), keeper="staff-ew-1")

    with pytest.raises(NotFound) as hidden:
        await toy.do(end, calling(Role.EW, id="staff-ew-2"), id=UUID(thing["id"]))
    with pytest.raises(NotFound) as missing:
        await toy.do(end, calling(Role.EW, id="staff-ew-2"), id=uuid4())

    assert str(hidden.value) == str(missing.value)
    assert hidden.value.sentence == missing.value.sentence
    assert await toy.do(end, calling(Role.EW, id="staff-ew-1"), id=UUID(thing["id"])) == 2


@pytest.mark.parametrize(
    ("list_", "entries", "seen"),
    [("DENY", ["staff-sm-1"], False), ("DENY", ["together"], False), ("DENY", ["staff-sm-2"], True),
     ("ALLOW", ["staff-sm-2"], False), ("ALLOW", ["staff-sm-1"], True), ("ALLOW", [], True)],
)  # fmt: skip
async def test_access_lists_bound_single_reads_and_lists_alike(toy: Works, list_, entries, seen) -> None:
    thing = await toy.do(begin, calling())
    await rows(toy, "insert into access_list values ($1, $2, $3, 1, 1)", UUID(thing["person"]), list_, entries)

    assert (await toy.ask(listed, calling()) == [thing["id"]]) is seen
    if not seen:
        with pytest.raises(NotFound):
            await toy.do(end, calling(), id=UUID(thing["id"]))


async def test_a_read_is_audited_before_the_answer(toy: Works) -> None:
    await toy.ask(listed, calling())

    (entry,) = await rows(toy, "select * from audit")
    assert (entry["action"], entry["outcome"]) == ("thing.list", "read")


async def test_personal_fields_are_sealed_in_row_and_journal(toy: Works) -> None:
    answer = await toy.do(begin, calling(), crn="X123456", note="canary-in-the-note")

    stored = repr(await rows(toy, "select * from thing")) + repr(await rows(toy, "select * from journal"))
    assert "canary" not in stored
    assert "X123456" not in stored
    assert await toy.ask(listed, calling(), crn="X123456") == [answer["id"]]
    assert await toy.ask(listed, calling(), crn="X999999") == []


async def test_without_the_persons_key_nothing_sealed_can_be_read(toy: Works) -> None:
    answer = await toy.do(begin, calling(), note="canary")
    await rows(toy, "delete from keys.person_key where person_id = $1", UUID(answer["person"]))
    toy.ring.known.clear()

    with pytest.raises(KeyGone):
        await toy.ask(listed, calling())


async def test_a_key_made_in_a_work_that_failed_is_not_used_later(toy: Works) -> None:
    person = uuid4()
    async with toy.database.connection() as conn:
        work_keys = Keys(toy.ring)
        transaction = conn.transaction()
        await transaction.start()
        await work_keys.make(conn, [person])
        await transaction.rollback()

    assert person not in toy.ring.known


async def test_a_key_made_for_a_command_that_was_refused_at_its_end_is_not_used_later(toy: Works) -> None:
    await toy.do(begin, calling(), crn="X123456")
    person = uuid4()
    with pytest.raises(Conflict):
        await toy.do(begin, calling(), crn="X123456", person=str(person))

    answer = await toy.do(begin, calling(), crn="X654321", person=str(person))

    toy.ring.known.clear()
    assert answer["id"] in await toy.ask(listed, calling())


async def test_a_key_made_after_a_mark_is_forgotten_when_that_is_undone(toy: Works) -> None:
    person = str(uuid4())
    async with toy.batch() as work:
        mark = await work.mark()
        await begin.inside(work, person=person)
        await work.flush()
        await work.undo(mark)
        await begin.inside(work, person=person)
        await work.flush()

    toy.ring.known.clear()
    assert len(await toy.ask(listed, calling())) == 1


async def test_a_work_has_its_keys_to_the_end_though_others_empty_the_ring(toy: Works) -> None:
    thing = await toy.do(begin, calling(), note="a note")
    async with toy.batch() as work:
        held = await work.things.get(UUID(thing["id"]))
        toy.ring.known.clear()
        await work.things.put(held.telling(Quiet(at=work.now)))
        await work.flush()

    assert await toy.ask(listed, calling()) == [thing["id"]]


async def test_two_who_change_the_same_record_do_not_overwrite_each_other(toy: Works) -> None:
    thing = await toy.do(begin, calling())

    outcomes = await asyncio.gather(
        *(toy.do(end, calling(), id=UUID(thing["id"]), expected=1) for _ in range(4)), return_exceptions=True
    )

    assert sorted(type(outcome).__name__ for outcome in outcomes).count("int") == 1
    assert all(isinstance(outcome, int | Refused) for outcome in outcomes)
    assert [row["version"] for row in await rows(toy, "select version from thing")] == [2]


async def test_sequences_positions_and_commits_agree_under_concurrent_writers(toy: Works) -> None:
    person = str(uuid4())
    things = [await toy.do(begin, calling(), person=person) for _ in range(6)]

    await asyncio.gather(*(toy.do(end, calling(), id=UUID(thing["id"])) for thing in things))

    told = await rows(toy, "select key, sequence, position from journal order by position")
    streams: dict[str, list[int]] = {}
    for row in told:
        streams.setdefault(row["key"], []).append(row["sequence"])
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in streams.values())


async def test_every_line_of_a_work_has_the_next_number_of_its_stream_in_row_and_headers(toy: Works) -> None:
    first, second = await toy.do(begin, calling()), await toy.do(begin, calling())
    async with toy.batch() as work:
        for thing in (second, first):
            held = await work.things.get(UUID(thing["id"]))
            await work.things.put(held.telling(Quiet(at=work.now), Ended(note="", at=work.now), Quiet(at=work.now)))
        await begin.inside(work)
        await work.flush()

    told = await rows(toy, "select * from journal order by position")

    assert [row["fact_type"] for row in told] == ["Begun", "Begun", *["Quiet", "Ended", "Quiet"] * 2, "Begun"]
    assert [row["sequence"] for row in told] == [1, 1, None, 2, None, None, 2, None, 1]
    assert [row["position"] for row in await rows(toy, "select position from pending order by 1")] == [
        row["position"] for row in told if row["topic"]
    ]
    for row in told:
        headers = unpack_headers(row["headers"]) if row["headers"] else []
        assert dict(headers).get("ce_streamsequence") == (b"%d" % row["sequence"] if row["topic"] else None)


async def test_what_a_flush_writes_comes_back_in_the_order_given(toy: Works) -> None:
    together = Together()
    for _ in range(3):
        together.add("insert into pending (position, shard) select nextval('journal_position'), $1 returning 1", 0)
    together.add("select $1::int from pending", 1, must=(0, AssertionError))  # none sees what another has written
    async with toy.database.transaction() as conn:
        await together.run(conn)

    assert [row["position"] for row in await rows(toy, "select position from pending")] == [1, 2, 3]


async def test_a_mark_can_be_undone_with_everything_buffered_since(toy: Works) -> None:
    async with toy.batch() as work:
        kept = await begin.inside(work)
        mark = await work.mark()
        await begin.inside(work)
        await work.undo(mark)
        await work.flush()

    assert [str(row["id"]) for row in await rows(toy, "select id from thing")] == [kept["id"]]
    assert len(await rows(toy, "select 1 from journal")) == 1


async def test_find_sees_what_this_work_has_put(toy: Works) -> None:
    async with toy.batch() as work:
        made = await begin.inside(work)
        assert [str(thing.id) for thing in await work.things.find(status="OPEN")] == [made["id"]]

        await end.inside(work, id=UUID(made["id"]))

        assert await work.things.find(status="OPEN") == []
        assert [thing.version for thing in await work.things.find(status="ENDED")] == [2]


async def test_a_promise_is_made_and_kept_in_the_works_that_say_so(toy: Works) -> None:
    thing = await toy.do(begin, calling())
    assert [row["kept_at"] for row in await rows(toy, "select kept_at from promises")] == [None]

    await toy.do(end, calling(), id=UUID(thing["id"]))

    assert [row["kept_at"] is None for row in await rows(toy, "select kept_at from promises")] == [False]


async def test_an_effect_is_had_once(toy: Works) -> None:
    key = uuid4()
    async with toy.batch() as work:
        assert await work.first_time(key, "letter")
        assert not await work.first_time(key, "letter")
