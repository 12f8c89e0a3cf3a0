"""What casework adds to the picture: needs, appointments elsewhere; and what it hears of handoffs."""

from datetime import timedelta
from uuid import uuid4

import pytest

from casework.commands import appointment, engagement
from casework.domain.aspect import Aspect
from casework.domain.ending import EndAnswers, Outcome
from casework.domain.term import Recorded
from casework.queries import list_external_appointments
from chassis.access import Actor, Role
from chassis.aggregate import Denied, Exists, NotFound, Unmet
from tests.casework.giving import names, on, refused
from tests.casework.house import NODE, OTHER, PRACTITIONER, SM, WORKER, Case
from throughcare.partners.v1 import events_pb2 as partners
from throughcare.referral.v1 import events_pb2 as referral

GUARDIAN = Actor(id="staff-ig-1", role=Role.IG, organisation=NODE)
GP = Aspect.GP_REGISTRATION


async def test_a_need_is_recorded_and_closed_by_his_worker(staffed):
    _, id_ = await staffed.opened()

    await on(staffed, id_, engagement.record_need, aspect=GP, needed=True, on=None)
    await on(staffed, id_, engagement.record_need, aspect=GP, needed=False, on=None)

    (row,) = await staffed.rows("select needs from engagement")
    today = str(await staffed.today())
    assert row["needs"] == [{"aspect": "GP_REGISTRATION", "opened_on": today, "closed_on": today}]
    assert names(await staffed.facts())[-2:] == ["NeedRecorded", "NeedRecorded"]


async def test_a_need_is_recorded_once(staffed):
    _, id_ = await staffed.opened()
    await on(staffed, id_, engagement.record_need, aspect=GP, needed=True, on=None)

    again = on(staffed, id_, engagement.record_need, aspect=GP, needed=True, on=None)

    await refused(staffed, again, Unmet, "need_open")


@pytest.mark.parametrize(("actor", "kind"), [(OTHER, NotFound), (PRACTITIONER, Denied)], ids=["other", "practitioner"])
async def test_others_record_no_need(staffed, actor, kind):
    _, id_ = await staffed.opened()

    with pytest.raises(kind):
        await on(staffed, id_, engagement.record_need, actor, aspect=GP, needed=True, on=None)


async def assigned(house, case):
    """His practitioner is known."""
    today = str(await house.today())
    message = referral.PractitionerAssigned(practitioner_ref=PRACTITIONER.id, pdu_code="N01", starts_on=today)
    await house.tell(message, case)


async def recording(house, id_, actor=WORKER, *, days=3, org_id="camden-gp"):
    starts_at = (await house.now()).replace(minute=0, second=0, microsecond=0) + timedelta(days=days)
    return await house.do(
        appointment.record_external_appointment,
        actor,
        engagement_id=id_,
        org_id=org_id,
        aspect=GP,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(hours=1),
    )


async def cancelling(house, made, actor=WORKER):
    from uuid import UUID

    id_ = UUID(made["appointment_id"])
    return await house.do(appointment.cancel_external_appointment, actor, appointment_id=id_, expected=made["version"])


@pytest.mark.parametrize("actor", [WORKER, PRACTITIONER], ids=lambda actor: actor.role)
async def test_his_worker_or_his_practitioner_says_who_sees_him_elsewhere(staffed, actor):
    case, id_ = await staffed.opened()
    await assigned(staffed, case)

    made = await recording(staffed, id_, actor)
    listed = await staffed.ask(list_external_appointments, actor, case_id=case.case_id)
    await cancelling(staffed, made, actor)

    assert [(each.org_id, str(each.id)) for each in listed] == [("camden-gp", made["appointment_id"])]
    assert await staffed.ask(list_external_appointments, actor, case_id=case.case_id) == []
    assert (await staffed.facts())[-2:] == ["external_appointment.Recorded", "external_appointment.Cancelled"]


@pytest.mark.parametrize(("actor", "kind"), [(OTHER, NotFound), (SM, Denied), (GUARDIAN, Denied)], ids=str)
async def test_nobody_else_does(staffed, actor, kind):
    case, id_ = await staffed.opened()
    made = await recording(staffed, id_)

    with pytest.raises(kind):
        await recording(staffed, id_, actor, days=4)
    with pytest.raises(kind):
        await cancelling(staffed, made, actor)
    seen = await staffed.ask(list_external_appointments, actor, case_id=case.case_id)
    assert bool(seen) == (actor is not OTHER)


async def test_the_next_comes_first_and_what_is_over_is_not_listed(staffed):
    case, id_ = await staffed.opened()
    for days in (9, 2, 5):
        await recording(staffed, id_, days=days)

    await staffed.wind(days=3)

    listed = await staffed.ask(list_external_appointments, WORKER, case_id=case.case_id)
    assert [(each.starts_at - listed[0].starts_at).days for each in listed] == [0, 4]


