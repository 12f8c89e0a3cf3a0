"""Messages of HMPPS as they really are: read tolerantly, taken or ignored, kept only as far as they concern us."""

import csv
import json
from datetime import UTC, date, datetime

import pytest

from chassis.aggregate import Denied, Invalid
from referral import commands, queries
from referral.domain.access_list import List
from referral.domain.prompt import PromptKind
from referral.domain.screening import Result
from referral.gateways import hmpps
from tests.referral import steps
from tests.referral.builders import shared_data
from tests.referral.conftest import ADAPTER, IG1, SM1

MIGRATIONS = "referral.migrations"
UNKNOWN = {"interventions.community-referral.created", "enforcement.breach.concluded"}


def sns(inner, event_type, message_id="0d2b3c4e-0000-4000-8000-000000000001"):
    """A message in its SNS envelope."""
    outer = {"Type": "Notification", "Message": json.dumps(inner)}
    if message_id:
        outer["MessageId"] = message_id
    outer["MessageAttributes"] = {"eventType": {"Type": "String", "Value": event_type}}
    return json.dumps(outer).encode()


def opd(crn="A000001", **extra):
    return {
        "eventType": "opd.produced",
        "version": "2",
        "occurredAt": "2023-10-30T16:42:25+00:00",
        "personReference": {"identifiers": [{"type": "CRN", "value": crn}]},
        "additionalInformation": {
            "dateCompleted": "2023-10-30T16:42:25+00:00",
            "opdResult": "SCREEN IN",
            "opdScreenOutOverride": "",
            **extra,
        },
    }


def from_facts():
    """Whole messages built from the rows of facts, with the row."""
    with (shared_data() / "hmpps-events" / "event_facts.csv").open() as lines:
        for nth, row in enumerate(csv.DictReader(lines)):
            inner = {"eventType": row["event_type"]}
            for column, field in (("version_raw", "version"), ("occurred_at_raw", "occurredAt")):
                if row[column]:
                    inner[field] = json.loads(row[column]) if field == "version" else row[column]
            if row["person_identifiers"]:
                inner["personReference"] = {"identifiers": json.loads(row["person_identifiers"])}
            if row["additional_information_raw"]:
                inner["additionalInformation"] = json.loads(row["additional_information_raw"])
            if row["envelope"] == "BARE":
                yield row, json.dumps(inner).encode()
                continue
            message_id = "" if row["envelope"] == "SNS_NO_MESSAGE_ID" else f"0d2b3c4e-0000-4000-8000-{nth:012}"
            yield row, sns(inner, row["attribute_event_type"] or row["event_type"], message_id)


async def receive(desk, message, source="HMPPS", actor=ADAPTER):
    try:
        return await desk.do(commands.receive_external_event, actor, source=source, message=message)
    except commands.NothingOfOurs as passed:
        return {"outcome": "IGNORED", "event_type": passed.event_type}


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2023-06-19T18:35:59.442+01:00[Europe/London]", datetime(2023, 6, 19, 17, 35, 59, 442000, UTC)),
        ("2023-06-20T00:00:00+0100", datetime(2023, 6, 19, 23, 0, tzinfo=UTC)),
        ("2023-02-14T15:55:21.1065440Z", datetime(2023, 2, 14, 15, 55, 21, 106544, UTC)),
        ("2022-05-04T08:00:33.477735848+01:00", datetime(2022, 5, 4, 7, 0, 33, 477735, UTC)),
        ("2020-02-25T10:48:26.606784", datetime(2020, 2, 25, 10, 48, 26, 606784, UTC)),
        ("2021-06-08T14:41:11", datetime(2021, 6, 8, 13, 41, 11, tzinfo=UTC)),
        ("{createdDate}", None),
        (17, None),
        ("2021-02-30T14:41:11Z", None),
    ],
)
def test_instants_are_read_as_they_are_written(text, instant):
    assert hmpps.instant_of(text) == instant


def test_the_published_meaning_of_result_and_override():
    with (shared_data() / "hmpps-events" / "opd_event_meaning.csv").open() as lines:
        for case in csv.DictReader(lines):
            extra = {"opdResult": case["opd_result"], "opdScreenOutOverride": case["opd_screen_out_override"]}
            effect = hmpps.effect_of(hmpps.read(json.dumps(opd(**extra)).encode()))
            assert effect.screening == (Result(case["expected"]), date(2023, 10, 30)), case["case_id"]


