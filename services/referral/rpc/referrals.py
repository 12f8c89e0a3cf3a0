"""Referrals: started, sent, triaged, ended, imported, read."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from chassis.aggregate import Conflict, Invalid, Refused
from chassis.rpc import Form, calling, page, serves
from referral import commands, queries
from referral.domain import import_row
from referral.domain.answers import ethnicity_of, read_answers, read_gender
from referral.domain.codes import Aspect, EndReason, Party, ReferralKind, ReferrerKind, ToldHow, YesNo
from referral.domain.person_form import read_details, read_identifiers
from referral.domain.referral_parts import Status
from referral.rpc.fields import filled, plain, shapes
from throughcare.referral.v1 import service_pb2 as pb
from throughcare.referral.v1.service_pb2_grpc import ReferralServiceServicer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from chassis.access import Call
    from chassis.work import Works
    from referral.domain.fields import Reading
    from referral.storage import Work

_TRIES: Final = 3


def _answers(reading: Reading) -> None:
    reading.read("ethnicity", ethnicity_of)
    read_gender(reading)
    read_answers(reading, today=None)


class ReferralServicer(ReferralServiceServicer):
    """The life of a referral."""

    works: Works[Work]

    @serves(commands.start_referral)
    async def StartReferral(self, request: pb.StartReferralRequest, context: Any) -> pb.StartReferralResponse:
        form = Form(request)
        given = {
            "programme": form.line("programme", limit=64),
            "kind": form.code_or_none("kind", ReferralKind) or ReferralKind.PERSON_SUPPORT,
            "referrer_kind": form.code("referrer_kind", ReferrerKind),
            "referrer_organisation": form.opaque_or_none("referrer_organisation") or "",
            "given_identifiers": plain(request.identifiers),
            "given_person": plain(request.person),
            "given_answers": plain(request.answers),
        }
        shapes(form, plain(request.identifiers), "identifiers", lambda r: read_identifiers(r, today=None))
        shapes(form, plain(request.person), "person", lambda r: read_details(r, today=None))
        shapes(form, plain(request.answers), "answers", _answers)
        form.done()
        found = await self.works.do(commands.start_referral, calling(context, request), **given)
        return filled(pb.StartReferralResponse, found)  # type: ignore[no-any-return]

    @serves(commands.update_draft)
    async def UpdateDraft(self, request: pb.UpdateDraftRequest, context: Any) -> pb.UpdateDraftResponse:
        form = Form(request)
        given = {
            "referral_id": form.uuid("referral_id"),
            "given_answers": plain(request.answers),
            "expected": form.version(),
        }
        shapes(form, plain(request.answers), "answers", _answers)
        form.done()
        version = await self.works.do(commands.update_draft, calling(context, request), **given)
        return pb.UpdateDraftResponse(version=version)

    @serves(commands.record_told_and_willing)
    async def RecordToldAndWilling(self, request: Any, context: Any) -> pb.RecordToldAndWillingResponse:
        form = Form(request)
        given = {
            "referral_id": form.uuid("referral_id"),
            "told_on": form.date("told_on"),
            "told_how": form.code("told_how", ToldHow),
            "willing": form.code("willing", YesNo) is YesNo.YES,
            "expected": form.version(),
        }
        form.done()
        version = await self.works.do(commands.record_told_and_willing, calling(context, request), **given)
        return pb.RecordToldAndWillingResponse(version=version)

    @serves(commands.submit_referral)
    async def SubmitReferral(self, request: pb.SubmitReferralRequest, context: Any) -> pb.SubmitReferralResponse:
        form = Form(request)
        given = {"referral_id": form.uuid("referral_id"), "expected": form.version()}
        form.done()
        found = await self.works.do(commands.submit_referral, calling(context, request), **given)
        return filled(pb.SubmitReferralResponse, found)  # type: ignore[no-any-return]

    @serves(commands.start_triage)
    async def StartTriage(self, request: pb.StartTriageRequest, context: Any) -> pb.StartTriageResponse:
        form = Form(request)
        given = {
            "referral_id": form.uuid("referral_id"),
            "no_conflict_of_interest": form.flag("no_conflict_of_interest"),
            "expected": form.version(),
        }
        form.done()
        version = await self.works.do(commands.start_triage, calling(context, request), **given)
        return pb.StartTriageResponse(version=version)

    @serves(commands.accept_referral)
    async def AcceptReferral(self, request: pb.AcceptReferralRequest, context: Any) -> pb.AcceptReferralResponse:
        form = Form(request)
        given = {
            "referral_id": form.uuid("referral_id"),
            "risk_summary_read_on": form.date("risk_summary_read_on"),
            "decided_by_me": form.flag("decided_by_me"),
            "proposed_worker": form.opaque_or_none("proposed_worker") or "",
            "expected": form.version(),
        }
        form.done()
        found = await self.works.do(commands.accept_referral, calling(context, request), **given)
        return filled(pb.AcceptReferralResponse, found)  # type: ignore[no-any-return]

    @serves(commands.decline_referral)
    async def DeclineReferral(self, request: pb.DeclineReferralRequest, context: Any) -> pb.DeclineReferralResponse:
        form = Form(request)
        given = {
            "referral_id": form.uuid("referral_id"),
            "reason": form.code("reason", EndReason),
            "note": form.text("note", limit=10_000, required=False),
            "suggestions": form.codes("suggestions", Aspect),
            "no_suggestion": form.flag("no_suggestion"),
            "expected": form.version(),
        }
        form.done()
        version = await self.works.do(commands.decline_referral, calling(context, request), **given)
        return pb.DeclineReferralResponse(version=version)

    @serves(commands.redirect_referral)
    async def RedirectReferral(self, request: pb.RedirectReferralRequest, context: Any) -> pb.RedirectReferralResponse:
        form = Form(request)
        given = {
            "referral_id": form.uuid("referral_id"),
            "reason": form.code("reason", EndReason),
            "note": form.text("note", limit=10_000, required=False),
            "offer_id": form.uuid("offer_id"),
            "agreed_on": form.date("agreed_on"),
            "expected": form.version(),
        }
        form.done()
        version = await self.works.do(commands.redirect_referral, calling(context, request), **given)
        return pb.RedirectReferralResponse(version=version)

    @serves(commands.withdraw_referral)
    async def WithdrawReferral(self, request: pb.WithdrawReferralRequest, context: Any) -> pb.WithdrawReferralResponse:
        form = Form(request)
        given = {
            "referral_id": form.uuid("referral_id"),
            "reason": form.code("reason", EndReason),
            "note": form.text("note", limit=10_000, required=False),
            "by_party": form.code("by_party", Party),
            "expected": form.version(),
        }
        form.done()
        version = await self.works.do(commands.withdraw_referral, calling(context, request), **given)
        return pb.WithdrawReferralResponse(version=version)

    @serves(commands.reopen_referral)
    async def ReopenReferral(self, request: pb.ReopenReferralRequest, context: Any) -> pb.ReopenReferralResponse:
        form = Form(request)
        given = {
            "referral_id": form.uuid("referral_id"),
            "note": form.text("note", limit=10_000),
            "expected": form.version(),
        }
        form.done()
        version = await self.works.do(commands.reopen_referral, calling(context, request), **given)
        return pb.ReopenReferralResponse(version=version)

    @serves(commands.import_referrals)
    async def ImportReferrals(
        self, requests: AsyncIterator[pb.ImportReferralsRequest], context: Any
    ) -> AsyncIterator[pb.ImportReferralsResponse]:
        """One work a row, in order; a refused row is answered and the next is taken."""
        async for request in requests:
            yield await self._row(request, context)

    async def _row(self, request: pb.ImportReferralsRequest, context: Any) -> pb.ImportReferralsResponse:
        values = tuple(request.values)
        # The row's own reference makes it happen once: it outlives every key.
        call = replace(calling(context, request), key=None)
        try:
            found = await self._taken(call, values, drafts_only=request.drafts_only)
        except Refused as refusal:
            if not isinstance(refusal, Invalid) and refusal.kind not in {"PRE", "DUP"}:
                raise
            codes = import_row.codes_of(refusal.fields or (refusal.reason,))
            found = {"outcome": "REFUSED", "codes": list(codes)}
        return pb.ImportReferralsResponse(
            row=request.row,
            external_reference=_reference(values),
            outcome=str(found["outcome"]),
            codes=found["codes"],
        )

    async def _taken(self, call: Call, values: tuple[str, ...], *, drafts_only: bool) -> Any:
        """The row's outcome. Somebody may change a person meanwhile, or two references be drawn alike: taken again."""
        for _ in range(_TRIES - 1):
            with suppress(Conflict):
                return await self.works.do(commands.import_referrals, call, values=values, drafts_only=drafts_only)
        return await self.works.do(commands.import_referrals, call, values=values, drafts_only=drafts_only)

    @serves(queries.get_referral)
    async def GetReferral(self, request: pb.GetReferralRequest, context: Any) -> pb.GetReferralResponse:
        form = Form(request)
        referral_id = form.uuid_or_none("referral_id")
        form.done()
        found = await self.works.ask(
            queries.get_referral,
            calling(context, request),
            referral_id=referral_id,
            case_reference=request.case_reference,
        )
        answers = {name: getattr(found["answers"], name) for name in found["answers"].__dataclass_fields__}
        return pb.GetReferralResponse(
            referral=filled(pb.Referral, found),
            answers=filled(pb.DraftAnswers, answers),
            practitioner_name=found["practitioner_name"],
            redirected_to=found["redirected_to"],
            onward_state=found["onward_state"],
        )

    @serves(queries.list_referrals)
    async def ListReferrals(self, request: pb.ListReferralsRequest, context: Any) -> pb.ListReferralsResponse:
        form = Form(request)
        statuses = form.codes("statuses", Status)
        programme = form.line("programme", limit=64, required=False).upper()
        person_id = form.uuid_or_none("person_id")
        form.done()
        call = calling(context, request)
        wanted = page(request.page_size, request.page_token, filter=(statuses, programme, str(person_id)), call=call)
        found = await self.works.ask(
            queries.list_referrals,
            call,
            statuses=statuses,
            programme=programme,
            person_id=person_id,
            after=wanted.after,
            size=wanted.size + 1,
        )
        kept, token = wanted.cut(found["referrals"], lambda each: each["order"])
        referrals = [filled(pb.Referral, each) for each in kept]
        return pb.ListReferralsResponse(referrals=referrals, next_page_token=token, total=found["total"])


def _reference(values: tuple[str, ...]) -> str:
    """The external reference, where its shape is right."""
    named = import_row.named(values)
    found = import_row.reference_of(named) if named else None
    return found[1] if found else ""
