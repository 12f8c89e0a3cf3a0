"""The CSV import, row by row: what is taken, drafted, refused and seen before."""

from datetime import date

import pytest

from chassis.aggregate import Denied, Fault, Refused
from referral import commands, queries
from referral.domain import import_row
from referral.domain.import_row import COLUMNS, Context
from tests.referral import steps
from tests.referral.conftest import PP1, SM1

MIGRATIONS = "referral.migrations"
CONTEXT = Context(
    programmes=frozenset({"EERSS"}), today=date(2026, 11, 2), email_domains=("justice.gov.uk",), house_key=b"k" * 32
)
GOOD = {
    "source": "NDELIUS",
    "external_reference": "ref/0001",
    "programme": "eerss",
    "referrer_kind": "probation",
    "referrer_organisation": "rv3",
    "practitioner_name": "Alex Moore",
    "practitioner_email": "alex.moore@justice.gov.uk",
    "practitioner_pdu": "PDU-1",
    "crn": "x000001",
    "given_names": "Sam",
    "family_name": "Fairweather",
    "date_of_birth": "1990-01-10",
    "gender": "gim",
    "ethnicity": "w4",
    "borough": "E09000007",
    "screening_result": "SCREENED_IN",
    "screening_completed_on": "2026-05-01",
    "screening_source": "OASYS_EVENT",
    "rosh": "RHRH",
    "rosh_assessed_on": "2026-05-01",
    "licence_start": "2026-01-01",
    "licence_end": "2027-01-01",
    "told_on": "2026-10-01",
    "told_how": "PHONE",
    "willing": "yes",
    "needs": "GP_REGISTRATION;ADVOCACY",
}


def values(**changes):
    row = {**GOOD, **changes}
    return tuple(row.get(column, "") for column in COLUMNS)


def read(**changes):
    return import_row.read_row(import_row.named(values(**changes)), CONTEXT)


def faults(**changes):
    return import_row.codes_of(read(**changes).faults)


async def take(desk, actor=SM1, drafts_only=False, **changes):
    """As the door answers it: a refusal of the row is an outcome."""
    given = values(**{"screening_completed_on": "2020-05-01", "rosh_assessed_on": "2020-05-01", **changes})
    try:
        return await desk.do(commands.import_referrals, actor, values=given, drafts_only=drafts_only)
    except Denied:
        raise
    except Refused as no:
        return {"outcome": "REFUSED", "codes": list(import_row.codes_of(no.fields or (no.reason,)))}


def test_a_good_row_is_read_whole():
    row = read().row

    assert (row.programme, row.identifiers.crn, row.ethnicity, row.answers.rosh) == ("EERSS", "X000001", "W3", "HIGH")
    assert row.answers.needs == ("GP_REGISTRATION", "ADVOCACY")
    assert row.practitioner.ref.startswith("pp-")
    assert row.missing == ()


def test_the_header_is_that_of_the_rules():
    assert len(COLUMNS) == 38
    assert (COLUMNS[0], COLUMNS[-1]) == ("source", "needs")


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({"crn": "X12", "licence_end": "2025-01-01"}, ("crn:INVALID_FORMAT", "licence_end:BEFORE_START")),
        ({"source": "ndelius"}, ("source:INVALID_FORMAT",)),
        ({"external_reference": ""}, ("external_reference:REQUIRED",)),
        ({"family_name": "  "}, ("family_name:REQUIRED",)),
        ({"programme": "OTHER"}, ("programme:UNKNOWN_CODE",)),
        ({"referrer_kind": "POLICE"}, ("referrer_kind:UNKNOWN_CODE",)),
        ({"nhs_number": "9434765910"}, ("nhs_number:INVALID_CHECK_CHARACTER",)),
        ({"borough": "E09000034"}, ("borough:UNKNOWN_CODE",)),
        ({"borough": "Camden"}, ("borough:INVALID_FORMAT",)),
        ({"date_of_birth": "1990-02-30"}, ("date_of_birth:INVALID_FORMAT",)),
        ({"date_of_birth": "2027-01-01"}, ("date_of_birth:IN_FUTURE",)),
        ({"date_of_birth": "1916-11-01"}, ("date_of_birth:OUT_OF_RANGE",)),
        ({"screening_result": "SCREENED_IN_OVERRIDE"}, ("screening_override_reason:REQUIRED",)),
        ({"screening_override_reason": "why"}, ("screening_override_reason:CONFLICTS_WITH(screening_result)",)),
        ({"screening_source": "CALCULATED"}, ("screening_source:UNKNOWN_CODE",)),
        ({"told_on": "2026-11-03"}, ("told_on:IN_FUTURE",)),
        ({"willing": "maybe"}, ("willing:UNKNOWN_CODE",)),
        ({"needs": "ADVOCACY;NOTHING"}, ("needs:UNKNOWN_CODE",)),
        ({"ethnicity": "W6"}, ("ethnicity:UNKNOWN_CODE",)),
        ({"practitioner_email": "alex@elsewhere.co"}, ("practitioner_email:email_domain_not_allowed",)),
        ({"practitioner_email": "alex"}, ("practitioner_email:INVALID_FORMAT",)),
        ({"practitioner_reason": "HOLIDAY"}, ("practitioner_reason:UNKNOWN_CODE",)),
        ({"given_names": "S\u202eam"}, ("given_names:INVALID_FORMAT",)),
        ({"preferred_name": "x" * 101}, ("preferred_name:TOO_LONG",)),
    ],
)
def test_a_wrong_field_is_named_and_its_value_is_not(changes, codes):
    assert faults(**changes) == codes
    for given in changes.values():
        assert not given.strip() or given not in ";".join(codes)


