"""Persons and their practitioners."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chassis.rpc import Form, calling, serves
from referral import commands, queries
from referral.domain.access_list import List
from referral.domain.person_form import read_channels, read_details, read_identifiers
from referral.rpc.fields import filled, plain, shapes
from throughcare.referral.v1 import service_pb2 as pb
from throughcare.referral.v1.service_pb2_grpc import ReferralServiceServicer

if TYPE_CHECKING:
    from chassis.work import Works
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
        person, safe = found["person"], found["person"].safely
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
            merged_into=str(person.merged_into or ""),
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
