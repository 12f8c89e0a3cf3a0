"""What rests on a consent or an agreement rests with it, and goes on when it is back (states.md 7 and 14).

Called in the transaction in which the basis is lost or restored, after the gate knows of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from chassis.access import Asked, GateRefusal, Ground, Purpose, decide_all
from partners.commands import gate
from partners.domain.agreement.codes import Status as AgreementStatus
from partners.domain.handoff import holding
from partners.domain.handoff.codes import Cause, ConfidentialityBasis, Side
from partners.domain.handoff.states import OPEN
from partners.storage import LOCK_HANDOFF

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    from partners.domain.handoff.aggregate import Handoff
    from partners.storage import Work

# What says nothing of the basis itself: it is not known to be current, or not known at all.
_UNCERTAIN: Final = frozenset({GateRefusal.FEED_STALE, GateRefusal.PERSON_HELD})


async def hold_for_lost_basis(
    work: Work,
    *,
    recipient: str,
    person_id: UUID | None = None,
    isa_id: UUID | None = None,
    basis: str = "",
) -> int:
    """Hold the open handoffs with this organisation that rest on what was lost: of one person or all, under one
    agreement or any, on one basis of confidentiality or any. What the gate still permits goes on. Returns how many."""
    held = 0
    for handoff in await _open(work, recipient, person_id, isa_id, basis):
        if not await based(work, handoff):
            held += await work.handoffs.put(holding.lose_basis(handoff, at=work.now)) != handoff.version
    return held


async def resume_for_restored_basis(
    work: Work, *, recipient: str, person_id: UUID | None = None, isa_id: UUID | None = None
) -> int:
    """Let go on what the gate permits again. Returns how many."""
    resumed = 0
    for handoff in await _open(work, recipient, person_id, isa_id, ""):
        if Cause.BASIS in handoff.own_holds and await based(work, handoff):
            resumed += await work.handoffs.put(holding.regain_basis(handoff, at=work.now)) != handoff.version
    return resumed


async def hold_received(work: Work, *, sender_node: str, subject_ref: str) -> int:
    """The sender's house tells that its man agrees no more: what was received of him on his agreement rests."""
    held = 0
    for handoff in await _received(work, sender_node, subject_ref):
        if handoff.grounds.confidentiality_basis is ConfidentialityBasis.AGREED:
            held += await work.handoffs.put(holding.lose_basis(handoff, at=work.now)) != handoff.version
    return held


async def resume_received(work: Work, *, sender_node: str, subject_ref: str, categories: Collection[str]) -> int:
    """He agrees again, to these categories: what they cover goes on."""
    resumed = 0
    for handoff in await _received(work, sender_node, subject_ref):
        if {category.value for category in handoff.categories} <= set(categories):
            resumed += await work.handoffs.put(holding.regain_basis(handoff, at=work.now)) != handoff.version
    return resumed


async def rest_as_based(work: Work, handoff: Handoff) -> Handoff:
    """One that lives again after it had expired or was asked back rests or goes on by what holds now."""
    if not handoff.open or handoff.revoking or handoff.side is Side.RECEIVER:
        return handoff
    if await based(work, handoff):
        return holding.regain_basis(handoff, at=work.now)
    return holding.lose_basis(handoff, at=work.now)


async def based(work: Work, handoff: Handoff) -> bool:
    """Whether what it rests on still holds. Only the house whose man he is can judge his agreement and the lists; both
    can judge the agreement between them."""
    if handoff.side is Side.RECEIVER:
        agreement = await work.agreements.first(id=handoff.grounds.isa_id)
        return agreement is not None and agreement.status in (AgreementStatus.ACTIVE, AgreementStatus.EXPIRING)
    known = await gate.known_of(work, handoff.person_id, recipient=handoff.partner_org, related=True)
    asked = Asked(
        owner=handoff.own_org,
        person_id=handoff.person_id,
        category="",
        purpose=Purpose.HANDOFF.value,
        recipient=handoff.partner_org,
        at=work.now,
        ground=Ground(basis=handoff.grounds.confidentiality_basis.value, reference=handoff.grounds.reference),
    )
    verdict = decide_all(asked, tuple(category.value for category in handoff.categories), known)
    if verdict.refusal in _UNCERTAIN:
        return Cause.BASIS not in handoff.own_holds
    return verdict.permitted


async def _open(work: Work, recipient: str, person_id: UUID | None, isa_id: UUID | None, basis: str) -> list[Handoff]:
    criteria = {"person_id": person_id} if person_id else {}
    found = await work.handoffs.find(partner_org=recipient, status=OPEN, **criteria)
    await _lock(work, found)
    return [
        handoff
        for handoff in found
        if isa_id in (None, handoff.grounds.isa_id) and basis in ("", handoff.grounds.confidentiality_basis.value)
    ]


async def _received(work: Work, sender_node: str, subject_ref: str) -> list[Handoff]:
    found = await work.handoffs.find(partner=sender_node, subject_ref=subject_ref, side=Side.RECEIVER, status=OPEN)
    await _lock(work, found)
    return found


async def _lock(work: Work, found: list[Handoff]) -> None:
    for handoff in found:
        await LOCK_HANDOFF.all(work.conn, id=handoff.id)
