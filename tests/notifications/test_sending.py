"""Claim, call, record: at most one letter for an intent, whatever dies or is silent."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chassis.aggregate import Invalid, NotFound, Unmet
from notifications import commands, queries
from notifications.deadlines import Sender
from notifications.domain.codes import Channel, Failure
from notifications.domain.letter import Answer, Outcome
from notifications.domain.notice import Found
from tests.notifications.gateways import SILENCE, Memory
from tests.notifications.house import (
    DAYS,
    HOUR,
    MINUTE,
    MONDAY,
    OPS,
    PRACTITIONER,
    PROGRAMME,
    SM,
    Case,
    House,
    allocated,
    assigned,
    entry,
)
from throughcare.casework.v1 import events_pb2 as casework
from throughcare.referral.v1 import events_pb2 as referral

MIGRATIONS = "notifications.migrations"
MAIL = (Channel.EMAIL,)
BUSY = Outcome(answer=Answer.NOT_NOW, reason=Failure.BUSY)
REFUSED = Outcome(answer=Answer.NEVER, reason=Failure.REFUSED)
LEASE = timedelta(seconds=60)


async def arrived(house: House) -> Case:
    """A referral that triage is to be told of."""
    case = Case()
    await house.hear(case.submitted(), case)
    return case


async def the_mail(house: House) -> Any:
    [row] = await house.notices(channel="EMAIL", template="referral-arrived")
    return row


async def test_a_letter_goes_to_the_address_in_the_book_and_says_no_more_than_the_case_reference(house: House) -> None:
    await arrived(house)
    assert await house.send() == 2

    [mail] = [letter for letter in house.gateway.taken if letter.channel is Channel.EMAIL]
    assert house.gateway.addressed[house.gateway.taken.index(mail)] == "triage@x.example"
    assert mail.subject == "Case 7KQ2-M9RJ: a referral has arrived"
    assert "7KQ2-M9RJ waits for triage" in mail.body
    assert [(row["channel"], row["status"]) for row in await house.notices()] == [
        ("PAGE", "DELIVERED"),
        ("EMAIL", "SENT"),
    ]
    assert await house.send() == 0


async def test_what_is_told_is_a_path_in_codes_and_keeps_the_promise_to_hand_it_over(house: House) -> None:
    case = await arrived(house)
    await house.send()

    told = await house.rows(
        "select fact_type, topic, key from journal where aggregate_id = $1 order by version",
        (await the_mail(house))["id"],
    )
    assert [row["fact_type"] for row in told] == ["Requested", "Scheduled", "Rendered", "Claimed", "Sent"]
    assert {row["key"] for row in told if row["topic"]} == {str(case.case_id)}
    kept = await house.rows("select code, kept_at is not null as kept from promises where code = 'L19'")
    assert {(row["code"], row["kept"]) for row in kept} == {("L19", True)}


async def test_the_claim_is_committed_before_the_channel_is_called(house: House) -> None:
    await arrived(house)
    seen: list[str] = []

    class Watching(Memory):
        async def send(self, letter: Any, address: str) -> Outcome:
            seen.append((await the_mail(house))["status"])
            idle = "select count(*) from pg_stat_activity where datname = current_database() and state like 'idle in%'"
            [row] = await house.rows(idle)
            assert row["count"] == 0
            return await super().send(letter, address)

    await house.send(gateway=Watching(), channels=MAIL)

    assert seen == ["SENDING"]


async def test_who_is_not_in_the_book_is_asked_for_when_sending_and_his_address_is_kept_nowhere(house: House) -> None:
    case = Case()
    house.addresses.address = "marked-canary@probation.example"
    await house.hear_all(case, assigned(), case.submitted(), allocated())
    await house.clock(MONDAY + DAYS)
    await house.send(channels=MAIL)

    assert {letter.ref for letter in house.addresses.asked} == {"pp-abc"}
    assert "marked-canary@probation.example" in house.gateway.addressed
    for table in ("notice", "journal", "audit", "received", "contact"):
        for row in await house.rows(f"select t::text as held from {table} as t"):
            assert "marked-canary" not in row["held"]
    facts = await house.rows("select fact, message, headers from journal")
    assert b"marked-canary" not in b"".join(part for row in facts for part in row if part)


async def test_addresses_of_staff_are_sealed_where_they_lie(house: House) -> None:
    for table in ("contact", "journal", "audit", "received", "pending"):
        for row in await house.rows(f"select t::text as held from {table} as t"):
            assert "x.example" not in row["held"]
    assert b"x.example" not in b"".join(row["sealed"] for row in await house.rows("select sealed from contact"))


async def test_a_practitioner_of_whom_nobody_knows_an_address_cannot_be_told(house: House) -> None:
    case = Case()
    house.addresses.address = Outcome(answer=Answer.NEVER, reason=Failure.NO_ADDRESS)
    await house.hear_all(case, assigned(), casework.EngagementPaused())
    await house.send(channels=MAIL)

    [news] = await house.notices(template="engagement-news")
    assert (news["status"], news["reason"]) == ("PERMANENT_FAILURE", "NO_ADDRESS")
    assert house.gateway.taken == []


async def test_staff_without_an_address_fail_without_a_call_and_go_once_there_is_one(house: House) -> None:
    case = Case()
    await house.do(
        commands.set_staff_contact, **entry(staff_ref="staff-ew-1", roles=("EW",), email="") | {"expected": 1}
    )
    await house.hear(allocated(), case)
    await house.send(channels=MAIL)
    [named] = await house.notices(channel="EMAIL")
    assert (named["status"], named["reason"]) == ("PERMANENT_FAILURE", "NO_ADDRESS")

    await house.do(
        commands.set_staff_contact,
        **entry(staff_ref="staff-ew-1", roles=("EW",), email="ew@x.example") | {"expected": 2},
    )
    await house.do(commands.retry_notice, notice_id=named["id"], use_by=MONDAY + DAYS, expected=named["version"])
    await house.send(channels=MAIL)
    assert house.gateway.addressed == ["ew@x.example"]


async def test_a_busy_channel_is_tried_again_later_and_given_up_in_the_end(house: House) -> None:
    await arrived(house)
    house.gateway.answers = [BUSY] * 6
    waits = []
    for _ in range(6):
        await house.send(channels=MAIL)
        row = await the_mail(house)
        waits.append(row["status"])
        await house.pass_time(max(timedelta(0), row["send_after"] - await house.now()) + timedelta(seconds=1))

    assert waits == ["TEMPORARY_FAILURE"] * 5 + ["PERMANENT_FAILURE"]
    assert house.gateway.taken == []


async def test_silence_is_unknown_once_the_lease_is_over_and_never_sent_again(house: House) -> None:
    await arrived(house)
    house.gateway.answers = [SILENCE]
    await house.send(channels=MAIL)
    assert (await the_mail(house))["status"] == "SENDING"
    assert await house.send(channels=MAIL) == 0

    await house.pass_time(LEASE)
    await house.send(channels=MAIL)
    await house.pass_time(5 * HOUR)
    await house.send(channels=MAIL)

    row = await the_mail(house)
    assert row["status"] == "UNKNOWN"
    assert len(house.gateway.taken) == 1
    [listed] = await house.ask(queries.list_notices, OPS, states=("UNKNOWN",))
    assert listed.id == row["id"]


@pytest.mark.logs_errors("A call to the outside failed")
@pytest.mark.parametrize("left", [True, False])
async def test_a_process_that_dies_between_call_and_record_leaves_an_unknown(house: House, left: bool) -> None:
    await arrived(house)

    class Dying(Memory):
        async def send(self, letter: Any, address: str) -> Outcome:
            if left:
                await super().send(letter, address)
            raise RuntimeError("killed")

    dying = Dying()
    await house.send(gateway=dying, channels=MAIL)
    await house.pass_time(LEASE)
    await house.send(channels=MAIL)
    await house.pass_time(DAYS / 2)
    await house.send(channels=MAIL)

    assert (await the_mail(house))["status"] == "UNKNOWN"
    assert len(dying.taken) + len(house.gateway.taken) == int(left)


@pytest.mark.logs_errors("A call to the outside failed")
@pytest.mark.parametrize("left", [True, False])
async def test_a_channel_that_tells_is_asked_before_anything_is_sent_again(house: House, left: bool) -> None:
    await arrived(house)

    class Dying(Memory):
        calls = 0

        async def send(self, letter: Any, address: str) -> Outcome:
            self.calls += 1
            if self.calls > 1:
                return await super().send(letter, address)
            if left:
                await super().send(letter, address)
            raise RuntimeError("killed")

    telling = Dying(tells=True)
    await house.send(gateway=telling, channels=MAIL)
    for _ in range(4):
        await house.pass_time(LEASE)
        await house.send(gateway=telling, channels=MAIL)

    assert (await the_mail(house))["status"] == "SENT"
    assert len(telling.taken) == 1


async def test_an_answer_that_comes_after_the_lease_changes_nothing_and_stands_in_the_audit(house: House) -> None:
    await arrived(house)
    sender = Sender(house.gateway, MAIL, house.addresses)
    async with house.works.batch() as work:
        [letter] = await sender.claim(work)
        await work.flush()
    await house.pass_time(LEASE)
    await house.send(channels=MAIL)
    async with house.works.batch() as work:
        await sender.record(work, letter, Outcome(answer=Answer.SENT))
        await work.flush()

    assert (await the_mail(house))["status"] == "UNKNOWN"
    [late] = await house.rows("select outcome from audit where action = 'notice.record'")
    assert late["outcome"] == "late:SENT"


async def test_what_waited_too_long_for_its_turn_is_not_begun(house: House) -> None:
    await arrived(house)
    sender = Sender(house.gateway, MAIL, house.addresses)
    async with house.works.batch() as work:
        [letter] = await sender.claim(work)
        await work.flush()
    stale = replace(letter, taken_at=letter.taken_at - 31)

    assert (await sender.call(stale)).answer is Answer.NOT_NOW
    assert house.gateway.taken == []


async def test_two_replicas_send_each_letter_once(house: House) -> None:
    for _ in range(20):
        await arrived(house)

    async def drain() -> None:
        while await house.send():
            pass

    await asyncio.gather(drain(), drain())

    references = [letter.reference for letter in house.gateway.taken]
    assert len(references) == len(set(references)) == 40


async def test_an_unknown_one_is_resolved_by_a_person_who_looked(house: House) -> None:
    await arrived(house)
    house.gateway.answers = [SILENCE]
    await house.send(channels=MAIL)
    await house.pass_time(LEASE)
    await house.send(channels=MAIL)
    row = await the_mail(house)
    note = "The log of the server has no such letter: marked-canary."
    await house.do(
        commands.resolve_notice,
        OPS,
        notice_id=row["id"],
        outcome=Found.PERMANENT_FAILURE,
        note=note,
        expected=row["version"],
    )
    resolved = await the_mail(house)

    assert (resolved["status"], resolved["reason"]) == ("PERMANENT_FAILURE", "RESOLVED")
    stored = await house.rows("select message, fact from journal where fact_type = 'Resolved'")
    assert b"marked-canary" not in stored[0]["message"] + stored[0]["fact"]
    await house.do(commands.retry_notice, SM, notice_id=row["id"], use_by=MONDAY + DAYS, expected=resolved["version"])
    await house.send(channels=MAIL)
    assert (await the_mail(house))["status"] == "SENT"


async def test_quiet_hours_delay_and_do_not_suppress(house: House) -> None:
    await house.clock(MONDAY + 11 * HOUR)
    await arrived(house)
    assert await house.send() == 0

    await house.clock(MONDAY + 22 * HOUR)
    assert await house.send() == 2


async def test_a_digest_is_one_letter_to_one_recipient(house: House) -> None:
    for _ in range(3):
        case = Case()
        await house.hear(assigned(), case)
        await house.hear(referral.ReferralExpiring(programme_id=PROGRAMME, expires_on="2026-03-20"), case)
    await house.clock(MONDAY + DAYS - HOUR)
    await house.send(channels=MAIL)

    [digest] = [letter for letter in house.gateway.taken if len(letter.parts) > 1]
    drafts = await house.notices(template="draft-ends")
    assert len(digest.parts) == len(drafts) == 3
    assert digest.subject == "3 things to look at"
    assert {(row["status"], row["letter"]) for row in drafts} == {("SENT", digest.reference)}


async def test_a_notice_is_judged_again_when_it_is_sent(house: House) -> None:
    case = Case()
    await house.hear(allocated(), case)
    await house.hear(referral.AccessListChanged(list="DENY", entries=["staff-ew-1"], version=1), case)
    await house.send()

    assert {(row["status"], row["reason"]) for row in await house.notices(template="worker-named")} == {
        ("SUPPRESSED", "CASE_RESTRICTED")
    }
    assert house.gateway.taken == []


async def test_while_something_of_the_person_is_held_nothing_about_him_leaves(house: House) -> None:
    case = await arrived(house)
    await house.hear(referral.AccessListChanged(list="DENY", entries=["staff-sm-1"], version=1), case, skip=1)
    assert await house.send() == 0

    async with house.database.connection() as conn:
        await conn.execute("delete from parked")
    assert await house.send() == 2


async def test_without_an_approved_template_a_notice_waits(house: House) -> None:
    [template] = await house.ask(queries.list_templates, name="referral-arrived")
    await house.do(commands.retire_template, name="referral-arrived", number=1, expected=template.version)
    await arrived(house)
    assert await house.send() == 0
    assert (await the_mail(house))["status"] == "SCHEDULED"


async def test_out_of_its_use_by_it_expires(house: House) -> None:
    await arrived(house)
    await house.pass_time(3 * DAYS)
    await house.fall_due()

    assert (await the_mail(house))["status"] == "EXPIRED"
    assert await house.send() == 0


async def test_a_retry_needs_a_day_that_is_to_come(house: House) -> None:
    await arrived(house)
    await house.pass_time(3 * DAYS)
    await house.fall_due()
    row = await the_mail(house)

    with pytest.raises(Invalid) as refusal:
        await house.do(commands.retry_notice, notice_id=row["id"], use_by=MONDAY, expected=row["version"])

    assert [(fault.path, fault.code) for fault in refusal.value.fields] == [("use_by", "IN_PAST")]
    assert (await the_mail(house))["version"] == row["version"]


async def test_a_refused_command_changes_no_row_and_leaves_one_audit_entry(house: House) -> None:
    await arrived(house)
    row = await the_mail(house)
    before = await house.rows("select count(*) from journal")
    audited = await house.rows("select count(*) from audit")

    with pytest.raises(Unmet):
        await house.do(
            commands.resolve_notice, notice_id=row["id"], outcome=Found.SENT, note="Looked.", expected=row["version"]
        )

    assert (await the_mail(house)) == row
    assert await house.rows("select count(*) from journal") == before
    [entries] = await house.rows("select count(*) from audit")
    assert entries["count"] == audited[0]["count"] + 1


async def test_l19_is_missed_when_a_letter_is_not_handed_over_in_time_and_only_told_once(house: House) -> None:
    await arrived(house)
    await house.pass_time(15 * MINUTE)
    assert await house.fall_due() == 2  # looked at, and given a moment: the clock may have jumped
    assert await house.notices(about="L19") == []

    await house.pass_time(10 * MINUTE / 60)
    await house.fall_due()
    missed = await house.rows("select fact_type from journal where fact_type = 'Missed'")
    about = await house.notices(about="L19")

    assert len(missed) == 2
    assert {row["recipient_role"] for row in about} == {"OPS"}
    assert {row["case_id"] for row in about} == {None}
    owed = "select 1 from promises where code = 'L19' and aggregate_id = any($1)"
    assert await house.rows(owed, [row["id"] for row in about]) == []


async def test_a_clock_that_jumped_leaves_the_sender_its_turn(house: House) -> None:
    await arrived(house)
    await house.pass_time(HOUR)
    await house.fall_due()
    await house.send()
    await house.pass_time(MINUTE)
    await house.fall_due()

    assert await house.rows("select 1 from journal where fact_type = 'Missed'") == []


async def test_nobody_but_its_recipient_or_the_managers_may_see_a_notice(house: House) -> None:
    await arrived(house)
    row = await the_mail(house)

    with pytest.raises(NotFound):
        await house.ask(queries.get_notice, PRACTITIONER, notice_id=row["id"])
    assert await house.ask(queries.list_notices, PRACTITIONER) == ()
    assert (await house.ask(queries.get_notice, SM, notice_id=row["id"])).id == row["id"]
