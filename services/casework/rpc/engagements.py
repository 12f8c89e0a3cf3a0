"""The door to engagements: what happens to one from its opening to its close."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from casework.commands import engagement as commands
from casework.domain.aspect import Aspect
from casework.domain.ending import ContactChannel, EndAnswers, Outcome
from casework.domain.engagement.aggregate import MOST_CONTACTS, MOST_MONTHS
from casework.domain.engagement.facts import EmphasisArea, Rating, RatingPhase
from casework.domain.term import PauseReason
from casework.rpc import shown
from chassis.rpc import Form, calling, serves
from throughcare.casework.v1 import service_pb2 as said
from throughcare.casework.v1.service_pb2_grpc import CaseworkServiceServicer

if TYPE_CHECKING:
    import grpc

    from chassis.work import Works

    Context = grpc.aio.ServicerContext[Any, Any]


def _of(form: Form) -> dict[str, Any]:
    return {"engagement_id": form.uuid("engagement_id"), "expected": form.version()}


def _ratings(form: Form) -> tuple[Rating, ...]:
    return tuple(
        Rating(area=each.code("area", EmphasisArea), score=each.count("score", most=10))
        for each in form.each("ratings", most=len(EmphasisArea))
    )


class EngagementServicer(CaseworkServiceServicer):
    """What is asked about one man's time with the service."""

    works: Works[Any]

    @serves(commands.open_engagement)
    async def OpenEngagement(
        self, request: said.OpenEngagementRequest, context: Context
    ) -> said.OpenEngagementResponse:
        form = Form(request)
        given = {"allocation_id": form.uuid("allocation_id"), "expected": form.version()}
        form.done()
        answer = await self.works.do(commands.open_engagement, calling(context, request), **given)
        return said.OpenEngagementResponse(**answer)

    @serves(commands.record_contact_attempt)
    async def RecordContactAttempt(
        self, request: said.RecordContactAttemptRequest, context: Context
    ) -> said.RecordContactAttemptResponse:
        form = Form(request)
        given = _of(form) | {
            "channel": form.code("channel", ContactChannel),
            "on": form.date_or_none("attempted_on"),
        }
        form.done()
        version = await self.works.do(commands.record_contact_attempt, calling(context, request), **given)
        return said.RecordContactAttemptResponse(version=version)

    @serves(commands.agree_support)
    async def AgreeSupport(self, request: said.AgreeSupportRequest, context: Context) -> said.AgreeSupportResponse:
        form = Form(request)
        given = _of(form) | {
            "attended_session": shown.recorded(form.part_or_none("attended_session")),
            "contact_plan": shown.recorded(form.part_or_none("contact_plan")),
            "contacts_per_week": form.count("contacts_per_week", most=MOST_CONTACTS),
        }
        form.done()
        version = await self.works.do(commands.agree_support, calling(context, request), **given)
        return said.AgreeSupportResponse(version=version)

    @serves(commands.pause_engagement)
    async def PauseEngagement(
        self, request: said.PauseEngagementRequest, context: Context
    ) -> said.PauseEngagementResponse:
        form = Form(request)
        given = _of(form) | {
            "reason": form.code("reason", PauseReason),
            "on": form.date_or_none("paused_on"),
            "review_on": form.date_or_none("review_on"),
            "earliest_out_on": form.date_or_none("earliest_out_on"),
        }
        form.done()
        version = await self.works.do(commands.pause_engagement, calling(context, request), **given)
        return said.PauseEngagementResponse(version=version)

    @serves(commands.resume_engagement)
    async def ResumeEngagement(
        self, request: said.ResumeEngagementRequest, context: Context
    ) -> said.ResumeEngagementResponse:
        form = Form(request)
        given = _of(form) | {"on": form.date_or_none("resumed_on")}
        form.done()
        version = await self.works.do(commands.resume_engagement, calling(context, request), **given)
        return said.ResumeEngagementResponse(version=version)

    @serves(commands.extend_engagement)
    async def ExtendEngagement(
        self, request: said.ExtendEngagementRequest, context: Context
    ) -> said.ExtendEngagementResponse:
        form = Form(request)
        given = _of(form) | {
            "planned_months": form.count("planned_months", least=1, most=MOST_MONTHS),
            "reason": form.text("reason", limit=shown.REASON),
        }
        form.done()
        version = await self.works.do(commands.extend_engagement, calling(context, request), **given)
        return said.ExtendEngagementResponse(version=version)

    @serves(commands.record_rating)
    async def RecordRating(self, request: said.RecordRatingRequest, context: Context) -> said.RecordRatingResponse:
        form = Form(request)
        given = _of(form) | {"phase": form.code("phase", RatingPhase), "ratings": _ratings(form)}
        if request.declined == bool(request.ratings):
            form.fault("ratings", "CONFLICTS_WITH(declined)" if request.declined else "REQUIRED")
        form.done()
        version = await self.works.do(commands.record_rating, calling(context, request), **given)
        return said.RecordRatingResponse(version=version)

    @serves(commands.record_need)
    async def RecordNeed(self, request: said.RecordNeedRequest, context: Context) -> said.RecordNeedResponse:
        form = Form(request)
        given = _of(form) | {
            "aspect": form.code("aspect", Aspect),
            "needed": form.flag("open"),
            "on": form.date_or_none("on"),
        }
        form.done()
        version = await self.works.do(commands.record_need, calling(context, request), **given)
        return said.RecordNeedResponse(version=version)

    @serves(commands.start_ending)
    async def StartEnding(self, request: said.StartEndingRequest, context: Context) -> said.StartEndingResponse:
        form = Form(request)
        given = _of(form) | {
            "outcome": form.code("outcome", Outcome),
            "reason": form.text("reason", limit=shown.REASON, required=False),
            "agreed_by": form.opaque_or_none("agreed_by") or "",
        }
        form.done()
        version = await self.works.do(commands.start_ending, calling(context, request), **given)
        return said.StartEndingResponse(version=version)

    @serves(commands.close_engagement)
    async def CloseEngagement(
        self, request: said.CloseEngagementRequest, context: Context
    ) -> said.CloseEngagementResponse:
        form = Form(request)
        names = ("ending_session", "final_ratings", "handoffs_settled", "end_report")
        answers = {name: shown.recorded(form.part_or_none(name)) for name in names}
        given = _of(form) | {
            "outcome": form.code_or_none("outcome", Outcome),
            "answers": EndAnswers(**answers),
        }
        form.done()
        version = await self.works.do(commands.close_engagement, calling(context, request), **given)
        return said.CloseEngagementResponse(version=version)

    @serves(commands.share_end_report)
    async def ShareEndReport(
        self, request: said.ShareEndReportRequest, context: Context
    ) -> said.ShareEndReportResponse:
        form = Form(request)
        given = _of(form) | {"end_report": shown.recorded(form.part("end_report"))}
        form.done()
        version = await self.works.do(commands.share_end_report, calling(context, request), **given)
        return said.ShareEndReportResponse(version=version)

    @serves(commands.reopen_engagement)
    async def ReopenEngagement(
        self, request: said.ReopenEngagementRequest, context: Context
    ) -> said.ReopenEngagementResponse:
        form = Form(request)
        given = _of(form)
        form.done()
        answer = await self.works.do(commands.reopen_engagement, calling(context, request), **given)
        return said.ReopenEngagementResponse(**answer)
