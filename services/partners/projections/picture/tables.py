"""The picture's own schema: registers as rows, and when each source was last heard and last read to its end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import BigInteger, Column, DateTime, Index, MetaData, Table, Text, Uuid, literal_column
from sqlalchemy.dialects.postgresql import JSONB

from chassis.access import access_lists, agreements, merged_people, merged_row, same_person
from chassis.projection import Row
from partners.projections.picture.registers import Holder, Slot

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from chassis.database import Connection
    from partners.projections.picture.registers import Register, Told

metadata = MetaData(schema="picture")

opened_case = Table(
    "opened_case",
    metadata,
    Column("case_id", Uuid, primary_key=True),
    Column("person_id", Uuid, nullable=False),
    Column("reference", Text, nullable=False),
    Column("programme_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("submitted_at", DateTime(timezone=True), nullable=False),
    Column("decision_due_at", DateTime(timezone=True), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Index("opened_case_reference", "reference"),
    Index("opened_case_person_id", "person_id"),
)
case_register = Table(
    "case_register",
    metadata,
    Column("case_id", Uuid, primary_key=True),
    Column("slot", Text, primary_key=True),
    Column("value", JSONB, nullable=False),
    Column("seq", BigInteger, nullable=False),
)
# Whom a register names: workers, practitioners and their cover find their cases by it.
_named = case_register.c.value.op("->>")(literal_column("'ref'"))
Index("case_register_ref", _named, postgresql_where=_named.is_not(None))
person_register = Table(
    "person_register",
    metadata,
    Column("person_id", Uuid, primary_key=True),
    Column("slot", Text, primary_key=True),
    Column("value", JSONB, nullable=False),
    Column("seq", BigInteger, nullable=False),
)
# Handoffs, other houses, links: aggregates of another service, each with a version of its own, which is the `seq` here.
across_register = Table(
    "across_register",
    metadata,
    Column("holder", Text, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("slot", Text, primary_key=True),
    Column("value", JSONB, nullable=False),
    Column("seq", BigInteger, nullable=False),
)
_concerned = across_register.c.value.op("->>")(literal_column("'person_id'"))
Index("across_register_person", _concerned, postgresql_where=_concerned.is_not(None))
_of_case = across_register.c.value.op("->>")(literal_column("'case_id'"))
Index("across_register_case", _of_case, postgresql_where=_of_case.is_not(None))
_known_as = across_register.c.value.op("->>")(literal_column("'known_as'"))
Index("across_register_known_as", _known_as, postgresql_where=_known_as.is_not(None))
access_list = access_lists(metadata)
AGREEMENTS = agreements(metadata)
merged = merged_people(metadata)
SAME = same_person(metadata)
last_heard = Table(
    "last_heard",
    metadata,
    Column("topic", Text, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("seq", BigInteger, nullable=False),
)
# What facts left: equal after a rebuild. `source` is about reading, not about facts.
PROJECTED = (
    opened_case,
    case_register,
    person_register,
    across_register,
    access_list,
    merged,
    *AGREEMENTS.tables,
    last_heard,
)
source = Table(
    "source",
    metadata,
    Column("topic", Text, primary_key=True),
    Column("fresh_at", DateTime(timezone=True), nullable=False),
)

# What another house told is heard through this one's gate: a source of its own, by the name of its node.
SHARES = "share/"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CAUGHT_UP = """
insert into picture.source as held (topic, fresh_at) values ($1, $2)
on conflict (topic) do update set fresh_at = excluded.fresh_at where held.fresh_at < excluded.fresh_at
"""


def rows(told: Told, registers: Iterable[Register]) -> Iterator[Row]:
    """The rows of one fact; its source was heard with it."""
    for register in registers:
        yield _row(register)
    # The newest instant wins whatever the stream: its microseconds stand in for a sequence.
    at = told.recorded_at
    for topic in (told.topic, f"{SHARES}{told.heard_from}") if told.heard_from else (told.topic,):
        yield Row(last_heard, {"topic": topic, "at": at, "seq": (at - _EPOCH) // timedelta(microseconds=1)})


def _row(register: Register) -> Row:
    if register.slot == Slot.OPENED:
        return _opened(register)
    if register.slot == Slot.JOINED:
        into = register.value["into"]
        into_id = UUID(str(into)) if into else None
        return Row(merged, merged_row(old_id=register.id, into_id=into_id, version=register.seq))
    if register.holder not in {Holder.CASE, Holder.PERSON}:
        at = {"holder": register.holder.value, "id": register.id, "slot": str(register.slot)}
        return Row(across_register, {**at, "value": dict(register.value), "seq": register.seq})
    if register.holder is Holder.CASE:
        table, holder = case_register, "case_id"
    elif register.slot.startswith(f"{Slot.ACCESS}:"):
        held = register.value
        entries = list(held["entries"])  # type: ignore[arg-type]  # a tuple of ids in this family
        listed = {"list": held["list"], "entries": entries, "version": held["version"]}
        return Row(access_list, {"person_id": register.id, **listed, "seq": register.seq})
    else:
        table, holder = person_register, "person_id"
    held_by = {holder: register.id, "slot": register.slot}
    return Row(table, {**held_by, "value": dict(register.value), "seq": register.seq})


def _opened(register: Register) -> Row:
    held = register.value
    return Row(
        opened_case,
        {
            "case_id": register.id,
            "person_id": UUID(str(held["person_id"])),
            "reference": held["reference"],
            "programme_id": held["programme_id"],
            "kind": held["kind"],
            "submitted_at": datetime.fromisoformat(str(held["submitted_at"])),
            "decision_due_at": datetime.fromisoformat(str(held["decision_due_at"])),
            "seq": register.seq,
        },
    )


async def caught_up(conn: Connection, topic: str, at: datetime) -> None:
    """This group has read the topic to its end as of this moment: the source is fresh as of it."""
    await conn.execute(_CAUGHT_UP, topic, at)
