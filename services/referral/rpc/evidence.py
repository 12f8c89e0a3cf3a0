"""What a person agrees to, evidence of screening, outside events and the prompts they raise."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from chassis.aggregate import Invalid
from chassis.rpc import Form, calling, page, serves
from referral import commands, queries
from referral.domain.codes import ToldHow
from referral.domain.consent import ConsentPurpose, Scope
from referral.domain.prompt import Dismissal, Done, PromptKind
from referral.domain.screening import Result, Source
from referral.rpc.fields import filled
from throughcare.referral.v1 import service_pb2 as pb
from throughcare.referral.v1.service_pb2_grpc import ReferralServiceServicer

if TYPE_CHECKING:
    from chassis.work import Query, Works
    from referral.storage import Work


def _asked(form: Form, request: Any) -> dict[str, object]:
    """What a consent is about."""
    return {
        "person_id": form.uuid("person_id"),
        "scope": Scope(
            purpose=form.code("purpose", ConsentPurpose),
            programme_id=form.uuid_or_none("programme_id"),
            recipient=request.recipient,
            codes=tuple(dict.fromkeys(request.scope_codes)),
        ),
        "explained_how": form.code("explained_how", ToldHow),
    }


class ConsentServicer(ReferralServiceServicer):
    """What he agrees to."""

    works: Works[Work]

    @serves(commands.grant_consent)
    async def GrantConsent(self, request: pb.GrantConsentRequest, context: Any) -> pb.GrantConsentResponse:
        form = Form(request)
        given = {
            **_asked(form, request),
            "language": form.line("language", limit=35, required=False),
            "copy_offered": form.flag("copy_offered"),
            "capacity_doubt": form.text("capacity_doubt", limit=10_000, required=False),
            "review_on": form.date_or_none("review_on"),
        }
        form.done()
        found = await self.works.do(commands.grant_consent, calling(context, request), **given)
        return filled(pb.GrantConsentResponse, found)  # type: ignore[no-any-return]

    @serves(commands.decline_consent)
    async def DeclineConsent(self, request: pb.DeclineConsentRequest, context: Any) -> pb.DeclineConsentResponse:
        form = Form(request)
        given = _asked(form, request)
        form.done()
        found = await self.works.do(commands.decline_consent, calling(context, request), **given)
        return filled(pb.DeclineConsentResponse, found)  # type: ignore[no-any-return]

    @serves(commands.withdraw_consent)
    async def WithdrawConsent(self, request: pb.WithdrawConsentRequest, context: Any) -> pb.WithdrawConsentResponse:
        form = Form(request)
        given = {"consent_id": form.uuid("consent_id"), "expected": form.version()}
        form.done()
        version = await self.works.do(commands.withdraw_consent, calling(context, request), **given)
        return pb.WithdrawConsentResponse(version=version)

    @serves(queries.list_consents)
    async def ListConsents(self, request: pb.ListConsentsRequest, context: Any) -> pb.ListConsentsResponse:
        kept, token = await listed(self.works, queries.list_consents, request, context, "consent_id", needed=True)
        return pb.ListConsentsResponse(consents=[filled(pb.Consent, each) for each in kept], next_page_token=token)


class EvidenceServicer(ReferralServiceServicer):
    """Evidence of screening, outside events and the prompts they raise."""

    works: Works[Work]

    @serves(commands.record_screening)
    async def RecordScreening(self, request: pb.RecordScreeningRequest, context: Any) -> pb.RecordScreeningResponse:
        form = Form(request)
        given = {
            "person_id": form.uuid("person_id"),
            "source": form.code("source", Source),
            "base_result": form.code("base_result", Result),
            "override": form.flag("override"),
            "override_reason": form.text("override_reason", limit=2_000, required=False),
            "completed_on": form.date("completed_on"),
        }
        form.done()
        found = await self.works.do(commands.record_screening, calling(context, request), **given)
        return filled(pb.RecordScreeningResponse, found)  # type: ignore[no-any-return]

    @serves(commands.import_screening)
    async def ImportScreening(self, request: pb.ImportScreeningRequest, context: Any) -> pb.ImportScreeningResponse:
        form = Form(request)
        given = {
            "person_id": form.uuid("person_id"),
            "result": form.code("result", Result),
            "completed_on": form.date("completed_on"),
        }
        form.done()
        found = await self.works.do(commands.import_screening, calling(context, request), **given)
        return filled(pb.ImportScreeningResponse, found)  # type: ignore[no-any-return]

    @serves(queries.list_screenings)
    async def ListScreenings(self, request: pb.ListScreeningsRequest, context: Any) -> pb.ListScreeningsResponse:
        kept, token = await listed(self.works, queries.list_screenings, request, context, "screening_id", needed=True)
        found = [filled(pb.Screening, each) for each in kept]
        return pb.ListScreeningsResponse(screenings=found, next_page_token=token)

    @serves(commands.receive_external_event)
    async def ReceiveExternalEvent(self, request: Any, context: Any) -> pb.ReceiveExternalEventResponse:
        # What is ignored may come again, so the caller's key is not kept: a prompt keeps its message's own, for ever.
        call = replace(calling(context, request), key=None)
        try:
            found = await self.works.do(
                commands.receive_external_event, call, source=request.source, message=request.message
            )
        except commands.NothingOfOurs as passed:
            return pb.ReceiveExternalEventResponse(outcome="IGNORED", event_type=passed.event_type)
        except Invalid as refusal:
            codes = [f"{fault.path}:{fault.code}" for fault in refusal.fields]
            return pb.ReceiveExternalEventResponse(outcome="REFUSED", codes=codes)
        return filled(pb.ReceiveExternalEventResponse, found)  # type: ignore[no-any-return]

    @serves(commands.raise_prompt)
    async def RaisePrompt(self, request: pb.RaisePromptRequest, context: Any) -> pb.RaisePromptResponse:
        form = Form(request)
        given = {
            "person_id": form.uuid("person_id"),
            "kind": form.code("kind", PromptKind),
            "source_key": form.line("source_key", limit=128),
        }
        form.done()
        found = await self.works.do(commands.raise_prompt, calling(context, request), **given)
        return filled(pb.RaisePromptResponse, found)  # type: ignore[no-any-return]

    @serves(commands.complete_prompt)
    async def CompletePrompt(self, request: pb.CompletePromptRequest, context: Any) -> pb.CompletePromptResponse:
        form = Form(request)
        given = {
            "prompt_id": form.uuid("prompt_id"),
            "done": form.code("done", Done),
            "expected": form.version(),
        }
        form.done()
        version = await self.works.do(commands.complete_prompt, calling(context, request), **given)
        return pb.CompletePromptResponse(version=version)

    @serves(commands.dismiss_prompt)
    async def DismissPrompt(self, request: pb.DismissPromptRequest, context: Any) -> pb.DismissPromptResponse:
        form = Form(request)
        given = {
            "prompt_id": form.uuid("prompt_id"),
            "reason": form.code("reason", Dismissal),
            "expected": form.version(),
        }
        form.done()
        version = await self.works.do(commands.dismiss_prompt, calling(context, request), **given)
        return pb.DismissPromptResponse(version=version)

    @serves(queries.list_prompts)
    async def ListPrompts(self, request: pb.ListPromptsRequest, context: Any) -> pb.ListPromptsResponse:
        kept, token = await listed(self.works, queries.list_prompts, request, context, "prompt_id", needed=False)
        return pb.ListPromptsResponse(prompts=[filled(pb.Prompt, each) for each in kept], next_page_token=token)


async def listed(
    works: Works[Work], query: Query, request: Any, context: Any, id_field: str, *, needed: bool
) -> tuple[list[dict[str, Any]], str]:
    """One page of a list about one person, or about all where none is named."""
    form = Form(request)
    person_id = form.uuid("person_id") if needed else form.uuid_or_none("person_id")
    form.done()
    call = calling(context, request)
    wanted = page(request.page_size, request.page_token, filter=str(person_id), call=call)
    after = wanted.after[0] if wanted.after else None
    found = await works.ask(query, call, person_id=person_id, after=after, size=wanted.size + 1)
    kept, token = wanted.cut(found, lambda each: (each[id_field],))
    return list(kept), token
