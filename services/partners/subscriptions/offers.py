"""What partners' nodes say of their offers, as it was said.

A partner may be a version ahead: a code that is not known here is kept in words, so that a person asks.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from chassis.projection import Row
from partners.commands import offers_heard
from partners.domain.codes import Aspect, Condition, Gender
from partners.domain.offer import Capacity, Room, Status
from partners.domain.offer_heard import Word
from partners.storage import heard_offer
from partners.subscriptions.gate import GATE
from throughcare.partners.v1 import shares_pb2 as shared

if TYPE_CHECKING:
    from chassis.hearing import Heard
    from partners.storage import Work

C = TypeVar("C", bound=StrEnum)
_MOST = 100


@GATE.projection(shared.SharedOffer)
def offer_heard(heard: Heard[shared.SharedOffer]) -> Iterable[Row]:
    """The offer as it stands at its owner; one that speaks under another's id leaves nothing."""
    message, of = heard.message, heard.envelope
    if message.offer_id != str(of.aggregate_id):
        return
    unknown: list[str] = []
    terms = _terms(message, unknown)
    room = _room(message, unknown)
    values = {
        "source_node": of.source_node,
        "offer_id": UUID(message.offer_id),
        "org_id": message.org_id,
        "status": message.state if message.state in set(Status) else Status.PAUSED.value,
        "terms": terms | {"eligibility_note": "; ".join(unknown)},
        "room": room,
        "version": message.version,
        "last_heard_at": of.recorded_at,
        "seq": heard.seq,
    }
    yield Row(heard_offer, values)


@GATE.command(shared.SharedOffer, ignored_when=("offer_of_another",))
async def hear_offer(work: Work, heard: Heard[shared.SharedOffer]) -> None:
    """The services of this house hear how it stands, as of an offer of ours."""
    message, of = heard.message, heard.envelope
    if message.offer_id != str(of.aggregate_id):
        return
    room = _room(message, [])
    word = Word(
        org_id=message.org_id,
        status=Status(message.state) if message.state in set(Status) else Status.PAUSED,
        aspects=tuple(Aspect(code) for code in _known(message.aspect_codes, Aspect, [])),
        room=_kept(room) if room else None,
    )
    await offers_heard.hear_offer.inside(work, source_node=of.source_node, offer_id=of.aggregate_id, word=word)


def _terms(message: shared.SharedOffer, unknown: list[str]) -> dict[str, Any]:
    """Its terms as they are kept, without its words, which do not travel."""
    return {
        "name": "",
        "aspects": _known(message.aspect_codes, Aspect, unknown) or [Aspect.OTHER.value],
        "areas": list(message.area_codes[:_MOST]),
        "genders": _known(message.genders, Gender, unknown),
        "conditions": _known(message.condition_codes, Condition, unknown),
        "minimum_age": _said(message.minimum_age),
        "maximum_age": _said(message.maximum_age),
        "minimum_licence_months": _said(message.minimum_licence_months),
        "places": _said(message.places),
        "length_months": _said(message.length_months),
        "panel_days": _said(message.panel_days),
    }


def _room(message: shared.SharedOffer, unknown: list[str]) -> dict[str, Any] | None:
    if not _known([message.capacity], Capacity, unknown):
        return None
    as_at: datetime = message.as_at.ToDatetime(tzinfo=UTC)
    return {"capacity": message.capacity, "as_at": as_at.isoformat(), "wait_days": _said(message.wait_days)}


def _kept(room: dict[str, Any]) -> Room:
    """The same as a value."""
    as_at = datetime.fromisoformat(room["as_at"])
    return Room(capacity=Capacity(room["capacity"]), as_at=as_at, wait_days=room["wait_days"])


def _known(codes: Iterable[str], kind: type[C], unknown: list[str]) -> list[str]:
    known = {each.value for each in kind}
    named = list(dict.fromkeys(codes))[:_MOST]
    unknown += [code for code in named if code not in known]
    return [code for code in named if code in known]


def _said(number: int) -> int | None:
    """On the bus nothing said is nought."""
    return number if number > 0 else None
