"""What is heard, and who is told of it."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from chassis import replay
from notifications import commands
from notifications.subscriptions import HEARS
from tests.notifications.house import (
    DAYS,
    HOUR,
    MONDAY,
    NODE,
    PROGRAMME,
    WORKER,
    Case,
    House,
    allocated,
    assigned,
    entry,
    reallocated,
)
from throughcare.casework.v1 import events_pb2 as casework
from throughcare.partners.v1 import events_pb2 as partners
from throughcare.referral.v1 import events_pb2 as referral

MIGRATIONS = "notifications.migrations"
# events.md 6: every fact of the first slice that has notifications as its hearer.
HEARD = {
    *(getattr(referral, f"Referral{n}") for n in (
        "Submitted", "TriageStarted", "Accepted", "Declined", "Redirected", "Withdrawn", "Expiring", "Expired",
        "Reopened", "DeadlineMissed")),
    *(getattr(referral, f"Consent{n}") for n in (
        "Granted", "Declined", "Withdrawn", "Expired", "Expiring", "DeadlineMissed")),
    *(getattr(referral, f"Practitioner{n}") for n in ("Assigned", "Changed", "CoverSet")),
    *(getattr(referral, f"Prompt{n}") for n in ("Raised", "Done", "Dismissed")),
    referral.PersonSafeContactSet, referral.PersonDetailsChanged, referral.PersonMerged, referral.PersonUnmerged,
    referral.AccessListChanged,
    *(getattr(casework, f"Worker{n}") for n in ("Allocated", "Reallocated", "CoverSet")),
    *(getattr(casework, f"Engagement{n}") for n in (
        "Opened", "Paused", "Resumed", "Closed", "Reopened", "DeadlineMissed")),
    *(getattr(partners, f"Handoff{n}") for n in (
        "Offered", "Received", "Accepted", "Declined", "Expired", "Failed", "Waitlisted", "Started", "Completed",
        "LoopClosed", "Revoked", "PurgeConfirmed", "EnteredInError", "DeadlineMissed")),
    *(getattr(casework, f"Allocation{n}") for n in ("Requested", "Proposed", "Ended", "DeadlineMissed")),
}  # fmt: skip


def test_it_hears_what_the_catalogue_says_and_nothing_else() -> None:
    assert {subscription.kind for subscription in HEARS.subscriptions} == HEARD


async def a_case(house: House, *, worker: bool = True) -> Case:
    """Submitted by its practitioner, and with a worker; what was told of that is out of the way."""
    case = Case()
    await house.hear(assigned(), case)
    await house.hear(case.submitted(referrer_org="probation"), case)
    if worker:
        await house.hear(allocated(), case)
    async with house.database.connection() as conn:
        await conn.execute("delete from promises")
        await conn.execute("delete from notice")
    return case


async def test_triage_hears_of_a_referral_by_page_and_e_mail_at_once(house: House) -> None:
    case = Case()
    event = await house.hear(case.submitted(), case)

    assert await house.told() == [("triage", "PAGE", "referral-arrived"), ("triage", "EMAIL", "referral-arrived")]
    page, mail = await house.notices()
    assert {page["event_id"], mail["event_id"]} == {event.event_id}
    assert (page["rung"], mail["rung"]) == (0, 1)
    assert (page["status"], page["send_after"]) == ("SCHEDULED", mail["send_after"])
    assert dict(mail["filling"])["reference"] == "7KQ2-M9RJ"


async def test_the_same_message_again_tells_nobody_again(house: House) -> None:
    case = Case()
    await house.hear(case.submitted(), case)
    house.seqs.clear()
    await house.hear(case.submitted(), case)

    assert len(await house.notices()) == 2


async def test_the_referrer_hears_of_the_decision_by_its_group_alone(house: House) -> None:
    case = await a_case(house, worker=False)
    await house.hear(referral.ReferralTriageStarted(), case)
    await house.hear(referral.ReferralDeclined(reason_group="PERSON_CHOICE", by_party="PERSON"), case)

    assert await house.told() == [
        ("pp-abc", "EMAIL", "referral-received"),
        ("pp-abc", "EMAIL", "referral-decided"),
    ]
    [decided] = await house.notices(template="referral-decided")
    assert dict(decided["filling"])["what"] == "it is declined, circumstances have changed"


async def test_triage_that_began_answers_what_was_told_of_the_arrival(house: House) -> None:
    case = Case()
    await house.hear(case.submitted(), case)
    await house.hear(referral.ReferralTriageStarted(), case)

    arrived = await house.notices(template="referral-arrived")
    assert {(row["status"], row["reason"]) for row in arrived} == {("SUPPRESSED", "SUPERSEDED")}


async def test_a_withdrawal_ends_what_was_open_and_tells_everybody_concerned(house: House) -> None:
    case = await a_case(house)
    await house.hear(casework.AllocationProposed(worker_ref="staff-ew-1"), case)
    await house.hear(referral.ReferralWithdrawn(reason_group="PERSON_CHOICE", by_party="PERSON"), case)

    assert {row["status"] for row in await house.notices(template="allocate-worker")} == {"SUPPRESSED"}
    assert set(await house.told(template="referral-ended")) == {
        (ref, channel, "referral-ended") for ref in ("triage", "staff-ew-1", "pp-abc") for channel in ("PAGE", "EMAIL")
    }


async def test_who_started_a_draft_hears_that_it_ends_in_the_digest_of_the_next_morning(house: House) -> None:
    case = Case()
    await house.hear(assigned(), case)
    await house.hear(referral.ReferralExpiring(programme_id=PROGRAMME, expires_on="2026-03-20"), case)

    [draft] = await house.notices(template="draft-ends")
    assert (draft["recipient_ref"], draft["urgency"]) == ("pp-abc", "DIGEST")
    assert draft["send_after"] == MONDAY + DAYS - 1.5 * HOUR
    assert dict(draft["filling"])["due_on"] == "20 March 2026"


async def test_a_digest_that_waits_is_not_told_twice(house: House) -> None:
    case = Case()
    expiring = referral.ReferralExpiring(programme_id=PROGRAMME, expires_on="2026-03-20")
    await house.hear_all(case, assigned(), expiring, expiring)

    assert [(row["status"], row["reason"]) for row in await house.notices(template="draft-ends")] == [
        ("SCHEDULED", ""),
        ("SUPPRESSED", "DUPLICATE"),
    ]


async def test_worker_and_practitioner_hear_who_works_with_him(house: House) -> None:
    case = await a_case(house, worker=False)
    await house.hear(allocated(), case)

    assert await house.told() == [
        ("staff-ew-1", "PAGE", "worker-named"),
        ("staff-ew-1", "EMAIL", "worker-named"),
        ("pp-abc", "EMAIL", "engagement-news"),
    ]


async def test_another_worker_takes_the_open_notices_over(house: House) -> None:
    case = await a_case(house)
    await house.hear(case.missed("L3", MONDAY - HOUR), case)
    await house.hear(reallocated("staff-ew-2", "staff-ew-1"), case)

    missed = await house.notices(template="promise-missed")
    assert [(row["recipient_ref"], row["channel"], row["status"], row["reason"]) for row in missed] == [
        ("staff-ew-1", "PAGE", "SUPPRESSED", "SUPERSEDED"),
        ("staff-ew-1", "EMAIL", "SUPPRESSED", "SUPERSEDED"),
        ("staff-ew-2", "PAGE", "SCHEDULED", ""),
        ("staff-ew-2", "EMAIL", "SCHEDULED", ""),
    ]
    assert [row["event_id"] for row in missed] == [missed[0]["event_id"]] * 4
    assert {row[0] for row in await house.told(template="worker-named")} == {"staff-ew-1", "staff-ew-2"}


async def test_what_he_had_seen_but_not_acknowledged_moves_too(house: House) -> None:
    case = await a_case(house)
    await house.hear(case.missed("L3", MONDAY - HOUR), case)
    await house.send()
    await house.hear(reallocated("staff-ew-2", "staff-ew-1"), case)

    missed = await house.notices(template="promise-missed")
    assert [(row["recipient_ref"], row["status"]) for row in missed] == [
        ("staff-ew-1", "ACKNOWLEDGED"),
        ("staff-ew-1", "ACKNOWLEDGED"),
        ("staff-ew-2", "SCHEDULED"),
        ("staff-ew-2", "SCHEDULED"),
    ]


async def test_a_cover_takes_over_only_when_its_day_has_come(house: House) -> None:
    case = await a_case(house)
    await house.hear(case.missed("L3", MONDAY - HOUR), case)
    later = casework.WorkerCoverSet(worker_ref="staff-ew-2", role="EW", starts_on="2026-03-09", ends_on="2026-03-13")
    await house.hear(later, case)
    assert {row["recipient_ref"] for row in await house.notices(template="promise-missed")} == {"staff-ew-1"}
    assert {row[0] for row in await house.told(template="worker-named")} == {"staff-ew-1", "staff-ew-2"}

    await house.clock(MONDAY + 7 * DAYS)
    await house.hear(case.missed("L20", MONDAY), case)
    [about] = {row["recipient_ref"] for row in await house.notices(about="L20")}
    assert about == "staff-ew-2"


async def test_another_practitioner_takes_his_open_notices_over(house: House) -> None:
    case = await a_case(house)
    await house.hear(casework.EngagementPaused(), case)
    await house.hear(assigned("pp-new", kind=referral.PractitionerChanged), case)

    assert [(row["recipient_ref"], row["status"]) for row in await house.notices(template="engagement-news")] == [
        ("pp-abc", "SUPPRESSED"),
        ("pp-new", "SCHEDULED"),
    ]
    assert {row[0] for row in await house.told(template="practitioner-changed")} == {"pp-new", "staff-ew-1"}


def consent(kind: Any, **given: Any) -> Any:
    return kind(purpose="PARTICIPATE", programme_id=PROGRAMME, version=1, review_on="2026-08-01", **given)


@pytest.mark.parametrize("kind", [referral.ConsentWithdrawn, referral.ConsentDeclined])
async def test_when_he_no_longer_agrees_worker_and_manager_hear_and_the_practitioner_never(
    house: House, kind: Any
) -> None:
    case = await a_case(house)
    await house.hear(consent(kind), case)

    assert {row[0] for row in await house.told()} == {"staff-ew-1", "triage"}
    assert {row["ack_wanted"] for row in await house.notices()} == {True}


async def test_what_he_agreed_to_in_another_programme_concerns_nobody_here(house: House) -> None:
    case = await a_case(house)
    message = consent(referral.ConsentWithdrawn)
    message.programme_id = str(uuid4())
    await house.hear(message, case)

    assert await house.notices() == []


async def test_a_case_that_has_ended_is_told_nothing_more_of_him(house: House) -> None:
    case = await a_case(house)
    await house.hear(casework.EngagementClosed(outcome_group="COMPLETED"), case)
    before = len(await house.notices())
    await house.hear(consent(referral.ConsentWithdrawn), case)

    assert len(await house.notices()) == before


async def test_asking_again_answers_the_review(house: House) -> None:
    case = await a_case(house)
    await house.hear(consent(referral.ConsentExpiring), case)
    assert await house.told() == [("staff-ew-1", "PAGE", "consent-review")]
    await house.hear(consent(referral.ConsentGranted), case)

    [review] = await house.notices()
    assert (review["status"], review["reason"]) == ("SUPPRESSED", "SUPERSEDED")


async def test_a_prompt_is_told_to_who_sees_its_kind_and_answered_when_it_is_done(house: House) -> None:
    case, prompt, other = await a_case(house), uuid4(), uuid4()
    await house.hear(referral.PromptRaised(kind="RECALL_SUGGESTED"), case, aggregate_id=prompt)
    await house.hear(referral.PromptRaised(kind="STALE"), case, aggregate_id=other)

    assert await house.told(about="RECALL_SUGGESTED") == [
        (ref, "PAGE", "prompt") for ref in ("pp-abc", "staff-cp-1", "triage")
    ]
    assert {row["urgency"] for row in await house.notices(about="RECALL_SUGGESTED")} == {"TODAY"}
    assert {row["urgency"] for row in await house.notices(about="STALE")} == {"DIGEST"}

    await house.hear(referral.PromptDone(kind="RECALL_SUGGESTED"), case, aggregate_id=prompt)
    assert {row["status"] for row in await house.notices(about="RECALL_SUGGESTED")} == {"SUPPRESSED"}
    assert {row["status"] for row in await house.notices(about="STALE")} == {"SCHEDULED"}


async def test_a_prompt_of_a_man_without_a_case_goes_to_those_who_need_none(house: House) -> None:
    await house.hear(referral.PromptRaised(kind="ERASURE_AT_SOURCE"), Case())

    assert await house.told() == [("staff-ig-1", "PAGE", "prompt")]


async def test_a_death_stops_everything_and_nothing_is_begun_any_more(house: House) -> None:
    case = await a_case(house)
    await house.hear(case.missed("L3", MONDAY - HOUR), case)
    await house.hear(referral.PersonDetailsChanged(deceased=True, version=2), case)
    await house.hear(casework.EngagementClosed(outcome_group="ENDED_EARLY"), case)

    assert {(row["status"], row["reason"]) for row in await house.notices()} == {("SUPPRESSED", "DECEASED")}
    assert await house.send() == 0


async def test_from_whom_the_case_is_hidden_is_not_told(house: House) -> None:
    case = await a_case(house)
    await house.hear(referral.AccessListChanged(list="DENY", entries=["staff-sm-1", "pp-abc"], version=1), case)
    await house.hear(referral.ReferralWithdrawn(reason_group="ADMIN", by_party="SERVICE"), case)

    rows = await house.notices(template="referral-ended")
    assert {(row["recipient_ref"], row["status"], row["reason"]) for row in rows} == {
        ("staff-sm-2", "SCHEDULED", ""),
        ("staff-ew-1", "SCHEDULED", ""),
        ("pp-abc", "SUPPRESSED", "CASE_RESTRICTED"),
    }


async def test_who_has_left_is_not_told(house: House) -> None:
    case = await a_case(house)
    await house.do(
        commands.set_staff_contact,
        **entry(staff_ref=WORKER.id, roles=("EW",), email="", has_left=True) | {"expected": 1},
    )
    await house.hear(case.missed("L3", MONDAY - HOUR), case)

    assert {row["recipient_ref"] for row in await house.notices()} == {"triage"}


async def test_a_missed_promise_that_was_kept_meanwhile_is_told_to_nobody(house: House) -> None:
    case = await a_case(house, worker=False)
    await house.hear(referral.ReferralWithdrawn(reason_group="ADMIN", by_party="SERVICE"), case)
    await house.hear(case.missed("L18", MONDAY - HOUR), case)

    assert {(row["status"], row["reason"]) for row in await house.notices(about="L18")} == {
        ("SUPPRESSED", "SUPERSEDED")
    }


async def test_an_earlier_keeping_does_not_excuse_a_later_miss(house: House) -> None:
    case = await a_case(house, worker=False)
    await house.hear(referral.ReferralTriageStarted(), case)
    await house.clock(MONDAY + 10 * DAYS)
    await house.hear(case.missed("L1", MONDAY + 9 * DAYS), case)

    assert {row["status"] for row in await house.notices(about="L1")} == {"SCHEDULED"}


async def test_the_fact_that_keeps_a_promise_ends_what_was_told_of_its_miss(house: House) -> None:
    case = await a_case(house, worker=False)
    await house.hear(case.missed("L1", MONDAY - HOUR), case)
    await house.send()
    await house.hear(referral.ReferralTriageStarted(), case)

    assert {row["status"] for row in await house.notices(about="L1")} == {"ACKNOWLEDGED"}
    ladders = "select 1 from promises join notice n on n.id = aggregate_id where code = 'LADDER' and n.about = 'L1'"
    assert await house.rows(ladders) == []


async def test_the_projections_are_the_same_in_whatever_order_two_streams_arrive(house: House) -> None:
    async def tables() -> list[Any]:
        return [
            await house.rows(f"select * from {name} order by 1, 2, 3")
            for name in ("case_people", "case_ends", "kept_promises")
        ]

    one, other = Case(), Case()
    of_work = (allocated(), casework.EngagementOpened(acceptance=3), casework.EngagementClosed(acceptance=3))
    await house.hear_all(one, one.submitted(), assigned(), *of_work)
    await house.hear_all(other, *of_work, other.submitted(), assigned())

    def of(case: Case, rows: list[Any]) -> set[Any]:
        skip = {"case_id", "subject_id", "kept_at"}
        return {
            tuple((k, v) for k, v in row.items() if k not in skip)
            for row in rows
            if case.case_id in {row.get("case_id"), row.get("subject_id")}
        }

    for rows in await tables():
        assert of(one, rows) == of(other, rows) != set()


async def test_a_rebuild_remembers_the_same_and_sends_no_letter(house: House) -> None:
    """Letters are led to by commands; a rebuild runs projections alone."""
    case = Case()
    messages = (case.submitted(), assigned(), allocated(), consent(referral.ConsentGranted))
    await house.hear_all(case, *messages, referral.PersonDetailsChanged(deceased=False, version=1))
    kept = "select 'n', id, version from notice union all select 'j', aggregate_id, position from journal order by 2, 3"
    before = await house.rows(kept)

    done = await replay.rebuild(house.database, HEARS, house.journals, NODE)

    assert done.messages >= 5
    assert done.equal
    assert await house.rows(kept) == before
