"""The door to organisations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chassis.rpc import Form, calling, page, serves
from partners.commands import organisations as commands
from partners.domain.organisation import Sector
from partners.queries import organisations as queries
from partners.rpc.shown import day
from throughcare.partners.v1 import service_pb2 as said
from throughcare.partners.v1.service_pb2_grpc import PartnerServiceServicer

if TYPE_CHECKING:
    import grpc

    from chassis.work import Works

    Context = grpc.aio.ServicerContext[Any, Any]


def _organisation(seen: queries.OrganisationSeen) -> said.Organisation:
    return said.Organisation(
        org_id=seen.org_id,
        name=seen.name,
        sector=seen.sector,
        state=seen.status,
        successor_id=seen.successor_id,
        names=[said.OrganisationName(name=n.name, effective_on=day(n.effective_on)) for n in seen.names],
        version=seen.version,
    )


class OrganisationServicer(PartnerServiceServicer):
    """What is asked of and about organisations."""

    works: Works[Any]

    @serves(commands.register_organisation)
    async def RegisterOrganisation(
        self, request: said.RegisterOrganisationRequest, context: Context
    ) -> said.RegisterOrganisationResponse:
        """RegisterOrganisation."""
        form = Form(request)
        given = {
            "org_id": form.opaque("org_id"),
            "name": form.line("name", limit=200),
            "sector": form.code("sector", Sector),
            "effective_on": form.date("effective_on"),
        }
        form.done()
        version = await self.works.do(commands.register_organisation, calling(context, request), **given)
        return said.RegisterOrganisationResponse(version=version)

    @serves(commands.rename_organisation)
    async def RenameOrganisation(
        self, request: said.RenameOrganisationRequest, context: Context
    ) -> said.RenameOrganisationResponse:
        """RenameOrganisation."""
        form = Form(request)
        given = {"name": form.line("name", limit=200), **_change(form)}
        form.done()
        version = await self.works.do(commands.rename_organisation, calling(context, request), **given)
        return said.RenameOrganisationResponse(version=version)

    @serves(commands.merge_organisation)
    async def MergeOrganisation(
        self, request: said.MergeOrganisationRequest, context: Context
    ) -> said.MergeOrganisationResponse:
        """MergeOrganisation."""
        form = Form(request)
        given = {"successor_id": form.opaque("successor_id"), **_change(form)}
        form.done()
        version = await self.works.do(commands.merge_organisation, calling(context, request), **given)
        return said.MergeOrganisationResponse(version=version)

    @serves(commands.close_organisation)
    async def CloseOrganisation(
        self, request: said.CloseOrganisationRequest, context: Context
    ) -> said.CloseOrganisationResponse:
        """CloseOrganisation."""
        form = Form(request)
        given = _change(form)
        form.done()
        version = await self.works.do(commands.close_organisation, calling(context, request), **given)
        return said.CloseOrganisationResponse(version=version)

    @serves(queries.get_organisation)
    async def GetOrganisation(
        self, request: said.GetOrganisationRequest, context: Context
    ) -> said.GetOrganisationResponse:
        """GetOrganisation."""
        form = Form(request)
        given = {"org_id": form.opaque("org_id"), "on": form.date_or_none("on")}
        form.done()
        seen = await self.works.ask(queries.get_organisation, calling(context, request), **given)
        return said.GetOrganisationResponse(organisation=_organisation(seen))

    @serves(queries.list_organisations)
    async def ListOrganisations(
        self, request: said.ListOrganisationsRequest, context: Context
    ) -> said.ListOrganisationsResponse:
        """ListOrganisations."""
        form, call = Form(request), calling(context, request)
        on = form.date_or_none("on")
        form.done()
        asked = page(request.page_size, request.page_token, filter=(on,), call=call)
        after = asked.after[0] if asked.after else None
        found = await self.works.ask(queries.list_organisations, call, on=on, after=after, most=asked.size + 1)
        kept, following = asked.cut(found, lambda seen: (seen.org_id,))
        return said.ListOrganisationsResponse(
            organisations=[_organisation(seen) for seen in kept], next_page_token=following
        )


def _change(form: Form) -> dict[str, Any]:
    """What every change of an organisation says."""
    return {
        "org_id": form.opaque("org_id"),
        "effective_on": form.date("effective_on"),
        "expected": form.version(),
    }
