"""Who is told next when nobody answers."""

from __future__ import annotations

from typing import Any

import pytest

from chassis.aggregate import NotFound, Unmet
from notifications import commands
from notifications.domain.codes import Channel, Failure
from notifications.domain.letter import Answer, Outcome
from tests.notifications.gateways import SILENCE
from tests.notifications.house import (
    DAYS,
    HOUR,
    MINUTE,
    MONDAY,
    OTHER,
    SECOND_SM,
    SM,
    WORKER,
    Case,
    House,
    allocated,
    entry,
    reallocated,
)
from throughcare.referral.v1 import events_pb2 as referral

MIGRATIONS = "notifications.migrations"
REFUSED = Outcome(answer=Answer.NEVER, reason=Failure.REFUSED)


async def late(house: House) -> Case:
    """A worker who has not made the first contact, and has been told so."""
    case = Case()
    await house.hear(allocated(), case)
    await house.hear(case.missed("L3", MONDAY - HOUR), case)
    await house.send()
    return case


async def missed(house: House, **wanted: object) -> list[tuple[Any, ...]]:
    rows = await house.notices(about="L3", **wanted)
    return [(row["recipient_ref"], row["channel"], row["rung"], row["status"]) for row in rows]


async def at(house: House, when: Any) -> None:
    """Half a minute later, since the house's clock does not stand still."""
    await house.clock(when + MINUTE / 2)
    await house.fall_due()
    await house.send()


async def test_a_missed_promise_climbs_until_somebody_acknowledges(house: House) -> None:
    await late(house)
    await at(house, MONDAY + 3 * HOUR)
    assert await missed(house) == [
        ("staff-ew-1", "PAGE", 0, "DELIVERED"),
        ("staff-ew-1", "EMAIL", 1, "SENT"),
    ]

    await at(house, MONDAY + 4 * HOUR)
    assert (await missed(house))[1:] == [
        ("staff-ew-1", "EMAIL", 1, "ESCALATED"),
        ("triage", "PAGE", 2, "DELIVERED"),
        ("triage", "EMAIL", 3, "SENT"),
    ]

    await at(house, MONDAY + DAYS)
    assert (await missed(house))[3:] == [
        ("triage", "EMAIL", 3, "ESCALATED"),
        ("triage", "PAGE", 4, "DELIVERED"),
        ("triage", "EMAIL", 5, "SENT"),
    ]

    await at(house, MONDAY + 2 * DAYS)
    assert len(await missed(house)) == 6
    events = {row["event_id"] for row in await house.notices(about="L3")}
    assert len(events) == 1


async def page_of(house: House) -> Any:
    [row] = await house.notices(about="L3", channel="PAGE", recipient_ref="staff-ew-1")
    return row


async def acknowledge(house: House, row: Any, actor: Any = WORKER) -> Any:
    return await house.do(commands.acknowledge_notice, actor, notice_id=row["id"], expected=row["version"])


async def test_its_recipient_acknowledges_the_whole_matter_at_whatever_height_it_is(house: House) -> None:
    await late(house)
    await at(house, MONDAY + 4 * HOUR)
    await acknowledge(house, await page_of(house))
    await at(house, MONDAY + 3 * DAYS)

    assert await missed(house) == [
        ("staff-ew-1", "PAGE", 0, "ACKNOWLEDGED"),
        ("staff-ew-1", "EMAIL", 1, "ESCALATED"),
        ("triage", "PAGE", 2, "ACKNOWLEDGED"),
        ("triage", "EMAIL", 3, "ACKNOWLEDGED"),
    ]


async def test_what_has_not_left_when_he_acknowledges_does_not_leave(house: House) -> None:
    await late(house)
    await house.clock(MONDAY + 4 * HOUR + MINUTE)
    await house.fall_due()
    await acknowledge(house, await page_of(house))
    await house.send()

    assert {(ref, status) for ref, _, _, status in await missed(house, recipient_ref="triage")} == {
        ("triage", "SUPPRESSED")
    }


async def test_anybody_of_the_team_may_acknowledge_for_it_and_nobody_else(house: House) -> None:
    await late(house)
    await at(house, MONDAY + 4 * HOUR)
    [row] = await house.notices(about="L3", channel="PAGE", recipient_ref="triage")

    with pytest.raises(NotFound):
        await acknowledge(house, row, OTHER)
    await acknowledge(house, row, SECOND_SM)
    with pytest.raises(Unmet, match="invalid_transition"):
        await house.do(commands.acknowledge_notice, SM, notice_id=row["id"], expected=None)


