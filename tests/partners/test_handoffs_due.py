"""The clocks of handoffs: what is not done in time is told once, by the side that is late or alone can know it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from chassis.calendar import end_of_day, local_date, working_days_due
from partners.commands import handoffs as commands
from partners.domain.handoff.codes import Outcome, Reason
from partners.queries import handoffs as queries
from tests.partners.handoff_houses import CANARY, TRUST, Pair, a_pair, facts, fire, told
from tests.partners.people import asks
from throughcare.partners.v1 import events_pb2 as house_messages

if TYPE_CHECKING:
    from datetime import datetime

    from tests.partners.houses import House

OUR_TOPIC, THEIR_TOPIC = "together.partners.v1", f"{TRUST}.partners.v1"


@pytest.fixture
async def pair(two_houses: tuple[House, House]) -> Pair:
    return await a_pair(*two_houses)


async def promises(house: House) -> dict[str, datetime]:
    rows = await house.rows(
        "select code, due_at from promises where kept_at is null and missed_at is null and aggregate_type = 'handoff'"
    )
    return {row["code"]: row["due_at"] for row in rows}


async def missed(house: House, topic: str) -> list[tuple[str, str]]:
    found = await told(house, topic, house_messages.HandoffDeadlineMissed)
    return [(each.promise, each.side) for each in found]


async def test_an_offer_promises_a_receipt_in_two_days_and_ends_after_five(pair: Pair) -> None:
    at = await pair.ours.now()
    await pair.offer()

    assert await promises(pair.ours) == {
        "L7": end_of_day(working_days_due(at, 2)),
        "expiry": end_of_day(working_days_due(at, 5)),
    }


async def test_received_it_waits_for_a_decision_there_alone(pair: Pair) -> None:
    handoff_id = await pair.received()

    received_at = (await pair.of(pair.theirs, handoff_id))["received_at"]
    assert await promises(pair.ours) == {}
    assert await promises(pair.theirs) == {"L7": end_of_day(working_days_due(received_at, 5))}
    assert await pair.ours.count("promises where code = 'L7' and kept_at is not null") == 1


async def test_a_decision_that_is_late_is_told_once_by_the_receiver(pair: Pair) -> None:
    handoff_id = await pair.received()
    await pair.until((await promises(pair.theirs))["L7"])
    await fire(pair.theirs)
    await pair.they(commands.request_handoff_information, handoff_id, items=("Which?",))
    await pair.exchange()
    await pair.we(commands.supply_handoff_information, handoff_id, answer="Two.")
    await pair.exchange()
    await pair.wind(days=40)
    await fire(pair.theirs)
    await fire(pair.ours)

    assert await missed(pair.theirs, THEIR_TOPIC) == [("L7", "RECEIVER")]
    assert await missed(pair.ours, OUR_TOPIC) == [("L7", "SENDER")]  # as heard
    (late,) = await told(pair.theirs, THEIR_TOPIC, house_messages.HandoffDeadlineMissed)
    assert late.policy_version == "PROMISES-1"


async def test_a_beginning_that_is_late_is_told_too(pair: Pair) -> None:
    handoff_id = await pair.received()
    await pair.they(commands.accept_handoff, handoff_id, worker="")
    accepted_at = (await pair.of(pair.theirs, handoff_id))["accepted_at"]
    assert await promises(pair.theirs) == {"L7": end_of_day(working_days_due(accepted_at, 10))}
    await pair.until((await promises(pair.theirs))["L7"])
    await fire(pair.theirs)

    assert await missed(pair.theirs, THEIR_TOPIC) == [("L7", "RECEIVER")]
    today = local_date(await pair.theirs.now())
    await pair.they(commands.start_handoff_work, handoff_id, first_contact_on=today, worker="")


async def test_a_question_nobody_answers_lapses_after_ten_working_days(pair: Pair) -> None:
    handoff_id = await pair.received()
    await pair.they(commands.request_handoff_information, handoff_id, items=("Which?",))
    await pair.exchange()
    assert set(await promises(pair.theirs)) == {"information"}
    await pair.until((await promises(pair.theirs))["information"])
    await fire(pair.theirs)
    await pair.exchange()

    assert await pair.states(handoff_id) == ("RECEIVED", "RECEIVED")
    assert (await facts(pair.ours, handoff_id))[-1] == "InformationLapsed"
    rows = [await pair.of(house, handoff_id) for house in (pair.ours, pair.theirs)]
    assert rows[0]["due_at"] == rows[1]["due_at"]
    assert set(await promises(pair.theirs)) == {"L7"}


async def test_an_answer_that_crosses_the_lapse_counts_for_nothing_in_either_house(pair: Pair) -> None:
    handoff_id = await pair.received()
    await pair.they(commands.request_handoff_information, handoff_id, items=("Which?",))
    await pair.exchange()
    await pair.until((await promises(pair.theirs))["information"])
    await fire(pair.theirs)
    await pair.we(commands.supply_handoff_information, handoff_id, answer="Two.")
    await pair.exchange()

    assert await pair.states(handoff_id) == ("RECEIVED", "RECEIVED")
    for house in (pair.ours, pair.theirs):
        assert (await facts(house, handoff_id))[-1] == "Superseded"
    rows = [await pair.of(house, handoff_id) for house in (pair.ours, pair.theirs)]
    assert rows[0]["due_at"] == rows[1]["due_at"]


async def test_the_loop_closes_by_itself_in_the_end(pair: Pair) -> None:
    handoff_id = await pair.received()
    await pair.they(commands.accept_handoff, handoff_id, worker="")
    today = local_date(await pair.theirs.now())
    await pair.they(commands.start_handoff_work, handoff_id, first_contact_on=today, worker="")
    await pair.they(commands.complete_handoff, handoff_id, outcome=Outcome.DELIVERED, delivered="Done.")
    await pair.exchange()
    await pair.until((await promises(pair.ours))["L7"])
    await fire(pair.ours)
    await pair.exchange()

    for house in (pair.ours, pair.theirs):
        assert (await facts(house, handoff_id))[-1] == "LoopClosed"
    assert await missed(pair.ours, OUR_TOPIC) == []
    assert await pair.ours.count("promises where missed_at is not null") == 0


async def test_a_purge_that_is_not_confirmed_in_two_days_is_told_by_who_waits_for_it(pair: Pair) -> None:
    handoff_id = await pair.received()
    await pair.we(commands.revoke_handoff, handoff_id)
    assert set(await promises(pair.ours)) == {"L22"}
    await pair.until((await promises(pair.ours))["L22"])
    await fire(pair.ours)
    await fire(pair.ours)

    assert await missed(pair.ours, OUR_TOPIC) == [("L22", "SENDER")]
    await pair.exchange()
    assert await pair.states(handoff_id) == ("REVOKED", "REVOKED")
    assert await promises(pair.ours) == {}


async def test_what_is_kept_of_a_declined_one_is_deleted_after_ninety_days(pair: Pair) -> None:
    handoff_id = await pair.received()
    await pair.they(commands.decline_handoff, handoff_id, reason=Reason.OTHER_SERVICE, note=CANARY)
    ended_at = (await pair.of(pair.theirs, handoff_id))["ended_at"]
    assert await promises(pair.theirs) == {"purge": end_of_day(local_date(ended_at + timedelta(days=90)))}
    await pair.until((await promises(pair.theirs))["purge"])
    await fire(pair.theirs)

    seen = await pair.theirs.works.ask(queries.get_handoff, asks(pair.theirs.manager), handoff_id=handoff_id)
    assert (seen.handoff.status, seen.handoff.note, seen.handoff.detail_ref) == ("DECLINED", "", "")
    assert (await facts(pair.theirs, handoff_id))[-1] == "Emptied"
    assert await told(pair.theirs, THEIR_TOPIC, house_messages.HandoffPurgeConfirmed) == []
