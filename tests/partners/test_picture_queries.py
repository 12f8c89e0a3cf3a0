"""Who sees which picture, and what of it: one predicate for one, for many and for counting."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chassis import projection
from chassis.aggregate import Denied, Invalid, NotFound, Refused
from chassis.calendar import local_date
from chassis.database import now
from partners.projections.picture import heard, queries
from partners.projections.picture.registers import Registers, Slot, fold
from partners.projections.picture.shapes import State
from partners.projections.picture.tables import PROJECTED, caught_up, rows
from partners.projections.picture.view import compose
from partners.projections.picture.viewers import for_practitioner
from tests.partners.histories import CASEWORK, PROGRAMME, REFERRAL, TOGETHER, case_of, person_of, streams
from tests.partners.people import (
    CLINICIAN,
    COORDINATOR,
    GUARDIAN,
    MANAGER,
    OTHER_PRACTITIONER,
    OTHER_WORKER,
    PRACTITIONER,
    WORKER,
    asks,
)
from tests.partners.story import REFERENCES, Story

if TYPE_CHECKING:
    from chassis.access import Actor
    from chassis.work import Works
    from partners.projections.picture.shapes import Picture

MIGRATIONS = "partners.migrations"


async def hear(works: Works[Any], *stories: Story) -> None:
    async with works.database.transaction() as conn:
        await projection.write(conn, [row for story in stories for row in story.rows])


async def get(works: Works[Any], actor: Actor, case: UUID) -> Picture:
    picture, _ = await works.ask(queries.get_picture, asks(actor), case_id=case)
    return picture


async def seen(works: Works[Any], actor: Actor, **given_: Any) -> queries.Listed:
    return await works.ask(queries.list_pictures, asks(actor), **given_)


async def refusal(works: Works[Any], actor: Actor, case: UUID) -> Refused:
    with pytest.raises(Refused) as refused:
        await get(works, actor, case)
    return refused.value


async def today(works: Works[Any]) -> datetime:
    async with works.database.connection() as conn:
        return await now(conn)


@pytest.mark.parametrize("actor", [MANAGER, CLINICIAN, GUARDIAN, WORKER], ids=lambda actor: actor.role)
async def test_the_house_and_his_worker_see_the_whole_picture(actor: Actor, works: Works[Any]) -> None:
    story = Story().opened().with_practitioner().of_work(heard.tried)
    await hear(works, story)

    assert await get(works, actor, story.case) == story.picture


async def test_his_practitioner_sees_the_summary(works: Works[Any]) -> None:
    story = Story().opened().with_practitioner().of_work(heard.tried)
    agreed = {"purpose": "PARTICIPATE", "programme_id": PROGRAMME, "agreed": True, "review_on": "2027-01-01"}
    story.of_person(heard.consent, **agreed, replaces="")
    await hear(works, story)

    summary = await get(works, PRACTITIONER, story.case)

    assert story.picture.taking_part is not None
    assert summary == for_practitioner(story.picture)
    assert summary.taking_part is None


@pytest.mark.parametrize("actor", [OTHER_WORKER, OTHER_PRACTITIONER], ids=lambda actor: actor.role)
async def test_to_others_he_does_not_exist(actor: Actor, works: Works[Any]) -> None:
    story = Story().opened().with_practitioner()
    await hear(works, story)

    hidden, missing = await refusal(works, actor, story.case), await refusal(works, actor, case_of(99))

    assert isinstance(hidden, NotFound)
    assert (hidden.kind, hidden.reason, hidden.sentence) == (missing.kind, missing.reason, missing.sentence)
    listed = await seen(works, actor)
    assert (listed.pictures, listed.counts) == ((), ())


async def test_hidden_and_missing_leave_the_same_audit_entry(works: Works[Any]) -> None:
    story = Story().opened()
    await hear(works, story)

    await refusal(works, OTHER_WORKER, story.case)
    await refusal(works, OTHER_WORKER, case_of(99))

    async with works.database.connection() as conn:
        hidden, missing = await conn.fetch(
            "select actor_ref, actor_role, organisation, purpose, action, record, outcome from audit"
        )
    assert hidden == missing
    assert hidden["outcome"] == "refused:not_found"


async def test_a_role_without_the_view_is_denied(works: Works[Any]) -> None:
    assert isinstance(await refusal(works, COORDINATOR, case_of(0)), Denied)


async def test_a_new_worker_sees_him_and_the_former_does_not(works: Works[Any]) -> None:
    story = Story().opened().of_work(heard.worker, ref=OTHER_WORKER.id, role="EW")
    await hear(works, story)

    assert (await get(works, OTHER_WORKER, story.case)).worker == story.picture.worker
    assert isinstance(await refusal(works, WORKER, story.case), NotFound)


async def test_while_a_worker_is_only_proposed_he_is_nobodys(works: Works[Any]) -> None:
    story = Story().opened().of_work(heard.allocation_ended)
    story.of_work(heard.allocation_waits, due_at=story.at)
    await hear(works, story)

    assert isinstance(await refusal(works, WORKER, story.case), NotFound)


@pytest.mark.parametrize(("days", "visible"), [(27, True), (29, False)])
@pytest.mark.parametrize("end", [heard.closed, heard.allocation_ended])
async def test_a_worker_sees_him_until_28_days_after_the_end(
    works: Works[Any], days: int, visible: bool, end: Any
) -> None:
    story = Story().opened()
    story.at = await today(works) - timedelta(days=days, hours=1)
    await hear(works, story.of_work(end))

    listed = await seen(works, WORKER)

    assert [picture.case_id for picture in listed.pictures] == ([story.case] if visible else [])


@pytest.mark.parametrize(
    ("first", "last", "visible"), [(0, 0, True), (-3, 3, True), (-3, None, True), (1, 3, False), (-3, -1, False)]
)
@pytest.mark.parametrize(
    ("fact", "actor"), [(heard.worker_cover, OTHER_WORKER), (heard.practitioner_cover, OTHER_PRACTITIONER)]
)
async def test_cover_sees_him_on_its_days(
    works: Works[Any], *, first: int, last: int | None, visible: bool, fact: Any, actor: Actor
) -> None:
    day = local_date(await today(works))
    ends_on = "" if last is None else (day + timedelta(days=last)).isoformat()
    dated = {"ref": actor.id, "starts_on": (day + timedelta(days=first)).isoformat(), "ends_on": ends_on}
    story = Story().opened().with_practitioner()
    if fact is heard.worker_cover:
        story.of_work(fact, role="EW", **dated)
    else:
        story.tell(fact, **dated)
    await hear(works, story)

    assert bool((await seen(works, actor)).pictures) == visible


@pytest.mark.parametrize(
    ("kind", "entries", "visible"),
    [
        ("DENY", ["staff-sm-1"], False),
        ("DENY", ["together"], False),
        ("DENY", ["staff-sm-2"], True),
        ("DENY", [], True),
        ("ALLOW", ["staff-sm-1"], True),
        ("ALLOW", ["together"], True),
        ("ALLOW", ["staff-sm-2"], False),
    ],
)
async def test_access_lists_bound_everybody(works: Works[Any], kind: str, entries: list[str], visible: bool) -> None:
    story, other = Story().opened(), Story(1, REFERENCES[1]).submitted()
    story.of_person(heard.access_list, kind=kind, entries=entries, version=1)
    await hear(works, story, other)

    listed = await seen(works, MANAGER)

    assert {picture.case_id for picture in listed.pictures} == {other.case, *([story.case] if visible else [])}
    assert sum(cases for _, cases in listed.counts) == len(listed.pictures)
    if not visible:
        assert isinstance(await refusal(works, MANAGER, story.case), NotFound)


async def test_a_list_lifted_is_lifted(works: Works[Any]) -> None:
    story = Story().opened().of_person(heard.access_list, kind="DENY", entries=["staff-sm-1"], version=1)
    await hear(works, story)
    await hear(works, story.of_person(heard.access_list, kind="DENY", entries=[], version=2))

    assert (await get(works, MANAGER, story.case)).case_id == story.case


async def test_while_facts_of_the_person_are_parked_nobody_reads(works: Works[Any]) -> None:
    story, other = Story().opened(), Story(1, REFERENCES[1]).submitted()
    await hear(works, story, other)
    async with works.database.transaction() as conn:
        await conn.execute(
            "insert into parked (grp, topic, key, type, headers, reason, sentence, parked_at)"
            " values ('picture', $1, $2, 't', '[]', 'gap', '', house_now())",
            REFERRAL,
            str(story.person),
        )

    assert isinstance(await refusal(works, MANAGER, story.case), NotFound)
    assert [picture.case_id for picture in (await seen(works, MANAGER)).pictures] == [other.case]


@pytest.mark.parametrize("typed", ["7KQ2-M9RJ", "7kq2m9rj", " 7KQ2 M9RJ "])
async def test_he_is_found_by_his_reference_as_people_type_it(works: Works[Any], typed: str) -> None:
    story = Story().opened()
    await hear(works, story, Story(1, REFERENCES[1]).submitted())

    picture, _ = await works.ask(queries.get_picture, asks(MANAGER), case_reference=typed)

    assert picture.case_id == story.case


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("7KQ2-MR9J", "INVALID_CHECK_CHARACTER"),
        ("7KQ0-M9RJ", "INVALID_FORMAT"),
        ("7KQ2-M9R", "INVALID_FORMAT"),
        ("", "INVALID_FORMAT"),
    ],
)
async def test_a_reference_is_refused_rather_than_guessed(works: Works[Any], typed: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        await works.ask(queries.get_picture, asks(MANAGER), case_reference=typed)

    assert [(fault.path, fault.code) for fault in refused.value.fields] == [("case_reference", code)]


async def test_every_read_stands_in_the_audit(works: Works[Any]) -> None:
    story, other = Story().opened(), Story(1, REFERENCES[1]).submitted()
    await hear(works, story, other)

    await get(works, MANAGER, story.case)
    await seen(works, MANAGER)

    async with works.database.connection() as conn:
        entries = await conn.fetch("select action, record, outcome from audit where record <> '' order by id")
    assert [tuple(entry) for entry in entries] == [
        ("picture.get", str(story.case), "read"),
        ("picture.list", str(other.case), "read"),
        ("picture.list", str(story.case), "read"),
    ]


async def test_pages_follow_one_another_newest_first(works: Works[Any]) -> None:
    stories = [Story(n, REFERENCES[n]).submitted() for n in range(3)]
    await hear(works, *stories)

    first = await seen(works, MANAGER, most=2)
    second = await seen(works, MANAGER, most=2, after=first.pictures[-1].case_id)

    assert [picture.case_id for picture in first.pictures] == [stories[2].case, stories[1].case]
    assert [picture.case_id for picture in second.pictures] == [stories[0].case]
    assert (first.more, second.more) == (True, False)


async def test_states_narrow_the_list_and_not_the_counts(works: Works[Any]) -> None:
    await hear(works, Story().opened(), Story(1, REFERENCES[1]).submitted(), Story(2, REFERENCES[2]).submitted())

    listed = await seen(works, MANAGER, states=[State.OPENED])

    assert [picture.state for picture in listed.pictures] == [State.OPENED]
    assert dict(listed.counts) == {"OPENED": 1, "SUBMITTED": 2}


async def test_a_quiet_source_is_not_a_stale_one(works: Works[Any]) -> None:
    story = Story().submitted()
    await hear(works, story)
    moment = await today(works)
    async with works.database.transaction() as conn:
        for at in (moment, moment - timedelta(hours=1)):
            await caught_up(conn, REFERRAL, at)
            await caught_up(conn, CASEWORK, at)

    _, sources = await works.ask(queries.get_picture, asks(MANAGER), case_id=story.case)

    assert sources == (
        queries.Source(service="referral", last_heard_at=story.at, fresh_as_of=moment),
        queries.Source(service="casework", last_heard_at=None, fresh_as_of=moment),
    )


def organisations(held: Registers) -> dict[str, str]:
    """Whose house each other node is, as heard."""
    known = [slots[Slot.NODE].value for slots in held.values() if Slot.NODE in slots]
    return {str(each["node_id"]): str(each["org_id"]) for each in known}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_what_is_listed_and_counted_is_what_is_composed(data: st.DataObject, works: Works[Any]) -> None:
    facts = [fact for stream in data.draw(streams()) for fact in stream if fact.function is not heard.access_list]
    async with works.database.transaction() as conn:
        for table in PROJECTED:
            await conn.execute(f"delete from {projection.live(table)}")
        await projection.write(conn, [row for fact in facts for row in rows(fact.told, fact.registers())])
    held = fold(fact.registers() for fact in facts)
    moment, ids = await today(works), sorted([*map(case_of, range(4)), person_of(6)], reverse=True)
    here = replace(TOGETHER, organisations=organisations(held))
    composed = [picture for id_ in ids if (picture := compose(held, id_, house=here, at=moment))]

    listed = await seen(works, MANAGER)

    assert list(listed.pictures) == composed
    for state in State:
        alike = [picture for picture in composed if picture.state is state]
        assert dict(listed.counts).get(state, 0) == len(alike)
        assert list((await seen(works, MANAGER, states=[state])).pictures) == alike
