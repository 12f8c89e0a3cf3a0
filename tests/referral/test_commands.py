"""Commands on real PostgreSQL: from the first line of a draft to the ways out."""

from datetime import timedelta
from uuid import uuid4

import pytest

from chassis.aggregate import Conflict, Denied, Exists, Invalid, NotFound, Unmet
from referral import commands, queries
from referral.domain.codes import EndReason, Party, ReferrerKind, ToldHow
from referral.domain.consent import ConsentPurpose, Scope
from referral.domain.places import Quadrant
from referral.domain.screening import Result
from tests.referral import steps
from tests.referral.conftest import CP1, EW1, PP1, PP2, PW1, SM1

MIGRATIONS = "referral.migrations"


async def seen(desk, case, actor=SM1):
    return await desk.ask(queries.get_referral, actor, referral_id=case.referral_id, case_reference="")


async def refused(desk, kind, reason, awaited):
    """It is refused, changes no row and leaves one audit entry."""
    before, entries = await desk.snapshot(), await desk.value("select count(*) from audit")

    with pytest.raises(kind) as no:
        await awaited

    assert no.value.reason == reason
    assert await desk.snapshot() == before
    added = await desk.rows("select outcome from audit order by at desc, id desc limit 1")
    assert await desk.value("select count(*) from audit") == entries + 1
    assert added[0].outcome == f"refused:{reason}"
    return no.value


async def test_a_referral_is_sent_and_everything_is_told_in_order(desk):
    await steps.a_programme(desk)
    start = await desk.position()

    case = await steps.submitted(desk)

    assert await desk.told(start) == [
        "DetailsChanged",
        "IdentityLinked",
        "Drafted",
        "ToldAndWillingRecorded",
        "Recorded",
        "Assigned",
        "Submitted",
        "EligibilityEvaluated",
        "PriorityAssigned",
    ]
    referral = await seen(desk, case)
    assert (referral["status"], referral["decision"], referral["place_in_queue"]) == ("SUBMITTED", "PASS", 1)


async def test_all_that_is_missing_is_said_at_once_and_changes_nothing(desk):
    await steps.a_programme(desk)
    case = await steps.a_draft(desk, answers={"borough": ""}, person={"date_of_birth": ""})

    no = await refused(
        desk,
        Invalid,
        "invalid_fields",
        desk.do(commands.submit_referral, PP1, referral_id=case.referral_id, expected=case.version),
    )

    assert {fault.path for fault in no.fields} == {"date_of_birth", "borough", "practitioner_email"}


@pytest.mark.parametrize(
    ("missing", "reason"), [("told", "not_told"), ("screening", "screening_missing"), ("quadrant", "quadrant_not_open")]
)
async def test_each_guard_of_sending_by_itself(desk, missing, reason):
    quadrants = [Quadrant.SE] if missing == "quadrant" else list(Quadrant)
    await steps.a_programme(desk, open_quadrants=quadrants)
    case = await steps.a_draft(desk)
    if missing != "told":
        await steps.told(desk, case)
    if missing != "screening":
        await steps.screened(desk, case)
    await steps.with_practitioner(desk, case)

    no = await refused(
        desk,
        Unmet,
        reason,
        desk.do(commands.submit_referral, PP1, referral_id=case.referral_id, expected=case.version),
    )
    assert no.sentence


async def test_somebody_screened_out_is_not_sent(desk):
    await steps.a_programme(desk)
    case = await steps.ready(desk)
    await steps.screened(desk, case, result=Result.SCREENED_OUT, ago=1)

    await refused(
        desk,
        Unmet,
        "not_screened_in",
        desk.do(commands.submit_referral, PP1, referral_id=case.referral_id, expected=case.version),
    )


async def test_a_borough_not_known_is_sent_and_triage_decides(desk):
    await steps.a_programme(desk, open_quadrants=())
    case = await steps.ready(desk, answers={"borough": "NOT_KNOWN"})

    answer = await steps.submit(desk, case)

    assert answer["decision"] == "REFER_TO_TRIAGE"


async def test_another_role_or_kind_of_referrer_may_not_start(desk):
    await steps.a_programme(desk)

    for actor, kind in [(EW1, ReferrerKind.PROBATION), (SM1, ReferrerKind.PROBATION), (PW1, ReferrerKind.PROBATION)]:
        with pytest.raises(Denied):
            await steps.a_draft(desk, actor, referrer_kind=kind)
    with pytest.raises(Unmet, match="referrer_kind_not_allowed"):
        await steps.a_draft(desk, SM1, referrer_kind=ReferrerKind.SELF)


async def test_the_same_key_twice_starts_one_draft(desk):
    await steps.a_programme(desk)
    key, crn = uuid4(), steps.a_crn()

    first = await steps.a_draft(desk, crn=crn, key=key)
    again = await steps.a_draft(desk, crn=crn, key=key)

    assert first.referral_id == again.referral_id
    assert await desk.value("select count(*) from referral") == 1


async def test_one_man_is_recorded_once(desk):
    await steps.a_programme(desk)
    crn = steps.a_crn()

    first, second = await steps.a_draft(desk, crn=crn), await steps.a_draft(desk, PP2, crn=crn.lower())

    assert first.person_id == second.person_id


