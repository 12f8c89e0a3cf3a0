"""Programmes, roll-out, consent, practitioners, persons, prompts and lists: each rule on both sides."""

from datetime import date, timedelta
from uuid import uuid4

import pytest

from chassis.aggregate import Invalid, NotFound, Refused, Unmet
from referral.domain import policies
from referral.domain.access_list import AccessList, List
from referral.domain.answers import read_answers
from referral.domain.codes import Channel, ReferrerKind
from referral.domain.consent import Consent, ConsentPurpose, ConsentStatus, Scope, same_matter, scope_faults
from referral.domain.fields import Reading
from referral.domain.person import Channels, Details, Identifiers, Person
from referral.domain.person_form import read_channels, read_details, read_safe_contact
from referral.domain.places import Quadrant
from referral.domain.policies import PolicyKind, PolicyState
from referral.domain.practitioner import domain_allowed, practitioner_ref, read_practitioner
from referral.domain.programme import Programme
from referral.domain.prompt import Dismissal, Done, Prompt, PromptKind
from referral.domain.rollout import PhaseState, Prerequisite, RolloutPhase, quadrant_refusal
from referral.domain.safe_contact import SafeContact
from tests.referral.builders import (
    NOW,
    TODAY,
    a_contact,
    a_policy,
    a_practitioner,
    a_programme,
    published,
    settled,
)

PRIORITY = {"valid_from": "2020-04-01", "basis": "b", "evidence": "e", "impact_assessment": "i"}


def names(value):
    return [type(fact).__name__ for fact in value.news]


# Programmes


def test_a_programme_is_in_force_when_a_second_person_says_so():
    policy = a_policy(policies.Terms(name="Engagement service"), start=date(2020, 4, 1))
    drafted = Programme(id=uuid4(), code="EERSS").draft(policy, at=NOW)

    with pytest.raises(Unmet, match="programme_not_in_force"):
        drafted.terms_on(TODAY)
    with pytest.raises(Unmet, match="second_person_required"):
        drafted.publish(policy.id, PolicyKind.TERMS, by="staff-sm-1", at=NOW)
    in_force = drafted.publish(policy.id, PolicyKind.TERMS, by="staff-sm-2", at=NOW)
    assert in_force.terms_on(TODAY).name == "Engagement service"
    assert names(in_force)[-1] == "Published"
    with pytest.raises(Unmet, match="invalid_transition"):
        in_force.publish(policy.id, PolicyKind.TERMS, by="staff-sm-2", at=NOW)


def test_a_draft_is_published_by_the_same_command_alone():
    policy = a_policy(policies.Area(boroughs=("E09000007",)), start=TODAY)
    drafted = a_programme().draft(policy, at=NOW)

    with pytest.raises(NotFound):
        drafted.publish(policy.id, PolicyKind.TERMS, by="staff-sm-2", at=NOW)


def test_rules_hold_by_date_and_the_newer_takes_over():
    programme = published(a_programme(), policies.Terms(name="Wellbeing pathway"), start=TODAY + timedelta(days=10))

    assert programme.terms_on(TODAY).name == "Engagement service"
    assert programme.terms_on(TODAY + timedelta(days=10)).name == "Wellbeing pathway"
    later = programme.supersede(TODAY + timedelta(days=10), at=NOW + timedelta(days=10))
    assert [held.state for held in later.policies] == [PolicyState.SUPERSEDED, PolicyState.PUBLISHED]
    assert programme.supersede(TODAY, at=NOW).news == ()


def test_two_rules_for_one_day_overlap():
    programme = a_programme()

    with pytest.raises(Invalid) as no:
        programme.draft(a_policy(policies.Terms(name="Other"), start=date(2020, 4, 1)), at=NOW)
    assert no.value.reason == "rule_period_overlap"
    ended = published(programme, policies.Area(boroughs=("E09000007",)), start=TODAY, end=TODAY + timedelta(days=9))
    with pytest.raises(Invalid):
        ended.draft(a_policy(policies.Area(boroughs=("E09000007",)), start=TODAY + timedelta(days=9)), at=NOW)
    ended.draft(a_policy(policies.Area(boroughs=("E09000007",)), start=TODAY + timedelta(days=10)), at=NOW)


