"""By which sharing agreements guests of this house may see a picture: what the picture hears of them."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from chassis.access import covers_of
from chassis.projection import Row
from partners.projections.picture.tables import AGREEMENTS, rows
from partners.subscriptions.picture import PICTURE, told_of
from throughcare.partners.v1 import events_pb2 as partners

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chassis.hearing import Heard


@PICTURE.projection(
    partners.IsaActivated, partners.IsaSuspended, partners.IsaResumed, partners.IsaExpired, partners.IsaEnded
)
def agreement_stands(heard: Heard[Any]) -> Iterable[Row]:
    """Whether guests of its recipients may see anything."""
    message = heard.message
    in_force = isinstance(message, partners.IsaActivated | partners.IsaResumed)
    since, seq = heard.envelope.occurred_at, heard.seq
    yield from rows(told_of(heard), ())
    yield Row(*AGREEMENTS.stands(message.isa_id, in_force=in_force, since=since, seq=seq))
    if isinstance(message, partners.IsaActivated):
        between = {"parties": message.parties, "recipients": message.recipients}
        covers = covers_of(message)
        first, last = date.fromisoformat(message.valid_from), date.fromisoformat(message.valid_to)
        yield Row(
            *AGREEMENTS.signed(message.isa_id, **between, valid_from=first, valid_to=last, covers=covers, seq=seq)
        )
