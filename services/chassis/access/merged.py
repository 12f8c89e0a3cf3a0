"""People who turned out to be one man: rows never move, so whoever reads by person reads by all records of his.

A service that keeps rows by person keeps `merged_people` too, as heard. A trigger on it keeps `same_person`, the pairs
of records of one man, whichever was joined to which: merges are rare and reads are not. `seq` is the version of the
record that was joined: facts of the same record may come on several keys, and its own version says which is newer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from sqlalchemy import BigInteger, Column, Table, Uuid, exists, or_, select

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, FromClause, MetaData, Select

    from chassis.database import Connection

NOBODY: Final = UUID(int=0)
_MAN = """
with recursive up(id) as (
    select $1::uuid union select into_id from up join merged_people on old_id = up.id where into_id is not null
)
select
    (select id from up where not exists (select 1 from merged_people where old_id = up.id and into_id is not null))
        as goes_by,
    array(select other_id from same_person where person_id = $1 order by other_id) as others
"""
_BELOW = """
with recursive down(id) as (
    select $1::uuid union select old_id from merged_people join down on into_id = down.id
)
select id from down order by id
"""


@dataclass(frozen=True, kw_only=True)
class OneMan:
    """The record he goes on by, at the end of every chain, and all records of his. `goes_by` is nobody, of whom nothing
    is known, while what was heard so far goes in a circle."""

    goes_by: UUID
    records: tuple[UUID, ...]


def merged_people(metadata: MetaData) -> Table:
    """Which record was joined to which; without `into_id` it stands by itself again."""
    return Table(
        "merged_people",
        metadata,
        Column("old_id", Uuid, primary_key=True),
        Column("into_id", Uuid),
        Column("seq", BigInteger, nullable=False),
    )


def same_person(metadata: MetaData) -> Table:
    """The pairs of records of one man; written by the trigger alone."""
    return Table(
        "same_person",
        metadata,
        Column("person_id", Uuid, primary_key=True),
        Column("other_id", Uuid, primary_key=True),
    )


def merged_row(*, old_id: UUID, into_id: UUID | None, version: int) -> dict[str, Any]:
    """The row of one fact; `version` is that of the record that was joined, or stands by itself again."""
    return {"old_id": old_id, "into_id": into_id, "seq": version}


def no_record_in(same: FromClause, person: ColumnElement[Any], found: Select[Any]) -> ColumnElement[bool]:
    """None of his other records is among those found; what concerns nobody passes. Where nobody has two records, that
    alone is looked at."""
    return or_(~exists(select(1).select_from(same)), person.is_(None), person.not_in(found))


def others_in(same: FromClause, rows: FromClause, person: Any, condition: ColumnElement[bool]) -> Select[Any]:
    """The people another record of whom is named by `person` in such a row."""
    return select(same.c.person_id).select_from(rows.join(same, same.c.other_id == person)).where(condition)


def of_him(same: FromClause, column: ColumnElement[Any], person: ColumnElement[Any]) -> ColumnElement[bool]:
    """The row stands under this record of a person, or under another one of his."""
    pairs = same.alias()
    return or_(column == person, column.in_(select(pairs.c.other_id).where(pairs.c.person_id == person)))


async def one_man(conn: Connection, person_id: UUID) -> OneMan:
    """The man of this record, which stands first among his."""
    row = await conn.fetchrow(_MAN, person_id)
    if row is None:
        raise LookupError
    return OneMan(goes_by=row["goes_by"] or NOBODY, records=(person_id, *row["others"]))


async def joined_to(conn: Connection, person_id: UUID) -> tuple[UUID, ...]:
    """This record and those joined to it, directly or through others: what an answer given under it is about."""
    return tuple(row["id"] for row in await conn.fetch(_BELOW, person_id))
