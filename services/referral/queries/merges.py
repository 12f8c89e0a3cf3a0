"""Joinings of records: what waits for a second person, and what was done about one man."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Boolean, Integer, Uuid, and_, bindparam, cast, or_, select

from chassis.access import by, visible_to
from chassis.database import statement
from chassis.work import query
from referral.domain.consent import ended_by_merge
from referral.domain.merge import WAITING, Status, ending_of
from referral.storage import MERGE, MERGES, MERGES_FROM

if TYPE_CHECKING:
    from uuid import UUID

    from referral.domain.merge import Merge
    from referral.storage import Work

_PERSON = bindparam("person", type_=Uuid)
_FOUND = statement(
    select(MERGE.c.id)
    .where(
        visible_to(MERGES),
        visible_to(MERGES_FROM),
        or_(
            and_(cast(_PERSON, Uuid).is_(None), MERGE.c.status.in_([status.value for status in WAITING])),
            MERGE.c.from_person_id == _PERSON,
            MERGE.c.to_person_id == _PERSON,
        ),
        or_(bindparam("first", type_=Boolean), MERGE.c.id > bindparam("after_id", type_=Uuid)),
    )
    .order_by(MERGE.c.id)
    .limit(bindparam("size", type_=Integer))
)


@query("merge.list", by("SM"))
async def list_merges(work: Work, *, person_id: UUID | None, after: UUID | None, size: int) -> list[dict[str, Any]]:
    """The oldest first; those that wait for a second person where nobody is named. Who may not know of both men knows
    of none."""
    rows = await _FOUND.all(work.conn, person=person_id, first=after is None, after_id=after, size=size, **work.asking)
    work.record = str(person_id or "")
    return [await _shown(work, await work.merges.get(row["id"])) for row in rows]


async def _shown(work: Work, held: Merge) -> dict[str, Any]:
    return {
        "merge_id": held.id,
        "version": held.version,
        "status": held.status.value,
        "from_person_id": held.from_person_id,
        "to_person_id": held.to_person_id,
        "reason": held.reason.value,
        "asked_by": held.asked_by,
        "asked_at": held.asked_at,
        "merged_at": held.merged_at,
        "unmerge_reason": held.unmerge_reason.value if held.unmerge_reason else "",
        "unmerge_asked_by": held.unmerge_asked_by,
        "unmerged_at": held.unmerged_at,
        "ends": await _ending(work, held),
        "to_sort": [{"kind": later.kind.upper(), "record_id": str(later.record_id)} for later in held.to_sort],
    }


async def _ending(work: Work, held: Merge) -> list[dict[str, str]]:
    """What both service managers are to see before: the agreements that would end."""
    if held.status is not Status.ASKED:
        return []
    old = await work.consents.find(person_id=held.from_person_id)
    return [ending_of(each) for each in ended_by_merge(old, await work.consents.find(person_id=held.to_person_id))]
