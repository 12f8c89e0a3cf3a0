"""What is known of a person, for a service of the house that has judged who may know it; names on lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import ARRAY, Uuid, any_, bindparam, select

from chassis.access import by, visible_to
from chassis.calendar import local_date
from chassis.database import statement
from chassis.work import query
from referral.domain.detail import HELD, detail_of
from referral.storage import PEOPLE, PERSON, Work

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from referral.domain.codes import Category

_NAMED = statement(
    select(PERSON)
    .where(visible_to(PEOPLE), PERSON.c.id == any_(bindparam("ids", type_=ARRAY(Uuid))))
    .order_by(PERSON.c.id)
)


@query("detail.get", by("SYSTEM"))
async def get_detail(
    work: Work, *, person_id: UUID, case_id: UUID | None, categories: Sequence[Category]
) -> tuple[dict[str, Any], tuple[Category, ...]]:
    """What is known of him in these categories, and which of them this service holds anything of."""
    person = await work.people.get(person_id)
    referral = await work.referrals.first(case_id=case_id) if case_id is not None else None
    work.record = str(person.id)
    answers = referral.answers if referral is not None and referral.person_id == person.id else None
    held = tuple(sorted(HELD & set(categories)))
    return detail_of(person, answers, held, today=local_date(work.now)), held


@query("name.list", by("SYSTEM"))
async def list_names(work: Work, *, person_ids: Sequence[UUID]) -> dict[UUID, str]:
    """How these people like to be called; of one that is not known nothing is said."""
    rows = await _NAMED.all(work.conn, ids=list(person_ids), **work.asking)
    await work.keys.load(work.conn, [row["id"] for row in rows])
    people = [Work.people.value(row, work.keys, row["id"]) for row in rows]
    work.record = ",".join(str(person.id) for person in people)
    return {person.id: person.name for person in people}
