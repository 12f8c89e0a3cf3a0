"""The door to links."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chassis.rpc import Form, calling, page, serves
from partners.commands import links as commands
from partners.domain.link import Status
from partners.queries import links as queries
from partners.rpc.shown_handoffs import shown_link
from throughcare.partners.v1 import handoffs_pb2 as said
from throughcare.partners.v1.service_pb2_grpc import PartnerServiceServicer

if TYPE_CHECKING:
    import grpc

    from chassis.work import Works

    Context = grpc.aio.ServicerContext[Any, Any]


class LinkServicer(PartnerServiceServicer):
    """Whom a partner's reference means here."""

    works: Works[Any]

    @serves(commands.link_subject)
    async def LinkSubject(self, request: said.LinkSubjectRequest, context: Context) -> said.LinkSubjectResponse:
        """LinkSubject."""
        form = Form(request)
        given = {"link_id": form.uuid("link_id"), "person_id": form.uuid("person_id"), "expected": form.version()}
        form.done()
        version = await self.works.do(commands.link_subject, calling(context, request), **given)
        return said.LinkSubjectResponse(version=version)

    @serves(commands.unlink_subject)
    async def UnlinkSubject(self, request: said.UnlinkSubjectRequest, context: Context) -> said.UnlinkSubjectResponse:
        """UnlinkSubject."""
        form = Form(request)
        given = {"link_id": form.uuid("link_id"), "expected": form.version()}
        form.done()
        version = await self.works.do(commands.unlink_subject, calling(context, request), **given)
        return said.UnlinkSubjectResponse(version=version)

    @serves(queries.get_subject_links)
    async def GetSubjectLinks(
        self, request: said.GetSubjectLinksRequest, context: Context
    ) -> said.GetSubjectLinksResponse:
        """GetSubjectLinks."""
        form, call = Form(request), calling(context, request)
        state = form.code_or_none("state", Status)
        given = {"status": state.value if state else None, "person_id": form.uuid_or_none("person_id")}
        form.done()
        asked = page(request.page_size, request.page_token, filter=tuple(given.items()), call=call)
        after = asked.after[0] if asked.after else None
        found = await self.works.ask(queries.get_subject_links, call, **given, after=after, most=asked.size + 1)
        kept, following = asked.cut(found, lambda link: (link.id,))
        return said.GetSubjectLinksResponse(links=[shown_link(link) for link in kept], next_page_token=following)
