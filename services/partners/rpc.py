"""PartnerService: request → command or question → answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from google.protobuf.timestamp_pb2 import Timestamp

from chassis.rpc import Form, calling, page, serves
from partners import commands, queries
from partners.domain.organisation import Sector
from partners.projections.picture import queries as pictures
from partners.projections.picture import reference
from partners.projections.picture.view import State
from throughcare.partners.v1 import service_pb2 as said
from throughcare.partners.v1.service_pb2_grpc import PartnerServiceServicer

if TYPE_CHECKING:
    import grpc

    from chassis.work import Works
    from partners.projections.picture import view

    Context = grpc.aio.ServicerContext[Any, Any]


def _stamp(instant: datetime | None) -> Timestamp | None:
    """None leaves the field out."""
    if instant is None:
        return None
    stamp = Timestamp()
    stamp.FromDatetime(instant)
    return stamp


def _day(day: date | None) -> str:
    return "" if day is None else day.isoformat()


def _cover(seen: view.Cover | None) -> said.Cover | None:
    if seen is None:
        return None
    return said.Cover(ref=seen.ref, starts_on=_day(seen.starts_on), ends_on=_day(seen.ends_on))


def _worker(seen: view.Worker | None) -> said.WorksWith | None:
    return None if seen is None else said.WorksWith(worker_ref=seen.ref, role=seen.role, since=_stamp(seen.since))


def _engagement(seen: view.Engagement | None) -> said.EngagementSeen | None:
    if seen is None:
        return None
    return said.EngagementSeen(
        opened_at=_stamp(seen.opened_at),
        state_since=_stamp(seen.since),
        planned_end_on=_day(seen.planned_end_on),
        next_review_on=_day(seen.next_review_on),
        last_tried_at=_stamp(seen.last_tried_at),
    )


def _taking_part(seen: view.TakingPart | None) -> said.TakingPart | None:
    return None if seen is None else said.TakingPart(agreed=seen.agreed, review_on=_day(seen.review_on))


def _screening(seen: view.Screening | None) -> said.ScreeningSeen | None:
    return None if seen is None else said.ScreeningSeen(current=seen.current, completed_on=_day(seen.completed_on))


def _picture(seen: view.Picture) -> said.Picture:
    return said.Picture(
        case_id=str(seen.case_id),
        case_reference=reference.written(seen.reference),
        programme_id=seen.programme_id,
        kind=seen.kind,
        state=seen.state,
        submitted_at=_stamp(seen.submitted_at),
        decision_due_at=_stamp(seen.decision_due_at),
        in_triage_since=_stamp(seen.in_triage_since),
        accepted_at=_stamp(seen.accepted_at),
        ended_at=_stamp(seen.ended_at),
        waits_for_worker=seen.waits_for_worker,
        allocation_due_at=_stamp(seen.allocation_due_at),
        worker=_worker(seen.worker),
        worker_cover=_cover(seen.worker_cover),
        practitioner_ref=seen.practitioner_ref or "",
        practitioner_cover=_cover(seen.practitioner_cover),
        engagement=_engagement(seen.engagement),
        taking_part=_taking_part(seen.taking_part),
        screening=_screening(seen.screening),
        late=[said.Late(promise=missed.promise, since=_stamp(missed.since)) for missed in seen.late or ()],
    )


def _sources(sources: Iterable[pictures.Source]) -> Iterator[said.Source]:
    for source in sources:
        yield said.Source(
            service=source.service,
            last_heard_at=_stamp(source.last_heard_at),
            fresh_as_of=_stamp(source.fresh_as_of),
        )


def _organisation(seen: queries.OrganisationSeen) -> said.Organisation:
    return said.Organisation(
        org_id=seen.org_id,
        name=seen.name,
        sector=seen.sector,
        state=seen.status,
        successor_id=seen.successor_id,
        names=[said.OrganisationName(name=n.name, effective_on=_day(n.effective_on)) for n in seen.names],
        version=seen.version,
    )


class PartnerService(PartnerServiceServicer):
    """Organisations, and the picture."""

    def __init__(self, works: Works[Any]) -> None:
        self.works = works

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

    @serves(pictures.get_picture)
    async def GetPicture(self, request: said.GetPictureRequest, context: Context) -> said.GetPictureResponse:
        """GetPicture."""
        form = Form(request)
        case_id, typed = form.uuid_or_none("case_id"), request.case_reference or None
        if bool(request.case_id) == bool(typed):
            form.fault("case_id", "CONFLICTS_WITH(case_reference)" if typed else "REQUIRED")
        form.done()
        call = calling(context, request)
        seen, sources = await self.works.ask(pictures.get_picture, call, case_id=case_id, case_reference=typed)
        return said.GetPictureResponse(picture=_picture(seen), sources=_sources(sources))

    @serves(pictures.list_pictures)
    async def ListPictures(self, request: said.ListPicturesRequest, context: Context) -> said.ListPicturesResponse:
        """ListPictures."""
        form, call = Form(request), calling(context, request)
        states = form.codes("states", State)
        form.done()
        asked = page(request.page_size, request.page_token, filter=tuple(sorted(states)), call=call)
        after = asked.after[0] if asked.after else None
        found = await self.works.ask(pictures.list_pictures, call, states=states, after=after, most=asked.size)
        return said.ListPicturesResponse(
            pictures=[_picture(seen) for seen in found.pictures],
            next_page_token=asked.next_token((found.pictures[-1].case_id,) if found.more else None),
            counts=[said.StateCount(state=state, cases=cases) for state, cases in found.counts],
            sources=_sources(found.sources),
        )


def _change(form: Form) -> dict[str, Any]:
    """What every change of an organisation says."""
    return {
        "org_id": form.opaque("org_id"),
        "effective_on": form.date("effective_on"),
        "expected": form.version(),
    }
