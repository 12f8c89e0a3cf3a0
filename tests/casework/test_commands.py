"""Every guard on both sides, on a real database: what a command refuses leaves nothing but an audit entry."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from casework.commands import allocation, engagement, worker
from casework.domain.ending import ContactChannel, EndAnswers, Outcome
from casework.domain.engagement.facts import RatingPhase
from casework.domain.term import PauseReason, Recorded
from casework.domain.worker import SuspendReason, TrainingTopic, WorkerRole
from chassis.access import Actor, Role
from chassis.aggregate import Conflict, Denied, Exists, Invalid, NotFound, Refused, Unmet
from tests.casework.house import NODE, OTHER, PRACTITIONER, SM, WITHDRAWN, WORKER, allocating, names, on
from throughcare.referral.v1 import events_pb2 as referral

TABLES = ("worker", "allocation", "engagement", "journal", "promises", "pending", "received")


async def whole(house):
    """Everything but the audit."""
    return {table: sorted(str(dict(row)) for row in await house.rows(f"select * from {table}")) for table in TABLES}


async def refused(house, attempt, kind, reason):
    """It is refused with this reason; no row changed, and one entry was written."""
    before, entries = await whole(house), len(await house.outcomes())
    with pytest.raises(kind) as refusal:
        await attempt
    assert refusal.value.reason == reason
    assert await whole(house) == before
    assert (await house.outcomes())[entries:] == [f"refused:{reason}"]


def register(house, ref="staff-ew-9", actor=SM, **changes):
    given = {"role": WorkerRole.EW, "organisation": NODE, "capacity": 3}
    return house.do(worker.register_worker, actor, worker_ref=ref, **given | changes)


# Workers


async def test_a_worker_is_registered_once(house):
    answer = await register(house)

    assert answer["version"] == 1
    await refused(house, register(house), Exists, "worker_exists")


async def test_probation_staff_are_no_workers(house):
    await refused(house, register(house, organisation="probation"), Unmet, "employed_by_probation")


async def test_a_worker_nobody_knows_is_not_found_and_an_old_version_conflicts(house):
    await register(house)

    def suspending(ref, expected):
        return house.do(worker.suspend_worker, worker_ref=ref, reason=SuspendReason.ABSENCE, expected=expected)

    await refused(house, suspending("staff-ew-8", 1), NotFound, "not_found")
    await refused(house, suspending("staff-ew-9", 7), Conflict, "version_conflict")
    assert await suspending("staff-ew-9", 1) == 2


async def test_a_worker_is_cleared_with_vetting_training_and_induction(house):
    await register(house)
    today = await house.today()

    def clearing(expected, **changes):
        given = {
            "vetting_valid_to": today + timedelta(days=30),
            "induction": Recorded(on=today, by="staff-sm-1"),
        }
        return house.do(worker.clear_worker, worker_ref="staff-ew-9", expected=expected, **given | changes)

    await refused(house, clearing(1), Unmet, "training_incomplete")
    await house.do(
        worker.record_training_complete,
        worker_ref="staff-ew-9",
        topics=tuple(TrainingTopic),
        completed_on=today,
        valid_to=today + timedelta(days=9),
        expected=1,
    )
    await refused(house, clearing(2, induction=None), Unmet, "induction_incomplete")
    assert await clearing(2) == {"valid_to": str(today + timedelta(days=9)), "version": 3}


async def test_only_service_managers_keep_workers(house):
    for role in set(Role) - {Role.SM}:
        actor = Actor(id="somebody", role=role, organisation=NODE)
        await refused(house, register(house, actor=actor), Denied, "not_permitted")


async def test_the_house_itself_has_no_command_of_a_person(staffed):
    house = staffed
    case = await house.accepted()

    await refused(
        house,
        allocating(house, case, actor=Actor(id=NODE, role=Role.SYSTEM, organisation=NODE)),
        Denied,
        "not_permitted",
    )


# Allocations


async def test_a_worker_is_named_only_when_cleared_free_and_without_conflict(staffed):
    house = staffed
    case = await house.accepted()
    await register(house, "staff-ew-3")

    await refused(house, allocating(house, case, "staff-ew-3"), Unmet, "worker_not_cleared")
    await refused(house, allocating(house, case, "staff-ew-99"), Unmet, "worker_not_cleared")
    await refused(house, allocating(house, case, conflict=True), Unmet, "worker_conflict")
    assert await allocating(house, case) == 2
    assert (await house.allocation_of(case))["worker_ref"] == "staff-ew-1"


async def test_a_worker_has_no_more_men_than_places(staffed):
    house = staffed
    for _ in range(3):
        await allocating(house, await house.accepted())
    late = await house.accepted()

    await refused(house, allocating(house, late), Unmet, "worker_at_capacity")
    assert await allocating(house, late, "staff-ew-2") == 2


async def test_the_last_place_is_given_once_however_many_ask_at_the_same_moment(staffed):
    house = staffed
    await house.do(worker.set_capacity, worker_ref="staff-ew-1", capacity=1, expected=3)
    cases = [await house.accepted() for _ in range(4)]

    answers = await asyncio.gather(*(allocating(house, case) for case in cases), return_exceptions=True)

    assert sorted(type(answer).__name__ for answer in answers) == ["Unmet"] * 3 + ["int"]
    assert {a.reason for a in answers if isinstance(a, Refused)} == {"worker_at_capacity"}


async def test_one_case_has_one_worker_however_many_ask_at_the_same_moment(staffed):
    house = staffed
    case = await house.accepted()

    answers = await asyncio.gather(
        allocating(house, case, "staff-ew-1", expected=1),
        allocating(house, case, "staff-ew-2", expected=1),
        return_exceptions=True,
    )

    assert sorted(type(answer).__name__ for answer in answers) == ["Conflict", "int"]


async def test_a_second_primary_worker_is_refused(staffed):
    house = staffed
    case = await house.accepted()
    await allocating(house, case)

    await refused(house, allocating(house, case, "staff-ew-2"), Unmet, "primary_exists")


async def test_a_worker_the_man_is_hidden_from_is_not_given_him(staffed):
    house = staffed
    denied, allowed = await house.accepted(), await house.accepted()
    await house.tell(referral.AccessListChanged(list="DENY", entries=["staff-ew-1"], version=1), denied)
    await house.tell(referral.AccessListChanged(list="ALLOW", entries=["staff-sm-1", "staff-ew-2"], version=1), allowed)

    await refused(house, allocating(house, denied), Unmet, "worker_conflict")
    await refused(house, allocating(house, allowed), Unmet, "worker_conflict")
    assert await allocating(house, allowed, "staff-ew-2") == 2


async def test_a_proposal_is_judged_and_falls_when_it_no_longer_holds(staffed):
    house = staffed
    case = await house.accepted()
    held = await house.allocation_of(case)

    def proposing(ref, expected):
        return house.do(
            allocation.propose_worker,
            allocation_id=held["id"],
            worker_ref=ref,
            conflict_declared=False,
            expected=expected,
        )

    await refused(house, proposing("staff-ew-99", 1), Unmet, "worker_not_cleared")
    assert await proposing("staff-ew-1", 1) == 2
    await house.do(worker.suspend_worker, worker_ref="staff-ew-1", reason=SuspendReason.ABSENCE, expected=3)
    await house.fire()
    after = await house.allocation_of(case)
    assert (after["status"], after["worker_ref"], after["failed_code"]) == (
        "REQUESTED",
        None,
        "worker_not_cleared",
    )


async def test_the_last_place_taken_takes_other_proposals_back(staffed):
    house = staffed
    await house.do(worker.set_capacity, worker_ref="staff-ew-1", capacity=1, expected=3)
    proposed = await house.accepted(worker_ref="staff-ew-1")
    assert (await house.allocation_of(proposed))["status"] == "PROPOSED"

    await allocating(house, await house.accepted())
    await house.fire()

    assert (await house.allocation_of(proposed))["failed_code"] == "worker_at_capacity"


async def test_another_worker_takes_over_with_a_reason_and_a_handover(staffed):
    house = staffed
    case, _ = await house.opened()
    held = await house.allocation_of(case)

    def moving(handover):
        return house.do(
            allocation.reallocate_worker,
            allocation_id=held["id"],
            worker_ref="staff-ew-2",
            conflict_declared=False,
            reason="maternity leave",
            handover=handover,
            expected=held["version"],
        )

    await refused(house, moving(None), Unmet, "handover_missing")
    await moving(Recorded(on=await house.today(), by="staff-ew-1"))
    assert (await house.allocation_of(case))["worker_ref"] == "staff-ew-2"


async def test_while_it_stands_still_a_new_worker_needs_no_handover_yet(staffed):
    house = staffed
    case, id_ = await house.opened()
    await on(
        house,
        id_,
        engagement.pause_engagement,
        reason=PauseReason.RECALLED,
        on=None,
        review_on=await house.today(),
        earliest_out_on=None,
    )
    held = await house.allocation_of(case)

    await house.do(
        allocation.reallocate_worker,
        allocation_id=held["id"],
        worker_ref="staff-ew-2",
        conflict_declared=False,
        reason="left",
        handover=None,
        expected=held["version"],
    )

    assert (await house.allocation_of(case))["worker_ref"] == "staff-ew-2"


async def test_a_caseload_is_handed_over_whole_or_not_at_all(staffed):
    house = staffed
    for _ in range(3):
        await allocating(house, await house.accepted())
    await allocating(house, await house.accepted(), "staff-ew-2")

    def handing():
        return house.do(
            allocation.hand_over_caseload,
            from_worker="staff-ew-1",
            to_worker="staff-ew-2",
            reason="left",
            handover=None,
        )

    await refused(house, handing(), Unmet, "worker_at_capacity")
    await house.do(worker.set_capacity, worker_ref="staff-ew-2", capacity=4, expected=3)
    assert await handing() == 3
    held = await house.rows("select count(*) as n from allocation where worker_ref = 'staff-ew-2'")
    assert held[0]["n"] == 4


async def test_a_cover_may_act_on_his_days_and_on_no_other(staffed):
    house = staffed
    case, id_ = await house.opened()
    await house.safe(case)
    held, today = await house.allocation_of(case), await house.today()
    await house.do(
        allocation.set_worker_cover,
        allocation_id=held["id"],
        cover_ref="staff-ew-2",
        starts_on=today + timedelta(days=1),
        ends_on=today + timedelta(days=2),
        expected=held["version"],
    )

    def calling_him():
        return on(house, id_, engagement.record_contact_attempt, OTHER, channel=ContactChannel.PHONE, on=None)

    await refused(house, calling_him(), NotFound, "not_found")
    await house.wind(days=1)
    assert await calling_him() == 2
    await house.wind(days=2)
    await refused(house, calling_him(), NotFound, "not_found")


# Engagements


async def test_an_engagement_opens_with_a_worker_and_his_agreement(staffed):
    house = staffed
    case = await house.accepted()
    held = await house.allocation_of(case)

    def opening(expected):
        return house.do(engagement.open_engagement, allocation_id=held["id"], expected=expected)

    await refused(house, opening(1), Unmet, "worker_not_allocated")
    await allocating(house, case)
    await house.tell(house.consent(WITHDRAWN), case)
    await refused(house, opening(2), Unmet, "consent_missing")
    await house.tell(house.consent(referral.ConsentGranted, version=2), case)
    assert (await opening(2))["version"] == 1


@pytest.mark.parametrize(
    "other",
    [{"purpose": "ASSESS"}, {"programme_id": "0190e2a0-0000-7000-8000-0000000000e2"}],
)
async def test_agreement_to_something_else_is_no_agreement(staffed, other):
    house = staffed
    case = await house.accepted()
    await allocating(house, case)
    await house.tell(house.consent(WITHDRAWN), case)
    await house.tell(house.consent(referral.ConsentGranted, **other), case)
    held = await house.allocation_of(case)

    await refused(
        house,
        house.do(engagement.open_engagement, allocation_id=held["id"], expected=held["version"]),
        Unmet,
        "consent_missing",
    )


async def test_while_facts_about_him_wait_his_agreement_does_not_count_for_his_worker(staffed):
    """Nobody reads while they wait, so the manager finds nothing; the rule itself is tried in the domain."""
    house = staffed
    case = await house.accepted()
    await allocating(house, case)
    held = await house.allocation_of(case)
    await house.tell(house.consent(referral.ConsentGranted, version=3), case, skip=1)
    assert [reason for _, reason in await house.parked()] == ["gap"]

    await refused(
        house,
        house.do(engagement.open_engagement, allocation_id=held["id"], expected=held["version"]),
        NotFound,
        "not_found",
    )


async def test_he_is_not_called_before_it_is_agreed_how(staffed):
    house = staffed
    case, id_ = await house.opened()

    def calling_him():
        return on(house, id_, engagement.record_contact_attempt, channel=ContactChannel.PHONE, on=None)

    await refused(house, calling_him(), Unmet, "safe_contact_missing")
    await house.safe(case)
    assert await calling_him() == 2


async def test_a_worker_extends_to_the_cap_and_a_manager_beyond(staffed):
    house = staffed
    _, id_ = await house.opened()

    def extending(actor, months):
        return on(house, id_, engagement.extend_engagement, actor, planned_months=months, reason="more")

    await refused(house, extending(WORKER, 19), Unmet, "duration_cap")
    assert await extending(WORKER, 18) == 2
    assert await extending(SM, 19) == 3


async def test_nobody_agrees_with_himself_that_a_man_is_given_up(staffed):
    house = staffed
    _, id_ = await house.opened()

    def giving_up(actor, agreed_by):
        return on(house, id_, engagement.start_ending, actor, outcome=Outcome.UNSAFE, reason="", agreed_by=agreed_by)

    await refused(house, giving_up(WORKER, WORKER.id), Unmet, "second_person_required")
    assert await giving_up(WORKER, SM.id) == 2


async def test_a_close_ends_the_workers_part_and_frees_his_place(staffed):
    house = staffed
    await house.do(worker.set_capacity, worker_ref="staff-ew-1", capacity=1, expected=3)
    _, id_ = await house.opened()
    waiting = await house.accepted()
    await refused(house, allocating(house, waiting), Unmet, "worker_at_capacity")

    await on(house, id_, engagement.close_engagement, outcome=Outcome.DIED, answers=EndAnswers())

    assert await allocating(house, waiting) == 2


async def test_a_closed_engagement_is_reopened_and_asks_for_a_worker_anew(staffed):
    house = staffed
    case, id_ = await house.opened()
    await on(house, id_, engagement.close_engagement, outcome=Outcome.PERSON_WITHDREW, answers=EndAnswers())

    answer = await on(house, id_, engagement.reopen_engagement, SM)

    held = await house.allocation_of(case)
    assert (held["id"], held["status"], held["engagement_id"]) == (
        UUID(answer["allocation_id"]),
        "REQUESTED",
        id_,
    )
    await allocating(house, case, "staff-ew-2")
    assert await on(house, id_, engagement.record_rating, OTHER, phase=RatingPhase.START, ratings=()) == 4


async def test_it_is_not_reopened_without_his_agreement_or_while_a_worker_is_searched(staffed):
    house = staffed
    case, id_ = await house.opened()
    await on(house, id_, engagement.close_engagement, outcome=Outcome.PERSON_WITHDREW, answers=EndAnswers())
    await house.tell(house.consent(WITHDRAWN), case)
    await refused(house, on(house, id_, engagement.reopen_engagement, SM), Unmet, "consent_missing")
    await house.accepted(case, version=9)

    await refused(house, on(house, id_, engagement.reopen_engagement, SM), Unmet, "allocation_exists")


async def test_only_a_manager_reopens(staffed):
    house = staffed
    _, id_ = await house.opened()
    await on(house, id_, engagement.close_engagement, outcome=Outcome.DIED, answers=EndAnswers())

    await refused(house, on(house, id_, engagement.reopen_engagement, WORKER), Denied, "not_permitted")


async def test_the_end_report_is_shared_within_28_days_by_who_was_his_worker(staffed):
    house = staffed
    _, id_ = await house.opened()
    await on(house, id_, engagement.close_engagement, outcome=Outcome.PERSON_WITHDREW, answers=EndAnswers())
    await house.wind(days=27)
    here = Recorded(on=await house.today(), by="staff-ew-1")

    await house.wind(days=2)
    await refused(house, on(house, id_, engagement.share_end_report, end_report=here), NotFound, "not_found")
    assert await on(house, id_, engagement.share_end_report, SM, end_report=here) == 3


@pytest.mark.parametrize("actor", [OTHER, PRACTITIONER, replace(WORKER, id="staff-ew-7")])
async def test_a_man_of_another_worker_and_a_man_who_is_not_there_are_refused_alike(staffed, actor):
    house = staffed
    _, hidden = await house.opened()
    missing = uuid4()

    def pausing(id_):
        return house.do(engagement.resume_engagement, actor, engagement_id=id_, on=None, expected=1)

    answers = []
    for id_ in (hidden, missing):
        with pytest.raises(Refused) as refusal:
            await pausing(id_)
        answers.append((type(refusal.value), refusal.value.reason, refusal.value.sentence))
    assert answers[0] == answers[1]


async def test_several_wrong_fields_come_at_once_without_their_values(staffed):
    house = staffed
    _, id_ = await house.opened()
    later = Recorded(on=await house.today() + timedelta(days=1), by="staff-ew-1")
    answers = EndAnswers(ending_session=later, end_report=later)

    with pytest.raises(Invalid) as refusal:
        await on(house, id_, engagement.close_engagement, outcome=Outcome.DIED, answers=answers)

    assert {(f.path, f.code) for f in refusal.value.fields} == {
        ("ending_session.recorded_on", "IN_FUTURE"),
        ("end_report.recorded_on", "IN_FUTURE"),
    }
    assert str(later.on) not in str(refusal.value)


async def test_the_same_key_has_one_effect(staffed):
    house = staffed
    case, id_ = await house.opened()
    await house.safe(case)
    key = uuid4()

    given = {"engagement_id": id_, "channel": ContactChannel.PHONE, "on": None, "expected": 1}
    first = await house.do(engagement.record_contact_attempt, WORKER, key=key, **given)
    second = await house.do(engagement.record_contact_attempt, WORKER, key=key, **given)

    assert first == second == 2
    assert names(await house.facts()).count("ContactAttempted") == 1


async def test_outcome_and_pauses_are_sealed_at_rest(staffed):
    house = staffed
    _, id_ = await house.opened()
    await on(house, id_, engagement.close_engagement, outcome=Outcome.PERSON_WITHDREW, answers=EndAnswers())

    (row,) = await house.rows("select engagement::text as held from engagement")
    (fact,) = await house.rows("select fact from journal where fact_type = 'Closed'")

    assert "PERSON_WITHDREW" not in row["held"]
    assert b"PERSON_WITHDREW" not in fact["fact"]
