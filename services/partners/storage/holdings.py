"""Where it is kept which node holds a man of ours, what a partner lets us know of his, and what was promised of it."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Date, DateTime, Index, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from partners.storage.metadata import metadata

holding = Table(
    "holding",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("node_id", Text, nullable=False),
    Column("org_id", Text, nullable=False),
    Column("subject_ref", Text, nullable=False),
    Column("since", DateTime(timezone=True), nullable=False),
    Column("consent_told", BigInteger, nullable=False),
    Column("consent_changes", BigInteger, nullable=False),
    Column("consent_applied", BigInteger, nullable=False),
    Column("consent_applied_at", DateTime(timezone=True)),
    Column("list_told", BigInteger, nullable=False),
    Column("list_changes", BigInteger, nullable=False),
    Column("list_applied", BigInteger, nullable=False),
    Column("list_applied_at", DateTime(timezone=True)),
    Column("goes_by", Text, nullable=False),
    Index("holding_once", "person_id", "node_id", unique=True),
    Index("holding_subject_ref", "node_id", "subject_ref", unique=True),
)
leave = Table(
    "leave",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("source_node", Text, nullable=False),
    Column("subject_ref", Text, nullable=False),
    Column("consent_version", BigInteger, nullable=False),
    Column("consent_changes", BigInteger, nullable=False),
    Column("categories", JSONB, nullable=False),
    Column("review_on", Date),
    Column("list_version", BigInteger, nullable=False),
    Column("list_changes", BigInteger, nullable=False),
    Column("excluded", Boolean, nullable=False),
    Index("leave_once", "source_node", "subject_ref", unique=True),
)
word = Table(
    "word",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("node_id", Text, nullable=False),
    Column("given_at", DateTime(timezone=True), nullable=False),
    Index("word_node_id", "node_id", unique=True),
)
