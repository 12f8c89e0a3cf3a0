"""The gRPC door: everything a caller can do, over real sockets with real certificates."""

from dataclasses import replace
from uuid import uuid4

import grpc
import pytest

from chassis.rpc import RpcServer, acting_as, error_of
from referral.rpc import servicers
from tests.referral.conftest import ADAPTER, PP1, PP2, SM1, SM2
from tests.referral.test_import import values
from throughcare.details.v1 import service_pb2 as details
from throughcare.details.v1.service_pb2_grpc import DetailServiceStub
from throughcare.referral.v1 import service_pb2 as pb
from throughcare.referral.v1.service_pb2_grpc import ReferralServiceStub

MIGRATIONS = "referral.migrations"
POLICY = {"valid_from": "2020-04-01"}
TERMS = {
    "EERSS": {"name": "Engagement service", "principles": ["MENTORING", "ADVOCACY"]},
    "RECALL_SUPPORT": {
        "name": "Recall support",
        "kinds": ["PERSON_SUPPORT", "STAFF_CONSULTATION"],
        "principles": ["PSYCHOLOGICALLY_INFORMED"],
    },
}
ELIGIBILITY = {
    "EERSS": {"gender_criterion": True, "legal_reason": "Schedule 3 paragraph 27", "screening_required": True},
    "RECALL_SUPPORT": {"rosh_at_least": "HIGH"},
}
PRIORITY = {"basis": "s.158", "evidence": "counts", "impact_assessment": "EIA-1", "review_on": "2027-04-01"}


class Caller:
    """Calls the front door as somebody."""

    def __init__(self, channel):
        self.channel, self.stub = channel, ReferralServiceStub(channel)

    async def __call__(self, name, actor=SM1, /, *, key=None, **fields):
        request = getattr(pb, f"{name}Request")(**fields)
        metadata = acting_as(actor, key=key or uuid4())
        return await getattr(self.stub, name)(request, metadata=metadata, timeout=20)

    async def no(self, name, actor=SM1, /, **fields):
        """How it is refused."""
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await self(name, actor, **fields)
        return raised.value.code(), error_of(raised.value)

    async def twice(self, name, /, **fields):
        """Drafted by one service manager, brought into force by another."""
        drafted = await self(name, SM1, **fields)
        given = {
            "programme_id": drafted.programme_id,
            "draft_id": drafted.policy_id,
            "expected_version": drafted.version,
        }
        return await self(name, SM2, **given)

    async def seed(self):
        """Both programmes in force, every quadrant open: what `--example` does."""
        ids = {}
        for code, terms in TERMS.items():
            done = await self.twice("PublishProgramme", code=code, **POLICY, **terms)
            ids[code] = done.programme_id
            rules = {**POLICY, **ELIGIBILITY[code]}
            done = await self.twice(
                "PublishEligibilityPolicy", programme_id=ids[code], expected_version=done.version, **rules
            )
            done = await self.twice(
                "PublishPriorityPolicy", programme_id=ids[code], expected_version=done.version, **POLICY, **PRIORITY
            )
            if code == "RECALL_SUPPORT":
                area = ["E09000007", "E09000019"]
                await self.twice(
                    "SetArea", programme_id=ids[code], expected_version=done.version, **POLICY, area_codes=area
                )
            for quadrant in ("NE", "NW", "SE", "SW"):
                phase = await self("PlanPhase", programme_id=ids[code], quadrant=quadrant, opens_on="2026-11-30")
                done = {"phase_id": phase.phase_id, "prerequisite": "CAMPAIGN", "done_on": "2026-01-05"}
                await self("CompletePrerequisite", **done, expected_version=1)
                await self("OpenPhase", phase_id=phase.phase_id, expected_version=2)
        return ids

    async def submitted(self, actor=PP1, crn="X123456"):
        started = await self(
            "StartReferral",
            actor,
            programme="EERSS",
            referrer_kind="PROBATION",
            identifiers={"crn": crn},
            person={"family_name": "Fairweather", "date_of_birth": "1990-01-10"},
            answers={"borough": "E09000007", "gender": "MALE"},
        )
        referral = {"referral_id": started.referral_id}
        told = {"told_on": "2026-01-05", "told_how": "PHONE", "willing": "YES"}
        version = (
            await self("RecordToldAndWilling", actor, **referral, **told, expected_version=started.version)
        ).version
        screening = {"source": "PP_ATTESTED", "base_result": "SCREENED_IN", "completed_on": "2026-01-05"}
        await self("RecordScreening", actor, person_id=started.person_id, **screening)
        who = {"name": "Alex Moore", "email": "alex.moore@justice.gov.uk"}
        named = await self("SetPractitioner", actor, **referral, practitioner=who)
        sent = await self("SubmitReferral", actor, **referral, expected_version=version)
        return started, sent, replace(actor, id=named.practitioner_ref)