def test_an_empty_field_that_is_needed_to_submit_is_missing_and_no_fault():
    row = read(practitioner_email="", screening_completed_on="", told_how="").row

    assert {fault.path for fault in row.missing} == {"practitioner_email", "screening_completed_on", "told_how"}


def test_a_row_with_another_number_of_fields_is_no_row():
    assert import_row.named(("a", "b")) is None


async def test_a_whole_row_is_submitted_as_any_referral(desk):
    await steps.a_programme(desk)
    start = await desk.position()

    answer = await take(desk)

    assert answer == {"outcome": "SUBMITTED", "codes": []}
    assert await desk.told(start) == [
        "DetailsChanged",
        "IdentityLinked",
        "Drafted",
        "Recorded",
        "Assigned",
        "ToldAndWillingRecorded",
        "Submitted",
        "EligibilityEvaluated",
        "PriorityAssigned",
    ]
    assert await desk.value("select count(*) from consent") == 0


async def test_the_same_row_again_changes_nothing(desk):
    await steps.a_programme(desk)
    await take(desk)
    before = await desk.snapshot()

    assert (await take(desk))["outcome"] == "SEEN_BEFORE"
    assert (await take(desk, crn="wrong"))["outcome"] == "SEEN_BEFORE"
    assert await desk.snapshot() == before


async def test_only_a_hash_of_the_reference_is_kept(desk):
    await steps.a_programme(desk)
    await take(desk)

    kept = await desk.value("select reference from imported")

    assert len(kept) == 64
    assert GOOD["external_reference"] not in kept


async def test_a_draft_says_all_that_is_missing(desk):
    await steps.a_programme(desk)

    answer = await take(
        desk, screening_result="", screening_completed_on="", screening_source="", willing="no", practitioner_email=""
    )

    assert answer["outcome"] == "DRAFT"
    assert answer["codes"] == ["not_told", "practitioner_email:REQUIRED", "screening_missing"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"crn": ""}, "crn:REQUIRED"),
        ({"date_of_birth": ""}, "date_of_birth:REQUIRED"),
        ({"date_of_birth": "2015-01-01"}, "under_minimum_age"),
        ({"screening_result": "SCREENED_OUT"}, "not_screened_in"),
        ({"borough": ""}, "borough:REQUIRED"),
        ({"borough": "E09000004"}, "quadrant_not_open"),
        ({"told_on": "", "told_how": "", "willing": ""}, "not_told"),
    ],
)
async def test_each_guard_keeps_a_draft(desk, changes, code):
    await steps.a_programme(desk, open_quadrants=["NW"])

    answer = await take(desk, **changes)

    assert answer == {"outcome": "DRAFT", "codes": [code]}
    assert await desk.value("select count(*) from referral where status = 'DRAFT'") == 1


async def test_drafts_only(desk):
    await steps.a_programme(desk)

    assert await take(desk, drafts_only=True) == {"outcome": "DRAFT", "codes": []}


async def test_a_second_row_for_one_man_is_a_draft_with_its_duplicate(desk):
    await steps.a_programme(desk)
    await take(desk)

    answer = await take(desk, external_reference="ref/0002")

    assert answer == {"outcome": "DRAFT", "codes": ["duplicate_open"]}
    assert await desk.value("select count(*) from person") == 1


async def test_a_refused_row_keeps_nothing_and_may_come_again_mended(desk):
    await steps.a_programme(desk)
    before = await desk.snapshot()

    answer = await take(desk, crn="X12", ethnicity="W6")

    assert answer == {"outcome": "REFUSED", "codes": ["crn:INVALID_FORMAT", "ethnicity:UNKNOWN_CODE"]}
    assert await desk.snapshot() == before
    assert (await take(desk))["outcome"] == "SUBMITTED"


async def test_a_referrer_or_kind_the_programme_does_not_take_is_refused(desk):
    await steps.a_programme(desk)

    assert (await take(desk, referrer_kind="SELF"))["codes"] == ["referrer_kind_not_allowed"]
    assert (await take(desk, kind="STAFF_CONSULTATION"))["codes"] == ["kind:NOT_ALLOWED_FOR_PROGRAMME"]


async def test_the_practitioner_of_a_row_finds_it_in_his_caseload(desk):
    await steps.a_programme(desk)
    await take(desk)
    ref = await desk.value("select practitioner_ref from practitioner_contact")
    practitioner = type(PP1)(id=ref, role=PP1.role, organisation="probation", purpose=PP1.purpose)

    listed = await desk.ask(
        queries.list_referrals, practitioner, statuses=(), programme="", person_id=None, after=None, size=9
    )

    assert listed["total"] == 1


async def test_only_a_service_manager_imports(desk):
    await steps.a_programme(desk)

    with pytest.raises(Denied):
        await take(desk, PP1)


def test_codes_stand_once_and_in_order():
    found = import_row.codes_of([Fault("b", "REQUIRED"), "a_guard", Fault("b", "REQUIRED")])

    assert found == ("a_guard", "b:REQUIRED")
