"""What the house does that offers something."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from chassis.access import Ground, Purpose, by
from chassis.aggregate import Unmet
from chassis.work import command
from partners.commands import gate
from partners.commands.handoffs.looking import must_be_open, new_ref, of_this_house, partner_of
from partners.domain.codes import Aspect
from partners.domain.handoff import sender
from partners.domain.handoff.codes import Category, Kind, Origin
from partners.domain.handoff.sender import Offering
from partners.storage.whose import is_his_house, person_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from partners.storage import Work

SENDERS = by("SYSTEM, EW own, CP own, SM, PW own")


@command("handoff.offer", SENDERS)
async def offer_handoff(
    work: Work,
    *,
    case_id: UUID | None,
    person_id: UUID | None,
    recipient: str,
    kind: Kind,
    aspects: Sequence[Aspect],
    offer_id: UUID | None,
    categories: Sequence[Category],
    ground: Ground,
    snapshot: str,
    origin: Origin = Origin.WORK,
) -> dict[str, object]:
    """Offer a piece of work to another house. `snapshot` is what it may read now; its digest goes with the offer."""
    of_this_house(work)
    whose = await person_of(work, case_id, person_id)
    if not await is_his_house(work, whose):
        raise Unmet(
            "not_his_house",
            "What he agrees to and who may know of him is kept by the house he came from. Ask it to hand him on.",
        )
    given: dict[str, Any] = {
        "case_id": case_id,
        "recipient": recipient,
        "kind": kind,
        "aspects": aspects,
        "offer_id": offer_id,
    }
    given |= {"categories": categories, "ground": ground, "origin": origin, "snapshot": snapshot}
    return await offer(work, whose, **given)


async def offer(
    work: Work,
    whose: UUID,
    *,
    case_id: UUID | None,
    recipient: str,
    kind: Kind,
    aspects: Sequence[Aspect],
    offer_id: UUID | None,
    categories: Sequence[Category],
    ground: Ground,
    origin: Origin,
    snapshot: str,
) -> dict[str, object]:
    """Judge what is to be known of him there; then it is offered, with the digest of what may be read now."""
    partner = await partner_of(work, recipient)
    await must_be_open(work, offer_id, partner)
    detail_ref = new_ref()
    judged = await gate.judge(
        work,
        person_id=whose,
        recipient=partner.org,
        categories=tuple(category.value for category in categories),
        purpose=Purpose.HANDOFF.value,
        basis=ground,
        case_id=case_id,
        detail_ref=detail_ref,
        # Of a case the case decides; whom we know from a handoff we work with, and after a redirect they begin to.
        related=None if case_id is not None and origin is Origin.WORK else True,
    )
    offering = Offering(
        partner=partner.node,
        partner_org=partner.org,
        own_org=work.settings.node_organisation,
        to_probation=partner.to_probation,
        person_id=whose,
        case_id=case_id,
        kind=kind,
        aspects=tuple(aspects),
        offer_id=offer_id,
        categories=tuple(categories),
        scope_hash=hashlib.sha256(snapshot.encode()).hexdigest(),
        snapshot=snapshot,
        origin=origin,
        grounds=gate.grounds_of(judged),
        detail_ref=detail_ref,
    )
    value = sender.offer(work.new_id(), offering, by=work.actor.id, at=work.now)
    return {"handoff_id": str(value.id), "version": await work.handoffs.put(value)}


@command("handoff.revoke", SENDERS)
async def revoke_handoff(work: Work, handoff_id: UUID, *, expected: int | None) -> int:
    """Ask for it back."""
    handoff = await work.handoffs.get(handoff_id, expected)
    return await work.handoffs.put(sender.revoke(handoff, at=work.now))


@command("handoff.supply_information", SENDERS)
async def supply_handoff_information(work: Work, handoff_id: UUID, *, answer: str, expected: int | None) -> int:
    """Answer what was asked."""
    handoff = await work.handoffs.get(handoff_id, expected)
    value = sender.supply(handoff, answer, detail_ref=new_ref(), at=work.now)
    return await work.handoffs.put(value)


@command("handoff.confirm_loop", SENDERS)
async def confirm_handoff_loop(work: Work, handoff_id: UUID, *, expected: int | None) -> int:
    """Say that the outcome was seen."""
    handoff = await work.handoffs.get(handoff_id, expected)
    return await work.handoffs.put(sender.confirm_loop(handoff, at=work.now))