@pytest.fixture
async def call(desk):
    """The door of the service on a port of its own."""
    server = RpcServer(desk.works.settings, {"referral": servicers(desk.works)})
    port = await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield Caller(channel)
    await server.stop(0)


async def test_every_field_error_comes_at_once_and_no_value_is_echoed(call):
    await call.seed()

    code, error = await call.no(
        "StartReferral",
        PP1,
        programme="EERSS",
        referrer_kind="NOBODY",
        identifiers={"crn": "canary-crn", "nhs_number": "1234567890"},
        person={"given_names": "x" * 101, "date_of_birth": "canary-day"},
        answers={"borough": "E09000099", "rosh": "CANARY"},
    )

    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert {(fault.path, fault.code) for fault in error.fields} == {
        ("referrer_kind", "UNKNOWN_CODE"),
        ("identifiers.crn", "INVALID_FORMAT"),
        ("identifiers.nhs_number", "INVALID_CHECK_CHARACTER"),
        ("person.given_names", "TOO_LONG"),
        ("person.family_name", "REQUIRED"),
        ("person.date_of_birth", "INVALID_FORMAT"),
        ("answers.borough", "UNKNOWN_CODE"),
        ("answers.rosh", "UNKNOWN_CODE"),
    }
    assert "canary" not in str(error).lower()


async def test_one_service_manager_cannot_bring_his_own_draft_into_force(call):
    drafted = await call("PublishProgramme", code="EERSS", **POLICY, **TERMS["EERSS"])

    code, error = await call.no(
        "PublishProgramme",
        programme_id=drafted.programme_id,
        draft_id=drafted.policy_id,
        expected_version=drafted.version,
    )

    assert code is grpc.StatusCode.FAILED_PRECONDITION
    assert error.reason == "second_person_required"
    listed = await call("ListProgrammes")
    assert [each.in_force for each in listed.programmes] == [False]


async def test_two_records_are_joined_by_two_and_taken_apart_by_two(call):
    await call.seed()
    old, into = [(await call.submitted(crn=crn))[0].person_id for crn in ("X123456", "X123457")]
    code, error = await call.no("MergePeople", from_person_id="canary", reason="CANARY")
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert {(fault.path, fault.code) for fault in error.fields} == {
        ("from_person_id", "INVALID_FORMAT"),
        ("to_person_id", "REQUIRED"),
        ("reason", "UNKNOWN_CODE"),
    }
    assert "canary" not in str(error).lower()
    given = {"from_person_id": old, "to_person_id": into, "reason": "SAME_DETAILS"}
    missing = await call.no("MergePeople", **{**given, "to_person_id": str(uuid4())})
    assert (missing[0], missing[1].reason, missing[1].fields) == (grpc.StatusCode.NOT_FOUND, "not_found", ())

    asked = await call("MergePeople", **given)
    waiting = (await call("ListMerges", SM2)).merges[0]
    assert (waiting.merge_id, waiting.asked_by, waiting.status) == (asked.merge_id, SM1.id, "ASKED")
    code, error = await call.no("MergePeople", merge_id=asked.merge_id, expected_version=asked.version)
    assert (code, error.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "second_person_required")
    done = await call("MergePeople", SM2, merge_id=asked.merge_id, expected_version=asked.version)
    assert (await call("GetPerson", person_id=old)).merged_into == into
    assert list((await call("ListMerges", SM2)).merges) == []

    at = {"merge_id": asked.merge_id}
    back = await call("Unmerge", reason="MERGED_BY_MISTAKE", expected_version=done.version, **at)
    code, error = await call.no("Unmerge", expected_version=back.version, **at)
    assert (code, error.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "second_person_required")
    apart = await call("Unmerge", SM2, expected_version=back.version, **at)
    assert apart.status == "UNMERGED"
    assert (await call("GetPerson", person_id=old)).merged_into == ""