async def test_the_same_appointment_is_recorded_once_and_another_partner_may_have_the_same_hour(staffed):
    _, id_ = await staffed.opened()
    await recording(staffed, id_)

    await refused(staffed, recording(staffed, id_), Exists, "appointment_exists")
    assert await recording(staffed, id_, org_id="camden-council")


async def test_after_the_close_nothing_is_recorded(staffed):
    _, id_ = await staffed.opened()
    await on(staffed, id_, engagement.close_engagement, outcome=Outcome.DIED, answers=EndAnswers())

    await refused(staffed, recording(staffed, id_), Unmet, "invalid_transition")


# What is heard of handoffs.


def offered(handoff_id, kind="REFERRAL_ON", side="SENDER"):
    return partners.HandoffOffered(handoff_id=handoff_id, side=side, partner="sig-penrose", kind=kind)


def step(message, handoff_id, side="SENDER"):
    return message(handoff_id=handoff_id, side=side, partner="sig-penrose")


async def ending(house):
    case, id_ = await house.opened()
    await on(house, id_, engagement.start_ending, outcome=Outcome.MOVED_AREA, reason="", agreed_by="")
    return case, id_


async def closing(house, id_, *, answered=True):
    here = Recorded(on=await house.today(), by="staff-ew-1")
    names_ = ["ending_session", "final_ratings", "end_report", *(["handoffs_settled"] if answered else [])]
    answers = EndAnswers(**dict.fromkeys(names_, here))
    return await on(house, id_, engagement.close_engagement, outcome=None, answers=answers)


UNSETTLED = [[], [partners.HandoffReceived], [partners.HandoffExpired, partners.HandoffReceived]]
SETTLED = [
    partners.HandoffAccepted,
    partners.HandoffStarted,
    partners.HandoffDeclined,
    partners.HandoffCompleted,
    partners.HandoffRevoked,
    partners.HandoffExpired,
    partners.HandoffFailed,
    partners.HandoffEnteredInError,
]


@pytest.mark.parametrize("steps", UNSETTLED, ids=["offered", "received", "received late"])
async def test_while_an_offer_to_another_house_is_not_decided_he_is_not_closed_whatever_is_answered(staffed, steps):
    case, id_ = await ending(staffed)
    handoff_id = str(uuid4())
    await staffed.tell(offered(handoff_id), case)
    for message in steps:
        await staffed.tell(step(message, handoff_id), case)

    await refused(staffed, closing(staffed, id_), Unmet, "handoffs_open")


@pytest.mark.parametrize("message", SETTLED, ids=lambda message: message.DESCRIPTOR.name)
async def test_once_all_are_settled_nobody_has_to_answer_for_it(staffed, message):
    case, id_ = await ending(staffed)
    handoff_id = str(uuid4())
    await staffed.tell(offered(handoff_id), case)
    await staffed.tell(step(message, handoff_id), case)

    assert await closing(staffed, id_, answered=False)


async def test_a_transfer_is_settled_when_the_work_there_has_begun(staffed):
    case, id_ = await ending(staffed)
    handoff_id = str(uuid4())
    await staffed.tell(offered(handoff_id, kind="TRANSFER"), case)
    await staffed.tell(step(partners.HandoffAccepted, handoff_id), case)

    await refused(staffed, closing(staffed, id_), Unmet, "handoffs_open")
    await staffed.tell(step(partners.HandoffStarted, handoff_id), case)
    assert await closing(staffed, id_, answered=False)


async def test_where_nothing_was_offered_somebody_answers_for_it(staffed):
    _, id_ = await ending(staffed)

    await refused(staffed, closing(staffed, id_, answered=False), Unmet, "handoffs_open")
    assert await closing(staffed, id_)


async def test_what_this_house_received_or_another_case_offered_does_not_count(staffed):
    case, id_ = await ending(staffed)
    await staffed.tell(offered(str(uuid4()), side="RECEIVER"), case)
    received = str(uuid4())
    await staffed.tell(step(partners.HandoffReceived, received, side="RECEIVER"), case)
    await staffed.tell(offered(str(uuid4())), Case())

    await refused(staffed, closing(staffed, id_, answered=False), Unmet, "handoffs_open")
    assert await closing(staffed, id_)


async def test_a_referral_that_leads_elsewhere_is_not_expected_any_more(staffed):
    case = Case()
    submitted = referral.ReferralSubmitted(
        programme_id="0190e2a0-0000-7000-8000-0000000000e1", kind="PERSON_SUPPORT", case_reference="7KQ2M9RJ"
    )
    await staffed.tell(submitted, case)
    await staffed.tell(referral.ReferralRedirected(reason_group="ELIGIBILITY", by_party="SERVICE"), case)

    assert [row["expected"] for row in await staffed.rows("select expected from forecast_state")] == [False]
