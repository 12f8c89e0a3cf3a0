"""The door to what one wants to know: one engagement, a caseload, what is coming."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from casework import queries
from casework.domain.engagement.aggregate import EngagementStatus
from casework.rpc import shown
from chassis.access import Role
from chassis.rpc import Form, calling, page, serves
from throughcare.casework.v1 import service_pb2 as said
from throughcare.casework.v1.service_pb2_grpc import CaseworkServiceServicer

if TYPE_CHECKING:
    import grpc

    from chassis.work import Works

    Context = grpc.aio.ServicerContext[Any, Any]


class QuestionServicer(CaseworkServiceServicer):
    """What is asked without changing anything."""

    works: Works[Any]

    @serves(queries.get_engagement)
    async def GetEngagement(self, request: said.GetEngagementRequest, context: Context) -> said.GetEngagementResponse:
        form = Form(request)
        engagement_id, case_id = form.uuid_or_none("engagement_id"), form.uuid_or_none("case_id")
        if not request.engagement_id and not request.case_id:
            form.fault("engagement_id", "REQUIRED")
        if request.engagement_id and request.case_id:
            form.fault("case_id", "CONFLICTS_WITH(engagement_id)")
        form.done()
        call = calling(context, request)
        seen = await self.works.ask(queries.get_engagement, call, engagement_id=engagement_id, case_id=case_id)
        return said.GetEngagementResponse(engagement=shown.engagement(seen))

    @serves(queries.list_caseload)
    async def ListCaseload(self, request: said.ListCaseloadRequest, context: Context) -> said.ListCaseloadResponse:
        form, call = Form(request), calling(context, request)
        wanted = {
            "worker_ref": form.opaque_or_none("worker_ref"),
            "status": form.code_or_none("status", EngagementStatus),
        }
        form.done()
        asked = page(request.page_size, request.page_token, filter=wanted, call=call)
        found = await self.works.ask(queries.list_caseload, call, **wanted, size=asked.size, after=asked.after)
        rows, token = asked.cut(found.rows, lambda row: (row["started_on"], row["id"]))
        attempts = call.actor.role is not Role.PP
        engagements = [shown.listed_engagement(row, attempts=attempts) for row in rows]
        return said.ListCaseloadResponse(engagements=engagements, next_page_token=token, total=found.total)

    @serves(queries.get_forecast)
    async def GetForecast(self, request: said.GetForecastRequest, context: Context) -> said.GetForecastResponse:
        found = await self.works.ask(queries.get_forecast, calling(context, request))
        programmes = [
            said.ProgrammeForecast(programme_id=str(id_), **counts) for id_, counts in sorted(found.programmes.items())
        ]
        return said.GetForecastResponse(programmes=programmes, places=found.places, taken=found.taken)
