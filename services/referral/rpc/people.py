"""Persons, their practitioners, what they agree to, evidence and prompts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from chassis.aggregate import Invalid
from chassis.rpc import Form, calling, page, serves
from referral import commands, queries
from referral.domain.access_list import List
from referral.domain.codes import ToldHow
from referral.domain.consent import ConsentPurpose, Scope
from referral.domain.person_form import read_channels, read_details, read_identifiers
from referral.domain.prompt import Dismissal, Done, PromptKind
from referral.domain.screening import Result, Source
from referral.rpc.fields import filled, plain, shapes
from throughcare.referral.v1 import service_pb2 as pb
from throughcare.referral.v1.service_pb2_grpc import ReferralServiceServicer

if TYPE_CHECKING:
    from chassis.work import Query, Works
    from referral.storage import Work


class PersonServicer(ReferralServiceServicer):
    """Who he is and how to reach him."""

    works: Works[Work]

    @serves(commands.record_person_details)
    async def RecordPersonDetails(self, request: Any, context: Any) -> pb.RecordPersonDetailsResponse:
        form = Form(request)
        given = {
            "person_id": form.uuid("person_id"),
            "identifiers": plain(request.identifiers),
            "person": plain(request.person),
            "expected": form.version(),
        }
        shapes(form, plain(request.identifiers), "identifiers", lambda r: read_identifiers(r, today=None))
        shapes(form, plain(request.person), "person", lambda r: read_details(r, today=None))
        form.done()
        version = await self.works.do(commands.record_person_details, calling(context, request), **given)
        return pb.RecordPersonDetailsResponse(version=version)

    @serves(commands.set_contact_channels)
    async def SetContactChannels(self, request: Any, context: Any) -> pb.SetContactChannelsResponse:
        form = Form(request)
        given = {"person_id": form.uuid("person_id"), "given": plain(request), "expected": form.version()}
        shapes(form, plain(request), "", read_channels)
        form.done()
        version = await self.works.do(commands.set_contact_channels, calling(context, request), **given)
        return pb.SetContactChannelsResponse(version=version)

    @serves(commands.set_safe_contact)
    async def SetSafeContact(self, request: pb.SetSafeContactRequest, context: Any) -> pb.SetSafeContactResponse:
        form = Form(request)
        given = {"person_id": form.uuid("person_id"), "given": plain(request), "expected": form.version()}
        form.done()
        version = await self.works.do(commands.set_safe_contact, calling(context, request), **given)
        return pb.SetSafeContactResponse(version=version)

    @serves(commands.set_access_list)
    async def SetAccessList(self, request: pb.SetAccessListRequest, context: Any) -> pb.SetAccessListResponse:
        form = Form(request)
        given = {
            "person_id": form.uuid("person_id"),
            "which": form.code("list", List),
            "entries": tuple(request.entries),
            "expected": form.count("expected_version"),
        }
        form.done()
        version = await self.works.do(commands.set_access_list, calling(context, request), **given)
        return pb.SetAccessListResponse(version=version)

    @serves(queries.find_person)
    async def FindPerson(self, request: pb.FindPersonRequest, context: Any) -> pb.FindPersonResponse:
        call = calling(context, request)
        found = await self.works.ask(queries.find_person, call, kind=request.identifier_kind, value=request.value)
        return pb.FindPersonResponse(person_id=found)

    @serves(queries.get_person)
    async def GetPerson(self, request: pb.GetPersonRequest, context: Any) -> pb.GetPersonResponse:
        form = Form(request)
        person_id = form.uuid("person_id")
        form.done()
        found = await self.works.ask(queries.get_person, calling(context, request), person_id=person_id)
        person, safe = found["person"], found["person"].safe_contact
        details = {name: getattr(person.details, name) for name in person.details.__dataclass_fields__}
        return pb.GetPersonResponse(
            person_id=str(person.id),
            version=person.version,
            identifiers=pb.Identifiers(**found["identifiers"]),
            details=filled(pb.PersonDetails, details),
            phone=person.channels.phone,
            email=person.channels.email,
            letter_address=person.channels.letter_address,
            safe_contact_set=safe is not None,
            channels=[channel.value for channel in safe.channels] if safe else [],
            days=safe.days if safe else [],
            from_hour=safe.from_hour if safe else 0,
            to_hour=safe.to_hour if safe else 0,
            voicemail=bool(safe and safe.voicemail),
            unnamed=bool(safe and safe.unnamed),
            merge_review=person.merge_review,
            access_list_version=found["access_list_version"],
        )


class PractitionerServicer(ReferralServiceServicer):
    """The practitioner of a case; his e-mail is judged in the work, which knows the domains of the day."""

    works: Works[Work]

    @serves(commands.set_practitioner)
    async def SetPractitioner(self, request: pb.SetPractitionerRequest, context: Any) -> pb.SetPractitionerResponse:
        form = Form(request)
        given = {
            "referral_id": form.uuid("referral_id"),
            "practitioner": plain(request.practitioner),
            "starts_on": form.date_or_none("starts_on"),
        }
        form.done()
        found = await self.works.do(commands.set_practitioner, calling(context, request), **given)
        return filled(pb.SetPractitionerResponse, found)  # type: ignore[no-any-return]

    @serves(commands.change_practitioner)
    async def ChangePractitioner(self, request: Any, context: Any) -> pb.ChangePractitionerResponse:
        form = Form(request)
        given = {
            "referral_id": form.uuid("referral_id"),
            "practitioner": plain(request.practitioner),
            "starts_on": form.date_or_none("starts_on"),
            "expected": form.version(),
        }
        form.done()
        found = await self.works.do(commands.change_practitioner, calling(context, request), **given)
        return filled(pb.ChangePractitionerResponse, found)  # type: ignore[no-any-return]

    @serves(commands.set_cover)
    async def SetCover(self, request: pb.SetCoverRequest, context: Any) -> pb.SetCoverResponse:
        form = Form(request)
        given = {
            "referral_id": form.uuid("referral_id"),
            "practitioner": plain(request.practitioner),
            "starts_on": form.date("starts_on"),
            "ends_on": form.date("ends_on"),
            "expected": form.version(),
        }
        form.done()
        found = await self.works.do(commands.set_cover, calling(context, request), **given)
        return filled(pb.SetCoverResponse, found)  # type: ignore[no-any-return]


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
        kept, token = await _listed(self.works, queries.list_consents, request, context, "consent_id", needed=True)
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
        kept, token = await _listed(self.works, queries.list_screenings, request, context, "screening_id", needed=True)
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
        kept, token = await _listed(self.works, queries.list_prompts, request, context, "prompt_id", needed=False)
        return pb.ListPromptsResponse(prompts=[filled(pb.Prompt, each) for each in kept], next_page_token=token)


async def _listed(
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
