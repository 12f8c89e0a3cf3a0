"""The door to what is wrong with a handoff: one proposes, another approves; or it should never have been."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chassis.rpc import Form, calling, serves
from partners.commands import handoffs as commands
from partners.domain.codes import Aspect
from partners.domain.handoff.codes import Kind, Outcome
from partners.rpc.handoff_answers import LONGEST_REASON
from partners.rpc.handoffs import changing
from throughcare.partners.v1 import handoffs_pb2 as said
from throughcare.partners.v1.service_pb2_grpc import PartnerServiceServicer

if TYPE_CHECKING:
    import grpc

    from chassis.work import Works

    Context = grpc.aio.ServicerContext[Any, Any]


class HandoffMendingServicer(PartnerServiceServicer):
    """What either side may say is wrong."""

    works: Works[Any]

    @serves(commands.correct_handoff)
    async def CorrectHandoff(
        self, request: said.CorrectHandoffRequest, context: Context
    ) -> said.CorrectHandoffResponse:
        """CorrectRecord."""
        form = Form(request)
        given = {
            "kind": form.code_or_none("kind", Kind),
            "aspects": form.codes("aspect_codes", Aspect),
            "outcome": form.code_or_none("outcome", Outcome),
            "reason": form.text("reason", limit=LONGEST_REASON),
            **changing(form),
        }
        form.done()
        version = await self.works.do(commands.correct_handoff, calling(context, request), **given)
        return said.CorrectHandoffResponse(version=version)

    @serves(commands.approve_handoff_correction)
    async def ApproveHandoffCorrection(
        self, request: said.ApproveHandoffCorrectionRequest, context: Context
    ) -> said.ApproveHandoffCorrectionResponse:
        """ApproveCorrection."""
        form = Form(request)
        given = changing(form)
        form.done()
        version = await self.works.do(commands.approve_handoff_correction, calling(context, request), **given)
        return said.ApproveHandoffCorrectionResponse(version=version)

    @serves(commands.mark_handoff_entered_in_error)
    async def MarkHandoffEnteredInError(
        self, request: said.MarkHandoffEnteredInErrorRequest, context: Context
    ) -> said.MarkHandoffEnteredInErrorResponse:
        """MarkEnteredInError."""
        form = Form(request)
        given = {"reason": form.text("reason", limit=LONGEST_REASON), **changing(form)}
        form.done()
        version = await self.works.do(commands.mark_handoff_entered_in_error, calling(context, request), **given)
        return said.MarkHandoffEnteredInErrorResponse(version=version)
