"""A referral that was redirected is handed on: judged when it is heard, offered once what may be read was read.

No call to another service happens inside a transaction: what is to be handed on is kept, claimed, read and offered.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from chassis.access import Purpose, by
from chassis.aggregate import NotFound, Refused, Unmet
from chassis.work import command
from partners.commands import gate
from partners.commands.handoffs.looking import must_be_open, partner_of
from partners.commands.handoffs.sending import offer
from partners.domain.codes import Aspect
from partners.domain.handoff.codes import Category, Kind, Origin
from partners.storage import redirects as storage
from partners.storage.handoffs import OFFERED_BY_NODE
from partners.storage.whose import person_of

if TYPE_CHECKING:
    from uuid import UUID

    from partners.storage import Work

HOUSE = by("SYSTEM")
# All that leaves with a redirect: how to reach her or him.
SHARED: Final = (Category.CONTACT_DETAILS,)
# What a person can mend, and how: such a redirect waits for one, and goes on by itself once it is mended.
MENDED_BY_ASKING: Final = {
    "consent_missing": (
        "He has not agreed that this partner may know how to reach him. Record his agreement to share CONTACT_DETAILS "
        "with it, and this goes on by itself. If he does not agree, drop this and give the offer as a signpost."
    ),
    "consent_review_passed": (
        "He is to be asked again before this partner may know how to reach him. Record what he says about "
        "CONTACT_DETAILS, and this goes on by itself. If he does not agree, drop this and give the offer as a signpost."
    ),
}
# What passes by itself: a redirect judged again then keeps waiting, and is read for and judged once more.
PASSING: Final = ("feed_stale", "person_held")


@dataclass(frozen=True, kw_only=True)
class Redirect:
    """Whom a redirect is about, and to which offer it leads."""

    person_id: UUID
    case_id: UUID
    offer_id: UUID


@command("handoff.redirect", HOUSE)
async def redirect(work: Work, *, case_id: UUID, offer_id: UUID) -> None:
    """A referral was redirected to an offer: where an agreement with its house lets that be known, it is handed on.

    What he himself has to agree to first is refused with a sentence that says so.
    """
    person_id = await person_of(work, case_id, None)
    partner = await partner_of(work, (await _offered(work, offer_id))["node_id"])
    await must_be_open(work, offer_id, partner)
    question = gate.Question(
        person_id=person_id,
        recipient=partner.org,
        categories=tuple(each.value for each in SHARED),
        purpose=Purpose.HANDOFF.value,
        case_id=case_id,
        related=True,
    )
    try:
        await gate.must_permit(work, question)
    except Unmet as refused:
        if refused.reason not in MENDED_BY_ASKING:
            raise
        raise Unmet(refused.reason, MENDED_BY_ASKING[refused.reason]) from None
    await storage.keep_redirect(work.conn, case_id=case_id, offer_id=offer_id, person_id=person_id, at=work.now)


@command("handoff.offer_redirected", HOUSE)
async def offer_redirected(work: Work, *, wanted: Redirect, snapshot: str) -> dict[str, object]:
    """Hand it on; judged again, since time has passed."""
    offered = await _offered(work, wanted.offer_id)
    return await offer(
        work,
        wanted.person_id,
        case_id=wanted.case_id,
        recipient=offered["node_id"],
        kind=Kind.REFERRAL_ON,
        aspects=tuple(Aspect(code) for code in offered["terms"]["aspects"]),
        offer_id=wanted.offer_id,
        categories=SHARED,
        ground=gate.AGREED,
        origin=Origin.REDIRECT,
        snapshot=snapshot,
    )


async def _offered(work: Work, offer_id: UUID) -> Any:
    found = await OFFERED_BY_NODE.one(work.conn, offer_id=offer_id)
    if found is None:
        raise NotFound("offer_unknown", "No registered house offers this. Give it as a signpost.")
    return found


@command("handoff.claim_redirects", HOUSE)
async def claim_redirects(work: Work) -> list[Redirect]:
    """Those that are to be handed on and that nobody is reading for."""
    return [Redirect(**row) for row in await storage.claim_redirects(work.conn, at=work.now)]


@command("handoff.hand_on", HOUSE)
async def hand_on(work: Work, wanted: Redirect, snapshot: str) -> None:
    """It is offered, and not waited for any more; what the gate refuses by now is audited and stays a signpost.

    While the gate cannot judge it waits as before: its claim runs out, and it is tried again.
    """
    mark = await work.mark()
    if not await storage.redirect_done(work.conn, case_id=wanted.case_id, offer_id=wanted.offer_id):
        await work.release(mark)
        return
    try:
        await offer_redirected.inside(work, wanted=wanted, snapshot=snapshot)
        await work.flush()
    except Refused as refusal:
        await work.undo(mark)
        if refusal.reason in PASSING:
            return
        await storage.redirect_done(work.conn, case_id=wanted.case_id, offer_id=wanted.offer_id)
        work.audit("handoff.offer_redirected", record=wanted.case_id, outcome=f"ignored:{refusal.reason}")
    else:
        await work.release(mark)
