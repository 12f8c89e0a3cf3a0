"""The door to handoffs: what the house does that offers, and what both may ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chassis.access import Ground
from chassis.aggregate import Fault, Invalid
from chassis.rpc import Form, calling, page, serves
from partners.commands import handoffs as commands
from partners.domain.codes import Aspect
from partners.domain.handoff.codes import Category, ConfidentialityBasis, Kind, Side
from partners.domain.handoff.states import Status
from partners.queries import handoffs as queries
from partners.rpc.shown_handoffs import listed_handoff, shown_correction, shown_handoff, shown_written
from throughcare.partners.v1 import handoffs_pb2 as said
from throughcare.partners.v1.service_pb2_grpc import PartnerServiceServicer

if TYPE_CHECKING:
    import grpc

    from chassis.work import Works
    from partners.gateways.details import Details

    Context = grpc.aio.ServicerContext[Any, Any]

LONGEST = 10_000
_DIRECTIONS = {"": None, "IN": Side.RECEIVER, "OUT": Side.SENDER}


def changing(form: Form) -> dict[str, Any]:
    """What every change of a handoff says."""
    return {"handoff_id": form.uuid("handoff_id"), "expected": form.version()}


class HandoffServicer(PartnerServiceServicer):
    """What the house does that offers, and what both may ask."""

    works: Works[Any]
    details: Details

    @serves(queries.whom_to_offer, commands.offer_handoff)
    async def OfferHandoff(self, request: said.OfferHandoffRequest, context: Context) -> said.OfferHandoffResponse:
        """OfferHandoff: what may be read of him now is fetched first, kept sealed, and told by its digest alone."""
        form = Form(request)
        given = _offered(form)
        form.done()
        call = calling(context, request)
        about = {name: given[name] for name in ("case_id", "person_id")}
        person_id = await self.works.ask(queries.whom_to_offer, call, **about)
        snapshot = await self.details.snapshot(person_id, given["case_id"], given["categories"])
        answer = await self.works.do(commands.offer_handoff, call, **given, snapshot=snapshot)
        return said.OfferHandoffResponse(handoff_id=answer["handoff_id"], version=answer["version"])

    @serves(commands.revoke_handoff)
    async def RevokeHandoff(self, request: said.RevokeHandoffRequest, context: Context) -> said.RevokeHandoffResponse:
        """RevokeHandoff."""
        form = Form(request)
        given = changing(form)
        form.done()
        version = await self.works.do(commands.revoke_handoff, calling(context, request), **given)
        return said.RevokeHandoffResponse(version=version)

    @serves(commands.supply_handoff_information)
    async def SupplyHandoffInformation(
        self, request: said.SupplyHandoffInformationRequest, context: Context
    ) -> said.SupplyHandoffInformationResponse:
        """SupplyInformation."""
        form = Form(request)
        given = {"answer": form.text("answer", limit=LONGEST), **changing(form)}
        form.done()
        version = await self.works.do(commands.supply_handoff_information, calling(context, request), **given)
        return said.SupplyHandoffInformationResponse(version=version)

    @serves(commands.confirm_handoff_loop)
    async def ConfirmHandoffLoop(
        self, request: said.ConfirmHandoffLoopRequest, context: Context
    ) -> said.ConfirmHandoffLoopResponse:
        """ConfirmLoop."""
        form = Form(request)
        given = changing(form)
        form.done()
        version = await self.works.do(commands.confirm_handoff_loop, calling(context, request), **given)
        return said.ConfirmHandoffLoopResponse(version=version)

    @serves(queries.get_handoff)
    async def GetHandoff(self, request: said.GetHandoffRequest, context: Context) -> said.GetHandoffResponse:
        """GetHandoff."""
        form = Form(request)
        given = {"handoff_id": form.uuid("handoff_id")}
        form.done()
        seen = await self.works.ask(queries.get_handoff, calling(context, request), **given)
        return said.GetHandoffResponse(
            handoff=shown_handoff(seen),
            written=[shown_written(each) for each in seen.handoff.written],
            reason=seen.handoff.reason or "",
            note=seen.handoff.note,
            correction=shown_correction(seen.handoff.correction),
        )

    @serves(queries.list_handoffs)
    async def ListHandoffs(self, request: said.ListHandoffsRequest, context: Context) -> said.ListHandoffsResponse:
        """ListHandoffs."""
        form, call = Form(request), calling(context, request)
        wanted = _wanted(form, request.direction)
        form.done()
        asked = page(request.page_size, request.page_token, filter=wanted, call=call)
        found = await self.works.ask(queries.list_handoffs, call, wanted=wanted, after=asked.after, most=asked.size + 1)
        kept, following = asked.cut(found.rows, lambda row: (row["offered_at"], row["id"]))
        return said.ListHandoffsResponse(
            handoffs=[listed_handoff(row, found) for row in kept], next_page_token=following
        )


def _offered(form: Form) -> dict[str, Any]:
    case_id, person_id = form.uuid_or_none("case_id"), form.uuid_or_none("person_id")
    if (case_id is None) == (person_id is None):
        form.fault("case_id", "REQUIRED" if case_id is None else "CONFLICTS_WITH(person_id)")
    basis = form.code("confidentiality_basis", ConfidentialityBasis)
    reference = form.line("basis_reference", limit=200, required=False)
    return {
        "case_id": case_id,
        "person_id": person_id,
        "recipient": form.opaque("recipient"),
        "kind": form.code("kind", Kind),
        "aspects": form.codes("aspect_codes", Aspect),
        "offer_id": form.uuid_or_none("offer_id"),
        "categories": form.codes("categories", Category),
        "ground": Ground(basis=basis.value, reference=reference),
    }


def _wanted(form: Form, direction: str) -> queries.Wanted:
    if direction not in _DIRECTIONS:
        raise Invalid(Fault("direction", "UNKNOWN_CODE"))
    return queries.Wanted(
        side=_DIRECTIONS[direction],
        statuses=form.codes("states", Status),
        case_id=form.uuid_or_none("case_id"),
        waiting=form.flag("waiting"),
        overdue=form.flag("overdue"),
    )
