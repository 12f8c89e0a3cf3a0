"""What is known of a person, by category: for services of the house that have judged who may know it."""

from dataclasses import fields, replace
from datetime import date
from uuid import uuid4

import pytest

from chassis.access import Actor, Role, system
from chassis.aggregate import Denied, NotFound
from referral import queries
from referral.domain.answers import Answers
from referral.domain.codes import Category, Channel, Pronouns, Rosh, YesNo
from referral.domain.detail import _OF_EACH, ANSWERED, HELD, detail_of, let_of
from referral.domain.person import Channels, Details, Identifiers, Person
from referral.domain.safe_contact import SafeContact
from referral.storage import AGREEMENTS
from tests.referral.builders import NOW, TODAY
from tests.referral.conftest import PP1, SM1
from tests.referral.steps import a_draft, a_programme, submitted
from tests.support.guests import agreed
from throughcare.details.v1 import service_pb2 as contract
from throughcare.options.v1 import options_pb2

MIGRATIONS = "referral.migrations"
HOUSE = system("together")
ANSWERS = Answers(
    licence_type="STANDARD", licence_start_on=date(2026, 1, 1), licence_end_on=date(2027, 11, 2),
    condition_codes=("KEEP_IN_TOUCH",), mappa="M2L1", rosh=Rosh.HIGH, rosh_assessed_on=date(2026, 10, 1),
    risk_summary="Known to his practitioner.", risk_to_staff=YesNo.NO, lone_working=YesNo.YES,
    own_words="I want a place of my own.",
)  # fmt: skip


def a_person(**changes):
    details = Details(
        given_names="Sam", family_name="Fairweather", preferred_name="Sam", pronouns=Pronouns.HE_HIM,
        date_of_birth=date(1995, 5, 1), address="1 Example Street", postcode="N1 1AA", borough="E09000019",
        language="en-GB", interpreter=True,
    )  # fmt: skip
    value = Person(id=uuid4()).record(details, at=NOW).link(Identifiers(crn="X123456"), taken=frozenset(), at=NOW)
    value = value.set_channels(Channels(phone="+447700900123", email="sam@example.org"), at=NOW)
    agreed = SafeContact(channels=(Channel.PHONE,), days=(1, 2), from_hour=10, to_hour=16, unnamed=True)
    return replace(value.set_safe_contact(agreed, at=NOW), **changes)


def category_of(name):
    field = contract.Detail.DESCRIPTOR.fields_by_name[name]
    return field.GetOptions().Extensions[options_pb2.category]


@pytest.mark.parametrize("category", sorted(HELD))
def test_a_field_is_answered_in_the_category_that_the_contract_names_and_in_no_other(category):
    found = detail_of(a_person(), ANSWERS, [category], today=TODAY)

    assert found
    assert {category_of(name) for name in found} == {category}


@pytest.mark.parametrize("category", sorted(set(Category) - HELD))
def test_of_other_categories_this_service_knows_nothing(category):
    assert detail_of(a_person(), ANSWERS, [category], today=TODAY) == {}


def test_every_field_of_the_answer_belongs_to_one_category():
    known = {each.value for each in Category}
    assert {category_of(each.name) for each in contract.Detail.DESCRIPTOR.fields} <= known


def test_every_answer_of_a_referral_belongs_to_one_category():
    held = [name for each in ANSWERED for name, value in vars(let_of(ANSWERS, [each])).items() if value]
    given = [name for name, value in vars(ANSWERS).items() if value]
    every = [name for names in _OF_EACH.values() for name in names]

    assert sorted(held) == sorted(given)
    assert sorted(every) == sorted(each.name for each in fields(Answers))


def his(case):
    """His practitioner, of whose caseload he is."""
    return replace(PP1, id=case.practitioner_ref)


async def seen_by(desk, case, actor):
    """What somebody sees of a referral and of whom it is about."""
    one = await desk.ask(queries.get_referral, actor, referral_id=case.referral_id, case_reference="")
    person = await desk.ask(queries.get_person, actor, person_id=case.person_id)
    answered = {name for name, value in vars(one["answers"]).items() if value}
    return answered, bool(person["person"].details.family_name), bool(person["identifiers"])


async def disclosed(desk):
    """What was written down of it, the categories at the end."""
    rows = await desk.rows("select outcome from audit where action = 'disclosure.made' order by id")
    return [row.outcome.rpartition(" ")[2] for row in rows]