async def test_identifiers_that_contradict_open_a_merge_review_and_overwrite_nothing(desk):
    await steps.a_programme(desk)
    crn = steps.a_crn()
    first = await steps.a_draft(desk, given_identifiers={"crn": crn, "prison_number": "A1234BC"})
    second = await steps.a_draft(desk, given_identifiers={"crn": crn, "prison_number": "A9999BC"})

    person = await desk.ask(queries.get_person, SM1, person_id=first.person_id)

    assert second.person_id == first.person_id
    assert person["identifiers"]["prison_number"] == "A1234BC"
    assert person["person"].merge_review
    prompts = await desk.ask(queries.list_prompts, SM1, person_id=None, after=None, size=9)
    assert [prompt["kind"] for prompt in prompts] == ["MERGE_SUGGESTED"]


async def test_a_second_referral_that_the_caller_may_know_of_is_a_duplicate(desk):
    await steps.a_programme(desk)
    crn = steps.a_crn()
    first = await steps.submitted(desk, crn=crn)
    second = await steps.ready(desk, crn=crn)

    # The practitioner of both is the same person in the eyes of the house.
    colleague = type(PP1)(id=first.practitioner_ref, role=PP1.role, organisation="probation", purpose=PP1.purpose)
    no = await refused(
        desk,
        Exists,
        "duplicate_open",
        desk.do(commands.submit_referral, colleague, referral_id=second.referral_id, expected=second.version),
    )
    assert no.reference == first.reference


async def test_a_duplicate_that_the_caller_may_not_know_of_is_submitted_and_flagged_for_triage(desk):
    await steps.a_programme(desk)
    crn = steps.a_crn()
    await steps.submitted(desk, PP1, crn=crn)
    plain = await steps.submitted(desk, PP2)
    hidden = await steps.ready(desk, PP2, crn=crn)

    answer = await steps.submit(desk, hidden, PP2)

    assert set(answer) >= {"version", "decision", "due_on"}
    assert (await seen(desk, hidden))["possible_duplicate"]
    assert not (await seen(desk, plain))["possible_duplicate"]


async def test_triage_accepts_with_consent_and_only_then(desk):
    programme_id = await steps.a_programme(desk)
    case = await steps.in_triage(desk)

    await refused(
        desk,
        Unmet,
        "consent_missing",
        desk.do(
            commands.accept_referral,
            SM1,
            referral_id=case.referral_id,
            risk_summary_read_on=await steps.today(desk),
            decided_by_me=True,
            proposed_worker="",
            expected=case.version,
        ),
    )
    await steps.agreed(desk, case, programme_id)
    await steps.accept(desk, case, proposed_worker="staff-ew-1")

    row = (await desk.rows("select version from journal where fact_type = 'Accepted'"))[0]
    assert row.version == case.acceptance
    assert await desk.value("select count(*) from audit where action = 'referral.decision_confirmed'") == 1


async def test_a_clinician_triages_the_clinical_programme_only(desk):
    await steps.a_programme(desk)
    case = await steps.submitted(desk)

    with pytest.raises(Denied):
        await desk.do(
            commands.start_triage,
            CP1,
            referral_id=case.referral_id,
            no_conflict_of_interest=True,
            expected=case.version,
        )


async def test_a_practitioner_neither_triages_nor_sees_another_ones_case(desk):
    await steps.a_programme(desk)
    case = await steps.submitted(desk)

    with pytest.raises(Denied):
        await desk.do(
            commands.start_triage, PP1, referral_id=case.referral_id, no_conflict_of_interest=True, expected=9
        )
    hidden = pytest.raises(NotFound)
    with hidden as one:
        await desk.ask(queries.get_referral, PP2, referral_id=case.referral_id, case_reference="")
    with pytest.raises(NotFound) as other:
        await desk.ask(queries.get_referral, PP2, referral_id=uuid4(), case_reference="")
    assert (one.value.reason, one.value.sentence) == (other.value.reason, other.value.sentence)


async def test_withdrawing_participate_ends_what_stands_on_it_in_the_same_work(desk):
    programme_id = await steps.a_programme(desk)
    case = await steps.accepted(desk, programme_id)
    start = await desk.position()

    await desk.do(commands.withdraw_consent, SM1, consent_id=case.consent_id, expected=case.consent_version)

    assert await desk.told(start) == ["Withdrawn", "Withdrawn"]
    assert (await seen(desk, case))["status"] == "WITHDRAWN"
    works = await desk.rows("select distinct correlation_id from journal where position > $1", start)
    assert len(works) == 1


async def test_declining_later_counts_as_taking_back(desk):
    programme_id = await steps.a_programme(desk)
    case = await steps.accepted(desk, programme_id)

    await desk.do(
        commands.decline_consent,
        SM1,
        person_id=case.person_id,
        scope=Scope(purpose=ConsentPurpose.PARTICIPATE, programme_id=programme_id),
        explained_how=ToldHow.PHONE,
    )

    assert (await seen(desk, case))["status"] == "WITHDRAWN"


