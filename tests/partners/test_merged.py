"""People who turned out to be one man: what a gate lets be known of him, in whatever order it hears."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from chassis import replay
from chassis.aggregate import NotFound, Unmet
from chassis.streams import Streams
from partners.commands import handoffs as commands
from partners.commands import links
from partners.queries import disclosures as queries
from partners.subscriptions import GATE, PICTURE
from tests.partners.handoff_houses import TRUST, Pair, a_pair, parked
from tests.partners.people import asks
from tests.partners.test_reach import shares, telling, waiting
from throughcare.casework.v1 import events_pb2 as casework
from throughcare.referral.v1 import events_pb2 as referral

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from chassis.hearing import Hears
    from chassis.streams import Item
    from tests.partners.houses import House

Houses = tuple["House", "House"]
MIGRATIONS = "partners.migrations"
MERGED, ENDED = "merged", "ended"


@pytest.fixture
async def pair(two_houses: Houses) -> Pair:
    return await a_pair(*two_houses)


async def joined(house: House, old: UUID, into: UUID, version: int = 3) -> None:
    message = referral.PersonMerged(from_person_id=str(old), to_person_id=str(into), version=version)
    await house.hears(await house.told(message, into, feed="consent"))


async def apart(house: House, old: UUID, into: UUID, version: int = 4) -> None:
    message = referral.PersonUnmerged(from_person_id=str(old), to_person_id=str(into), version=version)
    await house.hears(await house.told(message, into, feed="consent"))


async def another(pair: Pair, *categories: str) -> UUID:
    """Another record, of the same man as it turns out."""
    person_id = uuid4()
    if categories:
        await pair.ours.agrees(person_id, TRUST, *categories)
    await pair.ours.hears(await pair.ours.confirms())
    return person_id


async def resting(pair: Pair, handoff_id: UUID) -> str:
    return str((await pair.of(pair.ours, handoff_id))["status"])


@pytest.mark.parametrize("order", list(permutations((MERGED, ENDED))))
async def test_what_rests_on_an_answer_that_ends_with_a_merge_rests_in_either_order(
    pair: Pair, order: tuple[str, str]
) -> None:
    handoff_id, into = await pair.received(), await another(pair)

    for which in order:
        if which == MERGED:
            await joined(pair.ours, pair.person_id, into)
        else:
            await pair.ours.withdraws(pair.person_id, TRUST)
    await pair.exchange()

    assert await pair.states(handoff_id) == ("ON_HOLD", "ON_HOLD")
    assert await parked(pair.ours) == await parked(pair.theirs) == []
    told = await pair.theirs.rows("select consent_version, categories from leave")
    assert [(row["consent_version"], row["categories"]) for row in told] == [(2, [])]


async def test_what_was_agreed_under_both_goes_on_and_a_no_under_one_ends_both(pair: Pair) -> None:
    handoff_id = await pair.received()
    into = await another(pair, "APPOINTMENTS", "PLAN_GOALS")

    await joined(pair.ours, pair.person_id, into)
    assert await resting(pair, handoff_id) == "RECEIVED"

    await pair.ours.withdraws(into, TRUST)
    assert await resting(pair, handoff_id) == "ON_HOLD"


async def test_agreed_anew_since_it_goes_on(pair: Pair) -> None:
    handoff_id, into = await pair.received(), await another(pair)
    await joined(pair.ours, pair.person_id, into)
    await pair.ours.withdraws(pair.person_id, TRUST)
    assert await resting(pair, handoff_id) == "ON_HOLD"

    await pair.ours.agrees(into, TRUST, "APPOINTMENTS", "PLAN_GOALS")

    assert await resting(pair, handoff_id) == "RECEIVED"


@pytest.mark.parametrize("order", list(permutations((MERGED, "listed"))))
async def test_lists_of_one_record_hold_what_was_offered_of_the_other(pair: Pair, order: tuple[str, str]) -> None:
    handoff_id = await pair.received()
    into = await another(pair, "APPOINTMENTS", "PLAN_GOALS")

    for which in order:
        if which == MERGED:
            await joined(pair.ours, pair.person_id, into)
        else:
            await pair.ours.lists(into, "DENY", TRUST)

    assert await resting(pair, handoff_id) == "ON_HOLD"
    await apart(pair.ours, pair.person_id, into)
    assert await resting(pair, handoff_id) == "RECEIVED"


async def test_allow_lists_meet(pair: Pair) -> None:
    handoff_id = await pair.received()
    into = await another(pair, "APPOINTMENTS", "PLAN_GOALS")
    await pair.ours.lists(pair.person_id, "ALLOW", TRUST, "together")
    await pair.ours.lists(into, "ALLOW", "together")
    assert await resting(pair, handoff_id) == "RECEIVED"

    await joined(pair.ours, pair.person_id, into)

    assert await resting(pair, handoff_id) == "ON_HOLD"


async def test_what_waits_to_leave_goes_as_a_stub_once_the_man_does_not_agree(two_houses: Houses) -> None:
    pair = await a_pair(*two_houses)
    pair.ours.works.publications = telling()
    await shares(pair.ours, pair.person_id)
    into = await another(pair)

    await joined(pair.ours, pair.person_id, into)

    assert ("SharedStub", True) in await waiting(pair.ours)
    assert ("SharedStub", False) not in await waiting(pair.ours)


async def test_a_gate_that_has_not_applied_a_merge_lets_nothing_be_known(pair: Pair) -> None:
    into = await another(pair)
    message = referral.PersonMerged(from_person_id=str(pair.person_id), to_person_id=str(into), version=3)
    waits = await pair.ours.told(message, into, feed="consent")
    await pair.ours.wind(seconds=61)
    await pair.ours.hears(await pair.ours.confirms())

    with pytest.raises(Unmet, match="feed_stale"):
        await pair.offer()
    await pair.ours.hears(waits)
    with pytest.raises(Unmet, match="consent_missing"):
        await pair.offer()


async def test_what_is_offered_after_a_merge_is_of_the_record_he_goes_on_by(pair: Pair) -> None:
    into = await another(pair, "APPOINTMENTS", "PLAN_GOALS")
    await joined(pair.ours, pair.person_id, into)

    handoff_id = await pair.received()

    assert (await pair.of(pair.ours, handoff_id))["person_id"] == into
    reach = await pair.ours.works.ask(queries.get_consent_reach, asks(pair.ours.manager), case_id=pair.case_id)
    assert [(each.about, each.state) for each in reach.answers] == [(TRUST, "GRANTED")]


async def test_who_may_not_know_of_one_record_offers_nothing_of_the_man(pair: Pair) -> None:
    into = await another(pair, "APPOINTMENTS", "PLAN_GOALS")
    await joined(pair.ours, pair.person_id, into)
    await pair.ours.lists(pair.person_id, "DENY", pair.ours.manager.id)

    with pytest.raises(NotFound):
        await pair.offer()


async def test_taken_apart_what_rested_on_the_others_answer_rests_and_each_has_his_own_again(pair: Pair) -> None:
    of_his_own, into = await pair.received(), await another(pair, "APPOINTMENTS")
    await pair.ours.withdraws(pair.person_id, TRUST, version=2)
    assert await resting(pair, of_his_own) == "ON_HOLD"
    await joined(pair.ours, pair.person_id, into)
    assert await resting(pair, of_his_own) == "RECEIVED"

    await apart(pair.ours, pair.person_id, into)

    assert await resting(pair, of_his_own) == "ON_HOLD"
    assert await pair.ours.rows("select 1 from same_person") == []


async def test_houses_at_work_with_one_record_hear_when_the_other_is_seen(pair: Pair) -> None:
    handoff_id = await pair.received()
    await pair.they(commands.accept_handoff, handoff_id, worker="")
    await pair.exchange()
    into = await another(pair, "APPOINTMENTS", "PLAN_GOALS")
    at = await pair.ours.now()
    seen = casework.ExternalAppointmentRecorded(org_id="camden-gp", aspect_code="GP_REGISTRATION")
    seen.starts_at.FromDatetime(at.replace(year=at.year + 1))
    seen.ends_at.FromDatetime(at.replace(year=at.year + 1, hour=23))
    await pair.ours.hears(await pair.ours.told(seen, into, case_id=await pair.ours.a_case(into)))
    assert await pair.ours.rows("select 1 from busy_slot") == []

    await joined(pair.ours, pair.person_id, into)

    assert len(await pair.ours.rows("select 1 from busy_slot")) == 1


async def test_a_reference_of_another_house_is_linked_with_the_record_he_goes_on_by(pair: Pair) -> None:
    await pair.received()
    (made,) = await pair.theirs.rows("select id, minted_id from subject_link")
    known, into = uuid4(), uuid4()
    await pair.theirs.a_case(known)
    await joined(pair.theirs, known, into)

    await pair.theirs.do(links.link_subject, pair.theirs.manager, link_id=made["id"], person_id=known, expected=None)

    (link,) = await pair.theirs.rows("select person_id, status from subject_link")
    assert (link["person_id"], link["status"]) == (into, "LINKED")


async def test_nothing_leaves_that_says_there_were_two(pair: Pair) -> None:
    await pair.received()
    into = await another(pair, "APPOINTMENTS", "PLAN_GOALS")
    before = int((await pair.ours.rows("select max(position) as n from journal"))[0]["n"])

    await joined(pair.ours, pair.person_id, into)

    rows = await pair.ours.rows(
        "select headers, message from journal where topic like 'share.%' and position > $1", before
    )
    said = str([dict(row) for row in rows])
    assert str(pair.person_id) not in said
    assert str(into) not in said


class Journal:
    """The journal of the house's own referral service, as a rebuild reads it."""

    def __init__(self, items: list[Item]) -> None:
        self.items = items

    async def read(
        self, topic: str, *, key: str = "", from_sequence: int = 0, from_position: int = 0
    ) -> AsyncIterator[tuple[int, str, Any, bytes]]:
        for position, item in enumerate(self.items, 1):
            if item.topic == topic and position > from_position and key in {"", item.key}:
                yield position, item.key, list(item.headers), item.value or b""


