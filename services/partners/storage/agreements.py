"""Where sharing agreements are kept, and what the gate has judged."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, DateTime, Index, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from chassis.access import Records, by
from partners.storage.known import SAME, access_list
from partners.storage.metadata import metadata

sharing_agreement = Table(
    "sharing_agreement",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("terms", JSONB, nullable=False),
    Column("terms_hash", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("proposed_by", Text, nullable=False),
    Column("signed", JSONB, nullable=False),
    Column("suspended_at", DateTime(timezone=True)),
    Column("resumed", JSONB, nullable=False),
    Column("rests", JSONB, nullable=False),
    Column("ended_at", DateTime(timezone=True)),
    Index("sharing_agreement_status", "status"),
)
disclosure = Table(
    "disclosure",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("case_id", Uuid),
    Column("recipient", Text, nullable=False),
    Column("categories", JSONB, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("judged_at", DateTime(timezone=True), nullable=False),
    Column("bases", JSONB),
    Column("refusal_code", Text, nullable=False),
    Column("detail_ref", Text, nullable=False),
    Index("disclosure_person_id", "person_id", "id"),
    Index("disclosure_recipient", "recipient", "person_id"),
)
# The guardian reads what was disclosed of anybody; a manager answers for it (access.md 3).
DISCLOSURES = Records(reads=by("IG, SM"), person=disclosure.c.person_id, lists=access_list, heard=True, same=SAME)