async def test_lists_are_paged_for_one_caller_and_one_filter(call):
    await call.seed()
    for nth in range(3):
        await call.submitted(crn=f"X{123450 + nth}")

    first = await call("ListReferrals", page_size=2)
    rest = await call("ListReferrals", page_size=2, page_token=first.next_page_token)

    assert (len(first.referrals), len(rest.referrals), rest.next_page_token) == (2, 1, "")
    assert first.total == rest.total == 3
    assert [each.place_in_queue for each in [*first.referrals, *rest.referrals]] == [1, 2, 3]
    for given in ({"programme": "EERSS"}, {"page_size": 2}):
        actor = SM1 if "programme" in given else SM2
        code, error = await call.no("ListReferrals", actor, page_token=first.next_page_token, **given)
        assert (code, error.fields[0].path) == (grpc.StatusCode.INVALID_ARGUMENT, "page_token")


async def test_rows_of_a_file_are_answered_one_by_one(call):
    await call.seed()
    rows = [
        pb.ImportReferralsRequest(row=2, values=values(rosh_assessed_on="", screening_completed_on="2020-05-01")),
        pb.ImportReferralsRequest(row=3, values=values(external_reference="ref/2", crn="nonsense")),
        pb.ImportReferralsRequest(row=4, values=("too", "few")),
        pb.ImportReferralsRequest(row=5, values=values(rosh_assessed_on="", screening_completed_on="2020-05-01")),
    ]

    answers = [
        (answer.row, answer.external_reference, answer.outcome, list(answer.codes))
        async for answer in call.stub.ImportReferrals(iter(rows), metadata=acting_as(SM1, key=uuid4()), timeout=30)
    ]

    assert answers == [
        (2, "ref/0001", "SUBMITTED", []),
        (3, "ref/2", "REFUSED", ["crn:INVALID_FORMAT"]),
        (4, "", "REFUSED", ["line:INVALID_FORMAT"]),
        (5, "ref/0001", "SEEN_BEFORE", []),
    ]


async def test_a_row_whose_reference_was_drawn_before_is_taken_again(call, monkeypatch):
    await call.seed()
    drawn = iter(["7KQ2-M9RJ", "7KQ2-M9RJ", "8KQ2-M9RJ"])
    monkeypatch.setattr("referral.commands.drafts.case_reference", lambda: next(drawn))
    given = {"rosh_assessed_on": "", "screening_completed_on": "2020-05-01"}
    rows = [
        pb.ImportReferralsRequest(row=2, values=values(**given)),
        pb.ImportReferralsRequest(row=3, values=values(external_reference="ref/2", crn="X000002", **given)),
    ]

    answers = [
        (answer.row, answer.outcome)
        async for answer in call.stub.ImportReferrals(iter(rows), metadata=acting_as(SM1, key=uuid4()), timeout=30)
    ]

    assert answers == [(2, "SUBMITTED"), (3, "SUBMITTED")]
    assert list(drawn) == []


async def test_a_message_of_hmpps_is_taken_by_its_adapter(call):
    await call.seed()
    await call.submitted(crn="A000001")
    inner = (
        b'{"eventType": "probation-case.registration.added", "personReference": {"identifiers": '
        b'[{"type": "CRN", "value": "A000001"}]}}'
    )

    taken = await call("ReceiveExternalEvent", ADAPTER, source="HMPPS", message=inner)
    ignored = await call("ReceiveExternalEvent", ADAPTER, source="HMPPS", message=inner.replace(b"000001", b"9"))
    refused = await call("ReceiveExternalEvent", ADAPTER, source="HMPPS", message=b"nonsense")

    assert (taken.outcome, taken.event_type) == ("TAKEN", "probation-case.registration.added")
    assert (ignored.outcome, refused.outcome, list(refused.codes)) == (
        "IGNORED",
        "REFUSED",
        ["message:INVALID_FORMAT"],
    )


async def test_a_hidden_case_and_a_missing_one_answer_alike(call):
    await call.seed()
    started, _, _ = await call.submitted()

    hidden = await call.no("GetReferral", PP2, referral_id=started.referral_id)
    missing = await call.no("GetReferral", PP2, referral_id=str(uuid4()))

    assert hidden[0] is missing[0] is grpc.StatusCode.NOT_FOUND
    assert (hidden[1].reason, hidden[1].fields) == (missing[1].reason, missing[1].fields)


async def test_addresses_are_not_for_people(call):
    await call.seed()
    started, _, _ = await call.submitted()
    request = details.GetContactRequest(case_id=started.case_id, recipient="PRACTITIONER", channel="EMAIL")

    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await DetailServiceStub(call.channel).GetContact(request, metadata=acting_as(SM1, key=None), timeout=20)

    assert raised.value.code() is grpc.StatusCode.PERMISSION_DENIED
