"""Work between houses: each side hears in its own, and what has been done needs no telling any more."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from notifications import commands
from tests.notifications.house import HOUR, Case, House, allocated, assigned, entry
from throughcare.partners.v1 import events_pb2 as partners
from throughcare.referral.v1 import events_pb2 as referral

if TYPE_CHECKING:
    from google.protobuf.message import Message

MIGRATIONS = "notifications.migrations"
HANDOFF = UUID("0195569a-0000-7000-8000-0000000000f1")
ENDS = {
    partners.HandoffAccepted: "the work is taken on",
    partners.HandoffDeclined: "the work is not taken on, circumstances have changed",
    partners.HandoffExpired: "nobody received the offer in time",
    partners.HandoffFailed: "the work could not be carried through, circumstances have changed",
}


def step(kind: Any, side: str = "SENDER", **given: Any) -> Message:
    if "reason_group" in kind.DESCRIPTOR.fields_by_name:
        given = {"reason_group": "PERSON_CHOICE", **given}
    message: Message = kind(handoff_id=str(HANDOFF), side=side, partner="sig-penrose", **given)
    return message


async def a_case(house: House, *, worker: bool = True) -> Case:
    case = Case()
    await house.hear(assigned(), case)
    await house.hear(case.submitted(referrer_org="probation"), case)
    if worker:
        await house.hear(allocated(), case)
    async with house.database.connection() as conn:
        await conn.execute("delete from promises")
        await conn.execute("delete from notice")
    return case


async def partner_workers(house: House, *refs: str) -> None:
    for ref in refs:
        given = entry(staff_ref=ref, roles=("PW",), email=f"{ref}@x.example")
        await house.do(commands.set_staff_contact, **given)


async def hear(house: House, case: Case, kind: Any, side: str = "SENDER", **given: Any) -> None:
    """The sender knows the case; the receiver the person alone."""
    await house.hear(step(kind, side, **given), case, aggregate_id=HANDOFF, case_known=side == "SENDER")


async def news(house: House, *, by: str = "PAGE") -> list[tuple[str, str, str]]:
    rows = await house.notices(template="handoff-news", channel=by)
    return [(row["recipient_ref"], dict(row["filling"])["what"], dict(row["filling"])["reference"]) for row in rows]


async def test_the_worker_of_the_case_hears_that_it_was_offered_under_its_reference(house: House) -> None:
    case = await a_case(house)

    await hear(house, case, partners.HandoffOffered)

    assert await news(house) == [("staff-ew-1", "work was offered to another organisation", "7KQ2M9RJ")]
    assert {row["ack_wanted"] for row in await house.notices(template="handoff-news")} == {False}


async def test_where_it_came_in_the_partners_workers_hear_and_are_asked_to_acknowledge(house: House) -> None:
    await partner_workers(house, "staff-pw-1", "staff-pw-2")

    await hear(house, Case(), partners.HandoffReceived, "RECEIVER")

    what = "another organisation offers you work"
    assert await news(house) == [("staff-pw-1", what, str(HANDOFF)), ("staff-pw-2", what, str(HANDOFF))]
    assert {row["ack_wanted"] for row in await house.notices(template="handoff-news")} == {True}


async def test_a_receipt_told_to_the_sender_tells_nobody_anything(house: House) -> None:
    case = await a_case(house)

    await hear(house, case, partners.HandoffReceived)

    assert await house.notices() == []


@pytest.mark.parametrize("kind", ENDS, ids=lambda kind: kind.DESCRIPTOR.name)
async def test_both_sides_hear_what_became_of_it_each_in_its_own_house(house: House, kind: Any) -> None:
    case = await a_case(house)
    await hear(house, case, kind)
    assert await news(house) == [("staff-ew-1", ENDS[kind], "7KQ2M9RJ")]

    await partner_workers(house, "staff-pw-1")
    await hear(house, Case(), kind, "RECEIVER")
    assert (await news(house))[1:] == [("staff-pw-1", ENDS[kind], str(HANDOFF))]


async def test_where_there_is_neither_worker_nor_partner_worker_the_service_manager_hears(house: House) -> None:
    case = await a_case(house, worker=False)

    await hear(house, case, partners.HandoffDeclined)

    assert {ref for ref, _, _ in await news(house)} == {"triage"}


@pytest.mark.parametrize(
    "kind",
    [partners.HandoffAccepted, partners.HandoffDeclined, partners.HandoffWaitlisted, partners.HandoffRevoked],
    ids=lambda kind: kind.DESCRIPTOR.name,
)
async def test_the_answer_supersedes_what_asked_for_it(house: House, kind: Any) -> None:
    await partner_workers(house, "staff-pw-1")
    case = Case()
    await hear(house, case, partners.HandoffReceived, "RECEIVER")

    await hear(house, case, kind, "RECEIVER")

    first = [row for row in await house.notices(template="handoff-news") if row["fact"] == "handoff.offered"]
    assert {(row["status"], row["reason"]) for row in first} == {("SUPPRESSED", "SUPERSEDED")}


async def test_the_side_that_is_late_hears_in_its_own_house_and_not_once_it_has_acted(house: House) -> None:
    case, due = await a_case(house), (await house.now()) - HOUR
    missed = {"promise": "L7", "policy_version": "1"}

    def late() -> Message:
        message: Any = partners.HandoffDeadlineMissed(handoff_id=str(HANDOFF), side="SENDER", **missed)
        message.due_at.FromDatetime(due)
        return message

    await house.hear(late(), case, aggregate_id=HANDOFF)
    [told] = await house.notices(template="promise-missed", channel="PAGE")
    await hear(house, case, partners.HandoffAccepted)
    await house.hear(late(), case, aggregate_id=HANDOFF)

    assert (told["recipient_ref"], told["about"], told["ack_wanted"]) == ("staff-ew-1", "L7", True)
    assert dict(told["filling"])["what"] == "work between organisations waits for the next step"
    after = await house.notices(template="promise-missed", channel="PAGE")
    assert {(row["status"], row["reason"]) for row in after} == {("SUPPRESSED", "SUPERSEDED")}


async def test_a_deletion_that_is_late_is_the_receivers_to_mend(house: House) -> None:
    await partner_workers(house, "staff-pw-1")
    message: Any = partners.HandoffDeadlineMissed(handoff_id=str(HANDOFF), side="RECEIVER", promise="L22")
    message.due_at.FromDatetime(await house.now() - timedelta(minutes=1))

    await house.hear(message, Case(), aggregate_id=HANDOFF, case_known=False)

    [told] = await house.notices(template="promise-missed", channel="PAGE")
    assert (told["recipient_ref"], dict(told["filling"])["reference"]) == ("staff-pw-1", str(HANDOFF))


async def test_the_referrer_hears_of_a_redirect_by_its_group_and_not_where_it_leads(house: House) -> None:
    case = await a_case(house, worker=False)
    offer = str(uuid4())

    await house.hear(referral.ReferralRedirected(reason_group="ELIGIBILITY", by_party="SERVICE", offer_id=offer), case)

    [told] = await house.notices(template="referral-decided")
    assert told["recipient_ref"] == "pp-abc"
    assert dict(told["filling"])["what"] == "another service is asked, the programme is for others"
    assert offer not in str(dict(told))
