"""Open Referral in and out: what we write is sound by the public schemas, and reading it gives back what we hold."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from partners.domain.codes import Aspect, Gender
from partners.domain.listing import Entry
from partners.domain.offer import Room, Status
from partners.domain.terms import Terms
from partners.gateways.open_referral import Unreadable, read, records, written
from tests.partners.domain.offers import CAMDEN, ISLINGTON, a_candidate, any_id, any_room, any_terms, room
from tests.referral.builders import shared_data

PROFILES = ("hsds-3.0", "hsds-uk-3.0")
SERVICE = {"id": "6b0f8f2e-52cb-4e5d-8d0e-6d3b5a6f1c11", "name": "Debt help", "status": "active"}
OTHER = (Aspect.OTHER,)


def public() -> Path:
    """The public schemas, examples and feeds; the test is skipped where they are not."""
    return shared_data() / "open-referral"


def a_record(**given: Any) -> dict[str, Any]:
    """A service of somebody's directory, without what is None."""
    return {name: value for name, value in (SERVICE | given).items() if value is not None}


def the_entry(**given: Any) -> Entry:
    found = read(a_record(**given), aspects=OTHER)
    assert found.entry is not None, found.faults
    return found.entry


def faults(**given: Any) -> set[tuple[str, str]]:
    found = read(a_record(**given), aspects=OTHER)
    assert found.entry is None
    assert all(fault.mend for fault in found.faults)
    return {(fault.path, fault.code) for fault in found.faults}


def coded(taxonomy: str, code: str) -> list[dict[str, Any]]:
    """One attribute in a taxonomy of ours."""
    return [{"taxonomy_term": {"taxonomy": f"throughcare-{taxonomy}", "code": code}}]


