"""What the house tells its own services of offers of other houses: the same as of its own, and no person."""

from __future__ import annotations

from partners.domain.offer_heard import HeardPaused, HeardPublished, HeardRetired
from partners.publications.list import PUBLICATIONS
from throughcare.partners.v1 import events_pb2 as told


@PUBLICATIONS.tells(HeardPublished)
def heard_published(fact: HeardPublished) -> told.OfferPublished:
    """offer.published."""
    message = told.OfferPublished(
        offer_id=str(fact.offer_id),
        org_id=fact.org_id,
        aspect_codes=fact.aspects,
        capacity=fact.room.capacity,
        wait_days=fact.room.wait_days or 0,
    )
    message.as_at.FromDatetime(fact.room.as_at)
    return message


@PUBLICATIONS.tells(HeardPaused)
def heard_paused(fact: HeardPaused) -> told.OfferPaused:
    """offer.paused."""
    return told.OfferPaused(offer_id=str(fact.offer_id))


@PUBLICATIONS.tells(HeardRetired)
def heard_retired(fact: HeardRetired) -> told.OfferRetired:
    """offer.retired."""
    return told.OfferRetired(offer_id=str(fact.offer_id))
