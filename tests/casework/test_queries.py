"""Who sees what: single reads, lists and counts by one predicate; hidden and missing look alike."""

from datetime import timedelta
from uuid import uuid4

import pytest

from casework.commands import allocation, engagement
from casework.domain.ending import EndAnswers, Outcome
from casework.domain.term import PauseReason
from casework.queries import (
    get_engagement,
    get_forecast,
    list_allocations,
    list_caseload,
)
from chassis.access import Actor, Role
from chassis.aggregate import Denied, NotFound
from tests.casework.giving import on, submitted
from tests.casework.house import GRANTED, NODE, OTHER, PRACTITIONER, PROGRAMME, SM, WORKER
from throughcare.referral.v1 import events_pb2 as referral

CP = Actor(id="staff-cp-1", role=Role.CP, organisation=NODE)


IG = Actor(id="staff-ig-1", role=Role.IG, organisation=NODE)


SECOND = Actor(id="staff-sm-2", role=Role.SM, organisation=NODE)


STRANGER = Actor(id="pp-zzz", role=Role.PP, organisation="probation")


async def caseload(house, actor, **changes):
    given = {"worker_ref": None, "status": None, "size": 50, "after": None}
    return await house.ask(list_caseload, actor, **given | changes)


async def waiting(house, actor, **changes):
    given = {"case_id": None, "status": None, "needs_worker": False, "size": 50, "after": None}
    return await house.ask(list_allocations, actor, **given | changes)


async def sees(house, actor, id_):
    """By the single read; the list and its count must say the same."""
    try:
        await house.ask(get_engagement, actor, engagement_id=id_, case_id=None)
        found = True
    except NotFound:
        found = False
    listed = await caseload(house, actor)
    assert (id_ in {row["id"] for row in listed.rows}) == found
    assert listed.total == len(listed.rows)
    return found


async def practises(house, case, *, starts=0, ends=None, kind=referral.PractitionerAssigned, ref=PRACTITIONER.id):
    today = await house.today()
    await house.tell(
        kind(
            practitioner_ref=ref,
            pdu_code="N01",
            starts_on=str(today + timedelta(days=starts)),
            ends_on="" if ends is None else str(today + timedelta(days=ends)),
        ),
        case,
    )


async def test_manager_psychologist_guardian_and_his_worker_see_him_and_others_do_not(staffed):
    _, id_ = await staffed.opened()

    assert [await sees(staffed, actor, id_) for actor in (SM, CP, IG, WORKER)] == [True] * 4
    assert [await sees(staffed, actor, id_) for actor in (OTHER, PRACTITIONER)] == [False] * 2


async def test_other_roles_may_not_ask(staffed):
    for role in set(Role) - {Role.SM, Role.CP, Role.IG, Role.EW, Role.PP}:
        actor = Actor(id="somebody", role=role, organisation=NODE)
        with pytest.raises(Denied):
            await staffed.ask(get_engagement, actor, engagement_id=uuid4(), case_id=None)


async def test_hidden_and_missing_are_answered_alike(staffed):
    _, hidden = await staffed.opened()

    answers = []
    for id_ in (hidden, uuid4()):
        with pytest.raises(NotFound) as refusal:
            await staffed.ask(get_engagement, OTHER, engagement_id=id_, case_id=None)
        answers.append((refusal.value.reason, refusal.value.sentence, refusal.value.fields))
    assert answers[0] == answers[1]


async def test_a_read_is_audited_before_the_answer(staffed):
    _, id_ = await staffed.opened()

    await staffed.ask(get_engagement, WORKER, engagement_id=id_, case_id=None)

    (entry,) = await staffed.rows("select * from audit where outcome = 'read'")
    assert (entry["action"], entry["record"], entry["actor_ref"]) == ("engagement.get", str(id_), WORKER.id)


async def test_a_worker_sees_him_until_28_days_after_the_close_and_his_successor_at_once(staffed):
    case, id_ = await staffed.opened()
    await on(staffed, id_, engagement.close_engagement, outcome=Outcome.DIED, answers=EndAnswers())

    async def reads(actor):
        try:
            await staffed.ask(get_engagement, actor, engagement_id=id_, case_id=None)
        except NotFound:
            return False
        return True

    await staffed.wind(days=27)
    assert await reads(WORKER)
    await staffed.wind(days=2)
    assert not await reads(WORKER)
    assert await reads(SM)
    assert case


