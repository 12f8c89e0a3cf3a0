"""DetailService of this owner: an address, asked inside the house at the moment of sending and not kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chassis.rpc import Form, calling, serves
from referral import queries
from referral.domain.codes import Channel
from throughcare.details.v1 import service_pb2, service_pb2_grpc

if TYPE_CHECKING:
    from chassis.work import Works
    from referral.storage import Work


class DetailService(service_pb2_grpc.DetailServiceServicer):
    """Judged and audited at each reading; open to services of the house alone, since nobody may act as one."""

    def __init__(self, works: Works[Work]) -> None:
        self.works = works

    @serves(queries.get_contact)
    async def GetContact(self, request: service_pb2.GetContactRequest, context: Any) -> Any:
        form = Form(request)
        given = {
            "case_id": form.uuid("case_id"),
            "recipient": form.line("recipient", limit=64),
            "channel": form.code("channel", Channel),
        }
        form.done()
        found = await self.works.ask(queries.get_contact, calling(context, request), **given)
        return service_pb2.GetContactResponse(**found)
