"""The picture across houses as questions answer it: who takes part in what, one man under two ids, how fresh."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from chassis import projection
from chassis.access import Actor, Purpose, Role
from chassis.aggregate import NotFound
from partners.projections.picture import handoffs, heard, queries
from partners.projections.picture.registers import Told
from partners.projections.picture.shapes import State
from partners.projections.picture.tables import caught_up, rows
from tests.partners.histories import PARTNERS, REFERRAL, START, case_of, handoff_of
from tests.partners.people import MANAGER, PRACTITIONER, asks
from tests.partners.story import REFERENCES, Story
from tests.partners.test_picture_across import DUE, Arrived, accepted, needing, shared

if TYPE_CHECKING:
    from chassis.work import Works
    from partners.projections.picture.shapes import Picture

MIGRATIONS = "partners.migrations"
PENROSE = Actor(id="staff-pw-7", role=Role.PW, organisation="sig-penrose", purpose=Purpose.HANDOFF)
WOMEN = Actor(id="staff-pw-8", role=Role.PW, organisation="women-in-prison", purpose=Purpose.HANDOFF)
AT_HOME = Actor(id="staff-pw-1", role=Role.PW, organisation="together", purpose=Purpose.HANDOFF)


async def hear(works: Works[Any], *stories: Story) -> None:
    async with works.database.transaction() as conn:
        await projection.write(conn, [row for story in stories for row in story.rows])


async def of_node(works: Works[Any], fact: Any, node: int = 1, *, version: int = 1, **given: Any) -> None:
    """A fact of another house."""
    at = START + timedelta(days=version)
    told = Told(
        topic=PARTNERS, key=str(case_of(node)), seq=version, at=at, recorded_at=at, aggregate_id=case_of(node),
        version=version,
    )  # fmt: skip
    async with works.database.transaction() as conn:
        await projection.write(conn, list(rows(told, fact(told, **given))))


async def penrose_is_registered(works: Works[Any]) -> None:
    await of_node(works, handoffs.node_registered, node_id="penrose-house", org_id="sig-penrose")


async def get(works: Works[Any], actor: Actor, case: UUID) -> Picture:
    picture, _ = await works.ask(queries.get_picture, asks(actor), case_id=case)
    return picture


async def listed(works: Works[Any], actor: Actor, **given: Any) -> queries.Listed:
    return await works.ask(queries.list_pictures, asks(actor), **given)


async def test_the_house_sees_who_does_what_by_organisation(works: Works[Any]) -> None:
    story = shared()
    await penrose_is_registered(works)
    await hear(works, story, Story(1, REFERENCES[1]).opened())

    seen = await get(works, MANAGER, story.case)

    assert {d.org_id for d in seen.deliveries or ()} == {"together", "sig-penrose"}
    assert {h.org_id: h.state for h in seen.handoffs or ()} == {
        "sig-penrose": "ACCEPTED",
        "north-london-nhs": "ON_HOLD",
    }
    assert [gap.aspect for gap in seen.gaps or ()] == ["FAMILY"]


async def test_another_house_that_is_not_registered_goes_by_its_own_name(works: Works[Any]) -> None:
    story = accepted()
    await hear(works, story)

    assert {h.org_id for h in (await get(works, MANAGER, story.case)).handoffs or ()} == {"penrose-house"}


async def test_a_guest_of_a_partner_sees_the_cases_his_employer_takes_part_in(works: Works[Any]) -> None:
    story, other = shared(), Story(1, REFERENCES[1]).opened()
    await penrose_is_registered(works)
    await hear(works, story, other)

    page = await listed(works, PENROSE)

    assert [picture.case_id for picture in page.pictures] == [story.case]
    assert page.counts == (("SHARED", 1),)
    assert page.pictures[0].reference == ""
    with pytest.raises(NotFound):
        await get(works, PENROSE, other.case)
    assert (await listed(works, WOMEN)).pictures == ()
    with pytest.raises(NotFound):
        await get(works, WOMEN, story.case)


async def test_what_a_guest_may_ask_by_state_says_nothing_of_the_case(works: Works[Any]) -> None:
    await penrose_is_registered(works)
    await hear(works, shared())

    assert (await listed(works, PENROSE, states=[State.OPENED])).pictures == ()
    assert len((await listed(works, PENROSE, states=[State.SHARED])).pictures) == 1


async def test_he_is_not_found_by_a_reference_that_is_not_his_to_know(works: Works[Any]) -> None:
    """He may read the case under its id; what he is answered does not hold the reference."""
    await penrose_is_registered(works)
    story = shared()
    await hear(works, story)

    assert (await get(works, PENROSE, story.case)).reference == ""


@pytest.mark.parametrize("end", ["DECLINED", "REVOKED", "EXPIRED", "FAILED", "LOOP_CLOSED"])
async def test_with_the_end_of_the_last_handoff_a_partner_sees_him_no_more(works: Works[Any], end: str) -> None:
    await penrose_is_registered(works)
    story = accepted()
    await hear(works, story)
    assert await get(works, PENROSE, story.case)

    await hear(works, story.of_handoff(handoffs.ended, state=end))

    with pytest.raises(NotFound):
        await get(works, PENROSE, story.case)


async def test_at_home_a_partners_worker_sees_whoever_was_handed_over_and_no_other_case(works: Works[Any]) -> None:
    arrived, other = Arrived(), Story(1, REFERENCES[1]).opened()
    arrived.arrived()
    await hear(works, arrived, other)

    page = await listed(works, AT_HOME)

    assert [picture.case_id for picture in page.pictures] == [arrived.person]
    assert [picture.case_id for picture in (await listed(works, MANAGER)).pictures] == [arrived.person, other.case]


async def test_lists_hide_a_man_from_partners_too(works: Works[Any]) -> None:
    await penrose_is_registered(works)
    story = shared().of_person(heard.access_list, kind="DENY", entries=["sig-penrose"], version=1)
    await hear(works, story)

    assert (await listed(works, PENROSE)).counts == ()


async def test_a_link_joins_two_pictures_and_undone_parts_them(works: Works[Any]) -> None:
    arrived, known = Arrived(), Story().opened()
    arrived.arrived()
    linking = {"person_id": str(arrived.person), "known_as": str(known.person), "record": case_of(77)}
    await hear(works, arrived, known)
    await hear(works, arrived.tell(handoffs.linked, **linking, holds=True, of_version=1))

    assert [picture.case_id for picture in (await listed(works, MANAGER)).pictures] == [known.case]
    joined = await get(works, MANAGER, known.case)
    assert [handoff.handoff_id for handoff in joined.handoffs or ()] == [handoff_of(0)]
    with pytest.raises(NotFound):
        await get(works, MANAGER, arrived.person)

    await hear(works, arrived.tell(handoffs.linked, **linking, holds=False, of_version=2))
    assert len((await listed(works, MANAGER)).pictures) == 2
    assert (await get(works, MANAGER, known.case)).handoffs == ()


async def test_after_all_was_taken_back_nobody_is_listed_or_counted(works: Works[Any]) -> None:
    arrived = Arrived()
    arrived.arrived()
    await hear(works, arrived.goes_on(handoffs.purge_confirmed))

    page = await listed(works, MANAGER)

    assert (page.pictures, page.counts) == ((), ())


async def test_his_practitioner_sees_handoffs_without_their_group(works: Works[Any]) -> None:
    story = shared().with_practitioner()
    await hear(works, story)

    seen = await get(works, PRACTITIONER, story.case)

    assert {h.state for h in seen.handoffs or ()} == {"ACCEPTED", "ON_HOLD"}
    assert {h.reason_group for h in seen.handoffs or ()} == {""}


async def test_what_is_over_is_no_next_contact(works: Works[Any]) -> None:
    story = needing(accepted())
    past = {"starts_at": START, "ends_at": START + timedelta(hours=1)}
    await hear(works, story.of_handoff(handoffs.contact_planned, aspect="FAMILY", step="REVIEW", **past))

    assert (await get(works, MANAGER, story.case)).contacts == ()


# How fresh.


async def sources(works: Works[Any]) -> dict[str, queries.Source]:
    page = await listed(works, MANAGER)
    return {source.node_id or source.service: source for source in page.sources}


async def read(works: Works[Any], topic: str, at: datetime) -> None:
    async with works.database.transaction() as conn:
        await caught_up(conn, topic, at)


async def test_another_house_was_heard_with_its_last_step_and_is_as_fresh_as_its_gate(works: Works[Any]) -> None:
    await penrose_is_registered(works)
    story = Story().opened().offered()
    story.heard_from = "penrose-house"
    of = {"kind": "REFERRAL_ON", "aspects": ["FAMILY"], **DUE}
    await hear(works, story.of_handoff(handoffs.received, **of))
    moment = START + timedelta(days=40)
    await read(works, PARTNERS, moment)

    other = (await sources(works))["penrose-house"]

    assert (other.last_heard_at, other.fresh_as_of, other.unheard_since) == (story.at, moment, None)


async def test_a_house_that_is_silent_says_since_when_and_heard_again_it_is_not(works: Works[Any]) -> None:
    await penrose_is_registered(works)
    await read(works, PARTNERS, START + timedelta(days=40))
    silent = START + timedelta(days=30)
    await of_node(works, handoffs.node_unheard, version=2, last_heard_at=silent)
    unheard = (await sources(works))["penrose-house"]
    await of_node(works, handoffs.node_resumed, version=3)
    heard_again = (await sources(works))["penrose-house"]

    assert (unheard.unheard_since, unheard.fresh_as_of) == (silent, silent)
    assert (heard_again.unheard_since, heard_again.fresh_as_of) == (None, START + timedelta(days=40))


async def test_a_service_this_house_does_not_run_is_no_source(works: Works[Any]) -> None:
    await read(works, PARTNERS, START)

    assert set(await sources(works)) == {"partners"}
    await read(works, REFERRAL, START)
    assert set(await sources(works)) == {"partners", "referral"}
