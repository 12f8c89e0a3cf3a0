"""Who may know what: caseloads, access lists, searches; a hidden and a missing record answer alike."""

from dataclasses import replace
from uuid import uuid4

import pytest

from chassis.aggregate import Conflict, Denied, Exhausted, Invalid, NotFound
from referral import commands, queries
from referral.domain.access_list import List
from referral.domain.codes import Channel
from tests.referral import steps
from tests.referral.conftest import CP1, EW1, IG1, PP1, PP2, PW1, SM1, SM2

MIGRATIONS = "referral.migrations"


async def listed(desk, actor, **given):
    wanted = {"statuses": (), "programme": "", "person_id": None, "after": None, "size": 50, **given}
    return await desk.ask(queries.list_referrals, actor, **wanted)


async def found(desk, actor, value, kind="crn"):
    return await desk.ask(queries.find_person, actor, kind=kind, value=value)


async def deny(desk, case, *entries, which=List.DENY, actor=SM1, expected=0):
    return await desk.do(
        commands.set_access_list, actor, person_id=case.person_id, which=which, entries=entries, expected=expected
    )


async def test_a_practitioner_lists_and_counts_his_own_alone(desk):
    await steps.a_programme(desk)
    mine = await steps.a_draft(desk, PP1)
    await steps.a_draft(desk, PP2)

    page = await listed(desk, PP1)

    assert page["total"] == 1
    assert [row["referral_id"] for row in page["referrals"]] == [mine.referral_id]
    assert (await listed(desk, SM1))["total"] == 2
    assert (await listed(desk, EW1))["total"] == 0


async def test_a_cover_sees_the_case_on_his_days(desk):
    await steps.a_programme(desk)
    case = await steps.submitted(desk)
    day = await steps.today(desk)
    answer = await desk.do(
        commands.set_cover,
        SM1,
        referral_id=case.referral_id,
        practitioner={"name": "Kim Hale", "email": "kim.hale@justice.gov.uk"},
        starts_on=day,
        ends_on=day,
        expected=1,
    )
    cover = replace(PP1, id=answer["practitioner_ref"])

    assert (await listed(desk, cover))["total"] == 1
    await desk.wind(days=1)
    assert (await listed(desk, cover))["total"] == 0


async def test_the_new_practitioner_has_the_case_and_the_old_one_no_more(desk):
    await steps.a_programme(desk)
    case = await steps.submitted(desk)
    old = replace(PP1, id=case.practitioner_ref)
    answer = await desk.do(
        commands.change_practitioner,
        old,
        referral_id=case.referral_id,
        practitioner={"name": "Kim Hale", "email": "kim.hale@justice.gov.uk"},
        starts_on=None,
        expected=1,
    )

    assert (await listed(desk, replace(PP1, id=answer["practitioner_ref"])))["total"] == 1
    assert (await listed(desk, old))["total"] == 0
    assert (await listed(desk, PP1))["total"] == 0


async def test_who_is_on_the_deny_list_finds_nothing_anywhere(desk):
    await steps.a_programme(desk)
    crn = steps.a_crn()
    case = await steps.submitted(desk, crn=crn)
    await deny(desk, case, "staff-cp-1")

    assert (await listed(desk, CP1))["total"] == 0
    assert await found(desk, CP1, crn) == ""
    for ask, given in (
        (queries.get_referral, {"referral_id": case.referral_id, "case_reference": ""}),
        (queries.get_referral, {"referral_id": None, "case_reference": case.reference}),
        (queries.get_person, {"person_id": case.person_id}),
    ):
        with pytest.raises(NotFound):
            await desk.ask(ask, CP1, **given)
    assert (await listed(desk, SM1))["total"] == 1


