"""CaseworkService on the wire: every method once along one story, every wrong field at once, no value echoed."""

from datetime import UTC, datetime, time, timedelta
from uuid import uuid4

import grpc
import pytest
import pytest_asyncio

from casework.rpc import CaseworkService
from chassis.rpc import RpcServer, acting_as, channel, error_of
from tests.casework.giving import submitted
from tests.casework.house import OTHER, PRACTITIONER, SM, WORKER, Case
from tests.casework.wrong_forms import CANARY, WRONG
from throughcare.casework.v1 import service_pb2 as said
from throughcare.casework.v1.service_pb2_grpc import CaseworkServiceStub


@pytest_asyncio.fixture
async def door(house):
    server = RpcServer(house.works.settings, {"casework": [CaseworkService(house.works)]})
    port = await server.start()
    made = channel(house.works.settings, "casework", address=f"127.0.0.1:{port}")
    yield CaseworkServiceStub(made)
    await made.close()
    await server.stop(1)


def asking(door):
    """Call a method by its name, as somebody."""

    async def ask(method, actor=SM, *, key=None, **given):
        request = getattr(said, f"{method}Request")(**given)
        return await getattr(door, method)(request, metadata=acting_as(actor, key=key))

    return ask


async def refused(call):
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value


def faults(error):
    return {(fault.path, fault.code) for fault in error_of(error).fields}


def answered(day):
    return said.RecordedAnswer(recorded_on=str(day), recorded_by="staff-sm-1")


HOUR = timedelta(hours=1)
TOPICS = ["SAFEGUARDING", "LONE_WORKING", "DATA_PROTECTION"]


async def six_workers(ask, today):
    """What gives the example house its cleared workers."""
    for nth in range(1, 7):
        ref = f"staff-ew-{nth}"
        made = await ask("RegisterWorker", worker_ref=ref, role="EW", organisation="together", capacity=8)
        trained = await ask(
            "RecordTrainingComplete",
            worker_ref=ref,
            topics=TOPICS,
            completed_on=str(today),
            valid_to=str(today + timedelta(days=730)),
            expected_version=made.version,
        )
        await ask(
            "ClearWorker",
            worker_ref=ref,
            vetting_valid_to=str(today + timedelta(days=730)),
            induction=answered(today),
            expected_version=trained.version,
        )


async def test_the_example_house_gets_six_cleared_workers(house, door):
    ask = asking(door)

    await six_workers(ask, await house.today())

    listed = await ask("ListWorkers", status="CLEARED", page_size=4)
    more = await ask("ListWorkers", status="CLEARED", page_size=4, page_token=listed.next_page_token)
    assert [w.worker_ref for w in (*listed.workers, *more.workers)] == [f"staff-ew-{n}" for n in range(1, 7)]
    assert (listed.total, more.next_page_token) == (6, "")
    first = listed.workers[0]
    assert (first.capacity, first.taken, first.version, sorted(first.training)) == (8, 0, 3, sorted(TOPICS))


async def _elsewhere(ask, case, engagement, today):
    """Appointments with partners without a house, through every method of theirs."""
    starts = datetime.combine(today + timedelta(days=2), time(10), UTC)
    elsewhere = {"org_id": "camden-gp", "aspect": "GP_REGISTRATION", "starts_at": starts, "ends_at": starts + HOUR}
    made = await ask("RecordExternalAppointment", WORKER, **engagement, **elsewhere)
    (listed,) = (await ask("ListExternalAppointments", case_id=str(case.case_id))).appointments
    assert (listed.appointment_id, listed.org_id, listed.version) == (made.appointment_id, "camden-gp", 1)
    assert listed.ends_at.ToDatetime(tzinfo=UTC) == starts + HOUR
    later = {**elsewhere, "starts_at": starts + 2 * HOUR, "ends_at": starts + 3 * HOUR}
    await ask("RecordExternalAppointment", WORKER, **engagement, **later)
    first = await ask("ListExternalAppointments", case_id=str(case.case_id), page_size=1)
    second = await ask(
        "ListExternalAppointments", case_id=str(case.case_id), page_size=1, page_token=first.next_page_token
    )
    assert [each.appointment_id for each in first.appointments] == [made.appointment_id]
    assert [each.starts_at.ToDatetime(tzinfo=UTC) for each in second.appointments] == [starts + 2 * HOUR]
    assert second.next_page_token == ""
    about = {"appointment_id": made.appointment_id, "expected_version": 1}
    assert (await ask("CancelExternalAppointment", WORKER, **about)).version == 2