async def test_whoever_hands_a_man_over_sees_him_no_more(staffed):
    case, id_ = await staffed.opened()
    from casework.domain.term import Recorded

    held = await staffed.allocation_of(case)
    await staffed.do(
        allocation.reallocate_worker,
        allocation_id=held["id"],
        worker_ref="staff-ew-2",
        conflict_declared=False,
        reason="left",
        handover=Recorded(on=await staffed.today(), by="staff-ew-1"),
        expected=held["version"],
    )

    assert [await sees(staffed, actor, id_) for actor in (WORKER, OTHER)] == [False, True]


async def test_after_a_reopening_his_former_worker_sees_him_no_more(staffed):
    _, id_ = await staffed.opened()
    await on(staffed, id_, engagement.close_engagement, outcome=Outcome.PERSON_WITHDREW, answers=EndAnswers())

    await on(staffed, id_, engagement.reopen_engagement, SM)

    assert not await sees(staffed, WORKER, id_)


async def test_a_cover_sees_him_on_his_days_alone(staffed):
    case, id_ = await staffed.opened()
    held, today = await staffed.allocation_of(case), await staffed.today()
    await staffed.do(
        allocation.set_worker_cover,
        allocation_id=held["id"],
        cover_ref="staff-ew-2",
        starts_on=today,
        ends_on=today + timedelta(days=1),
        expected=held["version"],
    )

    assert [await sees(staffed, actor, id_) for actor in (WORKER, OTHER)] == [True, True]
    await staffed.wind(days=2)
    assert [await sees(staffed, actor, id_) for actor in (WORKER, OTHER)] == [True, False]


async def test_his_practitioner_sees_state_and_dates_without_reason_or_outcome(staffed):
    case, id_ = await staffed.opened()
    await practises(staffed, case)
    today = await staffed.today()
    await on(
        staffed,
        id_,
        engagement.pause_engagement,
        reason=PauseReason.HOSPITAL,
        on=None,
        review_on=today,
        earliest_out_on=None,
    )

    his = await staffed.ask(get_engagement, PRACTITIONER, engagement_id=id_, case_id=None)
    ours = await staffed.ask(get_engagement, SM, engagement_id=None, case_id=case.case_id)

    assert (his.engagement.status, his.engagement.pauses, his.worker_ref) == ("PAUSED", (), "staff-ew-1")
    assert (len(ours.engagement.pauses), ours.practitioner_ref) == (1, PRACTITIONER.id)
    assert not await sees(staffed, STRANGER, id_)


async def test_a_new_practitioner_takes_over_from_his_day_on(staffed):
    case, id_ = await staffed.opened()
    await practises(staffed, case)
    await practises(staffed, case, starts=2, kind=referral.PractitionerChanged, ref=STRANGER.id)

    assert [await sees(staffed, actor, id_) for actor in (PRACTITIONER, STRANGER)] == [True, False]
    await staffed.wind(days=2)
    assert [await sees(staffed, actor, id_) for actor in (PRACTITIONER, STRANGER)] == [False, True]


async def test_a_practitioners_cover_sees_him_on_his_days(staffed):
    case, id_ = await staffed.opened()
    await practises(staffed, case)
    await practises(staffed, case, starts=0, ends=1, kind=referral.PractitionerCoverSet, ref=STRANGER.id)

    assert [await sees(staffed, actor, id_) for actor in (PRACTITIONER, STRANGER)] == [True, True]
    await staffed.wind(days=2)
    assert [await sees(staffed, actor, id_) for actor in (PRACTITIONER, STRANGER)] == [True, False]


@pytest.mark.parametrize(
    ("listed", "entries", "seen"),
    [
        ("DENY", ["staff-sm-1"], [False, True]),
        ("DENY", [NODE], [False, False]),
        ("ALLOW", ["staff-sm-2"], [False, True]),
        ("ALLOW", [], [True, True]),
        ("DENY", [], [True, True]),
    ],
)
async def test_access_lists_bound_everybody_everywhere(staffed, listed, entries, seen):
    case, id_ = await staffed.opened()
    await staffed.tell(submitted(), case)
    await staffed.tell(referral.AccessListChanged(list=listed, entries=entries, version=1), case)

    assert [await sees(staffed, actor, id_) for actor in (SM, SECOND)] == seen
    for actor, may in zip((SM, SECOND), seen, strict=True):
        assert (await waiting(staffed, actor)).total == int(may)
        counted = (await staffed.ask(get_forecast, actor)).programmes
        assert counted == ({PROGRAMME: {"expected": 1, "waiting": 0, "open": 1}} if may else {})


async def test_while_facts_about_him_wait_nobody_reads(staffed):
    case, id_ = await staffed.opened()

    await staffed.tell(staffed.consent(GRANTED, version=3), case, skip=1)

    assert [await sees(staffed, actor, id_) for actor in (SM, WORKER, CP)] == [False] * 3
