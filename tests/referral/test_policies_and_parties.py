"""Programmes by command, prompts, parties, and works that meet."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from chassis.aggregate import Denied, Exists, Invalid, NotFound, Unmet
from referral import commands, queries
from referral.domain.codes import EndReason, Party
from referral.domain.places import Quadrant
from referral.domain.prompt import Dismissal, Done, PromptKind
from tests.referral import steps
from tests.referral.conftest import ADAPTER, EW1, IG1, PP1, PP2, PW1, SM1, SM2

MIGRATIONS = "referral.migrations"


async def policies(desk):
    found = await desk.ask(queries.list_programmes, SM1, code="", after=None, size=9)
    return found["programmes"][0][0]


async def test_new_terms_take_over_on_their_day_and_are_told_when_published(desk):
    programme_id = await steps.a_programme(desk)
    day = await steps.today(desk) + timedelta(days=10)
    start = await desk.position()
    given = {"valid_from": day.isoformat(), "name": "Wellbeing pathway", "planned_months": 9}

    await steps.twice(desk, commands.amend_programme, programme_id, given)

    assert await desk.told(start) == ["Amended"]
    assert (await policies(desk)).terms_on(day).planned_months == 9
    await desk.wind(days=9)
    assert [held.state for held in (await policies(desk)).policies if held.kind == "TERMS"] == ["PUBLISHED"] * 2
    await desk.wind(days=1)
    states = [held.state for held in (await policies(desk)).policies if held.kind == "TERMS"]
    assert states == ["SUPERSEDED", "PUBLISHED"]


async def test_every_kind_of_rule_is_drafted_by_one_and_published_by_another(desk):
    programme_id = await steps.a_programme(desk)
    always = {"valid_from": "2020-04-01"}
    start = await desk.position()

    for command, given in (
        (commands.set_commission, {**always, "valid_to": "2022-03-31", "commissioners": ["nhs-england"]}),
        (commands.extend_commission, {"valid_from": "2022-04-01", "valid_to": "2024-03-31", "commissioners": ["x"]}),
        (commands.set_area, {**always, "area_codes": ["E09000007"]}),
        (commands.set_delivery_mode, {**always, "quadrant": "NE", "mode": "REMOTE_ONLY"}),
    ):
        about = {"programme_id": programme_id, "expected": None}
        drafted = await desk.do(command, SM1, **about, draft_id=None, given=given)
        with pytest.raises(Unmet, match="second_person_required"):
            await desk.do(command, SM1, **about, draft_id=UUID(drafted["policy_id"]), given={})
        await desk.do(
            command,
            SM2,
            programme_id=programme_id,
            draft_id=UUID(drafted["policy_id"]),
            given={},
            expected=drafted["version"],
        )

    told = await desk.told(start)
    assert told == ["CommissionSet", "CommissionExtended", "AreaSet", "DeliveryModeSet"]


async def test_a_programme_and_a_phase_exist_once(desk):
    programme_id = await steps.a_programme(desk)

    with pytest.raises(Exists, match="programme_exists"):
        await steps.twice(desk, commands.publish_programme, None, {**steps.TERMS, "code": "eerss"})
    with pytest.raises(Exists, match="phase_exists"):
        await desk.do(
            commands.plan_phase,
            SM1,
            programme_id=programme_id,
            quadrant=Quadrant.NE,
            opens_on=await steps.today(desk),
            prerequisites=(),
        )
    with pytest.raises(Denied):
        await steps.twice(replace_actor(desk), commands.set_area, programme_id, {})


def replace_actor(desk):
    """The same desk, where everything is asked by a worker."""

    class AsWorker:
        async def do(self, command, actor, **given):
            return await desk.do(command, EW1, **given)

    return AsWorker()


async def test_all_faults_of_a_programme_come_at_once(desk):
    with pytest.raises(Invalid) as no:
        await desk.do(
            commands.publish_programme,
            SM1,
            programme_id=None,
            draft_id=None,
            given={"code": "!", "valid_from": "yesterday", "principles": ["LUCK"]},
            expected=None,
        )

    assert {fault.path for fault in no.value.fields} == {"code", "name", "valid_from", "principles"}


async def test_a_suspended_quadrant_keeps_the_draft(desk):
    await steps.a_programme(desk)
    case = await steps.ready(desk)
    phase = (await desk.rows("select id, version from rollout_phase where quadrant = 'NW'"))[0]
    await desk.do(commands.suspend_phase, SM1, phase_id=phase.id, reason="no staff", expected=phase.version)

    with pytest.raises(Unmet, match="quadrant_not_open"):
        await steps.submit(desk, case)
    await desk.do(commands.open_phase, SM1, phase_id=phase.id, expected=phase.version + 1)
    await steps.submit(desk, case)


async def test_two_works_never_record_one_man_twice(desk):
    await steps.a_programme(desk)
    crn = steps.a_crn()

    cases = await asyncio.gather(*(steps.a_draft(desk, actor, crn=crn) for actor in (PP1, PP2) * 3))

    assert len({case.person_id for case in cases}) == 1
    assert len({case.reference for case in cases}) == 6


async def test_a_prompt_is_raised_once_for_its_source_and_dealt_with_by_who_sees_it(desk):
    await steps.a_programme(desk)
    case = await steps.a_draft(desk)
    given = {"person_id": case.person_id, "kind": PromptKind.RISK_CHANGED, "source_key": "outside:1"}

    first = await desk.do(commands.raise_prompt, ADAPTER, **given)
    again = await desk.do(commands.raise_prompt, ADAPTER, **given)

    assert again == {"prompt_id": "", "version": 0}
    prompt_id = UUID(first["prompt_id"])
    for actor in (IG1, PP2, EW1):
        with pytest.raises(NotFound):
            await desk.do(commands.complete_prompt, actor, prompt_id=prompt_id, done=Done.RECORD_UPDATED, expected=1)
    start = await desk.position()
    await desk.do(commands.complete_prompt, PP1, prompt_id=prompt_id, done=Done.RECORD_UPDATED, expected=1)
    assert await desk.told(start) == ["PromptDone"]
    with pytest.raises(Unmet):
        await desk.do(commands.dismiss_prompt, SM1, prompt_id=prompt_id, reason=Dismissal.NOT_RELEVANT, expected=2)
    assert await desk.ask(queries.list_prompts, SM1, person_id=None, after=None, size=9) == []


async def test_each_role_ends_a_referral_for_whom_it_speaks(desk):
    programme_id = await steps.a_programme(desk)
    case = await steps.in_triage(desk)
    await steps.agreed(desk, case, programme_id)
    await steps.accept(desk, case, proposed_worker="staff-ew-1")
    practitioner = replace(PP1, id=case.practitioner_ref)

    with pytest.raises(Denied):
        await steps.withdraw(desk, case, practitioner, by_party=Party.SERVICE)
    with pytest.raises(Denied):
        await steps.withdraw(desk, case, EW1, by_party=Party.PERSON)
    await steps.withdraw(desk, case, practitioner, reason=EndReason.MOVED_AWAY, by_party=Party.REFERRER)


async def test_a_partner_refers_where_the_programme_takes_partners(desk):
    await steps.a_programme(desk, referrer_kinds=["PARTNER"])
    case = await steps.a_draft(desk, PW1, referrer_kind="PARTNER", referrer_organisation="")
    await steps.told(desk, case, PW1)
    await steps.screened(desk, case, SM1)
    await steps.with_practitioner(desk, case, PW1)

    await steps.submit(desk, case, PW1)

    org = await desk.value("select referrer_org from referral")
    assert org == "women-in-prison"


async def test_consent_is_taken_by_the_service_and_never_by_probation(desk):
    programme_id = await steps.a_programme(desk)
    case = await steps.in_triage(desk)

    for actor, kind in ((replace(PP1, id=case.practitioner_ref), Denied), (EW1, NotFound)):
        with pytest.raises(kind):
            await steps.agreed(desk, case, programme_id, actor)


async def test_the_queue_is_ordered_by_band_and_then_by_waiting(desk):
    await steps.a_programme(desk)
    plain = await steps.submitted(desk)
    young = await steps.submitted(desk, person={"date_of_birth": "2005-01-01"})
    both = await steps.submitted(
        desk,
        person={"date_of_birth": "2005-01-01"},
        answers={"borough": "E09000007", "gender": "MALE", "ethnicity": "B1"},
    )

    asked = {"statuses": (), "programme": "EERSS", "person_id": None, "after": None, "size": 9}
    listed = (await desk.ask(queries.list_referrals, SM1, **asked))["referrals"]

    assert [row["referral_id"] for row in listed] == [both.referral_id, young.referral_id, plain.referral_id]
    assert [row["place_in_queue"] for row in listed] == [1, 2, 3]
    assert not {"effective_band", "base_band", "ethnicity"} & set(listed[0])