def test_an_override_is_in_by_override_whatever_the_result():
    effect = hmpps.effect_of(hmpps.read(json.dumps(opd(opdScreenOutOverride="yes")).encode()))

    assert effect.screening[0] is Result.SCREENED_IN_OVERRIDE


def test_an_unknown_result_is_not_guessed():
    effect = hmpps.effect_of(hmpps.read(json.dumps(opd(opdResult="SCREEN MAYBE")).encode()))

    assert (effect.screening, effect.prompt) == (None, PromptKind.SCREENING_UNREADABLE)


def test_the_type_in_the_attributes_wins_and_the_difference_is_seen():
    external = hmpps.read(sns(opd(), "probation-case.registration.added"))

    assert external.event_type == "probation-case.registration.added"
    assert external.type_differs


@pytest.mark.parametrize(
    ("message", "path", "code"),
    [
        (b"not json", "message", "INVALID_FORMAT"),
        (b"[1, 2]", "message", "INVALID_FORMAT"),
        (b"\xff\xfe{}", "message", "INVALID_FORMAT"),
        (b'{"Message": "not json"}', "message", "INVALID_FORMAT"),
        (b"{}", "message.eventType", "REQUIRED"),
        (b'{"eventType": "a b\\u0000"}', "message.eventType", "INVALID_FORMAT"),
        (b'{"eventType": 7}', "message.eventType", "REQUIRED"),
        (b'{"eventType": "opd.produced", "x": "' + b"y" * 256 * 1024 + b'"}', "message", "TOO_LONG"),
        (b"[" * 100_000, "message", "INVALID_FORMAT"),
    ],
)
def test_what_is_no_message_is_refused_by_field(message, path, code):
    with pytest.raises(Invalid) as no:
        hmpps.read(message)

    assert [(fault.path, fault.code) for fault in no.value.fields] == [(path, code)]


def test_every_real_message_and_row_is_read():
    folder = shared_data() / "hmpps-events" / "messages"
    whole = [hmpps.read(path.read_bytes()) for path in sorted(folder.glob("*.json"))]
    rows = [(row, hmpps.read(message)) for row, message in from_facts()]

    assert len(whole) == 8
    assert len(rows) == 44
    for row, external in rows:
        assert external.event_type == (row["attribute_event_type"] or row["event_type"])


async def test_real_messages_about_nobody_we_know_leave_nothing(desk):
    folder = shared_data() / "hmpps-events" / "messages"
    messages = [path.read_bytes() for path in sorted(folder.glob("*.json"))] + [each for _, each in from_facts()]
    await steps.a_programme(desk)
    before, audited = await desk.snapshot(), await desk.value("select count(*) from audit")
    keys = await desk.value("select count(*) from received")

    answers = [await receive(desk, message) for message in messages]

    assert {answer["outcome"] for answer in answers} == {"IGNORED"}
    assert await desk.snapshot() == before
    assert await desk.value("select count(*) from audit") == audited
    assert await desk.value("select count(*) from received") == keys


async def test_real_rows_about_people_we_know_become_evidence_or_prompts(desk):
    await steps.a_programme(desk)
    known = {
        held["value"]
        for row, _ in from_facts()
        for held in json.loads(row["person_identifiers"] or "[]")
        if held["type"] == "CRN"
    }
    people = {}
    for crn in sorted(known):
        if len(crn) == 7 and crn[1:].isdigit():
            people[crn] = await steps.a_draft(desk, crn=crn)
    expected = {"opd.produced", "tier.calculation.complete", "create-and-vary-a-licence.licence.activated"}

    taken = set()
    for row, message in from_facts():
        answer = await receive(desk, message)
        if answer["outcome"] == "TAKEN":
            taken.add(row["event_type"])

    assert expected <= taken
    assert "probation-case.engagement.created" not in taken
    evidence = await desk.ask(queries.list_screenings, SM1, person_id=people["A000001"].person_id, after=None, size=9)
    assert [(held["result"], held["source"]) for held in evidence] == [("SCREENED_IN", "OASYS_EVENT")]
    kinds = {row.kind for row in await desk.rows("select kind from prompt")}
    assert {"RECALL_SUGGESTED", "RISK_CHANGED", "LICENCE_CHANGED", "STALE", "MERGE_SUGGESTED"} <= kinds


