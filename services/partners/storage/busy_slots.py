"""Where hours are kept that were told to other houses or heard of them, and appointments of this one as last heard."""

from __future__ import annotations

from sqlalchemy import ARRAY, BigInteger, Boolean, Column, DateTime, Index, Table, Text, Uuid, any_, bindparam, select
from sqlalchemy.dialects.postgresql import JSONB

from chassis.database import statement
from partners.storage.metadata import metadata

busy_slot = Table(
    "busy_slot",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("case_id", Uuid),
    Column("through", JSONB, nullable=False),
    Column("hours", JSONB),
    Index("busy_slot_person", "person_id"),
)
# What casework of this house told, for a house that begins to work with him later.
appointment_known = Table(
    "appointment_known",
    metadata,
    Column("appointment_id", Uuid, primary_key=True),
    Column("person_id", Uuid, nullable=False),
    Column("case_id", Uuid),
    Column("org_id", Text, nullable=False),
    Column("starts_at", DateTime(timezone=True), nullable=False),
    Column("ends_at", DateTime(timezone=True), nullable=False),
    Column("stands", Boolean, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Index("appointment_known_person", "person_id"),
)
_A = appointment_known.c
COMING = statement(
    select(appointment_known)
    .where(_A.person_id == any_(bindparam("people", type_=ARRAY(Uuid))), _A.stands)
    .where(_A.ends_at > bindparam("at", type_=DateTime(timezone=True)))
    .order_by(_A.starts_at, _A.appointment_id)
)
