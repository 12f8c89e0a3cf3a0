"""Programmes, their dated rules and their roll-out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chassis.rpc import Form, calling, page, serves
from referral import commands, queries
from referral.domain.places import Quadrant
from referral.domain.policies import Area, Delivery, Terms
from referral.domain.rollout import PhaseState, Prerequisite
from referral.rpc.fields import filled, plain
from throughcare.referral.v1 import service_pb2 as pb
from throughcare.referral.v1.service_pb2_grpc import ReferralServiceServicer

if TYPE_CHECKING:
    from datetime import date

    from google.protobuf.message import Message

    from chassis.work import Command, Works
    from referral.domain.policies import Policy
    from referral.domain.programme import Programme
    from referral.domain.rollout import RolloutPhase
    from referral.storage import Work


class ProgrammeServicer(ReferralServiceServicer):
    """What service managers set, two of them for each rule."""

    works: Works[Work]

    async def _dated(self, command: Command, request: Any, context: Any, answer: type[Message]) -> Any:
        form = Form(request)
        programme_id, draft_id = form.uuid("programme_id"), form.uuid_or_none("draft_id")
        expected = form.version()
        form.done()
        found = await self.works.do(
            command,
            calling(context, request),
            programme_id=programme_id,
            draft_id=draft_id,
            given=plain(request),
            expected=expected,
        )
        return filled(answer, found)

    @serves(commands.publish_programme)
    async def PublishProgramme(self, request: pb.PublishProgrammeRequest, context: Any) -> pb.PublishProgrammeResponse:
        form = Form(request)
        draft_id = form.uuid_or_none("draft_id")
        programme_id = form.uuid("programme_id") if draft_id else None
        expected = form.version() if draft_id else None
        form.done()
        found = await self.works.do(
            commands.publish_programme,
            calling(context, request),
            programme_id=programme_id,
            draft_id=draft_id,
            given=plain(request),
            expected=expected,
        )
        return filled(pb.PublishProgrammeResponse, found)  # type: ignore[no-any-return]

    @serves(commands.amend_programme)
    async def AmendProgramme(self, request: Any, context: Any) -> Any:
        return await self._dated(commands.amend_programme, request, context, pb.AmendProgrammeResponse)

    @serves(commands.set_commission)
    async def SetCommission(self, request: Any, context: Any) -> Any:
        return await self._dated(commands.set_commission, request, context, pb.SetCommissionResponse)

    @serves(commands.extend_commission)
    async def ExtendCommission(self, request: Any, context: Any) -> Any:
        return await self._dated(commands.extend_commission, request, context, pb.ExtendCommissionResponse)

    @serves(commands.set_area)
    async def SetArea(self, request: Any, context: Any) -> Any:
        return await self._dated(commands.set_area, request, context, pb.SetAreaResponse)

    @serves(commands.set_delivery_mode)
    async def SetDeliveryMode(self, request: Any, context: Any) -> Any:
        return await self._dated(commands.set_delivery_mode, request, context, pb.SetDeliveryModeResponse)

    @serves(commands.publish_eligibility_policy)
    async def PublishEligibilityPolicy(self, request: Any, context: Any) -> Any:
        answer = pb.PublishEligibilityPolicyResponse
        return await self._dated(commands.publish_eligibility_policy, request, context, answer)

    @serves(commands.publish_priority_policy)
    async def PublishPriorityPolicy(self, request: Any, context: Any) -> Any:
        answer = pb.PublishPriorityPolicyResponse
        return await self._dated(commands.publish_priority_policy, request, context, answer)

    @serves(commands.plan_phase)
    async def PlanPhase(self, request: pb.PlanPhaseRequest, context: Any) -> pb.PlanPhaseResponse:
        form = Form(request)
        given = {
            "programme_id": form.uuid("programme_id"),
            "quadrant": form.code("quadrant", Quadrant),
            "opens_on": form.date("opens_on"),
            "prerequisites": form.codes("prerequisites", Prerequisite),
        }
        form.done()
        found = await self.works.do(commands.plan_phase, calling(context, request), **given)
        return filled(pb.PlanPhaseResponse, found)  # type: ignore[no-any-return]

    @serves(commands.complete_prerequisite)
    async def CompletePrerequisite(self, request: Any, context: Any) -> pb.CompletePrerequisiteResponse:
        form = Form(request)
        given = {
            "phase_id": form.uuid("phase_id"),
            "prerequisite": form.code("prerequisite", Prerequisite),
            "done_on": form.date("done_on"),
            "expected": form.version(),
        }
        form.done()
        version = await self.works.do(commands.complete_prerequisite, calling(context, request), **given)
        return pb.CompletePrerequisiteResponse(version=version)

    @serves(commands.open_phase)
    async def OpenPhase(self, request: pb.OpenPhaseRequest, context: Any) -> pb.OpenPhaseResponse:
        form = Form(request)
        given = {"phase_id": form.uuid("phase_id"), "expected": form.version()}
        form.done()
        version = await self.works.do(commands.open_phase, calling(context, request), **given)
        return pb.OpenPhaseResponse(version=version)

    @serves(commands.suspend_phase)
    async def SuspendPhase(self, request: pb.SuspendPhaseRequest, context: Any) -> pb.SuspendPhaseResponse:
        form = Form(request)
        given = {
            "phase_id": form.uuid("phase_id"),
            "reason": form.text("reason", limit=2_000),
            "expected": form.version(),
        }
        form.done()
        version = await self.works.do(commands.suspend_phase, calling(context, request), **given)
        return pb.SuspendPhaseResponse(version=version)

    @serves(queries.list_programmes)
    async def ListProgrammes(self, request: pb.ListProgrammesRequest, context: Any) -> pb.ListProgrammesResponse:
        form = Form(request)
        on, code = form.date_or_none("on"), form.line("code", limit=64, required=False).upper()
        form.done()
        call = calling(context, request)
        wanted = page(request.page_size, request.page_token, filter=(code, str(on)), call=call)
        after = wanted.after[0] if wanted.after else None
        found = await self.works.ask(queries.list_programmes, call, code=code, after=after, size=wanted.size + 1)
        kept, token = wanted.cut(found["programmes"], lambda each: (each[0].id,))
        day = on or found["today"]
        return pb.ListProgrammesResponse(
            programmes=[_programme(programme, phases, day) for programme, phases in kept], next_page_token=token
        )


def _programme(programme: Programme, phases: list[RolloutPhase], day: date) -> pb.Programme:
    policy = programme.policy_on(day, Terms)
    terms = policy.content if policy and isinstance(policy.content, Terms) else None
    return pb.Programme(
        programme_id=str(programme.id),
        version=programme.version,
        code=programme.code,
        name=terms.name if terms else "",
        valid_from=policy.valid_from.isoformat() if policy else "",
        planned_months=terms.planned_months if terms else 0,
        cap_months=terms.cap_months if terms else 0,
        in_force=terms is not None,
        policies=[_policy(held) for held in programme.policies],
        phases=[_phase(phase) for phase in phases],
    )


def _policy(policy: Policy) -> pb.Policy:
    match policy.content:
        case Area(boroughs=boroughs):
            codes = list(boroughs)
        case Delivery(quadrant=quadrant, mode=mode):
            codes = [quadrant.value, mode.value]
        case _:
            codes = []
    return pb.Policy(
        policy_id=str(policy.id),
        kind=policy.kind.value,
        state=policy.state.value,
        valid_from=policy.valid_from.isoformat(),
        valid_to=policy.valid_to.isoformat() if policy.valid_to else "",
        codes=codes,
    )


def _phase(phase: RolloutPhase) -> pb.Phase:
    return pb.Phase(
        phase_id=str(phase.id),
        version=phase.version,
        quadrant=phase.quadrant.value,
        state=PhaseState(phase.state).value,
        opens_on=phase.opens_on.isoformat(),
        open_prerequisites=[held.value for held in phase.open_prerequisites],
    )
