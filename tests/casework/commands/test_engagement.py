"""Engagements: every guard on both sides; what is refused leaves nothing but an audit entry."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from casework.commands import engagement, worker
from casework.domain.ending import ContactChannel, EndAnswers, Outcome
from casework.domain.engagement.facts import RatingPhase
from casework.domain.term import Recorded
from chassis.aggregate import Denied, Invalid, NotFound, Refused, Unmet
from tests.casework.giving import allocating, names, on, refused
from tests.casework.house import OTHER, PRACTITIONER, SM, WITHDRAWN, WORKER
from throughcare.referral.v1 import events_pb2 as referral


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