def test_delivery_is_by_quadrant():
    remote = policies.Delivery(quadrant=Quadrant.NE, mode=policies.DeliveryMode.REMOTE_ONLY)
    programme = published(a_programme(), remote, start=TODAY)
    other = policies.Delivery(quadrant=Quadrant.NW, mode=policies.DeliveryMode.HYBRID)

    assert names(programme.draft(a_policy(other, start=TODAY), at=NOW)) == ["PolicyDrafted"]
    with pytest.raises(Invalid):
        programme.draft(a_policy(remote, start=TODAY), at=NOW)


@pytest.mark.parametrize(
    ("start", "fits"), [(date(2022, 4, 1), True), (date(2022, 4, 2), False), (date(2022, 3, 31), False)]
)
def test_a_commission_is_extended_from_the_day_after(start, fits):
    paid = policies.Commission(commissioners=("nhs-england", "hmpps"))
    programme = published(a_programme(), paid, start=date(2020, 4, 1), end=date(2022, 3, 31))
    following = a_policy(paid, start=start, end=date(2024, 3, 31))

    if fits:
        extended = programme.draft(following, at=NOW).publish(following.id, PolicyKind.COMMISSION, by="x", at=NOW)
        assert names(extended)[-2:] == ["CommissionExtended", "PolicySuperseded"]
    else:
        with pytest.raises(Invalid) as no:
            programme.draft(following, at=NOW)
        assert no.value.reason == "commission_gap"


def test_nobody_is_judged_by_rules_that_do_not_exist():
    with pytest.raises(Unmet, match="eligibility_policy_missing"):
        a_programme().rules_on(TODAY)
    assert a_programme().waiting_on(TODAY)[1] == "NONE"


def test_a_decision_quotes_the_version_of_its_rules():
    programme = published(a_programme(), policies.Eligibility(), start=date(2020, 4, 1))
    newer = published(programme, policies.Eligibility(min_age=21), start=TODAY)

    assert newer.rules_on(TODAY - timedelta(days=1)).policy_version == "EERSS-E1"
    assert (newer.rules_on(TODAY).policy_version, newer.rules_on(TODAY).min_age) == ("EERSS-E2", 21)
    assert newer.rules_on(TODAY).referrer_kinds == ()


def test_a_criterion_of_gender_says_why_it_is_lawful():
    with pytest.raises(Invalid) as no:
        policies.read_eligibility(Reading({"gender_criterion": True}))
    assert no.value.reason == "legal_reason_required"
    assert policies.read_eligibility(Reading({"gender_criterion": True, "legal_reason": "Sch 3"})).gender_criterion


@pytest.mark.parametrize("missing", ["basis", "evidence", "impact_assessment", "review_on"])
def test_positive_action_names_its_grounds(missing):
    given = {**PRIORITY, "review_on": "2027-01-01", missing: ""}

    with pytest.raises(Invalid) as no:
        policies.read_priority(Reading(given))
    assert (no.value.reason, no.value.fields[0].path) == ("policy_evidence_required", missing)


def test_terms_are_read_with_every_fault():
    reading = Reading({"planned_months": 24, "cap_months": 12, "kinds": ["NOTHING"]})
    policies.read_terms(reading)

    assert {(fault.path, fault.code) for fault in reading.faults} == {
        ("name", "REQUIRED"),
        ("kinds", "UNKNOWN_CODE"),
        ("cap_months", "OUT_OF_RANGE"),
    }


def test_an_area_is_of_known_boroughs():
    for given in (["E09000099"], [], ["NOT_KNOWN"]):
        reading = Reading({"area_codes": given})
        policies.read_area(reading)
        assert reading.faults


# Roll-out


def a_phase(**changes):
    given = {"id": uuid4(), "programme_id": uuid4(), "quadrant": Quadrant.NE, "opens_on": date(2027, 1, 11)}
    return settled(RolloutPhase(**{**given, **changes}).plan(at=NOW))


def test_a_quadrant_opens_when_what_comes_before_is_done():
    phase = a_phase(open_prerequisites=(Prerequisite.STAFF,))

    assert phase.open_prerequisites == (Prerequisite.CAMPAIGN, Prerequisite.STAFF)
    with pytest.raises(Unmet, match="prerequisite_open"):
        phase.open(at=NOW)
    for done in phase.open_prerequisites:
        phase = settled(phase.complete(done, done_on=TODAY, at=NOW))
    opened = settled(phase.open(at=NOW))
    assert (opened.state, opened.opens_on) == (PhaseState.OPEN, TODAY)
    assert quadrant_refusal([opened], Quadrant.NE) is None
    with pytest.raises(Unmet):
        opened.open(at=NOW)
    with pytest.raises(Unmet):
        opened.complete(Prerequisite.CAMPAIGN, done_on=TODAY, at=NOW)


