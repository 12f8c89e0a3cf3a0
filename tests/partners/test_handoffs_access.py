"""Who speaks of a handoff, who may change it, and who may know of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from chassis.access import Ground, Role
from chassis.aggregate import Conflict, Denied, NotFound, Unmet
from partners.commands import handoffs as commands
from partners.domain.handoff.codes import Reason
from partners.queries import handoffs as queries
from tests.partners.handoff_houses import (
    TRUST,
    Pair,
    a_pair,
    parked,
)
from tests.partners.people import asks

if TYPE_CHECKING:
    from tests.partners.houses import House

Houses = tuple["House", "House"]
THEIR_INBOX, OUR_INBOX = f"share.{TRUST}.in.v1", "share.together.in.v1"
ORDER = Ground(basis="COURT_ORDER", reference="order-7")
OUR_TOPIC, THEIR_TOPIC = "together.partners.v1", f"{TRUST}.partners.v1"


@pytest.fixture
async def pair(two_houses: Houses) -> Pair:
    return await a_pair(*two_houses)


# Who speaks.


@pytest.mark.parametrize("changed", ["subject_ref = 'somebody-else'", "id = gen_random_uuid()"])
async def test_a_word_of_another_man_or_of_no_handoff_of_ours_waits_for_a_person(pair: Pair, changed: str) -> None:
    handoff_id = await pair.received()
    (row,) = await pair.theirs.rows(f"update handoff set {changed} returning id")
    await pair.they(commands.waitlist_handoff, row["id"])

    await pair.exchange()

    assert await parked(pair.ours) == ["handoff_unknown"]
    assert (await pair.of(pair.ours, handoff_id))["status"] == "RECEIVED"


async def test_each_side_does_its_own(pair: Pair) -> None:
    handoff_id = await pair.received()

    with pytest.raises(Unmet, match="other_side"):
        await pair.we(commands.accept_handoff, handoff_id, worker="")
    with pytest.raises(Unmet, match="other_side"):
        await pair.they(commands.revoke_handoff, handoff_id)


async def test_an_old_version_is_refused(pair: Pair) -> None:
    handoff_id = await pair.received()

    with pytest.raises(Conflict):
        await pair.theirs.do(commands.accept_handoff, pair.theirs.manager, handoff_id=handoff_id, worker="", expected=7)


# Who may.


async def test_a_worker_offers_of_his_own_men_alone(pair: Pair) -> None:
    worker = pair.ours.staff(Role.EW)
    with pytest.raises(NotFound):
        await pair.offer(actor=worker)
    await pair.ours.rows(
        "insert into picture.case_register values ($1, 'worker', $2, 1) returning 1",
        pair.case_id,
        {"ref": worker.id},
    )

    handoff_id = await pair.offer(actor=worker)

    seen = await pair.ours.works.ask(queries.get_handoff, asks(worker), handoff_id=handoff_id)
    assert seen.handoff.offered_by == worker.id


async def test_who_may_not_see_it_finds_nothing(pair: Pair) -> None:
    handoff_id = await pair.received()

    for house, actor in (
        (pair.ours, pair.ours.staff(Role.EW)),
        (pair.ours, pair.ours.staff(Role.PP, "probation")),
        (pair.ours, pair.ours.staff(Role.PW, "women-in-prison")),
    ):
        with pytest.raises(NotFound):
            await house.works.ask(queries.get_handoff, asks(actor), handoff_id=handoff_id)
        listed = await house.works.ask(queries.list_handoffs, asks(actor), wanted=queries.Wanted())
        assert listed.rows == []


async def test_a_partners_worker_of_the_house_does_what_a_guest_may_not(pair: Pair) -> None:
    handoff_id = await pair.received()
    guest = pair.ours.staff(Role.PW, "women-in-prison")
    with pytest.raises(Denied):
        await pair.offer(actor=guest)

    own = pair.theirs.staff(Role.PW)
    await pair.theirs.do(commands.accept_handoff, own, handoff_id=handoff_id, worker=own.id, expected=1)

    assert (await pair.of(pair.theirs, handoff_id))["worker"] == own.id


async def test_the_practitioner_sees_it_without_the_group_of_a_reason(pair: Pair) -> None:
    handoff_id = await pair.received()
    await pair.they(commands.decline_handoff, handoff_id, reason=Reason.PERSON_DECLINED, note="")
    await pair.exchange()
    practitioner = pair.ours.staff(Role.PP, "probation")
    await pair.ours.rows(
        "insert into picture.case_register values ($1, 'practitioner', $2, 1) returning 1",
        pair.case_id,
        {"ref": practitioner.id},
    )

    seen = await pair.ours.works.ask(queries.get_handoff, asks(practitioner), handoff_id=handoff_id)
    listed = await pair.ours.works.ask(queries.list_handoffs, asks(practitioner), wanted=queries.Wanted())

    assert (seen.handoff.status, seen.handoff.reason_group) == ("DECLINED", None)
    assert (len(listed.rows), listed.grouped) == (1, False)


async def test_the_lists_keep_it_from_whoever_may_not_know_of_him(pair: Pair) -> None:
    handoff_id = await pair.received()
    await pair.ours.lists(pair.person_id, "DENY", pair.ours.manager.id)

    with pytest.raises(NotFound):
        await pair.ours.works.ask(queries.get_handoff, asks(pair.ours.manager), handoff_id=handoff_id)
    with pytest.raises(NotFound):
        await pair.offer()


# Lists.


async def test_lists_say_what_goes_where_and_what_waits_or_is_late(pair: Pair) -> None:
    first, second = await pair.received(), await pair.received()
    await pair.they(commands.request_handoff_information, first, items=("Which?",))
    await pair.exchange()

    async def listed(house: House, **wanted: Any) -> list[UUID]:
        given = queries.Wanted(**wanted)
        found = await house.works.ask(queries.list_handoffs, asks(house.manager), wanted=given)
        return [row["id"] for row in found.rows]

    assert await listed(pair.ours) == [second, first]
    assert await listed(pair.ours, side=queries.Side.RECEIVER) == []
    assert await listed(pair.theirs, side=queries.Side.RECEIVER) == [second, first]
    assert await listed(pair.ours, waiting=True) == [first]
    assert await listed(pair.theirs, waiting=True) == [second]
    assert await listed(pair.ours, statuses=(queries.Status.RECEIVED,)) == [second]
    assert await listed(pair.ours, case_id=pair.case_id) == [second, first]
    assert await listed(pair.theirs, overdue=True) == []
    await pair.wind(days=40)
    assert await listed(pair.theirs, overdue=True) == [second, first]
