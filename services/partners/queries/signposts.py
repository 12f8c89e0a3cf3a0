"""What is asked of signposts."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import BigInteger, Boolean, Uuid, and_, bindparam, or_, select

from chassis.access import by, visible_to
from chassis.database import statement
from chassis.work import query
from partners.domain.signpost import Signpost
from partners.storage import Work, signpost
from partners.storage.signposts import SIGNPOSTS

_AFTER, _CASE = bindparam("after", type_=Uuid), bindparam("case_id", type_=Uuid)
LIST = statement(
    select(signpost)
    # Of a case, whoever may see the case sees what was given in it, by whomever: the door has asked the picture.
    .where(or_(visible_to(SIGNPOSTS), and_(_CASE.is_not(None), signpost.c.case_id == _CASE)))
    .where(or_(_CASE.is_(None), signpost.c.case_id == _CASE))
    .where(or_(~bindparam("to_ask", type_=Boolean), signpost.c.to_ask))
    .where(or_(_AFTER.is_(None), signpost.c.id > _AFTER))
    .order_by(signpost.c.id)
    .limit(bindparam("most", type_=BigInteger))
)


@query("signpost.list", by("SM, CP, IG, PP, EW, PW"))
async def list_signposts(
    work: Work, *, seen_case: UUID | None, to_ask: bool, after: UUID | None = None, most: int = 50
) -> list[Signpost]:
    """Signposts, oldest first: of a case that the caller was seen to see, or all that are his to see."""
    work.record = str(seen_case or "")
    given = {"case_id": seen_case, "to_ask": to_ask, "after": after, "most": most}
    rows = await LIST.all(work.conn, **given, **work.asking)
    return [Work.signposts.value(row, work.keys, None) for row in rows]