def test_a_quadrant_that_is_not_open_says_when_it_will_be():
    refusal = quadrant_refusal([a_phase()], Quadrant.NE)

    assert refusal.reason == "quadrant_not_open"
    assert "2027-01-11" in refusal.sentence
    assert quadrant_refusal([a_phase()], Quadrant.SW) is not None


def test_a_suspended_quadrant_takes_nobody_until_it_opens_again():
    phase = settled(a_phase().complete(Prerequisite.CAMPAIGN, done_on=TODAY, at=NOW))
    with pytest.raises(Unmet):
        phase.suspend("no staff", at=NOW)
    closed = settled(settled(phase.open(at=NOW)).suspend("no staff", at=NOW))

    assert quadrant_refusal([closed], Quadrant.NE) is not None
    assert settled(closed.open(at=NOW)).state is PhaseState.OPEN


def test_nothing_is_done_tomorrow():
    with pytest.raises(Invalid):
        a_phase().complete(Prerequisite.CAMPAIGN, done_on=TODAY + timedelta(days=1), at=NOW)


# Consent


def a_consent(purpose=ConsentPurpose.PARTICIPATE, **changes):
    return Consent(**{"id": uuid4(), "person_id": uuid4(), "purpose": purpose, "programme_id": uuid4(), **changes})


@pytest.mark.parametrize(("days", "code"), [(0, "IN_PAST"), (1, ""), (181, ""), (182, "OUT_OF_RANGE")])
def test_he_is_asked_again_within_six_months(days, code):
    review_on = TODAY + timedelta(days=days)

    if code:
        with pytest.raises(Invalid) as no:
            a_consent().grant(review_on=review_on, at=NOW)
        assert no.value.fields[0].code == code
    else:
        assert a_consent().grant(review_on=review_on, at=NOW).status is ConsentStatus.GRANTED


def test_an_answer_is_given_once_and_a_new_one_is_a_new_record():
    granted = settled(a_consent().grant(review_on=TODAY + timedelta(days=9), at=NOW))
    withdrawn = settled(granted.withdraw(at=NOW))

    for again in (granted.decline, withdrawn.withdraw, withdrawn.warn, withdrawn.expire):
        with pytest.raises(Unmet, match="invalid_transition"):
            again(at=NOW)
    assert [granted.number, withdrawn.number] == [1, 2]


def test_taking_part_does_not_end_by_itself_and_sharing_does():
    taking_part = settled(a_consent().grant(review_on=TODAY + timedelta(days=9), at=NOW))
    sharing = a_consent(ConsentPurpose.SHARE, programme_id=None, recipient="x", scope_codes=("APPOINTMENTS",))

    with pytest.raises(Unmet):
        taking_part.expire(at=NOW)
    assert settled(sharing.grant(review_on=TODAY + timedelta(days=9), at=NOW)).expire(at=NOW).status == "EXPIRED"


@pytest.mark.parametrize(
    ("scope", "faults"),
    [
        (Scope(purpose=ConsentPurpose.PARTICIPATE), {("programme_id", "REQUIRED")}),
        (Scope(purpose=ConsentPurpose.ASSESS, recipient="x"), {("recipient", "CONFLICTS_WITH(purpose)")}),
        (Scope(purpose=ConsentPurpose.SHARE), {("recipient", "REQUIRED"), ("scope_codes", "REQUIRED")}),
        (Scope(purpose=ConsentPurpose.SHARE, recipient="x", codes=("ALL",)), {("scope_codes", "UNKNOWN_CODE")}),
        (Scope(purpose=ConsentPurpose.CONTACT, codes=("SMS",)), set()),
        (
            Scope(purpose=ConsentPurpose.SHARE, recipient="Dr Smith", codes=("OWN_WORDS",)),
            {("recipient", "INVALID_FORMAT")},
        ),
        (Scope(purpose=ConsentPurpose.SHARE, recipient="group:north-1", codes=("OWN_WORDS",)), set()),
        (Scope(purpose=ConsentPurpose.EVALUATE, codes=("SMS",)), {("scope_codes", "CONFLICTS_WITH(purpose)")}),
    ],
)
def test_each_purpose_names_what_it_needs(scope, faults):
    assert {(fault.path, fault.code) for fault in scope_faults(scope)} == faults


