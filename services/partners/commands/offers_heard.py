"""What the gate is told of the offers of other houses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chassis.access import by
from chassis.aggregate import Unmet
from chassis.work import command
from partners.domain.offer_heard import OfferHeard

if TYPE_CHECKING:
    from uuid import UUID

    from partners.domain.offer_heard import Word
    from partners.storage import Work


@command("offer.hear", by("SYSTEM"))
async def hear_offer(work: Work, *, source_node: str, offer_id: UUID, word: Word) -> int:
    """Another house says how its offer stands; under the id of one of ours it is not believed."""
    if await work.offers.first(id=offer_id) is not None:
        raise Unmet("offer_of_another", "This offer is ours to speak for.")
    held = await work.offers_heard.first(id=offer_id)
    if held is None:
        return await work.offers_heard.put(OfferHeard.first(offer_id, source_node, word, at=work.now))
    return await work.offers_heard.put(held.hear(source_node, word, at=work.now))
