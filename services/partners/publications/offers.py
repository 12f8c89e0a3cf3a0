"""What is told of offers: in the house each change, and every partner's node the offer as it stands. No person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf.timestamp_pb2 import Timestamp

from chassis.shares import Share
from partners.domain.offer import Announced, CapacityChanged, Changed, GrownStale, Paused, Published, Retired
from partners.publications.list import PUBLICATIONS
from throughcare.partners.v1 import events_pb2 as told
from throughcare.partners.v1 import shares_pb2 as shared

if TYPE_CHECKING:
    from datetime import datetime

    from google.protobuf.message import Message


def _stamp(instant: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(instant)
    return stamp


def _shared(fact: Changed) -> shared.SharedOffer:
    """The offer as it stands, without its words."""
    of, terms, room = fact.standing, fact.standing.terms, fact.standing.room
    return shared.SharedOffer(
        offer_id=str(of.offer_id),
        org_id=of.org_id,
        state=of.status,
        aspect_codes=terms.aspects,
        area_codes=terms.areas,
        minimum_age=terms.minimum_age or 0,
        maximum_age=terms.maximum_age or 0,
        genders=terms.genders,
        minimum_licence_months=terms.minimum_licence_months or 0,
        capacity=room.capacity,
        as_at=_stamp(room.as_at),
        wait_days=room.wait_days or 0,
        version=of.version,
        condition_codes=terms.conditions,
        places=terms.places or 0,
        length_months=terms.length_months or 0,
        panel_days=terms.panel_days or 0,
    )


def _with_shares(message: Message, fact: Changed) -> tuple[Message | Share, ...]:
    """The house's own message first: it carries the fact."""
    return (message, *_shares(fact))


def _shares(fact: Changed) -> tuple[Share, ...]:
    return tuple(Share(to=node, message=_shared(fact), aggregate_id=fact.standing.offer_id) for node in fact.to)


@PUBLICATIONS.tells(Published)
def published(fact: Published) -> tuple[Message | Share, ...]:
    """offer.published."""
    of = fact.standing
    message = told.OfferPublished(
        offer_id=str(of.offer_id),
        org_id=of.org_id,
        aspect_codes=of.terms.aspects,
        capacity=of.room.capacity,
        as_at=_stamp(of.room.as_at),
        wait_days=of.room.wait_days or 0,
    )
    return _with_shares(message, fact)


@PUBLICATIONS.tells(Paused)
def paused(fact: Paused) -> tuple[Message | Share, ...]:
    """offer.paused."""
    return _with_shares(told.OfferPaused(offer_id=str(fact.standing.offer_id)), fact)


@PUBLICATIONS.tells(CapacityChanged)
def capacity_changed(fact: CapacityChanged) -> tuple[Message | Share, ...]:
    """offer.capacity_changed."""
    room = fact.standing.room
    message = told.OfferCapacityChanged(
        offer_id=str(fact.standing.offer_id),
        capacity=room.capacity,
        as_at=_stamp(room.as_at),
        wait_days=room.wait_days or 0,
    )
    return _with_shares(message, fact)


@PUBLICATIONS.tells(Retired)
def retired(fact: Retired) -> tuple[Message | Share, ...]:
    """offer.retired."""
    return _with_shares(told.OfferRetired(offer_id=str(fact.standing.offer_id)), fact)


@PUBLICATIONS.tells(Announced)
def announced(fact: Announced) -> tuple[Share, ...]:
    """The new node alone hears it: in the house nothing has changed."""
    return _shares(fact)


@PUBLICATIONS.tells(GrownStale)
def grown_stale(fact: GrownStale) -> told.OfferStale:
    """offer.stale."""
    return told.OfferStale(offer_id=str(fact.offer_id), as_at=_stamp(fact.as_at))