def test_records_about_one_matter_are_found_whatever_their_codes():
    programme = uuid4()
    one = a_consent(programme_id=programme, number=1)
    two = a_consent(programme_id=programme, number=2)

    assert same_matter([two, one, a_consent()], one.scope) is two


# Practitioners


def test_a_practitioner_is_changed_with_his_history_and_covered_for_his_days():
    contact = a_contact(uuid4(), uuid4())
    with pytest.raises(Unmet):
        contact.assign(a_practitioner(), starts_on=TODAY, at=NOW)
    with pytest.raises(Invalid):
        contact.change(a_practitioner("Kim Hale"), starts_on=TODAY - timedelta(days=1), at=NOW)
    changed = settled(contact.change(a_practitioner("Kim Hale"), starts_on=TODAY, at=NOW))
    assert [term.practitioner.name for term in changed.history] == ["Alex Moore"]
    covered = settled(changed.set_cover(a_practitioner("Jo Reed"), starts_on=TODAY, ends_on=TODAY, at=NOW))

    assert covered.on(TODAY).name == "Jo Reed"
    assert covered.on(TODAY + timedelta(days=1)).name == "Kim Hale"
    with pytest.raises(Invalid):
        changed.set_cover(a_practitioner(), starts_on=TODAY, ends_on=TODAY - timedelta(days=1), at=NOW)


def test_a_reference_is_that_of_the_mail_address_whatever_its_case():
    key = b"k" * 32

    assert practitioner_ref("A.B@X.GOV.UK", house_key=key) == practitioner_ref("a.b@x.gov.uk", house_key=key)
    assert len(practitioner_ref("a@b.gov.uk", house_key=key)) == 29


@pytest.mark.parametrize(
    ("email", "allowed"),
    [("a@justice.gov.uk", True), ("a@gov.uk", True), ("a@notgov.uk", False), ("a@gov.uk.example.net", False)],
)
def test_a_domain_is_allowed_with_those_below_it(email, allowed):
    assert domain_allowed(email, ("gov.uk",)) is allowed


@pytest.mark.parametrize(
    ("given", "faults"),
    [
        ({"email": "team@justice.gov.uk", "reason_code": "com_not_allocated"}, set()),
        ({"email": "a@justice.gov.uk"}, {("name", "REQUIRED")}),
        ({"name": "A"}, {("email", "REQUIRED")}),
        ({"name": "A", "email": "a@justice.gov.uk", "phone": "0207"}, {("phone", "INVALID_FORMAT")}),
        ({"name": "A", "email": "a@mail.net"}, {("email", "email_domain_not_allowed")}),
    ],
)
def test_a_practitioner_or_a_team_with_its_reason(given, faults):
    reading = Reading(given)
    read_practitioner(reading, allowed=("justice.gov.uk",), house_key=b"k" * 32)

    assert {(fault.path, fault.code) for fault in reading.faults} == faults


# Persons


def a_person(**held):
    value = Person(id=uuid4()).record(Details(family_name="Fairweather"), at=NOW)
    return settled(value.link(Identifiers(**held), taken=frozenset(), at=NOW))


def test_identifiers_are_added_and_never_overwritten():
    person = a_person(crn="X123456")
    added = person.link(Identifiers(crn="X123456", prison_number="A1234BC"), taken=frozenset(), at=NOW)
    assert (added.prison_number, added.merge_review) == ("A1234BC", False)
    contradicting = person.link(Identifiers(crn="X999999"), taken=frozenset(), at=NOW)
    assert (contradicting.crn, contradicting.merge_review) == ("X123456", True)
    taken = person.link(Identifiers(prison_number="A1234BC"), taken=frozenset({"prison_number"}), at=NOW)
    assert (taken.prison_number, taken.merge_review) == ("", True)
    assert person.link(person.identifiers, taken=frozenset(), at=NOW).news == ()


def test_what_is_known_is_not_overwritten_by_what_a_referrer_says():
    filled = a_person().fill(Details(family_name="Other", given_names="Sam"), at=NOW)

    assert (filled.details.family_name, filled.details.given_names) == ("Fairweather", "Sam")


def test_a_version_told_is_the_version_stored():
    value = a_person().set_channels(Channels(phone="+447700900123"), at=NOW)

    assert value.news[-1].record_version == settled(value).version


