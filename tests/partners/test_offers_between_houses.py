"""What one house tells of an offer is what another holds of it, but for its words."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from chassis.envelope import Envelope
from chassis.hearing import Heard
from chassis.shares import Share
from partners.domain.offer import Offer, Room, Status
from partners.domain.terms import Terms
from partners.publications import PUBLICATIONS
from partners.subscriptions.offers import offer_heard
from tests.partners.domain.offers import AT, NODES, any_id, any_room, any_terms
from throughcare.partners.v1 import shares_pb2 as shared

RECORDED = datetime(2026, 3, 2, 9, 0, 1, tzinfo=UTC)
WORDS = {"name": "", "summary": "", "area_note": "", "eligibility_note": "", "url": "", "email": "", "phone": ""}
# On the bus nothing said is nought: an offer from the age of nought asks no age.
NUMBERS = ("minimum_age", "maximum_age", "minimum_licence_months", "places", "length_months", "panel_days")


def unsaid(terms: Terms) -> Terms:
    """What travels of the terms."""
    return replace(terms, **WORDS, **{name: getattr(terms, name) or None for name in NUMBERS})


def arrived(share: Share) -> Heard[shared.SharedOffer]:
    """The share as the other house hears it, by the bytes that left."""
    assert share.aggregate_id is not None
    envelope = Envelope(
        event_id=uuid4(), type="throughcare.partners.v1.SharedOffer", schema_version=1, reach="SHARE",
        source_node="together", aggregate_type="offer", aggregate_id=share.aggregate_id, stream_sequence=7,
        aggregate_version=1, person_id=None, case_id=None, occurred_at=AT, recorded_at=RECORDED, actor_role="",
        actor_ref="", correlation_id=uuid4(), causation_id=None, traceparent="", sensitivity="STANDARD", detail_ref="",
    )  # fmt: skip
    message = shared.SharedOffer.FromString(share.message.SerializeToString())
    return Heard(message, envelope, f"share.{share.to}.in.v1", f"together/{share.aggregate_id}")


@given(any_id(), any_terms(), any_room(), st.booleans())
def test_what_is_told_is_what_is_held(id: UUID, terms: Terms, room: Room, paused: bool) -> None:
    draft = replace(Offer.draft(id, org_id="sig-penrose", terms=terms, at=AT), news=())
    offer = draft.publish(terms=None, room=room, to=NODES, at=AT)
    offer = offer.pause(to=NODES, at=AT) if paused else offer

    _, *shares = PUBLICATIONS.messages(offer.news[-1])

    assert [share.to for share in shares if isinstance(share, Share)] == list(NODES)
    for share in shares:
        assert isinstance(share, Share)
        assert share.basis is None
        (row,) = offer_heard(arrived(share))
        assert TypeAdapter(Terms).validate_python(row.values["terms"]) == unsaid(terms)
        held = TypeAdapter(Room).validate_python(row.values["room"])
        assert held == replace(room, wait_days=room.wait_days or None)
        assert row.values["status"] == (Status.PAUSED if paused else Status.PUBLISHED)
        assert (row.values["source_node"], row.values["org_id"], row.values["seq"]) == ("together", "sig-penrose", 7)
        assert row.values["last_heard_at"] == RECORDED
