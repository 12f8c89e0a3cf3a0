"""What is asked of offers; each is fetch, ask, put. Every partner's node hears each change."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import UUID

from chassis.access import Role, by
from chassis.aggregate import Denied, Exists, Fault, Invalid, Unmet
from chassis.calendar import local_date
from chassis.work import command
from partners.commands.recipients import nodes_told
from partners.domain.offer import Capacity, Offer, Room, Status
from partners.domain.organisation import Status as Standing
from partners.domain.terms import Terms
from partners.storage import LOCK_ORGANISATIONS, MERGED_INTO, STANDING_FOR, Work

if TYPE_CHECKING:
    from datetime import datetime

OFFERING = by("PW own, PA, SM")
ON_OFFER = (Status.PUBLISHED, Status.PAUSED)


@dataclass(frozen=True, kw_only=True)
class Said:
    """What was said of an offer's room; now, where nobody said when."""

    capacity: Capacity
    as_at: datetime | None = None
    wait_days: int | None = None

    def at(self, now: datetime) -> Room:
        """As it is kept."""
        return Room(capacity=self.capacity, as_at=self.as_at or now, wait_days=self.wait_days)


async def _standing(work: Work, org_id: str) -> str:
    """Who stands for an organisation today, locked, so that two offers of one organisation are never made at once."""
    found = await STANDING_FOR.all(work.conn, org_ids=[org_id], on=local_date(work.now))
    if not found:
        raise Invalid(Fault("org_id", "UNKNOWN_CODE"))
    standing = str(found[0]["org_id"])
    await LOCK_ORGANISATIONS.all(work.conn, org_ids=[standing])
    held = await work.organisations.first(org_id=standing)
    if held is None or held.status_on(local_date(work.now)) is not Standing.ACTIVE:
        raise Unmet("organisation_not_active", "It has closed: nobody stands for it.")
    return standing


async def _offering(work: Work, org_id: str) -> None:
    """An organisation that may offer something new: it stands for itself, and is the caller's own where he is a PW."""
    if work.actor.role is Role.PW and work.actor.organisation != org_id:
        raise Denied
    if await _standing(work, org_id) != org_id:
        raise Unmet("organisation_not_active", "It has merged. Offer it in the name of its successor.")


async def _not_twice(work: Work, offer: Offer) -> int:
    """Keep the offer, unless its organisation offers the same already."""
    standing = await _standing(work, offer.org_id)
    family = await MERGED_INTO.all(work.conn, org_id=standing, now=work.now)
    others = await work.offers.find(org_id=tuple(row["org_id"] for row in family), status=ON_OFFER)
    for other in others:
        if other.id != offer.id and other.terms.overlaps(offer.terms):
            raise Exists("offer_exists", "The same is offered already. Change that offer.", reference=str(other.id))
    return await work.offers.put(offer)


@command("offer.draft", OFFERING)
async def draft_offer(work: Work, org_id: str, terms: Terms) -> dict[str, object]:
    """Prepare an offer; nobody is told."""
    await _offering(work, org_id)
    offer = Offer.draft(work.new_id(), org_id=org_id, terms=terms, at=work.now)
    return {"offer_id": str(offer.id), "version": await work.offers.put(offer)}


@command("offer.publish", OFFERING)
async def publish_offer(
    work: Work, *, offer_id: UUID | None, org_id: str, terms: Terms | None, room: Said, expected: int | None
) -> dict[str, object]:
    """Publish an offer, new or known; a pause ends with it."""
    to, said = await nodes_told(work), room.at(work.now)
    if offer_id is None:
        if terms is None:
            raise Invalid(Fault("terms", "REQUIRED"))
        await _offering(work, org_id)
        draft = Offer.draft(work.new_id(), org_id=org_id, terms=terms, at=work.now)
        offer = replace(draft, news=()).publish(terms=None, room=said, to=to, at=work.now)
    else:
        held = await work.offers.get(offer_id, expected)
        offer = held.publish(terms=terms, room=said, to=to, at=work.now)
    return {"offer_id": str(offer.id), "version": await _not_twice(work, offer)}


@command("offer.pause", OFFERING)
async def pause_offer(work: Work, offer_id: UUID, expected: int | None) -> int:
    """Say that it takes nobody for now."""
    offer = await work.offers.get(offer_id, expected)
    return await work.offers.put(offer.pause(to=await nodes_told(work), at=work.now))


@command("offer.update_capacity", OFFERING)
async def update_capacity(work: Work, offer_id: UUID, room: Said, expected: int | None) -> int:
    """Say anew whether there is room."""
    offer = await work.offers.get(offer_id, expected)
    changed = offer.update_capacity(room.at(work.now), to=await nodes_told(work), at=work.now)
    return await work.offers.put(changed)


@command("offer.retire", OFFERING)
async def retire_offer(work: Work, offer_id: UUID, expected: int | None) -> int:
    """End it."""
    offer = await work.offers.get(offer_id, expected)
    return await work.offers.put(offer.retire(to=await nodes_told(work), at=work.now))


@command("offer.announce", by("SYSTEM"))
async def announce_offers(work: Work, node_id: str) -> None:
    """Tell a node that has begun to know this house of every offer that stands; never this house itself."""
    if node_id == work.node:
        return
    for offer in await work.offers.find(status=ON_OFFER):
        await work.offers.put(offer.announce(to=(node_id,), at=work.now))


@command("offer.grow_stale", by("SYSTEM"))
async def grow_offer_stale(work: Work, offer_id: UUID) -> None:
    """Thirty days without a word have passed."""
    offer = await work.offers.get(offer_id)
    await work.offers.put(offer.grow_stale(at=work.now))


async def say_full(work: Work, offer_id: UUID) -> None:
    """A handoff was declined since nobody can be taken: the offer, where it is ours and says otherwise, says so too.

    For commands about handoffs; whoever may decline one has been judged there.
    """
    found = await work.offers.first(id=offer_id)
    if found is None or found.status is not Status.PUBLISHED or found.room is None:
        return
    if found.room.capacity is not Capacity.NO_CAPACITY:
        room = Room(capacity=Capacity.NO_CAPACITY, as_at=work.now)
        await work.offers.put(found.update_capacity(room, to=await nodes_told(work), at=work.now))