def test_he_is_reached_as_he_allows_and_not_after_his_death():
    person = settled(a_person().set_channels(Channels(phone="+447700900123"), at=NOW))
    with pytest.raises(Unmet, match="safe_contact_missing"):
        person.address_for(Channel.SMS)
    safe = SafeContact(channels=(Channel.SMS,), days=(1,), from_hour=9, to_hour=17)
    agreed = settled(person.set_safe_contact(safe, at=NOW))
    assert agreed.address_for(Channel.SMS) == "+447700900123"
    for channel in (Channel.EMAIL, Channel.LETTER, Channel.PHONE):
        with pytest.raises(Unmet, match="channel_not_allowed"):
            agreed.address_for(channel)
    dead = settled(agreed.record(Details(family_name="Fairweather", deceased=True), at=NOW))
    with pytest.raises(Unmet):
        dead.address_for(Channel.SMS)


@pytest.mark.parametrize(
    ("given", "faults"),
    [
        ({}, {("channels", "REQUIRED"), ("days", "REQUIRED"), ("to_hour", "BEFORE_START")}),
        (
            {"channels": ["SMS"], "days": [8], "from_hour": 9, "to_hour": 17},
            {("days", "OUT_OF_RANGE"), ("channels", "CONFLICTS_WITH(phone)")},
        ),
        ({"channels": ["LETTER"], "days": [1], "from_hour": 9, "to_hour": 25}, {("to_hour", "OUT_OF_RANGE")}),
        ({"channels": ["LETTER"], "days": [1], "from_hour": 9, "to_hour": 17}, set()),
    ],
)
def test_safe_contact_says_how_and_when(given, faults):
    reading = Reading(given)
    read_safe_contact(reading, Channels(phone="+447010000000"))

    assert {(fault.path, fault.code) for fault in reading.faults} == faults


def test_details_and_channels_are_read_with_every_fault():
    reading = Reading({"pronouns": "OTHER", "postcode": "XX", "language": "!", "date_of_birth": "2030-01-01"})
    read_details(reading, today=TODAY)
    read_channels(reading.part({"email": "a@b", "phone": "12"}, "channels"))

    assert {fault.path for fault in reading.faults} == {
        "family_name",
        "pronouns_other",
        "postcode",
        "language",
        "date_of_birth",
        "channels.email",
        "channels.phone",
    }


def test_answers_that_cannot_be_are_named():
    reading = Reading(
        {
            "mappa": "M3L1",
            "licence_start_on": "2026-02-01",
            "licence_end_on": "2026-01-01",
            "condition_codes": ["NO_OFFENCE", "NONSENSE"],
            "rosh_assessed_on": "2027-01-01",
            "risk_summary": "x\u0000",
            "recalls_last_year": "many",
        }
    )
    read_answers(reading, today=TODAY)

    assert {(fault.path, fault.code) for fault in reading.faults} == {
        ("mappa", "CONFLICTS_WITH(category)"),
        ("licence_end_on", "BEFORE_START"),
        ("condition_codes", "UNKNOWN_CODE"),
        ("rosh_assessed_on", "IN_FUTURE"),
        ("risk_summary", "INVALID_FORMAT"),
        ("recalls_last_year", "INVALID_FORMAT"),
    }


# Prompts and lists


def test_a_prompt_is_dealt_with_once():
    raised = settled(Prompt(id=uuid4(), person_id=uuid4(), kind=PromptKind.STALE, source_key="hmpps:1").raise_(at=NOW))

    done = settled(raised.complete(Done.RECORD_UPDATED, at=NOW))
    for again in (
        lambda: done.complete(Done.RECORD_UPDATED, at=NOW),
        lambda: done.dismiss(Dismissal.MISTAKE_AT_SOURCE, at=NOW),
    ):
        with pytest.raises(Refused):
            again()


def test_a_list_is_replaced_whole_and_numbered():
    lists = settled(AccessList(id=uuid4(), person_id=uuid4()).change(List.DENY, ["b", "a", "a"], at=NOW))

    assert lists.deny == ("a", "b")
    assert lists.change(List.DENY, [], at=NOW).news[-1].list_version == 2
    with pytest.raises(Invalid):
        lists.change(List.ALLOW, ["not an id!"], at=NOW)


def test_probation_may_always_refer():
    assert ReferrerKind.PROBATION not in a_programme().terms_on(TODAY).referrer_kinds
