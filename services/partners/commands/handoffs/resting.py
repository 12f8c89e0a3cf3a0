"""What rests on a consent, a list or an agreement rests with it, and goes on when it is back (states.md 7 and 14).

Called in the transaction of the change, before or after the gate has written it down: what changes is given along.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from chassis.access import Asked, Consent, Ground, Known, Lists, Purpose, decide_all
from partners.commands import gate
from partners.domain.agreement.codes import Status as AgreementStatus
from partners.domain.handoff import holding
from partners.domain.handoff.codes import ConfidentialityBasis, Side
from partners.domain.handoff.states import OPEN
from partners.storage import LOCK_HANDOFF

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from partners.domain.handoff.aggregate import Handoff
    from partners.domain.leave import Leave
    from partners.storage import Work

AT_ONCE = timedelta(0)


@dataclass(frozen=True, kw_only=True)
class Change:
    """What the gate will know in a moment: his newest answer about the recipient, the lists, an agreement that is
    over or rests. None where that is as it was."""

    consent: Consent | None = None
    lists: Lists | None = None
    lost_isa: UUID | None = None

    def after(self, known: Known) -> Known:
        """What is known with it."""
        changed: dict[str, Any] = {} if self.lists is None else {"lists": self.lists}
        if self.consent is not None:
            changed["consents"] = {**known.consents, self.consent.recipient: self.consent}
        return replace(known, **changed)


NOTHING = Change()


async def rest_as_known(
    work: Work,
    *,
    recipient: str,
    records: tuple[UUID, ...] = (),
    isa_id: UUID | None = None,
    change: Change = NOTHING,
) -> int:
    """Hold what is offered between this organisation and us and lost its basis, let go on what has it again: of one
    man by his records or of all, under one agreement or any. Returns how many of them changed."""
    criteria = {"person_id": records, "side": Side.SENDER} if records else {}
    found = await work.handoffs.find(partner_org=recipient, status=OPEN, **criteria)
    wanted = [handoff for handoff in found if isa_id in (None, handoff.grounds.isa_id)]
    return await _each(work, wanted, change)


async def hold_for_lost_basis(
    work: Work, *, recipient: str, isa_id: UUID | None = None, change: Change = NOTHING
) -> int:
    """The same of everybody, by the name of what has happened."""
    return await rest_as_known(work, recipient=recipient, isa_id=isa_id, change=change)


async def rest_received(work: Work, leave: Leave) -> int:
    """What was received of a partner's man rests or goes on by what his house lets us know of him now."""
    node, (goes_by, others) = leave.source_node, await names_of(work, leave.source_node, leave.subject_ref)
    found = await work.handoffs.find(partner=node, subject_ref=(goes_by, *others), side=Side.RECEIVER, status=OPEN)
    changed = 0
    for handoff in await _locked(work, found):
        own, now = [
            leave if each == leave.subject_ref else await work.leaves.first(source_node=node, subject_ref=each)
            for each in (handoff.subject_ref, goes_by)
        ]
        lost = _lost(handoff, own, now)
        changed += await _rest(work, handoff, based=not lost and await _in_force(work, handoff, NOTHING))
    return changed


async def names_of(work: Work, node: str, subject_ref: str) -> tuple[str, tuple[str, ...]]:
    """The reference by which his house names the man of this one, and his others."""
    link = await work.links.first(sender_node=node, subject_ref=subject_ref)
    goes_by = (link.goes_by if link else "") or subject_ref
    others = await work.links.find(sender_node=node, goes_by=goes_by)
    return goes_by, tuple(sorted({subject_ref, *(each.subject_ref for each in others)} - {goes_by}))


def _lost(handoff: Handoff, own: Leave | None, now: Leave | None) -> bool:
    """Whether he does not let us know it, by his answer under the reference he goes by, or while that is not known
    under its own; lists of either keep us out."""
    answering = now if now is not None and now.consent_version else own
    excluded = any(each is not None and each.excluded for each in (own, now))
    if answering is None or handoff.grounds.confidentiality_basis is not ConfidentialityBasis.AGREED:
        return excluded
    agreed = {category.value for category in handoff.categories} <= set(answering.categories)
    return excluded or bool(answering.consent_version and not agreed)


async def rest_as_based(work: Work, handoff: Handoff) -> Handoff:
    """One that lives again after it had expired or was asked back rests or goes on by what holds now."""
    if await based(work, handoff):
        return holding.regain_basis(handoff, at=work.now)
    return holding.lose_basis(handoff, at=work.now)


async def based(work: Work, handoff: Handoff, change: Change = NOTHING) -> bool:
    """Whether what it rests on holds, as far as this house can know: only the house whose man he is knows his answer
    and the lists, both know the agreement. That news may be missing holds nothing: it is judged when it comes."""
    if handoff.side is Side.RECEIVER or not await _in_force(work, handoff, change):
        return await _in_force(work, handoff, change)
    categories = tuple(category.value for category in handoff.categories)
    question = gate.Question(
        person_id=handoff.person_id,
        recipient=handoff.partner_org,
        categories=categories,
        purpose=Purpose.HANDOFF.value,
        basis=Ground(basis=handoff.grounds.confidentiality_basis.value, reference=handoff.grounds.reference),
        related=True,
    )
    known = replace(change.after(await gate.known_of(work, question)), feed_age=AT_ONCE, held=False)
    own = tuple(each for each in known.agreements if each.isa_id == str(handoff.grounds.isa_id))
    asked = Asked(
        owner=handoff.own_org,
        person_id=handoff.person_id,
        category="",
        purpose=question.purpose,
        recipient=handoff.partner_org,
        at=work.now,
        ground=question.basis,
    )
    return decide_all(asked, categories, replace(known, agreements=own)).permitted


async def _in_force(work: Work, handoff: Handoff, change: Change) -> bool:
    if change.lost_isa == handoff.grounds.isa_id:
        return False
    agreement = await work.agreements.first(id=handoff.grounds.isa_id)
    return agreement is not None and agreement.status in (AgreementStatus.ACTIVE, AgreementStatus.EXPIRING)


async def _each(work: Work, found: Iterable[Handoff], change: Change) -> int:
    changed = 0
    for handoff in await _locked(work, found):
        changed += await _rest(work, handoff, based=await based(work, handoff, change))
    return changed


async def _rest(work: Work, handoff: Handoff, *, based: bool) -> int:
    step = holding.regain_basis if based else holding.lose_basis
    value = step(handoff, at=work.now)
    await work.handoffs.put(value)
    return int(bool(value.news))


async def _locked(work: Work, found: Iterable[Handoff]) -> list[Handoff]:
    """In the order of their ids, so that two works never wait for each other."""
    ordered = sorted(found, key=lambda handoff: handoff.id)
    for handoff in ordered:
        await LOCK_HANDOFF.all(work.conn, id=handoff.id)
    return ordered