async def test_the_next_channel_is_tried_after_two_hours(house: House) -> None:
    await house.do(
        commands.set_staff_contact,
        **entry(staff_ref="staff-ew-1", roles=("EW",), email="ew@x.example", sms="+447700900123") | {"expected": 1},
    )
    case = Case()
    await house.hear(allocated(), case)
    await house.send()
    await at(house, MONDAY + 2 * HOUR)

    assert [(row["channel"], row["rung"]) for row in await house.notices(template="worker-named")] == [
        ("PAGE", 0),
        ("EMAIL", 1),
        ("SMS", 2),
    ]


async def test_one_that_wants_no_acknowledgement_climbs_only_where_it_failed(house: House) -> None:
    fine, failing = Case(), Case()
    await house.hear(fine.submitted(), fine)
    await house.send()
    await house.hear(failing.submitted(), failing)
    await house.send(channels=(Channel.PAGE,))
    house.gateway.answers = [REFUSED]
    await house.send(channels=(Channel.EMAIL,))
    await at(house, MONDAY + 5 * HOUR)

    climbed = [row for row in await house.notices(template="referral-arrived") if row["rung"] > 1]
    assert {row["case_id"] for row in climbed} == {failing.case_id}
    assert {row["recipient_ref"] for row in climbed} == {"staff-sm-1", "staff-sm-2"}


async def test_an_unknown_one_climbs_but_is_not_sent_again(house: House) -> None:
    case = Case()
    await house.hear(allocated(), case)
    await house.hear(case.missed("L3", MONDAY - HOUR), case)
    await house.send(channels=(Channel.PAGE,))
    house.gateway.answers = [SILENCE, SILENCE]
    await house.send(channels=(Channel.EMAIL,))
    await at(house, MONDAY + HOUR)
    await at(house, MONDAY + 4 * HOUR)

    assert ("staff-ew-1", "EMAIL", 1, "ESCALATED") in await missed(house)
    assert ("triage", "EMAIL", 3, "SENT") in await missed(house)
    to_worker = [each for each in house.gateway.taken if each.ref == "staff-ew-1" and each.channel is Channel.EMAIL]
    assert len(to_worker) == 2


async def test_a_promise_that_is_kept_late_ends_the_climb(house: House) -> None:
    case = Case()
    await house.hear(case.submitted(), case)
    await house.hear(case.missed("L1", MONDAY - HOUR), case)
    await house.send()
    await house.hear(referral.ReferralTriageStarted(), case)
    await at(house, MONDAY + 3 * DAYS)

    rows = await house.notices(about="L1")
    assert {(row["status"], row["rung"] < 2) for row in rows} == {("ACKNOWLEDGED", True)}


async def test_the_manager_who_was_told_first_is_not_his_own_superior(house: House) -> None:
    case = Case()
    await house.hear(case.submitted(), case)
    await house.hear(case.missed("L1", MONDAY - HOUR), case)
    await house.send()
    await at(house, MONDAY + 4 * HOUR)

    assert {row["recipient_ref"] for row in await house.notices(about="L1") if row["rung"] > 1} == {
        "staff-sm-1",
        "staff-sm-2",
    }


async def test_safety_goes_up_by_the_minute_at_any_hour(house: House) -> None:
    night = MONDAY + 16 * HOUR
    await house.clock(night)
    case = Case()
    await house.hear(allocated(), case)
    message = case.missed("L3", night)
    message.promise = "L9"
    await house.hear(message, case)
    await house.send()
    rungs = []
    for minutes in (5, 10, 15, 30, 45):
        await at(house, night + minutes * MINUTE)
        rows = await house.notices(about="L9")
        rungs.append((minutes, len(rows), len({row["recipient_ref"] for row in rows})))

    assert rungs == [(5, 9, 3), (10, 15, 3), (15, 21, 3), (30, 27, 3), (45, 33, 3)]


async def test_who_takes_a_case_over_has_a_ladder_of_his_own(house: House) -> None:
    case = await late(house)
    await house.clock(MONDAY + 3 * HOUR)
    await house.hear(reallocated("staff-ew-2", "staff-ew-1"), case)
    await house.send()
    await at(house, MONDAY + 5 * HOUR)
    assert {row["recipient_ref"] for row in await house.notices(about="L3")} == {"staff-ew-1", "staff-ew-2"}

    await at(house, MONDAY + DAYS + HOUR)
    climbed = [row for row in await house.notices(about="L3") if row["rung"] > 1]
    assert {(row["recipient_ref"], row["chain"]) for row in climbed} == {("triage", "staff-ew-2")}