async def test_a_message_twice_has_one_effect_even_under_other_keys(desk):
    await steps.a_programme(desk)
    case = await steps.a_draft(desk, crn="A000001")
    recall = sns({**opd(), "eventType": "prison-recall.recommendation.started"}, "prison-recall.recommendation.started")

    for message in (recall, recall, json.dumps(opd()).encode(), json.dumps(opd()).encode()):
        assert (await receive(desk, message))["outcome"] == "TAKEN"

    assert await desk.value("select count(*) from prompt") == 1
    assert await desk.value("select count(*) from screening_evidence where person_id = $1", case.person_id) == 1


async def test_an_ignored_message_may_be_taken_later(desk):
    await steps.a_programme(desk)
    message = json.dumps(opd()).encode()

    assert (await receive(desk, message))["outcome"] == "IGNORED"
    await steps.a_draft(desk, crn="A000001")
    assert (await receive(desk, message))["outcome"] == "TAKEN"


async def test_older_evidence_that_comes_later_does_not_count(desk):
    await steps.a_programme(desk)
    case = await steps.a_draft(desk, crn="A000001")
    newer = opd(dateCompleted="2024-01-01T00:00:00Z")
    await receive(desk, json.dumps(newer).encode())
    start = await desk.position()

    await receive(desk, json.dumps(opd(opdResult="SCREEN OUT")).encode())

    assert await desk.told(start) == ["Recorded", "Superseded"]
    held = await desk.ask(queries.list_screenings, SM1, person_id=case.person_id, after=None, size=9)
    assert [(one["is_current"], one["result"]) for one in held] == [(False, "SCREENED_OUT"), (True, "SCREENED_IN")]


async def test_a_prison_number_added_at_the_source_is_linked(desk):
    await steps.a_programme(desk)
    case = await steps.a_draft(desk, crn="A000001")
    inner = {
        "eventType": "probation-case.prison-identifier.added",
        "personReference": {"identifiers": [{"type": "CRN", "value": "A000001"}, {"type": "NOMS", "value": "A1234BC"}]},
    }

    await receive(desk, json.dumps(inner).encode())

    person = await desk.ask(queries.get_person, SM1, person_id=case.person_id)
    assert person["identifiers"]["prison_number"] == "A1234BC"


async def test_erasure_at_the_source_is_seen_by_the_guardian_alone(desk):
    await steps.a_programme(desk)
    await steps.a_draft(desk, crn="A000001")
    await receive(desk, json.dumps({**opd(), "eventType": "probation-case.deleted.gdpr"}).encode())

    for actor, seen in ((IG1, ["ERASURE_AT_SOURCE"]), (SM1, [])):
        prompts = await desk.ask(queries.list_prompts, actor, person_id=None, after=None, size=9)
        assert [prompt["kind"] for prompt in prompts] == seen


async def test_a_man_with_an_allow_list_is_still_known_to_the_house(desk):
    await steps.a_programme(desk)
    case = await steps.a_draft(desk, crn="A000001")
    await desk.do(
        commands.set_access_list,
        SM1,
        person_id=case.person_id,
        which=List.ALLOW,
        entries=("staff-sm-1",),
        expected=0,
    )

    for event_type in ("opd.produced", "tier.calculation.complete"):
        message = json.dumps({**opd(), "eventType": event_type}).encode()
        assert (await receive(desk, message))["outcome"] == "TAKEN"
    by_whom = await desk.rows("select actor_role from audit where action = 'external_event.receive'")
    assert {row.actor_role for row in by_whom} == {"ADAPTER"}


async def test_only_the_adapter_brings_outside_events(desk):
    with pytest.raises(Denied):
        await receive(desk, json.dumps(opd()).encode(), actor=SM1)
    with pytest.raises(Invalid):
        await receive(desk, json.dumps(opd()).encode(), source="ELSEWHERE")
