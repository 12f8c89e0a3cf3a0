"""Steps towards a state, taken by commands: nothing here writes a table."""

from datetime import date, timedelta
from itertools import count
from uuid import UUID

from chassis.calendar import local_date
from referral import commands
from referral.domain.codes import EndReason, Party, ReferralKind, ReferrerKind, ToldHow
from referral.domain.consent import ConsentPurpose, Scope
from referral.domain.places import Quadrant
from referral.domain.rollout import Prerequisite
from referral.domain.screening import Result, Source
from tests.referral.conftest import PP1, SM1, SM2

_numbers = count(100_000)
POLICY = {"valid_from": "2020-04-01"}
TERMS = {**POLICY, "name": "Engagement service", "principles": ["MENTORING", "ADVOCACY"]}
ELIGIBILITY = {
    **POLICY,
    "gender_criterion": True,
    "legal_reason": "Schedule 3 paragraph 27",
    "screening_required": True,
}
PRIORITY = {
    **POLICY,
    "basis": "Equality Act 2010 s.158",
    "evidence": "Under-representation",
    "impact_assessment": "EIA-1",
    "review_on": "2027-04-01",
}


async def today(desk) -> date:
    return local_date(await desk.value("select house_now()"))


async def twice(desk, command, programme_id, given, expected=None):
    """Drafted by one service manager, brought into force by another."""
    drafted = await desk.do(command, SM1, programme_id=programme_id, draft_id=None, given=given, expected=expected)
    return await desk.do(
        command,
        SM2,
        programme_id=UUID(drafted["programme_id"]),
        draft_id=UUID(drafted["policy_id"]),
        given={},
        expected=drafted["version"],
    )


async def a_programme(desk, code="EERSS", *, open_quadrants=tuple(Quadrant), eligibility=None, **terms) -> UUID:
    """A programme in force, its quadrants open."""
    published = await twice(desk, commands.publish_programme, None, {**TERMS, "code": code, **terms})
    programme_id = UUID(published["programme_id"])
    given = {**ELIGIBILITY, **(eligibility or {})}
    await twice(desk, commands.publish_eligibility_policy, programme_id, given)
    await twice(desk, commands.publish_priority_policy, programme_id, PRIORITY)
    day = await today(desk)
    for quadrant in Quadrant:
        phase = await desk.do(
            commands.plan_phase,
            SM1,
            programme_id=programme_id,
            quadrant=quadrant,
            opens_on=day + timedelta(days=30),
            prerequisites=(),
        )
        if quadrant in open_quadrants:
            await an_open_phase(desk, UUID(phase["phase_id"]), day)
    return programme_id


async def an_open_phase(desk, phase_id, day):
    await desk.do(
        commands.complete_prerequisite,
        SM1,
        phase_id=phase_id,
        prerequisite=Prerequisite.CAMPAIGN,
        done_on=day,
        expected=1,
    )
    await desk.do(commands.open_phase, SM1, phase_id=phase_id, expected=2)


class Case:
    """The ids of one referral, and its version as last answered."""

    def __init__(self, answer):
        self.referral_id, self.case_id = UUID(answer["referral_id"]), UUID(answer["case_id"])
        self.person_id, self.reference = UUID(answer["person_id"]), answer["case_reference"]
        self.version = answer["version"]


def a_crn() -> str:
    return f"X{next(_numbers)}"


async def a_draft(desk, actor=PP1, *, crn=None, programme="EERSS", answers=None, person=None, **given) -> Case:
    """A draft as a practitioner starts it."""
    answer = await desk.do(
        commands.start_referral,
        actor,
        **{
            "programme": programme,
            "kind": ReferralKind.PERSON_SUPPORT,
            "referrer_kind": ReferrerKind.PROBATION,
            "referrer_organisation": "probation",
            "given_identifiers": {"crn": a_crn() if crn is None else crn},
            "given_person": {"family_name": "Fairweather", "date_of_birth": "1990-01-10", **(person or {})},
            "given_answers": {"borough": "E09000007", "gender": "MALE", "ethnicity": "W1", **(answers or {})},
            **given,
        },
    )
    return Case(answer)


async def told(desk, case, actor=PP1, *, willing=True):
    case.version = await desk.do(
        commands.record_told_and_willing,
        actor,
        referral_id=case.referral_id,
        told_on=await today(desk),
        told_how=ToldHow.FACE_TO_FACE,
        willing=willing,
        expected=case.version,
    )


async def screened(desk, case, actor=PP1, *, result=Result.SCREENED_IN, ago=100):
    return await desk.do(
        commands.record_screening,
        actor,
        person_id=case.person_id,
        source=Source.PP_ATTESTED,
        base_result=result,
        override=False,
        override_reason="",
        completed_on=await today(desk) - timedelta(days=ago),
    )


async def with_practitioner(desk, case, actor=PP1, *, email="alex.moore@justice.gov.uk"):
    answer = await desk.do(
        commands.set_practitioner,
        actor,
        referral_id=case.referral_id,
        practitioner={"name": "Alex Moore", "email": email, "pdu": "PDU-1"},
        starts_on=None,
    )
    case.practitioner_ref = answer["practitioner_ref"]


async def ready(desk, actor=PP1, **given) -> Case:
    """A draft with all that is needed to send it."""
    case = await a_draft(desk, actor, **given)
    await told(desk, case, actor)
    await screened(desk, case, actor)
    await with_practitioner(desk, case, actor)
    return case


async def submitted(desk, actor=PP1, **given) -> Case:
    case = await ready(desk, actor, **given)
    await submit(desk, case, actor)
    return case


async def submit(desk, case, actor=PP1):
    answer = await desk.do(commands.submit_referral, actor, referral_id=case.referral_id, expected=case.version)
    case.version = answer["version"]
    return answer


async def in_triage(desk, **given) -> Case:
    case = await submitted(desk, **given)
    case.version = await desk.do(
        commands.start_triage,
        SM1,
        referral_id=case.referral_id,
        no_conflict_of_interest=True,
        expected=case.version,
    )
    return case


async def agreed(desk, case, programme_id, actor=SM1):
    answer = await desk.do(
        commands.grant_consent,
        actor,
        person_id=case.person_id,
        scope=Scope(purpose=ConsentPurpose.PARTICIPATE, programme_id=programme_id),
        explained_how=ToldHow.PHONE,
        language="en-GB",
        copy_offered=True,
        capacity_doubt="",
        review_on=None,
    )
    case.consent_id = UUID(answer["consent_id"])
    case.consent_version = answer["version"]


async def accept(desk, case, actor=SM1, **given):
    answer = await desk.do(
        commands.accept_referral,
        actor,
        **{
            "referral_id": case.referral_id,
            "risk_summary_read_on": await today(desk),
            "decided_by_me": True,
            "proposed_worker": "",
            "expected": case.version,
            **given,
        },
    )
    case.version = case.acceptance = answer["version"]


async def accepted(desk, programme_id, **given) -> Case:
    case = await in_triage(desk, **given)
    await agreed(desk, case, programme_id)
    await accept(desk, case)
    return case


async def withdraw(desk, case, actor=SM1, *, reason=EndReason.NO_LONGER_WANTED, by_party=Party.PERSON):
    case.version = await desk.do(
        commands.withdraw_referral,
        actor,
        referral_id=case.referral_id,
        reason=reason,
        note="",
        by_party=by_party,
        expected=case.version,
    )
