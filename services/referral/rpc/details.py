"""DetailService of this owner: an address, asked inside the house at the moment of sending and not kept."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from chassis.rpc import Form, calling, serves
from referral import queries
from referral.domain.codes import Category, Channel
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

    @serves(queries.get_detail)
    async def GetDetail(self, request: service_pb2.GetDetailRequest, context: Any) -> Any:
        form = Form(request)
        given = {
            "person_id": form.uuid("person_id"),
            "case_id": form.uuid_or_none("case_id"),
            "categories": form.codes("categories", Category),
        }
        form.done()
        found, held = await self.works.ask(queries.get_detail, calling(context, request), **given)
        return service_pb2.GetDetailResponse(
            detail=service_pb2.Detail(**{name: _said(value) for name, value in found.items()}), categories=held
        )

    @serves(queries.list_names)
    async def ListNames(self, request: service_pb2.ListNamesRequest, context: Any) -> Any:
        form = Form(request)
        person_ids = form.uuids("person_ids")
        form.done()
        found = await self.works.ask(queries.list_names, calling(context, request), person_ids=person_ids)
        named = [each for each in person_ids if each in found]
        return service_pb2.ListNamesResponse(
            names=[service_pb2.Name(person_id=str(each), preferred_name=found[each]) for each in named]
        )


def _said(value: Any) -> Any:
    """A value as the contract holds it."""
    return value.isoformat() if isinstance(value, date) else value
