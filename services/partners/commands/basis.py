"""When a basis ends, everything that rests on it stops in the same transaction: T0 (guarantees.md D12).

What still waits to leave goes as stubs, what left may not be read again, and open work that rests on it is put on
hold. A share on a statutory basis survives that he takes his agreement back; nothing survives an access list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chassis.access import Confidentiality
from chassis.journal import stub_pending
from partners.commands.handoffs import Change, hold_for_lost_basis
from partners.storage.known import lock_to_end
from partners.storage.nodes import node_of
from partners.storage.shares import end_shares, inbox_of

if TYPE_CHECKING:
    from uuid import UUID

    from partners.domain.agreement.aggregate import SharingAgreement
    from partners.storage import Work


async def lose_consent(work: Work, person_id: UUID, node: str | None) -> None:
    """He does not agree, or no longer, that the organisation of this node may know; without one nothing went there."""
    await lock_to_end(work.conn, person_id)
    if node is not None:
        agreed = Confidentiality.AGREED.value
        await stub_pending(work.conn, inbox_of(node), person_id, basis=agreed)
        await end_shares(work.conn, node, person_id=person_id, confidentiality_basis=agreed)


async def lose_by_list(work: Work, person_id: UUID, recipient: str, node: str) -> None:
    """The lists exclude this recipient: on whatever basis, nothing goes there any more."""
    await lock_to_end(work.conn, person_id)
    await stub_pending(work.conn, inbox_of(node), person_id)
    await end_shares(work.conn, node, person_id=person_id)


async def lose_agreement(work: Work, agreement: SharingAgreement) -> None:
    """It rests or is over: what was to be said under it is not."""
    await lock_to_end(work.conn)
    for party in agreement.terms.organisations:
        node = await node_of(work.conn, party)
        if node is not None and node != work.node:
            await stub_pending(work.conn, inbox_of(node), None, isa_id=agreement.id)
            await end_shares(work.conn, node, isa_id=agreement.id)
            lost = Change(lost_isa=agreement.id)
            await hold_for_lost_basis(work, recipient=party, isa_id=agreement.id, change=lost)
