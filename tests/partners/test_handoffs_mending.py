"""What is wrong with a handoff: corrected by two people, or entered in error; both houses hear it and end alike."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from chassis.access import Role
from chassis.aggregate import Denied, Invalid, Unmet
from partners.commands import handoffs as commands
from partners.domain.codes import Aspect
from partners.domain.handoff.codes import Kind, Outcome, Reason, StepCode
from partners.domain.handoff.states import Contact
from partners.queries import handoffs as queries
from partners.rpc.shown_handoffs import listed_handoff, shown_handoff
from tests.partners.handoff_houses import CANARY, TRUST, Pair, a_pair, completed, facts, fire, parked, started, told
from tests.partners.people import asks
from throughcare.partners.v1 import events_pb2 as house_messages
from throughcare.partners.v1 import shares_pb2 as shared

if TYPE_CHECKING:
    from uuid import UUID

    from tests.partners.houses import House

OUR_TOPIC, THEIR_TOPIC = "together.partners.v1", f"{TRUST}.partners.v1"
THEIR_INBOX = f"share.{TRUST}.in.v1"


@pytest.fixture
async def pair(two_houses: tuple[House, House]) -> Pair:
    return await a_pair(*two_houses)


async def corrects(house: House, handoff_id: UUID, role: Role = Role.SM, **given: Any) -> Any:
    fitting = {"kind": None, "aspects": (), "outcome": None, "reason": f"A slip. {CANARY}"}
    return await house.do(
        commands.correct_handoff, house.staff(role), handoff_id=handoff_id, expected=None, **fitting | given
    )


async def approves(house: House, handoff_id: UUID, role: Role = Role.IG) -> Any:
    return await house.do(commands.approve_handoff_correction, house.staff(role), handoff_id=handoff_id, expected=None)


async def test_what_was_offered_wrongly_is_corrected_by_two_people_in_both_houses(pair: Pair) -> None:
    handoff_id = await pair.received()

    await corrects(pair.ours, handoff_id, aspects=(Aspect.WORK_AND_LEARNING,), kind=Kind.SHARED_CARE)
    await pair.exchange()
    assert (await pair.of(pair.theirs, handoff_id))["aspects"] == ["DEBT_ADVICE", "GRANTS"]
    with pytest.raises(Unmet, match="second_person_required"):
        await approves(pair.ours, handoff_id, Role.SM)
    await approves(pair.ours, handoff_id)
    await pair.exchange()

    for house in (pair.ours, pair.theirs):
        row = await pair.of(house, handoff_id)
        assert (row["aspects"], row["kind"], row["status"]) == (["WORK_AND_LEARNING"], "SHARED_CARE", "RECEIVED")
    (ours,) = await told(pair.ours, OUR_TOPIC, house_messages.HandoffCorrected)
    (theirs,) = await told(pair.theirs, THEIR_TOPIC, house_messages.HandoffCorrected)
    assert (ours.before_hash, ours.after_hash) == (theirs.before_hash, theirs.after_hash)
    assert ours.before_hash != ours.after_hash


async def test_whoever_approves_reads_what_was_proposed_and_nobody_else(pair: Pair) -> None:
    handoff_id = await pair.received()
    await corrects(pair.ours, handoff_id, aspects=(Aspect.WORK_AND_LEARNING,))

    seen = await pair.ours.works.ask(queries.get_handoff, asks(pair.ours.staff(Role.IG)), handoff_id=handoff_id)
    theirs = await pair.theirs.works.ask(queries.get_handoff, asks(pair.theirs.manager), handoff_id=handoff_id)

    assert (seen.handoff.correction.aspects, seen.handoff.aspects) == (
        (Aspect.WORK_AND_LEARNING,),
        (Aspect.DEBT_ADVICE, Aspect.GRANTS),
    )
    assert theirs.handoff.correction is None


async def test_an_outcome_said_wrongly_is_corrected_by_the_side_that_said_it(pair: Pair) -> None:
    handoff_id = await completed(pair)

    await corrects(pair.theirs, handoff_id, outcome=Outcome.PARTLY_DELIVERED)
    await approves(pair.theirs, handoff_id)
    await pair.exchange()

    assert [(await pair.of(house, handoff_id))["outcome"] for house in (pair.ours, pair.theirs)] == [
        "PARTLY_DELIVERED"
    ] * 2


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"outcome": Outcome.DELIVERED}, ("outcome", "IMMUTABLE")),
        ({"kind": Kind.TRANSFER}, ("kind", "IMMUTABLE")),
        ({}, ("aspect_codes", "REQUIRED")),
        ({"aspects": (Aspect.GRANTS,), "reason": " "}, ("reason", "REQUIRED")),
    ],
)
async def test_what_this_side_has_not_said_or_moves_responsibility_is_not_corrected(
    pair: Pair, given: dict[str, Any], fault: tuple[str, str]
) -> None:
    handoff_id = await pair.received()

    with pytest.raises(Invalid) as no:
        await corrects(pair.ours, handoff_id, **given)

    assert [(each.path, each.code) for each in no.value.fields] == [fault]


async def test_what_should_never_have_been_is_deleted_there_even_where_work_has_begun(pair: Pair) -> None:
    handoff_id = await started(pair)

    await pair.we(commands.mark_handoff_entered_in_error, handoff_id, reason=f"Another man. {CANARY}")
    assert (await pair.of(pair.ours, handoff_id))["due_at"] is not None
    await pair.exchange()

    assert await pair.states(handoff_id) == ("ENTERED_IN_ERROR", "ENTERED_IN_ERROR")
    ours, theirs = await pair.of(pair.ours, handoff_id), await pair.of(pair.theirs, handoff_id)
    assert (ours["due_at"], theirs["due_at"]) == (None, None)
    assert ours["purged_at"] == theirs["purged_at"] is not None
    assert (theirs["detail_ref"], theirs["refs"]) == ("", [])
    assert (await facts(pair.theirs, handoff_id))[-2:] == ["EnteredInError", "PurgeConfirmed"]


async def test_what_crosses_it_counts_for_nothing(pair: Pair) -> None:
    handoff_id = await pair.received()

    await pair.they(commands.accept_handoff, handoff_id, worker="staff-pw-1")
    await pair.they(commands.plan_handoff_contact, handoff_id, contact=await a_contact(pair))
    await pair.we(commands.mark_handoff_entered_in_error, handoff_id, reason="Another man.")
    await pair.exchange()

    assert await pair.states(handoff_id) == ("ENTERED_IN_ERROR", "ENTERED_IN_ERROR")
    assert (await parked(pair.ours), await parked(pair.theirs)) == ([], [])


async def test_only_who_offered_it_says_so_and_says_why(pair: Pair) -> None:
    handoff_id = await pair.received()

    with pytest.raises(Unmet, match="other_side"):
        await pair.they(commands.mark_handoff_entered_in_error, handoff_id, reason="Not ours.")
    with pytest.raises(Invalid):
        await pair.we(commands.mark_handoff_entered_in_error, handoff_id, reason="  ")
    with pytest.raises(Denied):
        await approves(pair.ours, handoff_id, Role.PP)


async def test_a_deletion_that_is_not_confirmed_in_time_is_told(pair: Pair) -> None:
    handoff_id = await pair.received()
    await pair.we(commands.mark_handoff_entered_in_error, handoff_id, reason="Another man.")
    due_at = (await pair.of(pair.ours, handoff_id))["due_at"]

    await pair.until(due_at)
    await fire(pair.ours)

    (missed,) = await told(pair.ours, OUR_TOPIC, house_messages.HandoffDeadlineMissed)
    assert (missed.promise, missed.side) == ("L22", "SENDER")


async def test_no_reason_leaves_the_house(pair: Pair) -> None:
    handoff_id = await pair.received()
    await corrects(pair.ours, handoff_id, aspects=(Aspect.GRANTS,))
    await approves(pair.ours, handoff_id)
    await pair.we(commands.mark_handoff_entered_in_error, handoff_id, reason=f"Another man. {CANARY}")
    await pair.exchange()

    for house in (pair.ours, pair.theirs):
        for row in await house.rows("select headers, message from journal where topic is not null"):
            assert CANARY.encode() not in bytes(row["message"] or b"") + bytes(row["headers"] or b"")


# A promise that was missed is heard on both sides, once.


async def test_what_the_receiver_is_late_with_is_heard_by_the_sender(pair: Pair) -> None:
    handoff_id = await pair.received()
    due_at = (await pair.of(pair.theirs, handoff_id))["due_at"]

    await pair.until(due_at)
    await fire(pair.theirs)
    await pair.exchange()

    (ours,) = await told(pair.ours, OUR_TOPIC, house_messages.HandoffDeadlineMissed)
    (theirs,) = await told(pair.theirs, THEIR_TOPIC, house_messages.HandoffDeadlineMissed)
    assert (ours.side, theirs.side) == ("SENDER", "RECEIVER")
    assert (ours.promise, ours.due_at, ours.missed_at) == (theirs.promise, theirs.due_at, theirs.missed_at)
    assert await pair.states(handoff_id) == ("RECEIVED", "RECEIVED")


async def test_a_miss_before_it_arrived_is_heard_after_it(pair: Pair) -> None:
    handoff_id = await pair.offer()
    await pair.until((await pair.of(pair.ours, handoff_id))["due_at"])
    await fire(pair.ours)

    await pair.exchange()

    (theirs,) = await told(pair.theirs, THEIR_TOPIC, house_messages.HandoffDeadlineMissed)
    assert (theirs.side, theirs.promise) == ("RECEIVER", "L7")
    assert len(await told(pair.ours, THEIR_INBOX, shared.SharedHandoffDeadlineMissed)) == 1


# While it rests nobody is expected.


async def a_contact(pair: Pair) -> Contact:
    begins = await pair.theirs.now() + timedelta(days=1)
    return Contact(
        aspect=Aspect.GRANTS, step=StepCode.FIRST_MEETING, starts_at=begins, ends_at=begins + timedelta(hours=1)
    )


async def contacts(pair: Pair, handoff_id: UUID) -> list[bool]:
    """Whether a next contact is shown: one by one and in the list, in both houses."""
    shown = []
    for house in (pair.ours, pair.theirs):
        call = asks(house.manager)
        seen = await house.works.ask(queries.get_handoff, call, handoff_id=handoff_id)
        listed = await house.works.ask(queries.list_handoffs, call, wanted=queries.Wanted())
        shown += [shown_handoff(seen).HasField("next_contact")]
        shown += [listed_handoff(row, listed).HasField("next_contact") for row in listed.rows]
    return shown


async def test_the_contact_of_one_that_rests_is_not_shown(pair: Pair) -> None:
    handoff_id = await started(pair)
    await pair.they(commands.plan_handoff_contact, handoff_id, contact=await a_contact(pair))
    await pair.exchange()
    assert await contacts(pair, handoff_id) == [True] * 4

    await pair.they(commands.hold_handoff, handoff_id, reason=Reason.IN_CUSTODY)
    await pair.exchange()
    assert await contacts(pair, handoff_id) == [False] * 4

    await pair.they(commands.resume_handoff, handoff_id)
    await pair.exchange()
    assert await contacts(pair, handoff_id) == [True] * 4
