"""The door to the picture."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from chassis.rpc import Form, calling, page, serves
from partners.projections.picture import queries as pictures
from partners.projections.picture import reference
from partners.projections.picture.shapes import State
from partners.rpc.shown import day, stamp
from throughcare.partners.v1 import pictures_pb2 as across
from throughcare.partners.v1 import service_pb2 as said
from throughcare.partners.v1.service_pb2_grpc import PartnerServiceServicer

if TYPE_CHECKING:
    import grpc

    from chassis.work import Works
    from partners.projections.picture import across as seen_across
    from partners.projections.picture import shapes as view

    Context = grpc.aio.ServicerContext[Any, Any]


def _cover(seen: view.Cover | None) -> said.Cover | None:
    if seen is None:
        return None
    return said.Cover(ref=seen.ref, starts_on=day(seen.starts_on), ends_on=day(seen.ends_on))


def _worker(seen: view.Worker | None) -> said.WorksWith | None:
    return None if seen is None else said.WorksWith(worker_ref=seen.ref, role=seen.role, since=stamp(seen.since))


def _engagement(seen: view.Engagement | None) -> said.EngagementSeen | None:
    if seen is None:
        return None
    return said.EngagementSeen(
        opened_at=stamp(seen.opened_at),
        state_since=stamp(seen.since),
        planned_end_on=day(seen.planned_end_on),
        next_review_on=day(seen.next_review_on),
        last_tried_at=stamp(seen.last_tried_at),
    )


def _taking_part(seen: view.TakingPart | None) -> said.TakingPart | None:
    return None if seen is None else said.TakingPart(agreed=seen.agreed, review_on=day(seen.review_on))


def _screening(seen: view.Screening | None) -> said.ScreeningSeen | None:
    return None if seen is None else said.ScreeningSeen(current=seen.current, completed_on=day(seen.completed_on))


def _delivery(seen: seen_across.Delivery) -> across.Delivery:
    return across.Delivery(
        org_id=seen.org_id,
        aspect_code=seen.aspect,
        state=seen.state,
        since=stamp(seen.since),
        ends_on=day(seen.ends_on),
        handoff_id=str(seen.handoff_id or ""),
    )


def _handoff(seen: seen_across.OpenHandoff) -> across.OpenHandoff:
    return across.OpenHandoff(
        handoff_id=str(seen.handoff_id),
        side=seen.side,
        org_id=seen.org_id,
        kind=seen.kind,
        aspect_codes=seen.aspects,
        state=seen.state,
        since=stamp(seen.since),
        due_at=stamp(seen.due_at),
        reason_group=seen.reason_group,
        late_since=stamp(seen.late_since),
    )


def _contact(seen: seen_across.NextContact) -> across.NextContact:
    return across.NextContact(
        org_id=seen.org_id,
        aspect_code=seen.aspect,
        step_code=seen.step,
        starts_at=stamp(seen.starts_at),
        ends_at=stamp(seen.ends_at),
    )


def _gap(seen: seen_across.Gap) -> across.Gap:
    return across.Gap(
        aspect_code=seen.aspect,
        needed_since=day(seen.needed_since),
        after=day(seen.after),
        asked_org_ids=seen.asked,
    )


def _clash(seen: seen_across.Clash) -> across.Clash:
    return across.Clash(starts_at=stamp(seen.starts_at), ends_at=stamp(seen.ends_at), org_ids=seen.org_ids)


def _picture(seen: view.Picture) -> said.Picture:
    return said.Picture(
        case_id=str(seen.case_id),
        case_reference=reference.written(seen.reference),
        programme_id=seen.programme_id,
        kind=seen.kind,
        state=seen.state,
        submitted_at=stamp(seen.submitted_at),
        decision_due_at=stamp(seen.decision_due_at),
        in_triage_since=stamp(seen.in_triage_since),
        accepted_at=stamp(seen.accepted_at),
        ended_at=stamp(seen.ended_at),
        waits_for_worker=seen.waits_for_worker,
        allocation_due_at=stamp(seen.allocation_due_at),
        worker=_worker(seen.worker),
        worker_cover=_cover(seen.worker_cover),
        practitioner_ref=seen.practitioner_ref or "",
        practitioner_cover=_cover(seen.practitioner_cover),
        engagement=_engagement(seen.engagement),
        taking_part=_taking_part(seen.taking_part),
        screening=_screening(seen.screening),
        late=[said.Late(promise=missed.promise, since=stamp(missed.since)) for missed in seen.late or ()],
        deliveries=map(_delivery, seen.deliveries or ()),
        handoffs=map(_handoff, seen.handoffs or ()),
        contacts=map(_contact, seen.contacts or ()),
        gaps=map(_gap, seen.gaps or ()),
        clashes=map(_clash, seen.clashes or ()),
    )


def _sources(sources: Iterable[pictures.Source]) -> Iterator[said.Source]:
    for source in sources:
        yield said.Source(
            service=source.service,
            last_heard_at=stamp(source.last_heard_at),
            fresh_as_of=stamp(source.fresh_as_of),
            node_id=source.node_id,
            unheard_since=stamp(source.unheard_since),
        )


class PictureServicer(PartnerServiceServicer):
    """What is asked about cases across services."""

    works: Works[Any]

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
