"""What commands about handoffs look up: the partner and his offer, a reference, the handoff itself."""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chassis.access import Role
from chassis.aggregate import Denied, Fault, Invalid, Unmet
from partners.domain.offer import Status as OfferStatus
from partners.domain.organisation import Sector
from partners.storage import LOCK_HANDOFF
from partners.storage.handoffs import HEARD_OFFER_OPEN
from partners.storage.nodes import organisation_of

if TYPE_CHECKING:
    from uuid import UUID

    from partners.domain.handoff.aggregate import Handoff
    from partners.storage import Work


@dataclass(frozen=True, kw_only=True)
class Partner:
    """The other house: its node, whose it is, and whether it is probation's."""

    node: str
    org: str
    to_probation: bool


def new_ref() -> str:
    """A reference to a detail: random, and of no meaning."""
    return "ref-" + base64.b32encode(os.urandom(17)).decode().lower()[:26]


def of_this_house(work: Work) -> None:
    """A partner's worker acts for his own house; as a guest of another he does not."""
    if work.actor.role is Role.PW and work.actor.organisation != work.settings.node_organisation:
        raise Denied


async def partner_of(work: Work, node_id: str) -> Partner:
    """The house behind a registered node."""
    org = await organisation_of(work.conn, node_id)
    if org is None:
        raise Invalid(Fault("recipient", "UNKNOWN_CODE"))
    organisation = await work.organisations.first(org_id=org)
    to_probation = organisation is not None and organisation.sector is Sector.PROBATION
    return Partner(node=node_id, org=org, to_probation=to_probation)


async def must_be_open(work: Work, offer_id: UUID | None, partner: Partner) -> None:
    """The offer is the partner's and takes people: as its node last said, or as it is kept here for one without."""
    if offer_id is None:
        return
    held = await work.offers.first(id=offer_id)
    ours = held is not None and held.org_id == partner.org and held.status is OfferStatus.PUBLISHED
    if not ours and not await HEARD_OFFER_OPEN.value(work.conn, offer_id=offer_id, node=partner.node):
        raise Unmet("offer_not_open", "This offer takes nobody now, or is not that partner's. Look in the directory.")


async def locked(work: Work, handoff_id: UUID) -> Handoff | None:
    """A handoff that is about to be changed by what was heard or fell due."""
    await LOCK_HANDOFF.all(work.conn, id=handoff_id)
    return await work.handoffs.first(id=handoff_id)