async def test_one_story_through_every_method(house, door):
    ask, today = asking(door), await house.today()
    await house.programme()
    await six_workers(ask, today)
    case = Case()
    await house.tell(submitted(), case)
    coming = await ask("GetForecast")
    assert (coming.programmes[0].expected, coming.places) == (1, 48)
    await house.accepted(case)
    await house.safe(case)

    (wanted,) = (await ask("ListAllocations", needs_worker=True)).allocations
    assert (wanted.case_id, wanted.status, wanted.acceptance) == (str(case.case_id), "REQUESTED", 5)
    allocation = {"allocation_id": wanted.allocation_id}
    version = (await ask("ProposeWorker", **allocation, worker_ref="staff-ew-2", expected_version=1)).version
    version = (await ask("AllocateWorker", **allocation, worker_ref="staff-ew-1", expected_version=version)).version
    version = (
        await ask(
            "SetWorkerCover",
            **allocation,
            cover_ref="staff-ew-2",
            starts_on=str(today),
            ends_on=str(today),
            expected_version=version,
        )
    ).version
    opened = await ask("OpenEngagement", WORKER, **allocation, expected_version=version)
    engagement = {"engagement_id": opened.engagement_id}

    version = opened.version
    for method, given in [
        ("RecordContactAttempt", {"channel": "PHONE"}),
        (
            "AgreeSupport",
            {"attended_session": answered(today), "contact_plan": answered(today), "contacts_per_week": 2},
        ),
        ("PauseEngagement", {"reason": "RECALLED", "earliest_out_on": str(today + timedelta(days=90))}),
        ("ResumeEngagement", {}),
        ("ExtendEngagement", {"planned_months": 15, "reason": "more time"}),
        ("RecordRating", {"phase": "REVIEW", "ratings": [said.Rating(area="RELATIONSHIPS", score=0)]}),
        ("RecordNeed", {"aspect": "GP_REGISTRATION", "open": True}),
        ("StartEnding", {"outcome": "MOVED_AREA"}),
    ]:
        version = (await ask(method, WORKER, **engagement, **given, expected_version=version)).version
    seen = (await ask("GetEngagement", WORKER, case_id=str(case.case_id))).engagement
    assert (seen.status, seen.outcome, seen.attempts, seen.version) == ("ENDING", "MOVED_AREA", 1, 9)
    assert [(pause.reason, pause.ended_on) for pause in seen.pauses] == [("RECALLED", str(today))]

    await _elsewhere(ask, case, engagement, today)

    moved = (await ask("ListAllocations", case_id=str(case.case_id))).allocations[0]
    await ask(
        "ReallocateWorker",
        **allocation,
        worker_ref="staff-ew-3",
        reason="left",
        handover=answered(today),
        expected_version=moved.version,
    )
    handed = await ask(
        "HandOverCaseload",
        from_worker_ref="staff-ew-3",
        to_worker_ref="staff-ew-1",
        reason="back again",
        handover=answered(today),
    )
    assert handed.handed_over == 1
    assert (await ask("ListCaseload", worker_ref="staff-ew-1")).total == 1

    answers = dict.fromkeys(["ending_session", "final_ratings", "handoffs_settled", "end_report"], answered(today))
    closed = await ask("CloseEngagement", WORKER, **engagement, **answers, expected_version=9)
    reopened = await ask("ReopenEngagement", **engagement, expected_version=closed.version)
    again = await ask("CloseEngagement", **engagement, outcome="PERSON_WITHDREW", expected_version=reopened.version)
    await ask("ShareEndReport", **engagement, end_report=answered(today), expected_version=again.version)
    assert (await ask("ListCaseload", status="CLOSED")).total == 1

    suspended = await ask("SetCapacity", worker_ref="staff-ew-6", capacity=2, expected_version=3)
    await ask("SuspendWorker", worker_ref="staff-ew-6", reason="ABSENCE", expected_version=suspended.version)
    assert (await ask("ListWorkers", status="SUSPENDED")).total == 1


async def test_every_wrong_field_comes_at_once_and_no_value_comes_back(door):
    for method, (given, expected) in WRONG.items():
        error = await refused(asking(door)(method, **given))

        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT, method
        assert faults(error) == expected, method
        said_back = b"".join(v for _, v in error.trailing_metadata() or () if isinstance(v, bytes))
        assert CANARY not in str(error)
        assert CANARY.encode() not in said_back


def test_every_method_with_a_form_has_a_wrong_one():
    methods = said.DESCRIPTOR.services_by_name["CaseworkService"].methods_by_name
    assert set(WRONG) == {name for name, method in methods.items() if method.input_type.fields}


async def test_a_wrong_form_changes_nothing_and_leaves_one_entry(house, door):
    await refused(asking(door)("RegisterWorker", worker_ref=CANARY))

    assert await house.rows("select 1 from journal") == []
    entries = await house.rows("select * from audit")
    assert len(entries) <= 1
    assert CANARY not in str([dict(entry) for entry in entries])


@pytest.mark.parametrize("actor", [OTHER, PRACTITIONER], ids=lambda actor: actor.role)
async def test_hidden_and_missing_look_alike_on_the_wire(house, door, actor):
    await house.programme()
    await house.a_worker()
    _, hidden = await house.opened()
    ask = asking(door)

    errors = [await refused(ask("GetEngagement", actor, engagement_id=str(id_))) for id_ in (hidden, uuid4())]

    assert {error.code() for error in errors} == {grpc.StatusCode.NOT_FOUND}
    assert errors[0].details() == errors[1].details()
    assert error_of(errors[0]).reason == error_of(errors[1]).reason
    assert (await ask("ListCaseload", actor)).total == 0


async def test_a_page_token_is_of_one_caller_and_one_filter(house, door):
    ask = asking(door)
    await six_workers(ask, await house.today())

    token = (await ask("ListWorkers", page_size=2)).next_page_token

    error = await refused(ask("ListWorkers", page_size=2, page_token=token, status="CLEARED"))
    assert faults(error) == {("page_token", "INVALID_FORMAT")}


async def test_refusals_carry_their_code(house, door):
    ask = asking(door)

    unmet = await refused(
        ask("RegisterWorker", worker_ref="staff-ew-1", role="EW", organisation="probation", capacity=1)
    )
    denied = await refused(
        ask("RegisterWorker", WORKER, worker_ref="staff-ew-1", role="EW", organisation="together", capacity=1)
    )

    assert (unmet.code(), error_of(unmet).reason) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "employed_by_probation",
    )
    assert denied.code() is grpc.StatusCode.PERMISSION_DENIED


async def test_the_same_key_has_one_effect(house, door):
    ask, key = asking(door), uuid4()
    given = {"worker_ref": "staff-ew-1", "role": "EW", "organisation": "together", "capacity": 1}

    first, second = await ask("RegisterWorker", key=key, **given), await ask("RegisterWorker", key=key, **given)

    assert first == second
    assert len(await house.rows("select 1 from worker")) == 1
