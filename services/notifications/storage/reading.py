"""What commands read beside aggregates: dated rows, the contact book, and what was heard of a case."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

from pydantic import TypeAdapter

from notifications.domain.audience import Circle, Entry, Keeper, Lists, Rule
from notifications.domain.codes import Kind
from notifications.domain.lint import Pack, Term
from notifications.domain.timing import Policy

if TYPE_CHECKING:
    from chassis.database import Connection

# Whether he has died the record he goes on by says; the lists of all records of his bound who may hear.
_AROUND = """
with recursive up(id) as (
    select $2::uuid union select into_id from up join merged_people on old_id = up.id where into_id is not null
)
select
    (select reference from cases where case_id = $1) as reference,
    coalesce((select deceased from up join person_flags on person_id = up.id where not exists (
        select 1 from merged_people where old_id = up.id and into_id is not null)), false) as deceased,
    coalesce((select jsonb_agg(jsonb_build_array(list, entries)) from access_list where person_id = $2
        or person_id in (select other_id from same_person where person_id = $2)), '[]') as lists,
    coalesce((select jsonb_agg(to_jsonb(p)) from case_people as p where case_id = $1), '[]') as people
"""
# The cases of a person, under whichever record of his, that have not ended, for a programme or for any.
OPEN_CASES = """
select case_id from cases where ($2 = '' or programme_id = $2)
    and (person_id = $1 or person_id in (select other_id from same_person where person_id = $1))
    and not exists (select 1 from case_ends where case_ends.case_id = cases.case_id and ended)
order by case_id
"""
# Whether a promise was kept at or after the time it was due: late, and heard before its miss.
KEPT = """
select exists (select 1 from kept_promises
    where subject_id = any($1::uuid[]) and promise in ($2, '*') and kept_at >= $3)
"""
# Taken before notices are read to be changed, so that a sender and a timer never meet at the same version.
LOCK_NOTICES = "select id from notice where id = any($1::uuid[]) order by id for update"
LOCK_OPEN = {
    "case_id": "select id from notice where case_id = $1 and status = any($2) order by id for update",
    "person_id": "select id from notice where person_id = $1 and status = any($2) order by id for update",
    "subject_id": "select id from notice where subject_id = $1 and status = any($2) order by id for update",
}
LOCK_OF_MATTER = """
select id from notice where event_id = $1 and template = $2 and chain = $3 order by id for update
"""
_BOOK = "select kind, ref, roles, organisation, has_left from contact order by kind, ref"
_PACK = "select version, terms from word_pack where valid_from <= $1 order by valid_from desc limit 1"


@dataclass(frozen=True, kw_only=True)
class Dated:
    """The rows of every day; whoever asks names his."""

    rules: tuple[Rule, ...]
    keepers: tuple[Keeper, ...]
    policies: tuple[Policy, ...]


@dataclass(frozen=True, kw_only=True)
class Around:
    """What was heard of a case. `main_worker` is the worker himself, whoever covers for him."""

    reference: str
    deceased: bool
    main_worker: str
    circle: Circle


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


async def dated(conn: Connection) -> Dated:
    """Every dated row."""
    rules = await conn.fetch("select * from audience order by fact, valid_from, place")
    keepers = await conn.fetch("select * from keeper")
    policies = await conn.fetch("select * from urgency")
    return Dated(
        rules=_adapter(tuple[Rule, ...]).validate_python([_without(dict(row), "place") for row in rules]),
        keepers=_adapter(tuple[Keeper, ...]).validate_python([dict(row) for row in keepers]),
        policies=_adapter(tuple[Policy, ...]).validate_python([dict(row) for row in policies]),
    )


def _without(row: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != name}


async def book(conn: Connection) -> tuple[Entry, ...]:
    """Who is in the book, without addresses."""
    return tuple(
        Entry(
            kind=Kind(row["kind"]),
            ref=row["ref"],
            roles=frozenset(row["roles"]),
            organisation=row["organisation"],
            left=row["has_left"],
        )
        for row in await conn.fetch(_BOOK)
    )


async def words(conn: Connection, day: date) -> Pack:
    """The word list of a day; an empty one where none has begun."""
    row = await conn.fetchrow(_PACK, day)
    if row is None:
        return Pack(version="0", terms=())
    return Pack(version=row["version"], terms=_adapter(tuple[Term, ...]).validate_python(row["terms"]))


async def around(
    conn: Connection,
    *,
    case_id: UUID | None,
    person_id: UUID | None,
    book: tuple[Entry, ...],
    day: date,
    house: str,
) -> Around:
    """What was heard of a case and of whom it is about, in one statement."""
    row = await conn.fetchrow(_AROUND, case_id, person_id)
    if row is None:
        raise LookupError
    people = row["people"]
    worker, practitioner, referrer = (_now(people, kind, day) for kind in ("WORKER", "PRACTITIONER", "REFERRER"))
    circle = Circle(
        worker=(_now(people, "WORKER_COVER", day) or worker or {}).get("ref", ""),
        worker_role=(worker or {}).get("role", "") or "EW",
        practitioner=(_now(people, "PRACTITIONER_COVER", day) or practitioner or {}).get("ref", ""),
        referrer=(referrer or {}).get("ref", ""),
        referrer_role=(referrer or {}).get("role", "") or "PP",
        referrer_organisation=(referrer or {}).get("organisation", ""),
        book=book,
        lists=_lists(row["lists"]),
        house=house,
    )
    return Around(
        reference=row["reference"] or "",
        deceased=row["deceased"],
        main_worker=(worker or {}).get("ref", ""),
        circle=circle,
    )


def _lists(held: Iterable[tuple[str, Iterable[str]]]) -> Lists:
    """Deny lists join; each allow list has to name him."""
    allow = tuple(frozenset(entries) for which, entries in held if which == "ALLOW")
    deny = frozenset(entry for which, entries in held if which == "DENY" for entry in entries)
    return Lists(allow=allow, deny=deny)


def _now(people: Iterable[Mapping[str, Any]], kind: str, day: date) -> Mapping[str, Any] | None:
    """Who it is on a day, as the newest fact that has begun says."""
    on = day.isoformat()
    begun = [each for each in people if each["kind"] == kind and each["starts_on"] <= on]
    held = max(begun, key=lambda each: int(each["seq"]), default=None)
    if held is None or (held["ends_on"] is not None and held["ends_on"] < on):
        return None
    return held
