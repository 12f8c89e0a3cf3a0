"""DetailService of this owner: what the work holds of a person, asked inside the house by whoever has judged it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from casework import queries
from casework.rpc import shown
from chassis.access import Category
from chassis.rpc import Form, calling, serves
from throughcare.details.v1 import service_pb2 as said
from throughcare.details.v1.service_pb2_grpc import DetailServiceServicer

if TYPE_CHECKING:
    import grpc

    from chassis.work import Works

    Context = grpc.aio.ServicerContext[Any, Any]


class DetailService(DetailServiceServicer):
    """Open to services of the house alone, since nobody may act as one; each reading is audited."""

    def __init__(self, works: Works[Any]) -> None:
        self.works = works

    @serves(queries.get_detail)
    async def GetDetail(self, request: said.GetDetailRequest, context: Context) -> said.GetDetailResponse:
        form = Form(request)
        given = {
            "person_id": form.uuid("person_id"),
            "case_id": form.uuid_or_none("case_id"),
            "categories": form.codes("categories", Category),
        }
        form.done()
        found, held = await self.works.ask(queries.get_detail, calling(context, request), **given)
        detail = said.Detail(appointments=[shown.coming(each) for each in found])
        return said.GetDetailResponse(detail=detail, categories=held)

    @serves(queries.get_contact)
    async def GetContact(self, request: said.GetContactRequest, context: Context) -> said.GetContactResponse:
        await self.works.ask(queries.get_contact, calling(context, request))
        return said.GetContactResponse()

    @serves(queries.list_names)
    async def ListNames(self, request: said.ListNamesRequest, context: Context) -> said.ListNamesResponse:
        await self.works.ask(queries.list_names, calling(context, request))
        return said.ListNamesResponse()
