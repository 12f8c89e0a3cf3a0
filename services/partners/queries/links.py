"""What is asked of links: whom a partner's references mean here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, Text, Uuid, bindparam, cast, or_, select

from chassis.access import by, of_him, visible_to
from chassis.database import statement
from chassis.work import query
from partners.storage import Work, subject_link
from partners.storage.known import SAME
from partners.storage.links import LINKS

if TYPE_CHECKING:
    from uuid import UUID

    from partners.domain.link import SubjectLink

L = subject_link.c
_STATUS = cast(bindparam("status", type_=Text), Text)
_PERSON = cast(bindparam("person_id", type_=Uuid), Uuid)
_AFTER = cast(bindparam("after", type_=Uuid), Uuid)
_LIST = statement(
    select(subject_link)
    .where(
        visible_to(LINKS),
        or_(_STATUS.is_(None), L.status == _STATUS),
        or_(
            _PERSON.is_(None),
            L.minted_id == _PERSON,
            of_him(SAME, L.person_id, _PERSON),
        ),
        or_(_AFTER.is_(None), L.id > _AFTER),
    )
    .order_by(L.id)
    .limit(bindparam("most", type_=BigInteger))
)


@query("link.list", by("SM, PA, IG, PW own"))
async def get_subject_links(
    work: Work, *, status: str | None, person_id: UUID | None, after: UUID | None = None, most: int = 50
) -> tuple[SubjectLink, ...]:
    """Links, the oldest first."""
    rows = await _LIST.all(work.conn, **work.asking, status=status, person_id=person_id, after=after, most=most)
    return tuple(Work.links.value(row, work.keys, None) for row in rows)