async def test_a_new_agreement_replaces_the_one_before(desk):
    programme_id = await steps.a_programme(desk)
    case = await steps.in_triage(desk)
    await steps.agreed(desk, case, programme_id)
    first = case.consent_id
    await steps.agreed(desk, case, programme_id)

    listed = await desk.ask(queries.list_consents, SM1, person_id=case.person_id, after=None, size=9)

    assert [(held["status"], held["consent_id"] == first) for held in listed] == [
        ("GRANTED", False),
        ("REPLACED", True),
    ]


async def test_a_practitioner_hears_circumstance_where_the_person_chose(desk):
    programme_id = await steps.a_programme(desk)
    case = await steps.accepted(desk, programme_id)
    await steps.withdraw(desk, case)
    practitioner = type(PP1)(id=case.practitioner_ref, role=PP1.role, organisation="probation", purpose=PP1.purpose)

    assert (await seen(desk, case))["reason_group"] == "PERSON_CHOICE"
    assert (await seen(desk, case, practitioner))["reason_group"] == "CIRCUMSTANCE"


async def test_an_ended_referral_is_reopened_with_all_guards_asked_again(desk):
    await steps.a_programme(desk)
    case = await steps.submitted(desk)
    await steps.withdraw(desk, case, reason=EndReason.MISTAKE, by_party=Party.SERVICE)
    start = await desk.position()

    case.version = await desk.do(
        commands.reopen_referral, SM1, referral_id=case.referral_id, note="Sent by mistake", expected=case.version
    )

    assert await desk.told(start) == ["Reopened", "EligibilityEvaluated", "PriorityAssigned"]
    assert await desk.value("select count(*) from promises where code = 'L2' and kept_at is null") == 1


async def test_an_old_version_conflicts(desk):
    await steps.a_programme(desk)
    case = await steps.submitted(desk)

    await refused(
        desk,
        Conflict,
        "version_conflict",
        desk.do(
            commands.start_triage,
            SM1,
            referral_id=case.referral_id,
            no_conflict_of_interest=True,
            expected=case.version - 1,
        ),
    )


async def test_an_unknown_domain_of_mail_is_refused_without_echo(desk):
    await steps.a_programme(desk)
    case = await steps.a_draft(desk)

    no = await refused(
        desk,
        Invalid,
        "email_domain_not_allowed",
        desk.do(
            commands.set_practitioner,
            PP1,
            referral_id=case.referral_id,
            practitioner={"name": "Alex Moore", "email": "alex@mail.invalid.co"},
            starts_on=None,
        ),
    )
    assert "alex@" not in repr(no.fields) + no.sentence


async def test_triage_that_is_late_is_told_once(desk):
    await steps.a_programme(desk)
    case = await steps.submitted(desk)
    start = await desk.position()

    await desk.wind(days=20)

    assert sorted(await desk.told(start)) == ["ReferralMissed", "ReferralMissed"]
    assert (await seen(desk, case))["status"] == "SUBMITTED"
    await desk.wind(days=20)
    assert (await desk.told(start)).count("ReferralMissed") == 2
    assert "PriorityChanged" in await desk.told(start)


async def test_triage_in_time_keeps_its_promises(desk):
    await steps.a_programme(desk)
    await steps.in_triage(desk)
    start = await desk.position()

    kept = await desk.rows("select code from promises where kept_at is not null")

    assert {row.code for row in kept} == {"L1"}
    assert "ReferralMissed" not in await desk.told(start)


async def test_a_draft_is_warned_of_twice_and_ends_after_90_days(desk):
    await steps.a_programme(desk)
    case = await steps.a_draft(desk)
    start = await desk.position()

    await desk.wind(days=59)
    assert await desk.told(start) == []
    await desk.wind(days=2)
    await desk.wind(days=20)
    await desk.wind(days=10)

    assert await desk.told(start) == ["Expiring", "Expiring", "Expired"]
    assert (await seen(desk, case))["status"] == "EXPIRED"


async def test_sharing_ends_at_its_review_after_three_warnings_and_taking_part_does_not(desk):
    programme_id = await steps.a_programme(desk)
    case = await steps.in_triage(desk)
    await steps.agreed(desk, case, programme_id)
    await desk.do(
        commands.grant_consent,
        SM1,
        person_id=case.person_id,
        scope=Scope(purpose=ConsentPurpose.SHARE, recipient="north-london-nhs", codes=("APPOINTMENTS",)),
        explained_how=ToldHow.PHONE,
        language="",
        copy_offered=True,
        capacity_doubt="",
        review_on=await steps.today(desk) + timedelta(days=60),
    )
    start = await desk.position()

    for _ in range(20):
        await desk.wind(days=10)

    told = [fact for fact in await desk.told(start) if fact in {"Expiring", "Expired", "ConsentMissed"}]
    assert told == ["Expiring", "Expiring", "Expiring", "Expired", "ConsentMissed"]
    listed = await desk.ask(queries.list_consents, SM1, person_id=case.person_id, after=None, size=9)
    assert {held["purpose"]: held["status"] for held in listed} == {"SHARE": "EXPIRED", "PARTICIPATE": "GRANTED"}
