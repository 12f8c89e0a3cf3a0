"""NotificationService: request → command or question → answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from google.protobuf.timestamp_pb2 import Timestamp

from chassis.access import Role
from chassis.rpc import Form, calling, page, serves
from notifications import commands, queries
from notifications.domain.codes import Channel
from notifications.domain.lint import Reader, Use
from notifications.domain.notice import Status
from notifications.domain.template import Status as TemplateStatus
from notifications.domain.template import Template, Text
from throughcare.notifications.v1 import service_pb2 as said
from throughcare.notifications.v1.service_pb2_grpc import NotificationServiceServicer

if TYPE_CHECKING:
    import grpc

    from chassis.work import Works
    from notifications.domain.contact_book import Contact
    from notifications.domain.notice import Notice

    Context = grpc.aio.ServicerContext[Any, Any]
LONGEST_EMAIL, LONGEST_SMS, LONGEST_TEXT, LONGEST_NOTE = 254, 16, 10_000, 2_000


def _stamp(instant: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(instant)
    return stamp


def _notice(held: Notice) -> said.Notice:
    return said.Notice(
        notice_id=str(held.id),
        state=held.status,
        reason_code=held.reason,
        fact=held.fact,
        about=held.about,
        case_id=str(held.case_id or ""),
        recipient_kind=held.recipient_kind,
        recipient_ref=held.recipient_ref,
        recipient_role=held.recipient_role,
        channel=held.channel,
        template_id=held.template,
        template_version=held.template_version,
        urgency=held.urgency,
        acknowledgement_wanted=held.ack_wanted,
        rung=held.rung,
        attempts=held.attempts,
        requested_at=_stamp(held.requested_at),
        send_after=_stamp(held.send_after),
        use_by=_stamp(held.use_by),
        version=held.version,
    )


def _contact(held: Contact, *, addressed: bool) -> said.Contact:
    """Addresses are absent for who may not see them."""
    addresses = {"email": held.email, "sms": held.sms} if addressed else {}
    return said.Contact(
        kind=held.kind,
        ref=held.ref,
        roles=held.roles,
        organisation=held.organisation,
        channels=[channel.value for channel in held.channels],
        left=held.has_left,
        version=held.version,
        **addresses,
    )


def _template(held: Template) -> said.Template:
    return said.Template(
        template_id=held.name,
        template_version=held.number,
        state=held.status,
        reader=held.reader,
        texts=[said.ChannelText(channel=t.channel, subject=t.subject, body=t.body) for t in held.texts],
        drafted_by=held.drafted_by,
        approved_by=held.approved_by,
        version=held.version,
    )


def _findings(found: Iterable[Mapping[str, Any]]) -> list[said.Finding]:
    return [said.Finding(**finding) for finding in found]


def _entry(form: Form) -> dict[str, Any]:
    return {
        "email": form.line("email", limit=LONGEST_EMAIL, required=False),
        "sms": form.line("sms", limit=LONGEST_SMS, required=False),
        "has_left": form.flag("left"),
        "expected": form.count_or_none("expected_version", least=1),
    }


def _texts(form: Form) -> tuple[Text, ...]:
    return tuple(
        Text(
            channel=part.code("channel", Channel),
            subject=part.line("subject", limit=LONGEST_TEXT, required=False),
            body=part.text("body", limit=LONGEST_TEXT, required=False),
        )
        for part in form.parts("texts")
    )


def _version(form: Form) -> dict[str, Any]:
    return {
        "name": form.opaque("template_id", limit=40),
        "number": form.count("template_version", least=1),
        "expected": form.version(),
    }


class NotificationService(NotificationServiceServicer):
    """The contact book, notices and templates."""

    def __init__(self, works: Works[Any]) -> None:
        self.works = works

    @serves(commands.set_staff_contact)
    async def SetStaffContact(
        self, request: said.SetStaffContactRequest, context: Context
    ) -> said.SetStaffContactResponse:
        """SetStaffContact."""
        form = Form(request)
        given = {
            "staff_ref": form.opaque("staff_ref"),
            "roles": tuple(role.value for role in form.codes("roles", Role)),
            "organisation": form.opaque_or_none("organisation") or "",
            **_entry(form),
        }
        form.done()
        version = await self.works.do(commands.set_staff_contact, calling(context, request), **given)
        return said.SetStaffContactResponse(version=version)

    @serves(commands.set_team_contact)
    async def SetTeamContact(
        self, request: said.SetTeamContactRequest, context: Context
    ) -> said.SetTeamContactResponse:
        """SetTeamContact."""
        form = Form(request)
        given = {"team_ref": form.opaque("team_ref"), "role": form.code("role", Role).value, **_entry(form)}
        form.done()
        version = await self.works.do(commands.set_team_contact, calling(context, request), **given)
        return said.SetTeamContactResponse(version=version)

    @serves(queries.list_contacts)
    async def ListContacts(self, request: said.ListContactsRequest, context: Context) -> said.ListContactsResponse:
        """ListContacts."""
        form, call = Form(request), calling(context, request)
        role = form.code_or_none("role", Role)
        form.done()
        asked = page(request.page_size, request.page_token, filter=(role,), call=call)
        found = await self.works.ask(
            queries.list_contacts, call, role=role.value if role else None, after=asked.after, most=asked.size + 1
        )
        kept, following = asked.cut(found, lambda each: (each[0].kind.value, each[0].ref))
        return said.ListContactsResponse(
            contacts=[_contact(held, addressed=addressed) for held, addressed in kept], next_page_token=following
        )

    @serves(commands.acknowledge_notice)
    async def AcknowledgeNotice(
        self, request: said.AcknowledgeNoticeRequest, context: Context
    ) -> said.AcknowledgeNoticeResponse:
        """AcknowledgeNotice."""
        form = Form(request)
        given = {"notice_id": form.uuid("notice_id"), "expected": form.version()}
        form.done()
        version = await self.works.do(commands.acknowledge_notice, calling(context, request), **given)
        return said.AcknowledgeNoticeResponse(version=version)

    @serves(commands.retry_notice)
    async def RetryNotice(self, request: said.RetryNoticeRequest, context: Context) -> said.RetryNoticeResponse:
        """RetryNotice."""
        form = Form(request)
        given = {
            "notice_id": form.uuid("notice_id"),
            "use_by": form.instant("use_by"),
            "expected": form.version(),
        }
        form.done()
        version = await self.works.do(commands.retry_notice, calling(context, request), **given)
        return said.RetryNoticeResponse(version=version)

    @serves(commands.resolve_notice)
    async def ResolveNotice(self, request: said.ResolveNoticeRequest, context: Context) -> said.ResolveNoticeResponse:
        """ResolveNotice."""
        form = Form(request)
        given = {
            "notice_id": form.uuid("notice_id"),
            "outcome": form.code("outcome", Status),
            "note": form.text("note", limit=LONGEST_NOTE),
            "expected": form.version(),
        }
        if given["outcome"] not in {Status.SENT, Status.PERMANENT_FAILURE} and request.outcome in Status:
            form.fault("outcome", "UNKNOWN_CODE")
        form.done()
        version = await self.works.do(commands.resolve_notice, calling(context, request), **given)
        return said.ResolveNoticeResponse(version=version)

    @serves(queries.list_notices)
    async def ListNotices(self, request: said.ListNoticesRequest, context: Context) -> said.ListNoticesResponse:
        """ListNotices."""
        form, call = Form(request), calling(context, request)
        given = {
            "states": tuple(sorted(state.value for state in form.codes("states", Status))),
            "case_id": form.uuid_or_none("case_id"),
            "unacknowledged": form.flag("unacknowledged"),
        }
        form.done()
        asked = page(request.page_size, request.page_token, filter=tuple(given.values()), call=call)
        after = asked.after[0] if asked.after else None
        found = await self.works.ask(queries.list_notices, call, **given, after=after, most=asked.size + 1)
        kept, following = asked.cut(found, lambda held: (held.id,))
        return said.ListNoticesResponse(notices=[_notice(held) for held in kept], next_page_token=following)

    @serves(queries.get_notice)
    async def GetNotice(self, request: said.GetNoticeRequest, context: Context) -> said.GetNoticeResponse:
        """GetNotice."""
        form = Form(request)
        given = {"notice_id": form.uuid("notice_id")}
        form.done()
        held = await self.works.ask(queries.get_notice, calling(context, request), **given)
        return said.GetNoticeResponse(notice=_notice(held))

    @serves(commands.draft_template)
    async def DraftTemplate(self, request: said.DraftTemplateRequest, context: Context) -> said.DraftTemplateResponse:
        """DraftTemplate."""
        form = Form(request)
        given = {
            "name": form.opaque("template_id", limit=40),
            "reader": form.code("reader", Reader),
            "texts": _texts(form),
        }
        form.done()
        drafted = await self.works.do(commands.draft_template, calling(context, request), **given)
        return said.DraftTemplateResponse(
            template_version=drafted["number"],
            state=drafted["status"],
            findings=_findings(drafted["findings"]),
            version=drafted["version"],
        )

    @serves(commands.approve_template)
    async def ApproveTemplate(
        self, request: said.ApproveTemplateRequest, context: Context
    ) -> said.ApproveTemplateResponse:
        """ApproveTemplate."""
        form = Form(request)
        given = _version(form)
        form.done()
        version = await self.works.do(commands.approve_template, calling(context, request), **given)
        return said.ApproveTemplateResponse(version=version)

    @serves(commands.retire_template)
    async def RetireTemplate(
        self, request: said.RetireTemplateRequest, context: Context
    ) -> said.RetireTemplateResponse:
        """RetireTemplate."""
        form = Form(request)
        given = _version(form)
        form.done()
        version = await self.works.do(commands.retire_template, calling(context, request), **given)
        return said.RetireTemplateResponse(version=version)

    @serves(queries.list_templates)
    async def ListTemplates(self, request: said.ListTemplatesRequest, context: Context) -> said.ListTemplatesResponse:
        """ListTemplates."""
        form, call = Form(request), calling(context, request)
        given = {
            "name": form.opaque_or_none("template_id", limit=40),
            "states": tuple(sorted(state.value for state in form.codes("states", TemplateStatus))),
        }
        form.done()
        asked = page(request.page_size, request.page_token, filter=tuple(given.values()), call=call)
        found = await self.works.ask(queries.list_templates, call, **given, after=asked.after, most=asked.size + 1)
        kept, following = asked.cut(found, lambda held: (held.name, held.number))
        return said.ListTemplatesResponse(templates=[_template(held) for held in kept], next_page_token=following)

    @serves(commands.lint_text)
    async def LintText(self, request: said.LintTextRequest, context: Context) -> said.LintTextResponse:
        """LintText."""
        form = Form(request)
        given = {
            "text": form.text("text", limit=LONGEST_TEXT),
            "use": form.code("use", Use),
            "reader": form.code_or_none("reader", Reader) or Reader.STAFF,
        }
        form.done()
        found = await self.works.do(commands.lint_text, calling(context, request), **given)
        return said.LintTextResponse(
            findings=_findings(found["findings"]), blocks=found["blocks"], pack_version=found["pack_version"]
        )
