"""The door to signposts. Of a case, the picture is asked first whether the caller may see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from chassis.rpc import Form, calling, page, serves
from partners.commands import signposts as commands
from partners.domain.signpost import Outcome
from partners.projections.picture import queries as pictures
from partners.queries import signposts as queries
from partners.rpc.shown import stamp
from throughcare.partners.v1 import signposts_pb2 as said
from throughcare.partners.v1.service_pb2_grpc import PartnerServiceServicer

if TYPE_CHECKING:
    import grpc

    from chassis.access import Call
    from chassis.work import Works
    from partners.domain.signpost import Signpost

    Context = grpc.aio.ServicerContext[Any, Any]


def _shown(signpost: Signpost) -> said.Signpost:
    return said.Signpost(
        signpost_id=str(signpost.id),
        offer_id=str(signpost.offer_id),
        case_id=str(signpost.case_id or ""),
        state=signpost.status,
        given_by=signpost.given_by,
        given_at=stamp(signpost.given_at),
        outcome_at=stamp(signpost.outcome_at),
        to_ask=signpost.to_ask,
        version=signpost.version,
    )


class SignpostServicer(PartnerServiceServicer):
    """What is asked of and about signposts."""

    works: Works[Any]

    @serves(pictures.get_picture, commands.record_signpost)
    async def RecordSignpost(
        self, request: said.RecordSignpostRequest, context: Context
    ) -> said.RecordSignpostResponse:
        """RecordSignpost."""
        form, call = Form(request), calling(context, request)
        offer_id = form.uuid("offer_id")
        form.done()
        case_id, person_id = await self._seen(request.case_reference, call)
        answer = await self.works.do(
            commands.record_signpost, call, offer_id=offer_id, person_id=person_id, case_id=case_id
        )
        return said.RecordSignpostResponse(**answer)

    @serves(commands.record_signpost_outcome)
    async def RecordSignpostOutcome(
        self, request: said.RecordSignpostOutcomeRequest, context: Context
    ) -> said.RecordSignpostOutcomeResponse:
        """RecordSignpostOutcome."""
        form = Form(request)
        given = {
            "signpost_id": form.uuid("signpost_id"),
            "outcome": form.code("outcome", Outcome),
            "expected": form.version(),
        }
        form.done()
        version = await self.works.do(commands.record_signpost_outcome, calling(context, request), **given)
        return said.RecordSignpostOutcomeResponse(version=version)

    @serves(pictures.get_picture, queries.list_signposts)
    async def ListSignposts(self, request: said.ListSignpostsRequest, context: Context) -> said.ListSignpostsResponse:
        """ListSignposts."""
        call = calling(context, request)
        filtered = (request.case_reference, request.to_ask)
        asked = page(request.page_size, request.page_token, filter=filtered, call=call)
        case_id, _ = await self._seen(request.case_reference, call)
        after = asked.after[0] if asked.after else None
        found = await self.works.ask(
            queries.list_signposts,
            call,
            seen_case=case_id,
            to_ask=request.to_ask,
            after=after,
            most=asked.size + 1,
        )
        kept, following = asked.cut(found, lambda signpost: (signpost.id,))
        return said.ListSignpostsResponse(signposts=[_shown(each) for each in kept], next_page_token=following)

    async def _seen(self, reference: str, call: Call) -> tuple[UUID | None, UUID | None]:
        """The case and the person behind a reference, where the caller may see the case; NotFound where not."""
        if not reference:
            return None, None
        picture, _ = await self.works.ask(pictures.get_picture, call, case_id=None, case_reference=reference)
        return picture.case_id, picture.person_id