async def test_a_guest_sees_the_answers_that_his_employer_may_know_and_no_others(desk):
    await a_programme(desk)
    case = await submitted(desk, answers={"rosh": "HIGH", "own_words": "A place of my own."})
    everything = await seen_by(desk, case, SM1)
    await limited(desk, categories=["RISK_SUMMARY"])

    assert await seen_by(desk, case, his(case)) == ({"rosh"}, False, False)
    assert await seen_by(desk, case, SM1) == everything
    assert everything[1:] == (True, True)
    assert {"RISK_SUMMARY", "category_not_agreed"} <= set(await disclosed(desk))


async def test_of_his_own_draft_he_sees_what_he_wrote(desk):
    await a_programme(desk)
    case = await a_draft(desk, answers={"own_words": "A place of my own."})
    await limited(desk, categories=[])

    answered, *_ = await seen_by(desk, case, PP1)

    assert "own_words" in answered


async def test_for_another_purpose_than_was_agreed_he_sees_nothing_of_him(desk):
    await a_programme(desk)
    case = await submitted(desk, answers={"rosh": "HIGH"})
    await limited(desk, purposes=["HANDOFF"])

    assert await seen_by(desk, case, his(case)) == (set(), False, False)
    assert set(await disclosed(desk)) == {"purpose_not_agreed", "-"}


async def limited(desk, **limits):
    """The agreement with probation covers less from now on."""
    await agreed(desk.database, AGREEMENTS, "probation", seq=2, **limits)


def test_a_diagnosis_or_an_offence_has_no_field():
    names = {each.name for each in contract.Detail.DESCRIPTOR.fields} | {each.name for each in fields(Answers)}
    assert not [name for name in names if "diagnos" in name or "offence" in name]


def test_after_a_death_nobody_is_told_how_to_reach_him():
    found = detail_of(a_person(deceased=True), None, [Category.CONTACT_DETAILS], today=TODAY)

    assert found["preferred_name"] == "Sam"
    assert not {"phone", "email", "letter_address", "allowed_channels", "allowed_days"} & set(found)


@pytest.mark.parametrize(
    ("end", "months"),
    [(date(2027, 11, 2), 12), (date(2027, 11, 1), 11), (date(2026, 11, 2), 0), (date(2026, 11, 1), None), (None, None)],
)
def test_months_of_licence_are_counted_whole(end, months):
    answers = replace(ANSWERS, licence_start_on=None, licence_end_on=end)
    found = detail_of(a_person(), answers, [Category.HOUSING_NEEDS], today=TODAY)

    assert found.get("licence_months_left") == months


async def test_the_house_asks_and_nobody_else(desk):
    await a_programme(desk)
    begun = await a_draft(desk)
    about = {"person_id": begun.person_id, "case_id": begun.case_id}

    found, held = await desk.ask(queries.get_detail, HOUSE, **about, categories=(Category.CONTACT_DETAILS,))

    assert held == (Category.CONTACT_DETAILS,)
    assert found["family_name"]
    for who in (SM1, PP1, Actor(id="ops", role=Role.OPS, organisation="together")):
        with pytest.raises(Denied):
            await desk.ask(queries.get_detail, who, **about, categories=(Category.CONTACT_DETAILS,))
    read = await desk.rows("select record, outcome from audit where action = 'detail.get' and outcome = 'read'")
    assert [row.record for row in read] == [str(begun.person_id)]


async def test_of_another_mans_case_nothing_is_answered(desk):
    await a_programme(desk)
    one, other = await a_draft(desk), await a_draft(desk)
    about = {"person_id": one.person_id, "case_id": other.case_id}

    found, _ = await desk.ask(queries.get_detail, HOUSE, **about, categories=tuple(Category))

    assert {category_of(name) for name in found} == {"CONTACT_DETAILS"}


async def test_somebody_unknown_is_not_found(desk):
    with pytest.raises(NotFound):
        await desk.ask(queries.get_detail, HOUSE, person_id=uuid4(), case_id=None, categories=tuple(Category))


async def test_names_of_a_list_come_in_one_question_and_of_nobody_unknown(desk):
    await a_programme(desk)
    people = [(await a_draft(desk)).person_id for _ in range(3)]

    found = await desk.ask(queries.list_names, HOUSE, person_ids=[*people, uuid4()])

    assert set(found) == set(people)
    assert all(found.values())
    assert await desk.value("select count(*) from audit where action = 'name.list'") == 1
