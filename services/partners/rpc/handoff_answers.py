"""The door to handoffs: what the house does to which something is offered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chassis.rpc import Form, calling, serves
from partners.commands import handoffs as commands
from partners.domain.codes import Aspect
from partners.domain.handoff.codes import Outcome, Reason, StepCode
from partners.domain.handoff.receiver import MOST_ITEMS
from partners.domain.handoff.states import Contact
from partners.rpc.handoffs import LONGEST, changing
from throughcare.partners.v1 import handoffs_pb2 as said
from throughcare.partners.v1.service_pb2_grpc import PartnerServiceServicer

if TYPE_CHECKING:
    import grpc

    from chassis.work import Works

    Context = grpc.aio.ServicerContext[Any, Any]

LONGEST_REASON = 2_000


class HandoffAnswerServicer(PartnerServiceServicer):
    """What the house does to which something is offered."""

    works: Works[Any]

    @serves(commands.accept_handoff)
    async def AcceptHandoff(self, request: said.AcceptHandoffRequest, context: Context) -> said.AcceptHandoffResponse:
        """AcceptHandoff."""
        form = Form(request)
        given = {"worker": form.opaque_or_none("worker") or "", **changing(form)}
        form.done()
        version = await self.works.do(commands.accept_handoff, calling(context, request), **given)
        return said.AcceptHandoffResponse(version=version)

    @serves(commands.waitlist_handoff)
    async def WaitlistHandoff(
        self, request: said.WaitlistHandoffRequest, context: Context
    ) -> said.WaitlistHandoffResponse:
        """WaitlistHandoff."""
        form = Form(request)
        given = changing(form)
        form.done()
        version = await self.works.do(commands.waitlist_handoff, calling(context, request), **given)
        return said.WaitlistHandoffResponse(version=version)

    @serves(commands.decline_handoff)
    async def DeclineHandoff(
        self, request: said.DeclineHandoffRequest, context: Context
    ) -> said.DeclineHandoffResponse:
        """DeclineHandoff."""
        form = Form(request)
        given = {**_why(form), **changing(form)}
        form.done()
        version = await self.works.do(commands.decline_handoff, calling(context, request), **given)
        return said.DeclineHandoffResponse(version=version)

    @serves(commands.request_handoff_information)
    async def RequestHandoffInformation(
        self, request: said.RequestHandoffInformationRequest, context: Context
    ) -> said.RequestHandoffInformationResponse:
        """RequestInformation."""
        form = Form(request)
        items = form.each("items", least=1, most=MOST_ITEMS)
        given = {"items": [item.text("text", limit=LONGEST_REASON) for item in items], **changing(form)}
        form.done()
        version = await self.works.do(commands.request_handoff_information, calling(context, request), **given)
        return said.RequestHandoffInformationResponse(version=version)

    @serves(commands.start_handoff_work)
    async def StartHandoffWork(
        self, request: said.StartHandoffWorkRequest, context: Context
    ) -> said.StartHandoffWorkResponse:
        """StartWork."""
        form = Form(request)
        given = {
            "first_contact_on": form.date("first_contact_on"),
            "worker": form.opaque_or_none("worker") or "",
            **changing(form),
        }
        form.done()
        version = await self.works.do(commands.start_handoff_work, calling(context, request), **given)
        return said.StartHandoffWorkResponse(version=version)

    @serves(commands.hold_handoff)
    async def HoldHandoff(self, request: said.HoldHandoffRequest, context: Context) -> said.HoldHandoffResponse:
        """HoldHandoff."""
        form = Form(request)
        given = {"reason": form.code("reason", Reason), **changing(form)}
        form.done()
        version = await self.works.do(commands.hold_handoff, calling(context, request), **given)
        return said.HoldHandoffResponse(version=version)

    @serves(commands.resume_handoff)
    async def ResumeHandoff(self, request: said.ResumeHandoffRequest, context: Context) -> said.ResumeHandoffResponse:
        """ResumeHandoff."""
        form = Form(request)
        given = changing(form)
        form.done()
        version = await self.works.do(commands.resume_handoff, calling(context, request), **given)
        return said.ResumeHandoffResponse(version=version)

    @serves(commands.complete_handoff)
    async def CompleteHandoff(
        self, request: said.CompleteHandoffRequest, context: Context
    ) -> said.CompleteHandoffResponse:
        """CompleteHandoff."""
        form = Form(request)
        given = {
            "outcome": form.code("outcome", Outcome),
            "delivered": form.text("delivered", limit=LONGEST),
            **changing(form),
        }
        form.done()
        version = await self.works.do(commands.complete_handoff, calling(context, request), **given)
        return said.CompleteHandoffResponse(version=version)

    @serves(commands.fail_handoff)
    async def FailHandoff(self, request: said.FailHandoffRequest, context: Context) -> said.FailHandoffResponse:
        """FailHandoff."""
        form = Form(request)
        given = {**_why(form), **changing(form)}
        form.done()
        version = await self.works.do(commands.fail_handoff, calling(context, request), **given)
        return said.FailHandoffResponse(version=version)

    @serves(commands.plan_handoff_contact)
    async def PlanHandoffContact(
        self, request: said.PlanHandoffContactRequest, context: Context
    ) -> said.PlanHandoffContactResponse:
        """PlanContact."""
        form = Form(request)
        contact = Contact(
            aspect=form.code_or_none("aspect_code", Aspect),
            step=form.code_or_none("step_code", StepCode),
            starts_at=form.instant("starts_at"),
            ends_at=form.instant("ends_at"),
        )
        given = {"contact": contact, **changing(form)}
        form.done()
        version = await self.works.do(commands.plan_handoff_contact, calling(context, request), **given)
        return said.PlanHandoffContactResponse(version=version)


def _why(form: Form) -> dict[str, Any]:
    return {
        "reason": form.code("reason", Reason),
        "note": form.text("note", limit=LONGEST_REASON, required=False),
    }
