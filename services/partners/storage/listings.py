"""Where imported services are kept: one row for each id at each source."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, DateTime, Index, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from partners.storage.metadata import metadata

listing = Table(
    "listing",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("source", Text, nullable=False),
    Column("source_id", Uuid, nullable=False),
    Column("entry", JSONB, nullable=False),
    Column("imported_at", DateTime(timezone=True), nullable=False),
    Index("listing_source", "source", "source_id", unique=True),
    Index("listing_source_id", "source_id"),
)
