"""Where appointments with partners without a house are kept, and what was heard of work offered to other houses."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, DateTime, Index, Table, Text, Uuid

from casework.storage.metadata import metadata

INSTANT = DateTime(timezone=True)

appointment_table = Table(
    "external_appointment",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("case_id", Uuid, nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("org_id", Text, nullable=False),
    Column("aspect", Text, nullable=False),
    Column("starts_at", INSTANT, nullable=False),
    Column("ends_at", INSTANT, nullable=False),
    Column("status", Text, nullable=False),
)
Index("external_appointment_case", appointment_table.c.case_id, appointment_table.c.starts_at)
# Projections: what partners told of the handoffs of a case, what each is and where it stands.
onward_table = Table(
    "onward",
    metadata,
    Column("handoff_id", Uuid, primary_key=True),
    Column("case_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
)
Index("onward_case", onward_table.c.case_id)
onward_state_table = Table(
    "onward_state",
    metadata,
    Column("handoff_id", Uuid, primary_key=True),
    Column("state", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
)