@pytest.mark.parametrize(("hears", "schema"), [(GATE, "public"), (PICTURE, "picture")], ids=["gate", "picture"])
async def test_a_rebuild_makes_what_was_heard_live(one_house: House, hears: Hears, schema: str) -> None:
    old, first, second = (uuid4() for _ in range(3))
    facts: list[tuple[type[Any], UUID, int]] = [
        (referral.PersonMerged, second, 5),
        (referral.PersonMerged, first, 3),
        (referral.PersonUnmerged, first, 4),
    ]
    items = [
        await one_house.told(kind(from_person_id=str(old), to_person_id=str(into), version=version), into)
        for kind, into, version in facts
    ]
    async with one_house.works.batch() as work:
        await Streams(hears, f"together.{hears.group}", "together").one_by_one(work, items)

    rebuilt = await replay.rebuild(one_house.works.database, hears, Journal(items), "together")

    name = "merged_people" if schema == "public" else "picture.merged_people"
    live, again = (dict(part.split("=") for part in said.split(";")) for said in (rebuilt.live, rebuilt.rebuilt))
    assert live[name] == again[name]
    (row,) = await one_house.rows(f"select into_id, seq from {schema}.merged_people")
    assert (row["into_id"], row["seq"]) == (second, 5)


async def links_of(house: House) -> dict[str, tuple[UUID, UUID, str]]:
    rows = await house.rows("select subject_ref, minted_id, person_id, status from subject_link order by id")
    return {row["subject_ref"]: (row["minted_id"], row["person_id"], row["status"]) for row in rows}


