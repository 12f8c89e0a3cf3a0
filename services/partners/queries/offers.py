"""What is asked of single offers: one of any origin, and the list of our own."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import BigInteger, Text, Uuid, any_, bindparam, literal, null, or_, select
from sqlalchemy.dialects.postgresql import ARRAY

from chassis.aggregate import NotFound
from chassis.database import statement
from chassis.work import query
from partners.domain.directory import Candidate, Origin
from partners.domain.offer import Status
from partners.storage import READERS, Work, offer, standing_for
from partners.storage.directory import candidates, one

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

_AFTER = bindparam("after", type_=Uuid)
_ORG_ID = bindparam("org_id", type_=Text)
_OURS = (
    select(
        offer,
        literal(Origin.OURS.value).label("origin"),
        literal("").label("source"),
        literal("").label("organisation"),
        null().label("last_heard_at"),
    )
    .where(or_(_AFTER.is_(None), offer.c.id > _AFTER))
    .where(offer.c.status == any_(bindparam("states", type_=ARRAY(Text))))
    .order_by(offer.c.id)
    .limit(bindparam("most", type_=BigInteger))
)
LIST = statement(_OURS)
LIST_OF = statement(_OURS.where(offer.c.org_id.in_(standing_for(_ORG_ID))))


@query("offer.get", READERS)
async def get_offer(work: Work, offer_id: UUID) -> tuple[Candidate, datetime]:
    """One offer, whatever its origin, and the time of the house."""
    work.record = str(offer_id)
    found = await one(work, offer_id)
    if found is None:
        raise NotFound
    return found, work.now


@query("offer.list", READERS)
async def list_offers(
    work: Work, states: Sequence[Status] = (), org_id: str | None = None, after: UUID | None = None, most: int = 50
) -> tuple[list[Candidate], datetime]:
    """Our own offers, oldest first, and the time; of one organisation, those of whom it stands for too."""
    given = {"states": [state.value for state in states or Status], "after": after, "most": most}
    if org_id is None:
        return await candidates(work, await LIST.all(work.conn, **given)), work.now
    of = await LIST_OF.all(work.conn, **given, org_id=org_id, now=work.now)
    return await candidates(work, of), work.now
