"""NotificationService: request → command or question → answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chassis.access import Role
from chassis.rpc import Form, calling, page, serves
from notifications import commands, queries
from notifications.domain.codes import Channel
from notifications.domain.lint import Reader, Use
from notifications.domain.notice import Found, Status
from notifications.domain.template import Status as TemplateStatus
from notifications.domain.template import Text
from notifications.rpc.answers import contact, findings, notice, template
from throughcare.notifications.v1 import service_pb2 as said
from throughcare.notifications.v1.service_pb2_grpc import NotificationServiceServicer

if TYPE_CHECKING:
    import grpc

    from chassis.work import Works

    Context = grpc.aio.ServicerContext[Any, Any]
LONGEST_EMAIL, LONGEST_SMS, LONGEST_TEXT, LONGEST_NOTE = 254, 16, 10_000, 2_000


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
        for part in form.each("texts", least=1, most=4)
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
            contacts=[contact(held, addressed=addressed) for held, addressed in kept], next_page_token=following
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
            "outcome": form.code("outcome", Found),
            "note": form.text("note", limit=LONGEST_NOTE),
            "expected": form.version(),
        }
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
        return said.ListNoticesResponse(notices=[notice(held) for held in kept], next_page_token=following)

    @serves(queries.get_notice)
    async def GetNotice(self, request: said.GetNoticeRequest, context: Context) -> said.GetNoticeResponse:
        """GetNotice."""
        form = Form(request)
        given = {"notice_id": form.uuid("notice_id")}
        form.done()
        held = await self.works.ask(queries.get_notice, calling(context, request), **given)
        return said.GetNoticeResponse(notice=notice(held))

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
            findings=findings(drafted["findings"]),
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
        return said.ListTemplatesResponse(templates=[template(held) for held in kept], next_page_token=following)

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
            findings=findings(found["findings"]), blocks=found["blocks"], pack_version=found["pack_version"]
        )