async def test_outside_an_allow_list_nobody_knows_of_him(desk):
    await steps.a_programme(desk)
    case = await steps.submitted(desk)
    version = await deny(desk, case, "staff-sm-1", which=List.ALLOW)

    assert (await listed(desk, SM1))["total"] == 1
    assert (await listed(desk, SM2))["total"] == 0
    with pytest.raises(NotFound):
        await deny(desk, case, which=List.ALLOW, actor=SM2, expected=version)
    await deny(desk, case, which=List.ALLOW, expected=version)
    assert (await listed(desk, SM2))["total"] == 1


async def test_a_list_goes_by_organisation_too_and_by_its_version(desk):
    await steps.a_programme(desk)
    case = await steps.submitted(desk)
    practitioner = replace(PP1, id=case.practitioner_ref)
    await deny(desk, case, "probation", actor=IG1)

    assert (await listed(desk, practitioner))["total"] == 0
    with pytest.raises(Conflict):
        await deny(desk, case, "probation")
    with pytest.raises(Denied):
        await deny(desk, case, "probation", actor=EW1)


async def test_a_listed_man_is_started_anew_for_who_may_not_know_of_him(desk):
    await steps.a_programme(desk)
    crn = steps.a_crn()
    hidden = await steps.a_draft(desk, PP2, crn=crn)
    await deny(desk, hidden, PP1.id)

    mine = await steps.a_draft(desk, PP1, crn=crn)

    assert mine.person_id != hidden.person_id
    assert (await listed(desk, PP1))["total"] == 1
    prompts = await desk.ask(queries.list_prompts, SM1, person_id=mine.person_id, after=None, size=9)
    assert [prompt["kind"] for prompt in prompts] == ["MERGE_SUGGESTED"]


async def test_a_miss_and_a_hidden_man_answer_alike(desk):
    await steps.a_programme(desk)
    crn = steps.a_crn()
    await steps.a_draft(desk, PP2, crn=crn)

    assert await found(desk, PP1, crn) == await found(desk, PP1, "Z999999") == ""
    assert await found(desk, SM1, crn.lower()) != ""


async def test_thirty_searches_in_ten_minutes(desk):
    for _ in range(30):
        await found(desk, SM1, "Z999999")

    with pytest.raises(Exhausted) as no:
        await found(desk, SM1, "Z999999")
    assert no.value.retry_after == 600
    assert await found(desk, SM2, "Z999999") == ""
    await desk.wind(minutes=11)
    assert await found(desk, SM1, "Z999999") == ""
    searches = await desk.value("select count(*) from audit where action = 'person.find'")
    assert searches == 33


async def test_a_search_for_nonsense_is_refused_by_field(desk):
    for kind, value, path in (("crn", "X12", "value"), ("name", "Sam", "identifier_kind")):
        with pytest.raises(Invalid) as no:
            await found(desk, SM1, value, kind)
        assert no.value.fields[0].path == path


async def test_a_partner_sees_no_identifiers(desk):
    await steps.a_programme(desk, referrer_kinds=["PARTNER"])
    case = await steps.a_draft(desk, PW1, referrer_kind="PARTNER")

    assert (await desk.ask(queries.get_person, PW1, person_id=case.person_id))["identifiers"] == {}
    assert (await desk.ask(queries.get_person, SM1, person_id=case.person_id))["identifiers"]


async def test_a_worker_sees_whether_a_screening_counts_and_not_its_result(desk):
    programme_id = await steps.a_programme(desk)
    case = await steps.in_triage(desk)
    await steps.agreed(desk, case, programme_id)
    await steps.accept(desk, case, proposed_worker="staff-ew-1")

    assert (await listed(desk, EW1))["total"] == 1
    with pytest.raises(Denied):
        await desk.ask(queries.list_screenings, CO_1, person_id=case.person_id, after=None, size=9)
    full = await desk.ask(queries.list_screenings, SM1, person_id=case.person_id, after=None, size=9)
    assert [held["result"] for held in full] == ["SCREENED_IN"]


CO_1 = replace(SM1, id="staff-co-1", role=type(SM1.role).CO)


