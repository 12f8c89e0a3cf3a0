"""The door to offers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chassis.rpc import Form, calling, page, serves
from partners.commands import offers as commands
from partners.domain.codes import Aspect, Condition, Gender
from partners.domain.offer import Capacity, Room, Status
from partners.domain.terms import LIMITS, Terms
from partners.queries import offers as queries
from partners.rpc.shown import stamp
from throughcare.partners.v1 import offers_pb2 as said
from throughcare.partners.v1.service_pb2_grpc import PartnerServiceServicer

if TYPE_CHECKING:
    from datetime import datetime

    import grpc

    from chassis.work import Works
    from partners.domain.directory import Candidate

    Context = grpc.aio.ServicerContext[Any, Any]

_NUMBERS = (
    "minimum_age", "maximum_age", "minimum_licence_months", "places", "length_months", "panel_days",
)  # fmt: skip
_WORDS = ("url", "email", "phone")


def terms_of(form: Form, request: said.OfferTerms) -> Terms:
    """What is offered; what the terms themselves refuse is theirs to say."""
    given: dict[str, Any] = {name: form.count_or_none(name) for name in _NUMBERS}
    given |= {name: form.line(name, limit=500, required=False) for name in _WORDS}
    return Terms(
        name=form.line("name", limit=LIMITS["name"]),
        aspects=form.codes("aspect_codes", Aspect),
        summary=form.text("summary", limit=LIMITS["summary"], required=False),
        areas=tuple(request.area_codes),
        area_note=form.text("area_note", limit=LIMITS["area_note"], required=False),
        genders=form.codes("genders", Gender),
        conditions=form.codes("condition_codes", Condition),
        eligibility_note=form.text("eligibility_note", limit=LIMITS["eligibility_note"], required=False),
        **given,
    )


def room_of(form: Form) -> commands.Said:
    """What was said of its room."""
    return commands.Said(
        capacity=form.code("capacity", Capacity),
        as_at=form.instant_or_none("as_at"),
        wait_days=form.count_or_none("wait_days"),
    )


def shown_terms(terms: Terms) -> said.OfferTerms:
    """The terms as answers hold them."""
    return said.OfferTerms(
        name=terms.name,
        summary=terms.summary,
        aspect_codes=terms.aspects,
        area_codes=terms.areas,
        area_note=terms.area_note,
        genders=terms.genders,
        condition_codes=terms.conditions,
        eligibility_note=terms.eligibility_note,
        **{name: getattr(terms, name) for name in (*_NUMBERS, *_WORDS)},
    )


def _shown_room(room: Room) -> said.OfferRoom:
    return said.OfferRoom(capacity=room.capacity, as_at=stamp(room.as_at), wait_days=room.wait_days)


def shown(offer: Candidate, at: datetime) -> said.Offer:
    """An offer of any origin as answers hold it."""
    return said.Offer(
        offer_id=str(offer.id),
        origin=offer.origin,
        source=offer.source,
        org_id=offer.org_id,
        standing_id=offer.standing_id,
        organisation=offer.organisation,
        state=offer.status,
        terms=shown_terms(offer.terms),
        room=None if offer.room is None else _shown_room(offer.room),
        stale=offer.stale(at),
        last_heard_at=stamp(offer.last_heard_at),
        version=offer.version,
    )


class OfferServicer(PartnerServiceServicer):
    """What is asked of and about single offers."""

    works: Works[Any]

    @serves(commands.draft_offer)
    async def DraftOffer(self, request: said.DraftOfferRequest, context: Context) -> said.DraftOfferResponse:
        """DraftOffer."""
        form = Form(request)
        given = {"org_id": form.opaque("org_id"), "terms": terms_of(form.part("terms"), request.terms)}
        form.done()
        answer = await self.works.do(commands.draft_offer, calling(context, request), **given)
        return said.DraftOfferResponse(**answer)

    @serves(commands.publish_offer)
    async def PublishOffer(self, request: said.PublishOfferRequest, context: Context) -> said.PublishOfferResponse:
        """PublishOffer."""
        form = Form(request)
        offer_id, terms = form.uuid_or_none("offer_id"), form.part_or_none("terms")
        given = {
            "offer_id": offer_id,
            "org_id": "" if request.offer_id else form.opaque("org_id"),
            "terms": terms and terms_of(terms, request.terms),
            "room": room_of(form.part("room")),
            "expected": form.version() if request.offer_id else None,
        }
        form.done()
        answer = await self.works.do(commands.publish_offer, calling(context, request), **given)
        return said.PublishOfferResponse(**answer)

    @serves(commands.pause_offer)
    async def PauseOffer(self, request: said.PauseOfferRequest, context: Context) -> said.PauseOfferResponse:
        """PauseOffer."""
        given = _known(request)
        version = await self.works.do(commands.pause_offer, calling(context, request), **given)
        return said.PauseOfferResponse(version=version)

    @serves(commands.update_capacity)
    async def UpdateCapacity(
        self, request: said.UpdateCapacityRequest, context: Context
    ) -> said.UpdateCapacityResponse:
        """UpdateCapacity."""
        form = Form(request)
        given = {
            "offer_id": form.uuid("offer_id"),
            "room": room_of(form.part("room")),
            "expected": form.version(),
        }
        form.done()
        version = await self.works.do(commands.update_capacity, calling(context, request), **given)
        return said.UpdateCapacityResponse(version=version)

    @serves(commands.retire_offer)
    async def RetireOffer(self, request: said.RetireOfferRequest, context: Context) -> said.RetireOfferResponse:
        """RetireOffer."""
        given = _known(request)
        version = await self.works.do(commands.retire_offer, calling(context, request), **given)
        return said.RetireOfferResponse(version=version)

    @serves(queries.get_offer)
    async def GetOffer(self, request: said.GetOfferRequest, context: Context) -> said.GetOfferResponse:
        """GetOffer."""
        form = Form(request)
        offer_id = form.uuid("offer_id")
        form.done()
        found, at = await self.works.ask(queries.get_offer, calling(context, request), offer_id=offer_id)
        return said.GetOfferResponse(offer=shown(found, at))

    @serves(queries.list_offers)
    async def ListOffers(self, request: said.ListOffersRequest, context: Context) -> said.ListOffersResponse:
        """ListOffers."""
        form, call = Form(request), calling(context, request)
        states, org_id = form.codes("states", Status), form.opaque_or_none("org_id")
        form.done()
        filtered = (tuple(sorted(states)), org_id)
        asked = page(request.page_size, request.page_token, filter=filtered, call=call)
        after = asked.after[0] if asked.after else None
        found, at = await self.works.ask(
            queries.list_offers, call, states=states, org_id=org_id, after=after, most=asked.size + 1
        )
        kept, following = asked.cut(found, lambda offer: (offer.id,))
        return said.ListOffersResponse(offers=[shown(offer, at) for offer in kept], next_page_token=following)


def _known(request: Any) -> dict[str, Any]:
    """What every change of a known offer says."""
    form = Form(request)
    given = {"offer_id": form.uuid("offer_id"), "expected": form.version()}
    form.done()
    return given
