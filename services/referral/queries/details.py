"""What is known of a person, for a service of the house that has judged who may know it; names on lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import ARRAY, Uuid, any_, bindparam, select

from chassis.access import by, one_man, visible_to
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
_JOINED = "select old_id from merged_people where old_id = any($1) and into_id is not null"


@query("detail.get", by("SYSTEM"))
async def get_detail(
    work: Work, *, person_id: UUID, case_id: UUID | None, categories: Sequence[Category]
) -> tuple[dict[str, Any], tuple[Category, ...]]:
    """What is known of him in these categories, and which of them this service holds anything of."""
    of = await one_man(work.conn, person_id)
    person = await work.people.get(of.goes_by)
    referral = await work.referrals.first(case_id=case_id) if case_id is not None else None
    work.record = str(person.id)
    answers = referral.answers if referral is not None and referral.person_id in of.records else None
    held = tuple(sorted(HELD & set(categories)))
    return detail_of(person, answers, held, today=local_date(work.now)), held


@query("name.list", by("SYSTEM"))
async def list_names(work: Work, *, person_ids: Sequence[UUID]) -> dict[UUID, str]:
    """How these people like to be called; of one that is not known nothing is said."""
    goes_by = {each: each for each in person_ids}
    for row in await work.conn.fetch(_JOINED, list(person_ids)):
        goes_by[row["old_id"]] = (await one_man(work.conn, row["old_id"])).goes_by
    rows = await _NAMED.all(work.conn, ids=sorted(set(goes_by.values())), **work.asking)
    await work.keys.load(work.conn, [row["id"] for row in rows])
    people = {row["id"]: Work.people.value(row, work.keys, row["id"]) for row in rows}
    work.record = ",".join(str(each) for each in people)
    return {each: people[known_as].name for each, known_as in goes_by.items() if known_as in people}