async def test_practitioners_see_consents_that_name_their_organisation_alone(desk):
    programme_id = await steps.a_programme(desk)
    case = await steps.in_triage(desk)
    await steps.agreed(desk, case, programme_id)
    practitioner = replace(PP1, id=case.practitioner_ref)

    asked = {"person_id": case.person_id, "after": None, "size": 9}
    assert await desk.ask(queries.list_consents, practitioner, **asked) == []
    assert len(await desk.ask(queries.list_consents, SM1, **asked)) == 1


async def test_nothing_sealed_stands_in_clear_in_any_table(desk):
    await steps.a_programme(desk)
    await steps.submitted(
        desk,
        crn="C123456",
        person={"family_name": "Canaryname", "address": "1 Canary Street"},
        answers={"borough": "E09000007", "gender": "MALE", "ethnicity": "B2", "risk_summary": "Canaryrisk"},
    )
    everything = str(await desk.snapshot())
    audits = str(await desk.rows("select * from audit"))

    for marker in ("Canaryname", "Canary Street", "Canaryrisk", "C123456", "alex.moore", "Alex Moore", "1990-01-10"):
        assert marker not in everything + audits, marker


async def test_a_read_is_audited_before_its_answer(desk):
    await steps.a_programme(desk)
    case = await steps.a_draft(desk)

    await desk.ask(queries.get_person, SM1, person_id=case.person_id)

    entry = (await desk.rows("select * from audit where action = 'person.get'"))[0]
    assert (entry.record, entry.outcome, entry.actor_ref) == (str(case.person_id), "read", "staff-sm-1")


async def test_addresses_honour_what_the_man_allows(desk):
    await steps.a_programme(desk)
    case = await steps.submitted(desk)
    system = replace(SM1, id="notifications", role=type(SM1.role).SYSTEM)

    async def contact(recipient, channel, actor=system, case_id=case.case_id):
        return await desk.ask(queries.get_contact, actor, case_id=case_id, recipient=recipient, channel=channel)

    with pytest.raises(Exception, match="safe_contact_missing"):
        await contact("PERSON", Channel.SMS)
    await desk.do(
        commands.set_contact_channels, SM1, person_id=case.person_id, given={"phone": "+447700900123"}, expected=2
    )
    safe = {"channels": ["SMS"], "days": [1, 2, 3], "from_hour": 9, "to_hour": 17, "unnamed": True}
    await desk.do(commands.set_safe_contact, SM1, person_id=case.person_id, given=safe, expected=3)

    assert (await contact("PERSON", Channel.SMS))["address"] == "+447700900123"
    with pytest.raises(Exception, match="channel_not_allowed"):
        await contact("PERSON", Channel.EMAIL)
    assert (await contact("PRACTITIONER", Channel.EMAIL))["address"] == "alex.moore@justice.gov.uk"
    with pytest.raises(NotFound):
        await contact("PRACTITIONER", Channel.EMAIL, case_id=uuid4())
    with pytest.raises(Denied):
        await contact("PERSON", Channel.SMS, actor=SM1)


async def test_after_a_death_nobody_is_given_his_address(desk):
    await steps.a_programme(desk)
    case = await steps.submitted(desk)
    safe = {"channels": ["LETTER"], "days": [1], "from_hour": 9, "to_hour": 17}
    given = {"letter_address": "1 High Street"}
    await desk.do(commands.set_contact_channels, SM1, person_id=case.person_id, given=given, expected=2)
    await desk.do(commands.set_safe_contact, SM1, person_id=case.person_id, given=safe, expected=3)
    await desk.do(
        commands.record_person_details,
        SM1,
        person_id=case.person_id,
        identifiers={},
        person={"family_name": "Fairweather", "deceased": True},
        expected=4,
    )

    with pytest.raises(Exception, match="safe_contact_missing"):
        await desk.ask(
            queries.get_contact,
            replace(SM1, id="notifications", role=type(SM1.role).SYSTEM),
            case_id=case.case_id,
            recipient="PERSON",
            channel=Channel.LETTER,
        )
