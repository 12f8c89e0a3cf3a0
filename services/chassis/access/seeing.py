"""Which records exist for whom: one predicate for single reads, lists, counts and commands; fails closed.

A role reaches records of the whole house, its own, or those it was proposed for. Limited-access lists bound
everybody: outside an allow list, or on a deny list, a record does not exist. Missing and hidden are one predicate
in one statement, so they look alike and take the same time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    MetaData,
    Table,
    Text,
    Uuid,
    and_,
    cast,
    column,
    exists,
    false,
    func,
    or_,
    select,
    table,
    true,
)
from sqlalchemy.dialects.postgresql import JSONB

from chassis.access.asking import ACTOR_ID, ACTOR_ORGANISATION, ACTOR_ROLE, HOUSE
from chassis.access.guests import Agreements, agreed_with_employer
from chassis.access.merged import no_record_in, others_in
from chassis.access.roles import Grants, Reach, Role

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import ColumnElement


def access_lists(metadata: MetaData) -> Table:
    """The table of allow and deny lists: entries are staff and organisation ids; one row a person and list."""
    return Table(
        "access_list",
        metadata,
        Column("person_id", Uuid, primary_key=True),
        Column("list", Text, primary_key=True),
        Column("entries", JSONB, nullable=False),
        Column("version", BigInteger, nullable=False),
        Column("seq", BigInteger, nullable=False),
    )


@dataclass(frozen=True, kw_only=True)
class Records:
    """How a service tells who stands in what relation to a record of one table.

    `reads`: who may know of it; `person`: the column naming whom it is about, to which access lists apply;
    `own`, `proposed`: predicates over ACTOR_ID, ACTOR_ROLE, ACTOR_ORGANISATION and NOW; absent means nobody.
    `heard`: the lists are those of another service, so while facts of the person are parked or held, nobody reads.
    `agreements`: guests see the record only where one with their employer is in force; without, what is here is
    bounded by who is party to it.
    `same`: the pairs of records that turned out to be of one man; the lists of every record of his bound each: deny
    lists join, allow lists meet.
    """

    reads: Grants
    person: ColumnElement[UUID] | Column[UUID] | None = None
    own: ColumnElement[bool] | None = None
    proposed: ColumnElement[bool] | None = None
    lists: Table | None = None
    heard: bool = False
    agreements: Agreements | None = None
    same: Table | None = None


def _reached(records: Records, grants: Grants) -> ColumnElement[bool]:
    relation = {Reach.HOUSE: true(), Reach.OWN: records.own, Reach.PROPOSED: records.proposed}
    ways: list[ColumnElement[bool]] = []
    for reach, holds in relation.items():
        roles = sorted(role.value for role, reaches in grants.items() if reach in reaches)
        if roles and holds is not None:
            ways.append(and_(ACTOR_ROLE.in_(roles), holds))
    return or_(*ways) if ways else false()


def _unlisted(records: Records) -> Iterable[ColumnElement[bool]]:
    if records.person is None:
        return
    if records.lists is not None:
        lists = records.lists.alias()
        named = or_(lists.c.entries.has_key(ACTOR_ID), lists.c.entries.has_key(ACTOR_ORGANISATION))
        excluded = or_(and_(lists.c.list == "DENY", named), and_(lists.c.list == "ALLOW", ~named))
        excluding = and_(func.jsonb_array_length(lists.c.entries) > 0, excluded)
        yield ~exists(select(1).select_from(lists).where(lists.c.person_id == records.person, excluding))
        if records.same is not None:
            found = others_in(records.same.alias(), lists, lists.c.person_id, excluding)
            yield no_record_in(records.same.alias(), records.person, found)
    if records.heard:
        parked = table("parked", column("key", Text)).alias()
        yield ~exists(select(1).select_from(parked).where(parked.c.key == cast(records.person, Text)))
        if records.same is not None:
            same = records.same.alias()
            waiting = (
                select(same.c.person_id).select_from(same).join(parked, parked.c.key == cast(same.c.other_id, Text))
            )
            yield no_record_in(records.same.alias(), records.person, waiting)


def _hosted(records: Records) -> Iterable[ColumnElement[bool]]:
    """Inside one organisation the agreement is met by itself; for a guest there has to be one with his employer."""
    if records.agreements is not None:
        yield or_(ACTOR_ORGANISATION == HOUSE, agreed_with_employer(records.agreements))


def visible_to(records: Records, *, also: Grants | None = None) -> ColumnElement[bool]:
    """The predicate of what the actor may know of; `also` adds the roles a command is open to.

    The house itself (SYSTEM) sees everything: its commands carry no human role.
    """
    seen = _reached(records, records.reads)
    if also:
        seen = or_(seen, _reached(records, also))
    return or_(ACTOR_ROLE.in_([Role.SYSTEM.value]), and_(seen, *_unlisted(records), *_hosted(records)))


def reached_by(records: Records, grants: Grants) -> ColumnElement[bool]:
    """The predicate of what a command open to these roles may act on, for a record that is visible."""
    return or_(ACTOR_ROLE.in_([Role.SYSTEM.value]), _reached(records, grants))
