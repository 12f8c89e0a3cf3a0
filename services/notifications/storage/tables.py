"""The tables: aggregates, dated rows, and what others told."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from chassis.access import access_lists, merged_people, same_person

metadata = MetaData()
INSTANT = DateTime(timezone=True)

notice_table = Table(
    "notice",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("event_id", Uuid, nullable=False),
    Column("fact", Text, nullable=False),
    Column("about", Text, nullable=False),
    Column("subject_id", Uuid, nullable=False),
    Column("case_id", Uuid),
    Column("person_id", Uuid),
    Column("recipient_kind", Text, nullable=False),
    Column("recipient_ref", Text, nullable=False),
    Column("recipient_role", Text, nullable=False),
    Column("recipient_organisation", Text, nullable=False),
    Column("chain", Text, nullable=False),
    Column("template", Text, nullable=False),
    Column("template_version", BigInteger, nullable=False),
    Column("channel", Text, nullable=False),
    Column("urgency", Text, nullable=False),
    Column("ack_wanted", Boolean, nullable=False),
    Column("promises", Boolean, nullable=False),
    Column("rung", Integer, nullable=False),
    Column("step", Integer, nullable=False),
    Column("carries", Boolean, nullable=False),
    Column("channels", Text, nullable=False),
    Column("filling", JSONB, nullable=False),
    Column("anchor_at", INSTANT, nullable=False),
    Column("requested_at", INSTANT, nullable=False),
    Column("send_after", INSTANT, nullable=False),
    Column("use_by", INSTANT, nullable=False),
    Column("status", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("lease_until", INSTANT),
    Column("letter", Uuid),
)
# At most one letter leaves for an intent: the same recipient hears of one event by one template once a rung.
Index(
    "notice_intent",
    notice_table.c.event_id,
    notice_table.c.recipient_ref,
    notice_table.c.template,
    notice_table.c.rung,
    unique=True,
)
Index("notice_case", notice_table.c.case_id)
Index("notice_person", notice_table.c.person_id)
Index("notice_subject", notice_table.c.subject_id)
Index("notice_recipient", notice_table.c.recipient_ref)
Index(
    "notice_to_send",
    notice_table.c.channel,
    notice_table.c.send_after,
    postgresql_where=notice_table.c.status.in_(["SCHEDULED", "RENDERED", "TEMPORARY_FAILURE"]),
)
Index("notice_sending", notice_table.c.channel, postgresql_where=notice_table.c.status == "SENDING")
Index("notice_unknown", notice_table.c.channel, postgresql_where=notice_table.c.status == "UNKNOWN")

contact_table = Table(
    "contact",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("ref", Text, nullable=False),
    Column("roles", JSONB, nullable=False),
    Column("organisation", Text, nullable=False),
    Column("has_left", Boolean, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)
Index("contact_ref", contact_table.c.kind, contact_table.c.ref, unique=True)

template_table = Table(
    "template",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("reader", Text, nullable=False),
    Column("texts", JSONB, nullable=False),
    Column("status", Text, nullable=False),
    Column("drafted_by", Text, nullable=False),
    Column("approved_by", Text, nullable=False),
)
Index("template_number", template_table.c.name, template_table.c.number, unique=True)
# Only one version of a template is sent.
Index("template_approved", template_table.c.name, unique=True, postgresql_where=template_table.c.status == "APPROVED")

# Dated rows: a change is a new row of a later day, never a new release.
audience_table = Table(
    "audience",
    metadata,
    Column("fact", Text, primary_key=True),
    Column("valid_from", Date, primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("only", Text, nullable=False),
    Column("told", JSONB, nullable=False),
    Column("channels", Text, nullable=False),
    Column("template", Text, nullable=False),
    Column("urgency", Text, nullable=False),
    Column("ack", Boolean, nullable=False),
)
keeper_table = Table(
    "keeper",
    metadata,
    Column("about", Text, primary_key=True),
    Column("valid_from", Date, primary_key=True),
    Column("told", JSONB, nullable=False),
    Column("first", Boolean, nullable=False),
)
urgency_table = Table(
    "urgency",
    metadata,
    Column("urgency", Text, primary_key=True),
    Column("valid_from", Date, primary_key=True),
    Column("version", Text, nullable=False),
    Column("leaves", Text, nullable=False),
    Column("steps", JSONB, nullable=False),
    Column("use_by_hours", Integer, nullable=False),
    Column("handed_within_minutes", Integer),
)
word_pack_table = Table(
    "word_pack",
    metadata,
    Column("version", Text, primary_key=True),
    Column("valid_from", Date, nullable=False),
    Column("terms", JSONB, nullable=False),
)

access_list_table = access_lists(metadata)
merged_table = merged_people(metadata)
SAME = same_person(metadata)
# Of the man himself only the flags of how he can be reached safely; his addresses are asked for when sending.
contacts_table = Table(
    "contacts",
    metadata,
    Column("person_id", Uuid, primary_key=True),
    Column("channels", JSONB, nullable=False),
    Column("days", JSONB, nullable=False),
    Column("from_hour", Integer, nullable=False),
    Column("to_hour", Integer, nullable=False),
    Column("voicemail", Boolean, nullable=False),
    Column("unnamed", Boolean, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
)
person_flags_table = Table(
    "person_flags",
    metadata,
    Column("person_id", Uuid, primary_key=True),
    Column("deceased", Boolean, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
)
contact_consents_table = Table(
    "contact_consents",
    metadata,
    Column("person_id", Uuid, primary_key=True),
    Column("scope", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
)
# Who stands around a case from a day on: one row a kind, as the stream that tells of it said last.
case_people_table = Table(
    "case_people",
    metadata,
    Column("case_id", Uuid, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("starts_on", Date, primary_key=True),
    Column("ref", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("organisation", Text, nullable=False),
    Column("ends_on", Date),
    Column("seq", BigInteger, nullable=False),
)
cases_table = Table(
    "cases",
    metadata,
    Column("case_id", Uuid, primary_key=True),
    Column("person_id", Uuid, nullable=False),
    Column("reference", Text, nullable=False),
    Column("programme_id", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
)
Index("cases_person", cases_table.c.person_id)
case_ends_table = Table(
    "case_ends",
    metadata,
    Column("case_id", Uuid, primary_key=True),
    Column("topic", Text, primary_key=True),
    Column("ended", Boolean, nullable=False),
    Column("seq", BigInteger, nullable=False),
)
# Which promises were kept last, and when: a miss may be heard after the fact that kept it.
kept_promises_table = Table(
    "kept_promises",
    metadata,
    Column("subject_id", Uuid, primary_key=True),
    Column("promise", Text, primary_key=True),
    Column("topic", Text, primary_key=True),
    Column("kept_at", INSTANT, nullable=False),
    Column("seq", BigInteger, nullable=False),
)
PROJECTED = (
    access_list_table,
    merged_table,
    contacts_table,
    person_flags_table,
    contact_consents_table,
    case_people_table,
    cases_table,
    case_ends_table,
    kept_promises_table,
)
