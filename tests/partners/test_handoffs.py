"""Handoffs as two houses keep them: offered, received, asked about, worked on, closed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from chassis.access import Ground
from chassis.aggregate import Invalid, NotFound, Unmet
from chassis.calendar import end_of_day, working_days_due
from partners.commands import handoffs as commands
from partners.domain.agreement.codes import Category as Agreed
from partners.domain.codes import Aspect
from partners.domain.handoff.codes import Category, ConfidentialityBasis, Kind, Reason, StepCode
from partners.domain.handoff.states import Contact
from partners.queries import handoffs as queries
from tests.partners.agreements import terms
from tests.partners.handoff_houses import (
    CANARY,
    TRUST,
    Pair,
    a_pair,
    completed,
    facts,
    offered_there,
    parked,
    started,
    told,
)
from tests.partners.houses import in_force
from tests.partners.owners import handed_on
from tests.partners.people import asks
from throughcare.partners.v1 import events_pb2 as house_messages
from throughcare.partners.v1 import shares_pb2 as shared
from throughcare.referral.v1 import events_pb2 as referral

if TYPE_CHECKING:
    from tests.partners.houses import House

Houses = tuple["House", "House"]
THEIR_INBOX, OUR_INBOX = f"share.{TRUST}.in.v1", "share.together.in.v1"
ORDER = Ground(basis="COURT_ORDER", reference="order-7")
OUR_TOPIC, THEIR_TOPIC = "together.partners.v1", f"{TRUST}.partners.v1"


@pytest.fixture
async def pair(two_houses: Houses) -> Pair:
    return await a_pair(*two_houses)


# Offered and received.


async def test_an_offer_is_received_at_once_under_another_name_for_him(pair: Pair) -> None:
    handoff_id = await pair.received()

    assert await pair.states(handoff_id) == ("RECEIVED", "RECEIVED")
    ours, theirs = await pair.of(pair.ours, handoff_id), await pair.of(pair.theirs, handoff_id)
    assert ours["person_id"] == pair.person_id != theirs["person_id"]
    assert (ours["side"], theirs["side"], theirs["case_id"]) == ("SENDER", "RECEIVER", None)
    assert theirs["subject_ref"] == pair.ours.works.names.subject_ref(TRUST, pair.person_id)
    assert ours["due_at"] == theirs["due_at"]
    assert await facts(pair.ours, handoff_id) == ["Offered", "Received"]
    assert await facts(pair.theirs, handoff_id) == ["Received"]
    assert await parked(pair.ours) == await parked(pair.theirs) == []


async def test_what_is_told_of_an_offer_names_nobody_and_carries_its_bases(pair: Pair) -> None:
    handoff_id = await pair.received()

    (offered,) = await told(pair.ours, THEIR_INBOX, shared.SharedHandoffOffered)
    assert (offered.handoff_id, offered.kind) == (str(handoff_id), "WARM_INTRODUCTION")
    assert list(offered.aspect_codes) == ["DEBT_ADVICE", "GRANTS"]
    assert list(offered.categories) == ["APPOINTMENTS"]
    assert len(offered.scope_hash) == 64
    (row,) = await pair.ours.rows("select headers, key from journal where topic = $1 and aggregate_id = $2",
                                  THEIR_INBOX, handoff_id)  # fmt: skip
    said = bytes(row["headers"])
    for found in (b"AGREED", b"PART2", str(pair.isa_id).encode(), b"ref-"):
        assert found in said
    for hidden in (str(pair.person_id).encode(), str(pair.case_id).encode()):
        assert hidden not in said
    (made,) = await told(pair.ours, OUR_TOPIC, house_messages.DisclosureMade)
    assert (made.recipient, made.purpose) == (TRUST, "HANDOFF")


async def test_what_was_shared_stays_sealed_in_the_house_that_offers(pair: Pair) -> None:
    await pair.received()

    for house in (pair.ours, pair.theirs):
        for row in await house.rows("select fact, headers, message from journal"):
            for held in row:
                assert CANARY.encode() not in bytes(held or b"")
        for row in await house.rows("select sealed from handoff"):
            assert CANARY.encode() not in bytes(row["sealed"])


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"categories": (Category.HEALTH_NEEDS,)}, "category_not_agreed"),
        ({"categories": (Category.PLAN_GOALS,), "ground": Ground(basis="STATUTE", reference="OMA_2007_S14")},
         "basis_not_admitted"),
        ({"ground": Ground(basis="COURT_ORDER")}, "basis_reference_missing"),
        ({"offer_id": uuid4()}, "offer_not_open"),
    ],
)  # fmt: skip
async def test_nothing_is_offered_against_the_gate(pair: Pair, given: dict[str, Any], reason: str) -> None:
    with pytest.raises(Unmet, match=reason):
        await pair.offer(**given)

    assert await pair.ours.count("handoff") == 0
    assert await pair.ours.count("journal where fact_type = 'Offered'") == 0
    assert await pair.ours.count(f"audit where outcome = 'refused:{reason}'") == 1


async def test_another_basis_than_his_agreement_serves_where_the_agreement_admits_it(pair: Pair) -> None:
    await pair.ours.withdraws(pair.person_id, TRUST)
    with pytest.raises(Unmet, match="consent_missing"):
        await pair.offer()

    handoff_id = await pair.received(ground=ORDER)

    row = await pair.of(pair.theirs, handoff_id)
    assert row["grounds"]["confidentiality_basis"] == ConfidentialityBasis.COURT_ORDER


async def test_an_unknown_node_an_empty_list_and_an_odd_kind_are_refused_by_field(pair: Pair) -> None:
    with pytest.raises(Invalid) as unknown:
        await pair.offer(recipient="nowhere")
    with pytest.raises(Invalid) as empty:
        await pair.offer(aspects=())

    assert [(fault.path, fault.code) for fault in unknown.value.fields] == [("recipient", "UNKNOWN_CODE")]
    assert [(fault.path, fault.code) for fault in empty.value.fields] == [("aspects", "REQUIRED")]


async def test_an_offer_that_comes_twice_is_received_once(pair: Pair) -> None:
    handoff_id = await pair.received()
    pair.theirs.heard_up_to.clear()

    await pair.exchange()

    assert await facts(pair.theirs, handoff_id) == ["Received"]
    assert await pair.theirs.count("subject_link") == 1


async def test_a_second_offer_of_the_same_man_is_of_the_same_person_there(pair: Pair) -> None:
    first, second = await pair.received(), await pair.received()

    assert (await pair.of(pair.theirs, first))["person_id"] == (await pair.of(pair.theirs, second))["person_id"]
    assert await pair.theirs.count("subject_link") == 1


# The loop.


async def test_a_handoff_goes_its_whole_way_and_both_houses_know(pair: Pair) -> None:
    handoff_id = await completed(pair)
    assert await pair.states(handoff_id) == ("COMPLETED", "COMPLETED")

    await pair.we(commands.confirm_handoff_loop, handoff_id)
    await pair.exchange()

    way = ["Received", "Accepted", "Started", "Completed", "LoopClosed"]
    assert await facts(pair.theirs, handoff_id) == way
    assert await facts(pair.ours, handoff_id) == ["Offered", *way]
    for house in (pair.ours, pair.theirs):
        row = await pair.of(house, handoff_id)
        assert row["version"] == len(await facts(house, handoff_id))
        assert row["loop_closed_at"] is not None
        assert row["due_at"] is None
    (closed,) = await told(pair.theirs, THEIR_TOPIC, house_messages.HandoffLoopClosed)
    assert (closed.side, closed.state) == ("RECEIVER", "COMPLETED")


async def test_of_a_transfer_responsibility_moves_when_work_begins(pair: Pair) -> None:
    handoff_id = await started(pair, kind=Kind.TRANSFER)

    for house in (pair.ours, pair.theirs):
        seen = await house.works.ask(queries.get_handoff, asks(house.manager), handoff_id=handoff_id)
        assert seen.handoff.responsible == "RECEIVER"


async def test_a_question_and_its_answer_stay_where_they_were_written(pair: Pair) -> None:
    handoff_id = await pair.received()
    await pair.they(commands.request_handoff_information, handoff_id, items=("Which debts?", CANARY))
    await pair.exchange()
    assert await pair.states(handoff_id) == ("INFO_REQUESTED", "INFO_REQUESTED")
    await pair.we(commands.supply_handoff_information, handoff_id, answer=f"Two. {CANARY}")
    await pair.exchange()

    assert await pair.states(handoff_id) == ("RECEIVED", "RECEIVED")
    (asked,) = await told(pair.theirs, OUR_INBOX, shared.SharedHandoffInformationRequested)
    assert (asked.item_count, asked.round) == (2, 1)
    for house, texts in ((pair.theirs, ("Which debts?", CANARY)), (pair.ours, (f"Two. {CANARY}",))):
        seen = await house.works.ask(queries.get_handoff, asks(house.manager), handoff_id=handoff_id)
        (own,) = [each for each in seen.handoff.written if each.by is seen.handoff.side]
        assert own.items == texts
        found = await house.by_itself(queries.read_by_reference, detail_ref=own.detail_ref, reader=seen.handoff.partner)
        assert found.written == own
        with pytest.raises(NotFound):
            await house.by_itself(queries.read_by_reference, detail_ref=own.detail_ref, reader="women-in-prison")
        for row in await house.rows("select fact, message from journal"):
            assert CANARY.encode() not in bytes(row["fact"] or b"") + bytes(row["message"] or b"")


async def test_a_question_stops_the_clock_of_the_decision(pair: Pair) -> None:
    handoff_id = await pair.received()
    first = (await pair.of(pair.theirs, handoff_id))["due_at"]
    await pair.they(commands.request_handoff_information, handoff_id, items=("Which debts?",))
    await pair.exchange()
    await pair.wind(days=7)
    await pair.we(commands.supply_handoff_information, handoff_id, answer="Two.")
    await pair.exchange()

    rows = [await pair.of(house, handoff_id) for house in (pair.ours, pair.theirs)]
    assert rows[0]["due_at"] == rows[1]["due_at"] > first
    (stop,) = rows[1]["stops"]
    pause = (datetime.fromisoformat(stop["began"]), datetime.fromisoformat(stop["ended"]))
    assert pause[0] == rows[1]["asked_at"]
    assert rows[1]["due_at"] == end_of_day(working_days_due(rows[1]["received_at"], 5, [pause]))


async def test_only_the_group_of_a_reason_leaves(pair: Pair) -> None:
    handoff_id = await pair.received()
    await pair.they(commands.decline_handoff, handoff_id, reason=Reason.UNSAFE_TO_DELIVER, note=CANARY)
    await pair.exchange()

    assert await pair.states(handoff_id) == ("DECLINED", "DECLINED")
    (declined,) = await told(pair.theirs, OUR_INBOX, shared.SharedHandoffDeclined)
    assert declined.reason_group == "SAFETY"
    seen = await pair.ours.works.ask(queries.get_handoff, asks(pair.ours.manager), handoff_id=handoff_id)
    assert (seen.handoff.reason, seen.handoff.reason_group, seen.handoff.note) == (None, "SAFETY", "")


async def test_to_probation_no_choice_of_the_person_is_told(pair: Pair) -> None:
    await pair.theirs.rows("update organisation set sector = 'PROBATION' where org_id = 'together' returning 1")
    handoff_id = await pair.received()
    await pair.they(commands.decline_handoff, handoff_id, reason=Reason.PERSON_DECLINED, note="")

    (declined,) = await told(pair.theirs, OUR_INBOX, shared.SharedHandoffDeclined)
    assert declined.reason_group == "CIRCUMSTANCE"
    (here,) = await told(pair.theirs, THEIR_TOPIC, house_messages.HandoffDeclined)
    assert here.reason_group == "PERSON_CHOICE"


async def test_declined_for_want_of_room_the_offer_says_so(pair: Pair) -> None:
    handoff_id = await pair.received(offer_id=await offered_there(pair))
    await pair.they(commands.decline_handoff, handoff_id, reason=Reason.NO_CAPACITY, note="")

    (row,) = await pair.theirs.rows("select room from offer")
    assert row["room"]["capacity"] == "NO_CAPACITY"


async def test_the_next_contact_is_told_with_its_subject_where_appointments_are_covered(pair: Pair) -> None:
    open_one, bare_one = await started(pair), await started(pair, categories=(Category.PLAN_GOALS,))
    starts_at = await pair.theirs.now() + timedelta(days=2)
    contact = Contact(
        aspect=Aspect.GRANTS, step=StepCode.FIRST_MEETING, starts_at=starts_at, ends_at=starts_at + timedelta(hours=1)
    )
    for handoff_id in (open_one, bare_one):
        await pair.they(commands.plan_handoff_contact, handoff_id, contact=contact)
    await pair.exchange()

    (openly,) = await told(pair.theirs, OUR_INBOX, shared.SharedNextContact)
    assert (openly.aspect_code, openly.step_code) == ("GRANTS", "FIRST_MEETING")
    assert len(await told(pair.theirs, OUR_INBOX, shared.SharedBusySlot)) == 1
    here = await told(pair.ours, OUR_TOPIC, house_messages.HandoffContactPlanned)
    said = {(each.handoff_id, each.aspect_code, each.step_code) for each in here}
    assert said == {(str(open_one), "GRANTS", "FIRST_MEETING"), (str(bare_one), "", "")}
    assert {(each.partner, each.starts_at.ToDatetime()) for each in here} == {(TRUST, starts_at.replace(tzinfo=None))}
    assert await parked(pair.ours) == []


async def test_a_contact_must_lie_ahead_and_be_about_what_was_offered(pair: Pair) -> None:
    handoff_id = await started(pair)
    now = await pair.theirs.now()
    contact = Contact(
        aspect=Aspect.FAMILY, step=None, starts_at=now - timedelta(days=1), ends_at=now - timedelta(days=3)
    )

    with pytest.raises(Invalid) as wrong:
        await pair.they(commands.plan_handoff_contact, handoff_id, contact=contact)

    assert {(fault.path, fault.code) for fault in wrong.value.fields} == {
        ("aspect_code", "CONFLICTS_WITH(aspect_codes)"),
        ("starts_at", "IN_PAST"),
        ("ends_at", "BEFORE_START"),
    }


async def test_work_rests_and_goes_on_in_both_houses(pair: Pair) -> None:
    handoff_id = await started(pair)
    await pair.they(commands.hold_handoff, handoff_id, reason=Reason.IN_HOSPITAL)
    await pair.exchange()
    assert await pair.states(handoff_id) == ("ON_HOLD", "ON_HOLD")

    await pair.they(commands.resume_handoff, handoff_id)
    await pair.exchange()

    assert await pair.states(handoff_id) == ("IN_PROGRESS", "IN_PROGRESS")


async def test_a_failure_is_told_at_once(pair: Pair) -> None:
    handoff_id = await started(pair)
    await pair.they(commands.fail_handoff, handoff_id, reason=Reason.PERSON_DECLINED, note="He said no.")
    await pair.exchange()

    assert await pair.states(handoff_id) == ("FAILED", "FAILED")
    (failed,) = await told(pair.ours, OUR_TOPIC, house_messages.HandoffFailed)
    assert (failed.reason_group, failed.state) == ("PERSON_CHOICE", "FAILED")


# Redirected.


async def redirect(pair: Pair, offer_id: UUID) -> None:
    message = referral.ReferralRedirected(reason_group="ELIGIBILITY", by_party="SERVICE", offer_id=str(offer_id))
    await pair.ours.hears(await pair.ours.told(message, pair.person_id, case_id=pair.case_id))
    await handed_on(pair.ours)
    await pair.exchange()


async def test_a_redirect_is_handed_on_where_he_agreed_that_it_is_known(pair: Pair) -> None:
    wider = terms(categories=(Agreed.CONTACT_DETAILS, Agreed.APPOINTMENTS))
    await in_force(pair.ours, pair.theirs, of=wider)
    offer_id = await offered_there(pair)
    await pair.ours.agrees(pair.person_id, TRUST, "CONTACT_DETAILS", version=2)

    await redirect(pair, offer_id)

    (row,) = await pair.theirs.rows("select status, kind, origin, aspects, categories, offer_id from handoff")
    assert (row["status"], row["kind"], row["origin"]) == ("RECEIVED", "REFERRAL_ON", "REDIRECT")
    assert (row["aspects"], row["categories"]) == (["SUPPORTED_HOUSING"], ["CONTACT_DETAILS"])
    assert row["offer_id"] == offer_id


async def test_a_redirect_stays_a_signpost_where_no_agreement_covers_it(pair: Pair) -> None:
    await redirect(pair, await offered_there(pair))
    await redirect(pair, uuid4())

    assert await pair.ours.count("handoff") == 0
    assert await parked(pair.ours) == []
    ignored = {
        row["outcome"] for row in await pair.ours.rows("select outcome from audit where outcome like 'ignored%'")
    }
    assert ignored == {"ignored:category_not_agreed", "ignored:offer_unknown"}


async def test_whom_a_house_knows_from_another_alone_is_handed_on_by_that_one(pair: Pair) -> None:
    """His answers about a third, and the lists, are kept where he came from; nothing that crosses says them."""
    await started(pair)
    (theirs,) = await pair.theirs.rows("select person_id from handoff")
    await pair.theirs.hears(await pair.theirs.confirms())

    for ground in (Ground(), Ground(basis="COURT_ORDER", reference="order-7")):
        onward: dict[str, Any] = {
            "case_id": None,
            "person_id": theirs["person_id"],
            "recipient": "together",
            "kind": Kind.REFERRAL_ON,
            "aspects": (Aspect.GRANTS,),
            "offer_id": None,
            "categories": (Category.APPOINTMENTS,),
            "ground": ground,
            "snapshot": CANARY,
        }
        with pytest.raises(Unmet, match="not_his_house") as no:
            await pair.theirs.do(commands.offer_handoff, pair.theirs.manager, **onward)
        assert "Ask it to hand him on" in no.value.sentence

    assert await pair.theirs.count("disclosure") == 0