async def names(pair: Pair, *people: UUID) -> list[str]:
    return [pair.ours.works.names.subject_ref(TRUST, each) for each in people]


async def test_a_house_that_holds_one_record_is_told_by_which_reference_he_goes(pair: Pair) -> None:
    into = await another(pair, "APPOINTMENTS", "PLAN_GOALS")
    old_ref, new_ref = await names(pair, pair.person_id, into)
    before = await pair.received()

    await joined(pair.ours, pair.person_id, into)
    await pair.exchange()
    after = await pair.received()

    held = await links_of(pair.theirs)
    assert held[old_ref][1:] == (held[new_ref][0], "LINKED")
    assert held[new_ref][2] == "NEW"
    assert [(await pair.of(pair.theirs, each))["subject_ref"] for each in (before, after)] == [old_ref, new_ref]
    told = await pair.theirs.rows("select categories from leave where subject_ref = $1", new_ref)
    assert [sorted(row["categories"]) for row in told] == [["APPOINTMENTS", "PLAN_GOALS"]]
    assert await parked(pair.theirs) == []


async def test_a_house_that_holds_neither_or_the_one_he_goes_on_by_alone_is_told_nothing(pair: Pair) -> None:
    old = await another(pair)
    await pair.received()
    before = int((await pair.ours.rows("select max(position) as n from journal"))[0]["n"])

    await joined(pair.ours, old, pair.person_id)

    told = await pair.ours.rows("select 1 from journal where topic like 'share.%' and position > $1", before)
    assert told == []


