"""The door to appointments with partners without a house."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from casework import queries
from casework.commands import appointment as commands
from casework.domain.aspect import Aspect
from casework.rpc import shown
from chassis.rpc import Form, calling, page, serves
from throughcare.casework.v1 import service_pb2 as said
from throughcare.casework.v1.service_pb2_grpc import CaseworkServiceServicer

if TYPE_CHECKING:
    import grpc

    from chassis.work import Works

    Context = grpc.aio.ServicerContext[Any, Any]


class AppointmentServicer(CaseworkServiceServicer):
    """What is asked about who sees him elsewhere."""

    works: Works[Any]

    @serves(commands.record_external_appointment)
    async def RecordExternalAppointment(
        self, request: said.RecordExternalAppointmentRequest, context: Context
    ) -> said.RecordExternalAppointmentResponse:
        form = Form(request)
        given = {
            "engagement_id": form.uuid("engagement_id"),
            "org_id": form.opaque("org_id"),
            "aspect": form.code("aspect", Aspect),
            "starts_at": form.instant("starts_at"),
            "ends_at": form.instant("ends_at"),
        }
        form.done()
        answer = await self.works.do(commands.record_external_appointment, calling(context, request), **given)
        return said.RecordExternalAppointmentResponse(**answer)

    @serves(commands.cancel_external_appointment)
    async def CancelExternalAppointment(
        self, request: said.CancelExternalAppointmentRequest, context: Context
    ) -> said.CancelExternalAppointmentResponse:
        form = Form(request)
        given = {"appointment_id": form.uuid("appointment_id"), "expected": form.version()}
        form.done()
        version = await self.works.do(commands.cancel_external_appointment, calling(context, request), **given)
        return said.CancelExternalAppointmentResponse(version=version)

    @serves(queries.list_external_appointments)
    async def ListExternalAppointments(
        self, request: said.ListExternalAppointmentsRequest, context: Context
    ) -> said.ListExternalAppointmentsResponse:
        form, call = Form(request), calling(context, request)
        given = {"case_id": form.uuid("case_id")}
        form.done()
        asked = page(request.page_size, request.page_token, filter=given, call=call)
        found = await self.works.ask(queries.list_external_appointments, call, **given, after=asked.after or ())
        kept, token = asked.cut(found, lambda each: (each.starts_at, each.id))
        appointments = [shown.appointment(each) for each in kept]
        return said.ListExternalAppointmentsResponse(appointments=appointments, next_page_token=token)
