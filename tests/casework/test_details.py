"""What the work holds of a person, by category: for services of the house that have judged who may know it."""

from datetime import timedelta
from uuid import uuid4

import grpc
import pytest

from casework import queries
from casework.commands import appointment
from casework.domain.aspect import Aspect
from casework.rpc import CaseworkService, DetailService
from chassis.access import Actor, Category, Role, system
from chassis.aggregate import Denied, NotFound
from chassis.rpc import RpcServer, acting_as, channel
from tests.casework.house import NODE, SM, WORKER
from throughcare.details.v1 import service_pb2 as contract
from throughcare.details.v1.service_pb2_grpc import DetailServiceStub
from throughcare.options.v1 import options_pb2

HOUSE = system(NODE)
GUARDIAN = Actor(id="staff-ig-1", role=Role.IG, organisation=NODE)
ASKED = (Category.APPOINTMENTS,)


async def seen_on(house, id_, *, days, aspect=Aspect.GP_REGISTRATION):
    """He is to be seen at a surgery in so many days."""
    starts_at = (await house.now()).replace(minute=0, second=0, microsecond=0) + timedelta(days=days)
    made = await house.do(
        appointment.record_external_appointment,
        WORKER,
        engagement_id=id_,
        org_id="camden-gp",
        aspect=aspect,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(hours=1),
    )
    return starts_at, made


async def test_what_is_still_to_come_is_answered_the_next_first(staffed):
    case, id_ = await staffed.opened()
    later, _ = await seen_on(staffed, id_, days=9, aspect=Aspect.DEBT_ADVICE)
    sooner, _ = await seen_on(staffed, id_, days=3)
    _, off = await seen_on(staffed, id_, days=5)
    await staffed.do(appointment.cancel_external_appointment, WORKER, appointment_id=_uuid(off), expected=1)

    found, held = await staffed.ask(queries.get_detail, HOUSE, **about(case), categories=ASKED)
    await staffed.wind(days=4)
    left, _ = await staffed.ask(queries.get_detail, HOUSE, **about(case), categories=ASKED)

    assert [(each.starts_at, each.aspect) for each in found] == [(sooner, "GP_REGISTRATION"), (later, "DEBT_ADVICE")]
    assert held == ASKED
    assert [each.starts_at for each in left] == [later]


def about(case, **changes):
    return {"person_id": case.person_id, "case_id": case.case_id} | changes


def _uuid(made):
    return type(uuid4())(made["appointment_id"])


async def test_without_a_case_it_is_all_that_is_known_of_him(staffed):
    case, id_ = await staffed.opened()
    await seen_on(staffed, id_, days=3)

    found, _ = await staffed.ask(queries.get_detail, HOUSE, **about(case, case_id=None), categories=ASKED)

    assert len(found) == 1


@pytest.mark.parametrize("category", sorted(set(Category) - queries.HELD))
async def test_what_is_not_kept_here_is_not_answered(staffed, category):
    case, id_ = await staffed.opened()
    await seen_on(staffed, id_, days=3)

    found, held = await staffed.ask(queries.get_detail, HOUSE, **about(case), categories=(category,))

    assert (found, held) == ([], ())


async def test_of_nobody_and_of_another_mans_case_nothing_is_answered(staffed):
    case, id_ = await staffed.opened()
    await seen_on(staffed, id_, days=3)

    for wrong in ({"person_id": uuid4()}, {"case_id": uuid4()}):
        with pytest.raises(NotFound):
            await staffed.ask(queries.get_detail, HOUSE, **about(case, **wrong), categories=ASKED)


async def test_the_house_asks_and_nobody_else_and_it_is_written_down(staffed):
    case, _ = await staffed.opened()

    await staffed.ask(queries.get_detail, HOUSE, **about(case), categories=ASKED)
    for who in (SM, WORKER, GUARDIAN):
        with pytest.raises(Denied):
            await staffed.ask(queries.get_detail, who, **about(case), categories=ASKED)

    read = await staffed.rows("select record, outcome from audit where action = 'detail.get' order by id")
    assert [tuple(row) for row in read] == [(str(case.person_id), "read"), *[("", "refused:not_permitted")] * 3]


def test_a_field_of_an_appointment_belongs_to_its_category():
    fields = contract.Appointment.DESCRIPTOR.fields
    assert {field.GetOptions().Extensions[options_pb2.category] for field in fields} == {"APPOINTMENTS"}
    assert {field.name for field in fields} == {"aspect_code", "starts_at", "ends_at"}


async def test_through_the_door_it_is_answered_to_the_house_alone(staffed):
    case, id_ = await staffed.opened()
    starts_at, _ = await seen_on(staffed, id_, days=3)
    servicers = [CaseworkService(staffed.works), DetailService(staffed.works)]
    server = RpcServer(staffed.works.settings, {"casework": servicers}, works={"casework": staffed.works})
    made = channel(staffed.works.settings, "casework", address=f"127.0.0.1:{await server.start()}")
    stub = DetailServiceStub(made)
    request = contract.GetDetailRequest(person_id=str(case.person_id), categories=["APPOINTMENTS", "PLAN_GOALS"])
    try:
        answer = await stub.GetDetail(request, timeout=10)
        (coming,) = answer.detail.appointments
        assert (coming.aspect_code, coming.starts_at.ToDatetime(tzinfo=starts_at.tzinfo)) == (
            "GP_REGISTRATION",
            starts_at,
        )
        assert list(answer.categories) == ["APPOINTMENTS"]
        for method, asked in (("GetContact", contract.GetContactRequest()), ("ListNames", contract.ListNamesRequest())):
            with pytest.raises(grpc.aio.AioRpcError) as nothing:
                await getattr(stub, method)(asked, timeout=10)
            assert nothing.value.code() is grpc.StatusCode.NOT_FOUND
        with pytest.raises(grpc.aio.AioRpcError) as denied:
            await stub.GetDetail(request, metadata=acting_as(SM), timeout=10)
        assert denied.value.code() is grpc.StatusCode.PERMISSION_DENIED
    finally:
        await made.close()
        await server.stop(1)
