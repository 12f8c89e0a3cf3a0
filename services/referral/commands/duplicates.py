"""One open referral or engagement per person and programme (S17); asking reveals nothing to those not entitled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import ARRAY, Uuid, and_, any_, bindparam, exists, or_, select

from chassis.access import visible_to
from chassis.database import statement
from referral.commands.looking import man
from referral.domain.referral_parts import SENT
from referral.storage import OPEN_WORK, REFERRAL, REFERRALS

if TYPE_CHECKING:
    from referral.domain.referral import Referral
    from referral.storage import Work

_WORKING = exists(select(1).where(OPEN_WORK.c.case_id == REFERRAL.c.case_id, OPEN_WORK.c.open))
_OPEN = statement(
    select(REFERRAL.c.case_reference, visible_to(REFERRALS).label("visible"))
    .where(
        REFERRAL.c.person_id == any_(bindparam("people", type_=ARRAY(Uuid))),
        REFERRAL.c.programme_id == bindparam("programme", type_=Uuid),
        REFERRAL.c.id != bindparam("this", type_=Uuid),
        or_(
            REFERRAL.c.status.in_([status.value for status in SENT]),
            and_(REFERRAL.c.status == "CONVERTED", ~exists(select(1).where(OPEN_WORK.c.case_id == REFERRAL.c.case_id))),
            _WORKING,
        ),
    )
    .order_by(REFERRAL.c.id)
)


async def duplicates_of(work: Work, referral: Referral) -> list[tuple[str, bool]]:
    """The other open ones: their references, and whether the actor may know of each. Converted ones count until
    their work is heard to have closed."""
    rows = await _OPEN.all(
        work.conn,
        people=list((await man(work, referral.person_id)).records),
        programme=referral.programme_id,
        this=referral.id,
        **work.asking,
    )
    return [(row["case_reference"], bool(row["visible"])) for row in rows]
