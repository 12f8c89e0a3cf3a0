"""Whom a partner's reference means here: linked by a person, and taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from chassis.access import Role
from chassis.aggregate import Denied, Invalid, NotFound, Unmet
from partners.commands import links as commands
from partners.domain.link import SubjectLink
from partners.queries import handoffs
from partners.queries import links as queries
from tests.partners.handoff_houses import TRUST, Pair, a_pair, told
from tests.partners.people import asks
from throughcare.partners.v1 import events_pb2 as house_messages

if TYPE_CHECKING:
    from tests.partners.houses import House

TOPIC = f"{TRUST}.partners.v1"


@pytest.fixture
async def pair(two_houses: tuple[House, House]) -> Pair:
    return await a_pair(*two_houses)


async def the_link(house: House, **given: Any) -> SubjectLink:
    fitting = {"status": None, "person_id": None} | given
    (found,) = await house.works.ask(queries.get_subject_links, asks(house.manager), **fitting)
    link: SubjectLink = found
    return link


async def link(house: House, held: SubjectLink, person_id: UUID, **given: Any) -> Any:
    fitting = {"link_id": held.id, "person_id": person_id, "expected": held.version} | given
    return await house.do(commands.link_subject, house.manager, **fitting)


async def test_a_reference_is_new_then_linked_then_taken_back(pair: Pair) -> None:
    await pair.received()
    known = uuid4()
    await pair.theirs.a_case(known)
    held = await the_link(pair.theirs, status="NEW")
    assert held.person_id == held.minted_id

    await link(pair.theirs, held, known)
    linked = await the_link(pair.theirs, person_id=known)
    await pair.theirs.do(commands.unlink_subject, pair.theirs.manager, link_id=held.id, expected=linked.version)

    assert (linked.status, linked.person_id) == ("LINKED", known)
    back = await the_link(pair.theirs)
    assert (back.status, back.person_id) == ("UNLINKED", held.minted_id)
    (confirmed,) = await told(pair.theirs, TOPIC, house_messages.SubjectLinkConfirmed)
    (undone,) = await told(pair.theirs, TOPIC, house_messages.SubjectLinkUndone)
    assert (confirmed.sender_node, confirmed.subject_ref) == ("together", held.subject_ref)
    assert confirmed.previous_person_id == undone.person_id == str(held.minted_id)
    keys = {
        row["key"]
        for row in await pair.theirs.rows("select key from journal where fact_type in ('Confirmed', 'Undone')")
    }
    assert keys == {str(known)}


async def test_it_is_linked_once_and_to_somebody_known(pair: Pair) -> None:
    await pair.received()
    held = await the_link(pair.theirs)
    with pytest.raises(Invalid):
        await link(pair.theirs, held, uuid4())
    with pytest.raises(Invalid):
        await link(pair.theirs, held, held.minted_id)
    known = uuid4()
    await pair.theirs.a_case(known)
    await link(pair.theirs, held, known)

    with pytest.raises(Unmet, match="invalid_transition"):
        await link(pair.theirs, held, known, expected=None)


async def test_the_lists_of_whom_it_means_keep_the_handoff_from_view(pair: Pair) -> None:
    handoff_id = await pair.received()
    known = uuid4()
    await pair.theirs.a_case(known)
    worker = pair.theirs.staff(Role.CP)
    await pair.theirs.lists(known, "DENY", worker.id)
    await pair.theirs.works.ask(handoffs.get_handoff, asks(worker), handoff_id=handoff_id)

    await link(pair.theirs, await the_link(pair.theirs), known)

    with pytest.raises(NotFound):
        await pair.theirs.works.ask(handoffs.get_handoff, asks(worker), handoff_id=handoff_id)


async def test_links_are_for_those_who_may_link(pair: Pair) -> None:
    await pair.received()
    held = await the_link(pair.theirs)
    guest = pair.theirs.staff(Role.PW, "women-in-prison")

    with pytest.raises(Denied):
        await pair.theirs.works.ask(
            queries.get_subject_links, asks(pair.theirs.staff(Role.EW)), status=None, person_id=None
        )
    assert await pair.theirs.works.ask(queries.get_subject_links, asks(guest), status=None, person_id=None) == ()
    with pytest.raises(NotFound):
        await pair.theirs.do(commands.link_subject, guest, link_id=held.id, person_id=uuid4(), expected=held.version)
