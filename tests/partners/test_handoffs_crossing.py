"""What crosses between the two houses of a handoff, and what befalls its basis: both end alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chassis.access import Ground
from partners.commands import agreements
from partners.commands import handoffs as commands
from partners.domain.handoff.codes import Category
from partners.queries import handoffs as queries
from tests.partners.handoff_houses import (
    CANARY,
    TRUST,
    Pair,
    a_pair,
    facts,
    fire,
    parked,
    told,
)
from tests.partners.people import asks
from throughcare.partners.v1 import events_pb2 as house_messages

if TYPE_CHECKING:
    from tests.partners.houses import House

Houses = tuple["House", "House"]
THEIR_INBOX, OUR_INBOX = f"share.{TRUST}.in.v1", "share.together.in.v1"
ORDER = Ground(basis="COURT_ORDER", reference="order-7")
OUR_TOPIC, THEIR_TOPIC = "together.partners.v1", f"{TRUST}.partners.v1"


@pytest.fixture
async def pair(two_houses: Houses) -> Pair:
    return await a_pair(*two_houses)


async def test_taken_back_in_time_it_is_deleted_there_and_that_is_confirmed(pair: Pair) -> None:
    handoff_id = await pair.received()
    await pair.they(commands.request_handoff_information, handoff_id, items=(CANARY,))
    await pair.we(commands.revoke_handoff, handoff_id)
    assert (await pair.of(pair.ours, handoff_id))["status"] == "REVOKE_PENDING"
    await pair.exchange()

    assert await pair.states(handoff_id) == ("REVOKED", "REVOKED")
    seen = await pair.theirs.works.ask(queries.get_handoff, asks(pair.theirs.manager), handoff_id=handoff_id)
    assert (seen.handoff.written, seen.handoff.note, seen.handoff.detail_ref) == ((), "", "")
    assert (await facts(pair.theirs, handoff_id))[-3:] == ["RevokeRequested", "PurgeConfirmed", "Revoked"]
    # The question that crossed the request is kept and has changed nothing.
    assert (await facts(pair.ours, handoff_id))[2:] == [
        "RevokeRequested",
        "InformationRequested",
        "PurgeConfirmed",
        "Revoked",
    ]


async def test_taken_back_while_it_is_accepted_the_acceptance_stands(pair: Pair) -> None:
    handoff_id = await pair.received()
    await pair.they(commands.accept_handoff, handoff_id, worker="")
    await pair.we(commands.revoke_handoff, handoff_id)
    await pair.exchange()

    assert await pair.states(handoff_id) == ("ACCEPTED", "ACCEPTED")
    for house, topic in ((pair.ours, OUR_TOPIC), (pair.theirs, THEIR_TOPIC)):
        (lost,) = await told(house, topic, house_messages.HandoffSuperseded)
        assert lost.lost == "REVOKE_REQUESTED"
        assert await parked(house) == []


async def test_an_offer_not_acknowledged_is_missed_then_expires_and_is_deleted_when_it_comes(
    pair: Pair,
) -> None:
    handoff_id = await pair.offer()
    await pair.wind(days=15)
    await fire(pair.ours)
    assert await facts(pair.ours, handoff_id) == ["Offered", "DeadlineMissed", "Expired"]

    await pair.exchange()

    assert await pair.states(handoff_id) == ("EXPIRED", "EXPIRED")
    assert await facts(pair.theirs, handoff_id) == ["Superseded", "Expired", "PurgeConfirmed", "DeadlineMissed"]
    assert (await facts(pair.ours, handoff_id))[-1] == "PurgeConfirmed"
    assert (await pair.of(pair.theirs, handoff_id))["detail_ref"] == ""


async def test_a_receipt_in_time_that_is_heard_late_brings_it_back(pair: Pair) -> None:
    handoff_id = await pair.offer()
    await pair.theirs.hears_from(pair.ours)
    await pair.wind(days=15)
    await fire(pair.ours)
    assert (await pair.of(pair.ours, handoff_id))["status"] == "EXPIRED"

    await pair.exchange()

    assert await pair.states(handoff_id) == ("RECEIVED", "RECEIVED")
    assert (await facts(pair.ours, handoff_id))[-2:] == ["Superseded", "Received"]


async def test_one_that_lives_again_without_his_agreement_rests(pair: Pair) -> None:
    handoff_id = await pair.offer()
    await pair.theirs.hears_from(pair.ours)
    await pair.wind(days=15)
    await fire(pair.ours)
    await pair.ours.withdraws(pair.person_id, TRUST)

    await pair.exchange()

    assert await pair.states(handoff_id) == ("ON_HOLD", "ON_HOLD")


async def test_his_agreement_taken_back_it_rests_in_both_houses_and_goes_on_when_he_agrees_again(pair: Pair) -> None:
    handoff_id, other = await pair.received(), await pair.received(ground=ORDER)
    await pair.they(commands.accept_handoff, handoff_id, worker="")
    await pair.ours.withdraws(pair.person_id, TRUST)
    assert (await pair.of(pair.ours, handoff_id))["status"] == "ON_HOLD"
    await pair.exchange()
    assert await pair.states(handoff_id) == ("ON_HOLD", "ON_HOLD")
    assert await pair.states(other) == ("RECEIVED", "RECEIVED")

    await pair.ours.agrees(pair.person_id, TRUST, "APPOINTMENTS", version=3)
    await pair.exchange()

    assert await pair.states(handoff_id) == ("ACCEPTED", "ACCEPTED")
    assert await parked(pair.ours) == await parked(pair.theirs) == []


async def test_fewer_categories_let_rest_what_needs_more(pair: Pair) -> None:
    appointments = await pair.received()
    goals = await pair.received(categories=(Category.PLAN_GOALS,))
    await pair.ours.agrees(pair.person_id, TRUST, "APPOINTMENTS", version=2)
    await pair.exchange()

    assert await pair.states(appointments) == ("RECEIVED", "RECEIVED")
    assert await pair.states(goals) == ("ON_HOLD", "ON_HOLD")


async def test_the_agreement_suspended_everything_under_it_rests_and_goes_on_with_it(pair: Pair) -> None:
    handoff_id = await pair.received()
    for command in (agreements.suspend_isa, agreements.resume_isa):
        await pair.ours.do(command, pair.ours.guardian, isa_id=pair.isa_id, expected=None)
        await pair.exchange()
        if command is agreements.suspend_isa:
            assert await pair.states(handoff_id) == ("ON_HOLD", "ON_HOLD")
    await pair.theirs.do(agreements.resume_isa, pair.theirs.guardian, isa_id=pair.isa_id, expected=None)
    await pair.exchange()

    assert await pair.states(handoff_id) == ("RECEIVED", "RECEIVED")


async def test_an_exclusion_lets_it_rest(pair: Pair) -> None:
    handoff_id = await pair.received()
    await pair.ours.lists(pair.person_id, "DENY", TRUST)
    await pair.exchange()
    assert await pair.states(handoff_id) == ("ON_HOLD", "ON_HOLD")

    await pair.ours.lists(pair.person_id, "DENY", version=2)
    await pair.exchange()

    assert await pair.states(handoff_id) == ("RECEIVED", "RECEIVED")


async def test_an_offer_that_left_as_a_stub_is_nowhere_and_what_follows_it_is_a_race(pair: Pair) -> None:
    handoff_id = await pair.offer()
    await pair.ours.withdraws(pair.person_id, TRUST)
    await pair.ours.agrees(pair.person_id, TRUST, "APPOINTMENTS", version=3)
    await pair.exchange()

    assert await pair.theirs.count("handoff") == 0
    assert await parked(pair.theirs) == []
    assert await pair.theirs.count("audit where outcome = 'ignored:offer_unheard'") == 2
    assert (await pair.of(pair.ours, handoff_id))["status"] == "OFFERED"