async def test_a_house_that_the_lists_keep_out_is_not_told_that_there_were_two(pair: Pair) -> None:
    await pair.received()
    into = await another(pair)
    await pair.ours.lists(into, "DENY", TRUST)

    await joined(pair.ours, pair.person_id, into)

    said = [kind for kind, _ in await waiting(pair.ours)]
    assert "SharedSubjectChanged" not in said


async def test_two_again_each_reference_means_its_own_man(pair: Pair) -> None:
    into = await another(pair, "APPOINTMENTS", "PLAN_GOALS")
    old_ref, new_ref = await names(pair, pair.person_id, into)
    await pair.received()
    await joined(pair.ours, pair.person_id, into)
    await pair.exchange()

    await apart(pair.ours, pair.person_id, into)
    await pair.exchange()

    held = await links_of(pair.theirs)
    assert held[old_ref][1:] == (held[old_ref][0], "UNLINKED")
    assert held[new_ref][1] == held[new_ref][0]


async def test_whom_a_person_has_linked_there_the_other_reference_means_too_until_they_are_two(pair: Pair) -> None:
    into = await another(pair, "APPOINTMENTS", "PLAN_GOALS")
    old_ref, new_ref = await names(pair, pair.person_id, into)
    await pair.received()
    (made,) = await pair.theirs.rows("select id from subject_link")
    theirs = uuid4()
    await pair.theirs.a_case(theirs)
    await pair.theirs.do(links.link_subject, pair.theirs.manager, link_id=made["id"], person_id=theirs, expected=None)

    await joined(pair.ours, pair.person_id, into)
    await pair.exchange()
    held = await links_of(pair.theirs)
    assert held[old_ref][1:] == held[new_ref][1:] == (theirs, "LINKED")

    await apart(pair.ours, pair.person_id, into)
    await pair.exchange()
    held = await links_of(pair.theirs)
    assert held[old_ref][1:] == (theirs, "LINKED")
    assert held[new_ref][1:] == (held[new_ref][0], "UNLINKED")


async def test_linked_there_once_it_was_told_both_references_mean_the_same_man(pair: Pair) -> None:
    into = await another(pair, "APPOINTMENTS", "PLAN_GOALS")
    old_ref, new_ref = await names(pair, pair.person_id, into)
    await pair.received()
    await joined(pair.ours, pair.person_id, into)
    await pair.exchange()
    theirs = uuid4()
    await pair.theirs.a_case(theirs)
    (made,) = await pair.theirs.rows("select id from subject_link where subject_ref = $1", new_ref)

    await pair.theirs.do(links.link_subject, pair.theirs.manager, link_id=made["id"], person_id=theirs, expected=None)

    held = await links_of(pair.theirs)
    assert held[old_ref][1] == held[new_ref][1] == theirs
    await pair.theirs.do(links.unlink_subject, pair.theirs.manager, link_id=made["id"], expected=None)
    held = await links_of(pair.theirs)
    assert held[old_ref][1] == held[new_ref][1] == held[new_ref][0]


async def test_joined_to_one_and_that_to_another_he_goes_there_by_the_last(pair: Pair) -> None:
    into, last = await another(pair, "APPOINTMENTS"), await another(pair, "APPOINTMENTS")
    old_ref, middle_ref, last_ref = await names(pair, pair.person_id, into, last)
    await pair.received()
    await joined(pair.ours, pair.person_id, into)
    await joined(pair.ours, into, last)
    await pair.exchange()

    held = await links_of(pair.theirs)
    assert held[old_ref][1] == held[middle_ref][1] == held[last_ref][0]

    await apart(pair.ours, into, last)
    await pair.exchange()
    held = await links_of(pair.theirs)
    assert held[old_ref][1] == held[middle_ref][1] == held[middle_ref][0]


@pytest.mark.parametrize("order", list(permutations((MERGED, ENDED, "again"))))
async def test_both_houses_stand_alike_whatever_came_first(pair: Pair, order: tuple[str, ...]) -> None:
    handoff_id, into = await pair.received(), await another(pair)

    for which in order:
        if which == MERGED:
            await joined(pair.ours, pair.person_id, into)
        elif which == ENDED:
            await pair.ours.withdraws(pair.person_id, TRUST)
        else:
            await pair.ours.agrees(into, TRUST, "APPOINTMENTS", "PLAN_GOALS")
        await pair.exchange()

    assert await pair.states(handoff_id) == ("RECEIVED", "RECEIVED")
    assert await parked(pair.ours) == await parked(pair.theirs) == []