def a_zip(**tables: str) -> bytes:
    """Tables in a zip, as HSDS hands them on."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in tables.items():
            archive.writestr(f"data/{name}.csv", text)
    return content.getvalue()


def validator(profile: str) -> Draft202012Validator:
    folder = public() / "schema" / profile

    def part(uri: str) -> Resource[Any]:
        return DRAFT202012.create_resource(json.loads((folder / uri.rsplit("/", 1)[-1]).read_text()))

    registry: Registry[Any] = Registry(retrieve=part)
    schema = json.loads((folder / "service.json").read_text())
    return Draft202012Validator(schema, registry=registry, format_checker=FormatChecker(("uuid", "email", "date")))


# In and out.


@given(
    any_id(), any_terms(), st.none() | any_room(), st.sampled_from(sorted(set(Status) - {Status.DRAFT})), st.booleans()
)
def test_what_is_written_is_read_back_as_it_was(
    id: UUID, terms: Terms, room: Room | None, status: Status, known: bool
) -> None:
    org_id, name = ("sig-penrose", "SIG Penrose") if known else ("", "Somebody")
    offer = a_candidate(id=id, terms=terms, room=room, status=status, org_id=org_id, organisation=name)

    found = read(json.loads(json.dumps(written(offer))), aspects=OTHER)

    assert found.faults == ()
    assert found.entry == Entry(source_id=id, org_id=org_id, organisation=name, status=status, terms=terms, room=room)


@pytest.mark.parametrize("profile", PROFILES)
def test_what_is_written_is_sound_by_the_public_schema(profile: str) -> None:
    sound = validator(profile)

    @given(any_terms(), st.none() | any_room(), st.sampled_from(sorted(set(Status) - {Status.DRAFT})))
    def every_offer(terms: Terms, room: Room | None, status: Status) -> None:
        offer = a_candidate(terms=terms, room=room, status=status)
        assert [error.message for error in sound.iter_errors(written(offer))] == []

    every_offer()


def test_the_schema_test_can_fail() -> None:
    broken = written(a_candidate()) | {"email": "flats-example_com", "status": "open"}

    assert {error.path[0] for error in validator("hsds-uk-3.0").iter_errors(broken)} == {"email", "status"}


def test_our_codes_stand_beside_plain_words() -> None:
    offer = a_candidate(areas=(CAMDEN,), genders=(Gender.MALE,), minimum_licence_months=12, room=room(wait_days=14))

    service = written(offer)

    assert service["status"] == "active"
    assert [(area["name"], area["extent"]) for area in service["service_areas"]] == [("Camden", CAMDEN)]
    assert {(each["link_type"], each["value"]) for each in service["attributes"]} >= {
        ("throughcare-aspect", "SUPPORTED_HOUSING"),
        ("throughcare-gender", "MALE"),
        ("throughcare-minimum-licence-months", "12"),
        ("throughcare-wait-days", "14"),
        ("throughcare-capacity", "HAS_CAPACITY"),
    }


def test_the_same_offer_is_written_the_same_each_time() -> None:
    offer = a_candidate(areas=(CAMDEN, ISLINGTON))

    assert json.dumps(written(offer)) == json.dumps(written(offer))


# The public examples and feeds.


def taken(path: Path) -> list[Entry | None]:
    """The services of a public file as entries; None for a faulty one."""
    return [read(each, aspects=OTHER).entry for each in records(path.read_bytes()) if each is not None]


def service_in(document: Any) -> dict[str, Any]:
    """The first member of a document, at whatever depth, that has a status: the service."""
    if isinstance(document, dict) and "status" in document:
        return document
    inner = document.values() if isinstance(document, dict) else document if isinstance(document, list) else ()
    return next((found for each in inner if (found := service_in(each))), {})


@pytest.mark.parametrize(
    "name",
    [
        *(
            f"{profile}/{file}.json"
            for profile in PROFILES
            for file in ("service_full", "service_list", "organization_full")
        ),
        "hsds-3.0/service_at_location_full.json",
        "hsds-uk-3.0/service_at_location_list.json",
        "feeds/default/service_list.json",
        "feeds/default/service_at_location_list.json",
    ],
)
def test_a_public_example_is_taken(name: str) -> None:
    path = public() / name

    (entry,) = taken(path)

    assert entry is not None
    said = service_in(json.loads(path.read_text()))
    assert (str(entry.source_id), entry.terms.name) == (said["id"], said["name"])
    assert (entry.terms.minimum_age, entry.terms.maximum_age) == (said["minimum_age"], said["maximum_age"])
    assert (entry.status, entry.terms.aspects) == (Status.PUBLISHED, OTHER)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("name", ["taxonomy_term", "organization_list"])
def test_a_public_example_without_a_service_is_passed_over(profile: str, name: str) -> None:
    assert set(records((public() / profile / f"{name}.json").read_bytes())) == {None}  # type: ignore[comparison-overlap]


def test_every_public_file_is_read_or_passed_over() -> None:
    folder = public()
    with (folder / "manifest.csv").open() as lines:
        files = [row["file"] for row in csv.DictReader(lines) if row["file"].endswith(".json")]
    examples = [name for name in files if not name.startswith("schema/")]

    faulty = [name for name in examples if None in taken(folder / name)]

    assert len(examples) > 20
    assert faulty == ["feeds/fail/service_full.json"]


def test_the_feed_that_is_to_fail_says_what_is_wrong_and_how_to_mend_it() -> None:
    (record,) = records((public() / "feeds" / "fail" / "service_full.json").read_bytes())
    assert record is not None

    found = read(record, aspects=OTHER)

    assert {(fault.path, fault.code) for fault in found.faults} == {
        ("email", "INVALID_FORMAT"), ("url", "INVALID_FORMAT"),
    }  # fmt: skip
    assert all("leave it out" in fault.mend for fault in found.faults)


def test_a_page_holds_what_it_holds_whatever_it_says_of_itself() -> None:
    found = taken(public() / "feeds" / "test" / "service_list.json")

    assert len(found) == 128
    assert None not in found


def test_the_public_tables_are_read() -> None:
    folder = public() / "hsds-3.0" / "csv"
    tables = {path.stem: path.read_text() for path in sorted(folder.glob("*.csv"))}
    said = {name: next(csv.DictReader(io.StringIO(text))) for name, text in tables.items()}

    (record,) = records(a_zip(**tables))
    assert record is not None
    entry = read(record, aspects=OTHER).entry

    assert entry is not None
    assert entry.terms.name == said["services"]["name"]
    assert entry.organisation == said["organizations"]["name"]
    assert entry.terms.area_note == said["service_areas"]["name"]


# Tolerant reading.


def test_what_is_not_known_or_empty_is_passed_over() -> None:
    entry = the_entry(colour="green", email="", url=None, description="  ", minimum_age="18", schedules=[{"freq": 1}])

    assert entry.terms == Terms(name="Debt help", aspects=OTHER, minimum_age=18)
    assert (entry.organisation, entry.org_id, entry.room) == ("", "", None)


@pytest.mark.parametrize(
    ("status", "means"),
    [
        ("active", Status.PUBLISHED),
        ("inactive", Status.PAUSED),
        ("temporarily closed", Status.PAUSED),
        ("defunct", Status.RETIRED),
    ],
)
def test_a_status_of_theirs_is_one_of_ours(status: str, means: Status) -> None:
    assert the_entry(status=status).status is means


def test_boroughs_are_known_by_code_or_name_and_all_else_stays_in_words() -> None:
    areas = [
        {"id": str(uuid4()), "name": "islington"},
        {"id": str(uuid4()), "uri": f"https://statistics.example/id/{CAMDEN}"},
        {"id": str(uuid4()), "service_area": "All of the north"},
        "nonsense",
    ]

    terms = the_entry(service_areas=areas).terms

    assert (set(terms.areas), terms.area_note) == ({CAMDEN, ISLINGTON}, "All of the north")


def test_a_number_with_the_quotation_marks_of_a_directory_is_taken() -> None:
    phones = [{"number": "ask at the desk"}, {"number": '"+44 20 7946 0177"'}]

    assert the_entry(phones=phones).terms.phone == "+44 20 7946 0177"


def test_nobody_of_the_staff_is_taken_over() -> None:
    entry = the_entry(contacts=[{"name": "Canary-7731", "email": "canary@example.org"}])

    assert "anary" not in str(entry)


# Faults.


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"id": None}, ("id", "REQUIRED")),
        ({"id": "17"}, ("id", "INVALID_FORMAT")),
        ({"name": None}, ("name", "REQUIRED")),
        ({"name": 7}, ("name", "INVALID_FORMAT")),
        ({"name": "x" * 201}, ("name", "TOO_LONG")),
        ({"name": "a\u0000b"}, ("name", "INVALID_FORMAT")),
        ({"name": "a\ud800b"}, ("name", "INVALID_FORMAT")),
        ({"status": None}, ("status", "REQUIRED")),
        ({"status": "open"}, ("status", "UNKNOWN_CODE")),
        ({"description": ["x"]}, ("description", "INVALID_FORMAT")),
        ({"description": "x" * 10_001}, ("description", "TOO_LONG")),
        ({"url": "example/counselling"}, ("url", "INVALID_FORMAT")),
        ({"email": "a@b"}, ("email", "INVALID_FORMAT")),
        ({"minimum_age": 12.5}, ("minimum_age", "OUT_OF_RANGE")),
        ({"minimum_age": float("inf")}, ("minimum_age", "OUT_OF_RANGE")),
        ({"minimum_age": 10**400}, ("minimum_age", "OUT_OF_RANGE")),
        ({"minimum_age": True}, ("minimum_age", "INVALID_FORMAT")),
        ({"minimum_age": "twelve"}, ("minimum_age", "INVALID_FORMAT")),
        ({"minimum_age": 40, "maximum_age": 30}, ("maximum_age", "CONFLICTS_WITH(minimum_age)")),
        ({"organization": "Somebody"}, ("organization", "INVALID_FORMAT")),
        ({"organization": {"id": "x"}}, ("organization.name", "REQUIRED")),
        ({"organization": {"name": "a\u0000b"}}, ("organization.name", "INVALID_FORMAT")),
        ({"attributes": coded("aspect", "X")}, ("attributes", "UNKNOWN_CODE")),
        ({"attributes": coded("capacity", "WAITLIST")}, ("attributes", "REQUIRED")),
    ],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_right_is_named(given: dict[str, Any], fault: tuple[str, str]) -> None:
    assert faults(**given) == {fault}


def test_all_faults_of_a_record_come_at_once() -> None:
    assert faults(id="17", name=None, status="open", email="nobody") == {
        ("id", "INVALID_FORMAT"), ("name", "REQUIRED"), ("status", "UNKNOWN_CODE"), ("email", "INVALID_FORMAT"),
    }  # fmt: skip


def test_a_fault_never_echoes_a_value() -> None:
    found = read(a_record(id="Canary-7731", email="Canary-7731", status="Canary-7731"), aspects=OTHER)

    assert "Canary" not in str(found)


@pytest.mark.parametrize(
    "content",
    [b"", b"no json", b"7", b'"text"', b"\xff\xfe{}", b"PK\x03\x04broken", b"[" * 100_000, a_zip(contacts="id\n1\n")],
    ids=["empty", "text", "number", "string", "utf-16", "broken zip", "deep", "no services"],
)
def test_a_file_that_cannot_be_read_is_refused_whole(content: bytes) -> None:
    with pytest.raises(Unreadable) as refused:
        records(content)

    assert (refused.value.code, bool(refused.value.mend)) == ("INVALID_FORMAT", True)


def test_a_file_that_is_too_large_is_refused_packed_or_not() -> None:
    for content in (b" " * (20 * 1024 * 1024 + 1), b"[" + b"{}," * 20_001 + b"{}]"):
        with pytest.raises(Unreadable) as refused:
            records(content)
        assert refused.value.code == "TOO_LONG"


def test_members_that_are_no_records_have_faults_of_their_own() -> None:
    found = [
        None if each is None else read(each, aspects=OTHER)
        for each in records(b'{"contents": [7, {"services": [null]}]}')
    ]

    assert [each is not None and {fault.path for fault in each.faults} for each in found] == [
        {"id", "name", "status"}
    ] * 2


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([
        "id", "name", "status", "organization", "service_areas", "attributes", "taxonomy_term", "phones", "contents",
        "minimum_age", "services", "service", "url", "taxonomy", "number",
    ]), inner, max_size=5),
    max_leaves=20,
))  # fmt: skip
def test_whatever_a_file_holds_it_is_taken_or_refused_with_reasons(document: Any) -> None:
    try:
        found = list(records(json.dumps(document).encode()))
    except Unreadable:
        return
    for each in found:
        if each is not None:
            verdict = read(each, aspects=OTHER)
            assert (verdict.entry is None) is bool(verdict.faults)
