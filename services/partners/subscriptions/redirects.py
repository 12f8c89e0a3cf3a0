"""A referral that was redirected goes on as a handoff, where an agreement lets it be known.

Without one it stays a signpost. Whatever else stands in the way (her agreement not recorded yet, the offer not heard of
here) waits in the parking, where a person sees it, and goes on once that is mended.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from partners.commands import handoffs
from partners.subscriptions.gate import GATE
from throughcare.referral.v1 import events_pb2 as referral

if TYPE_CHECKING:
    from chassis.hearing import Heard
    from partners.storage import Work


@GATE.command(referral.ReferralRedirected, ignored_when=("isa_not_in_force",))
async def offer_redirected(work: Work, heard: Heard[referral.ReferralRedirected]) -> None:
    """She agreed to be offered there."""
    case_id = heard.envelope.case_id
    if case_id is None:
        raise LookupError("a redirect names no case")
    await handoffs.offer_redirected.inside(work, case_id=case_id, offer_id=UUID(heard.message.offer_id))
