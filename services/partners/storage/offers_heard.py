"""Where it is kept how offers of other houses stand, for what is told of them in this one."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from partners.storage.metadata import metadata

offer_heard = Table(
    "offer_heard",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("source_node", Text, nullable=False),
    Column("org_id", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("aspects", JSONB, nullable=False),
    Column("room", JSONB),
)
