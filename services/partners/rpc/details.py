"""DetailService of the gate: what another house may know of a man, by reference, judged when it is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from chassis.aggregate import NotFound
from chassis.rpc import NODES, Form, calling, calling_node, serves
from chassis.rpc.assertion import METADATA
from partners.commands import details as commands
from partners.domain.handoff.codes import Category
from partners.queries import details as queries
from throughcare.details.v1 import service_pb2 as said
from throughcare.details.v1.service_pb2_grpc import DetailServiceServicer

if TYPE_CHECKING:
    import grpc

    from chassis.work import Works
    from partners.gateways.details import Details

    Context = grpc.aio.ServicerContext[Any, Any]

MOST_NAMES = 200


def _word(context: Context) -> dict[str, str]:
    """Who calls, and for whom he says that he asks."""
    given = {name: value for name, value in context.invocation_metadata() or () if isinstance(value, str)}
    return {"authority": calling_node()[1], "token": given.get(METADATA, "")}


class DetailService(DetailServiceServicer):
    """Asked by the gates of other houses alone; inside the house the owners answer for themselves."""

    def __init__(self, works: Works[Any], details: Details) -> None:
        self.works, self.details = works, details

    @serves(queries.get_contact)
    async def GetContact(self, request: said.GetContactRequest, context: Context) -> said.GetContactResponse:
        """The gate keeps no addresses."""
        await self.works.ask(queries.get_contact, calling(context, request))
        return said.GetContactResponse()

    @serves(commands.get_detail, NODES)
    async def GetDetail(self, request: said.GetDetailRequest, context: Context) -> said.GetDetailResponse:
        """GetDetail."""
        form = Form(request)
        given = {"detail_ref": form.opaque("detail_ref"), "categories": form.codes("categories", Category)}
        form.done()
        found = await self.works.do(commands.get_detail, calling(context, request), **given, **_word(context))
        if not found or not (found["categories"] or found["written"]):
            nothing = NotFound()
            nothing.audited = not found
            raise nothing
        person_id = UUID(found["person_id"])
        case_id = UUID(found["case_id"]) if found["case_id"] else None
        answer = said.GetDetailResponse()
        if found["categories"]:
            answer = await self.details.known(person_id, case_id, found["categories"], purpose=found["purpose"])
        answer.scope_hash = found["scope_hash"]
        answer.written.extend(said.Writing(round=each["round"], items=each["items"]) for each in found["written"])
        return answer

    @serves(commands.list_names, NODES)
    async def ListNames(self, request: said.ListNamesRequest, context: Context) -> said.ListNamesResponse:
        """ListNames."""
        form = Form(request)
        if len(request.detail_refs) > MOST_NAMES:
            form.fault("detail_refs", "TOO_LONG")
        form.done()
        given = {"detail_refs": list(dict.fromkeys(request.detail_refs)), **_word(context)}
        found = await self.works.do(commands.list_names, calling(context, request), **given)
        people = {ref: UUID(person_id) for ref, person_id in found.items()}
        names = await self.details.names(list(dict.fromkeys(people.values())))
        return said.ListNamesResponse(
            names=[
                said.Name(detail_ref=ref, preferred_name=names[person])
                for ref, person in people.items()
                if person in names
            ]
        )
