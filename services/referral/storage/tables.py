"""The tables of the service: one for each kind of record, and what casework told."""

from __future__ import annotations

from typing import Any

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
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from chassis.access import access_lists, agreements, merged_people, same_person

metadata = MetaData()


def _instant(name: str) -> Column[Any]:
    return Column(name, DateTime(timezone=True))


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def _aggregate(name: str, *columns: Column[Any] | Index) -> Table:
    return Table(
        name,
        metadata,
        Column("id", Uuid, primary_key=True),
        Column("version", BigInteger, nullable=False),
        *columns,
    )


PROGRAMME = _aggregate("programme", Column("code", Text, nullable=False, unique=True), Column("policies", JSONB))
PHASE = _aggregate(
    "rollout_phase",
    Column("programme_id", Uuid, nullable=False),
    _text("quadrant"),
    Column("opens_on", Date, nullable=False),
    Column("open_prerequisites", JSONB, nullable=False),
    _text("state"),
    Index("rollout_phase_once", "programme_id", "quadrant", unique=True),
)
PERSON = _aggregate(
    "person",
    _text("state"),
    Column("deceased", Boolean, nullable=False),
    Column("merge_review", Boolean, nullable=False),
    Column("merged_into", Uuid),
    Column("sealed", LargeBinary, nullable=False),
    *(Column(f"{kind}_hash", Text) for kind in ("crn", "prison_number", "pnc", "cro", "nhs_number")),
    *(
        Index(f"person_{kind}", f"{kind}_hash", postgresql_where=text(f"{kind}_hash is not null"))
        for kind in ("crn", "prison_number", "pnc", "cro", "nhs_number")
    ),
)
EQUALITY = _aggregate(
    "equality_answers",
    Column("person_id", Uuid, nullable=False, unique=True),
    Column("sealed", LargeBinary, nullable=False),
)
REFERRAL = _aggregate(
    "referral",
    Column("case_id", Uuid, nullable=False, unique=True),
    Column("case_reference", Text, nullable=False, unique=True),
    Column("person_id", Uuid, nullable=False),
    Column("programme_id", Uuid, nullable=False),
    _text("kind"),
    _text("referrer_kind"),
    _text("referrer_org"),
    _text("started_by"),
    _text("status"),
    _text("borough"),
    _instant("started_at"),
    _instant("submitted_at"),
    _instant("due_at"),
    Column("decision", Text),
    Column("rule_ids", JSONB, nullable=False),
    _text("policy_version"),
    Column("base_band", Text),
    Column("effective_band", Text),
    Column("step_days", Integer, nullable=False),
    _text("waiting_version"),
    Column("possible_duplicate", Boolean, nullable=False),
    _text("proposed_worker"),
    Column("acceptance", BigInteger, nullable=False),
    _instant("ended_at"),
    Column("reason_group", Text),
    Column("ended_by", Text),
    _text("redirected_to"),
    Column("sealed", LargeBinary, nullable=False),
    Index("referral_person", "person_id", "programme_id"),
    Index("referral_started_by", "started_by"),
    Index("referral_waiting", "programme_id", "status", "effective_band", "submitted_at"),
)
CONTACT = _aggregate(
    "practitioner_contact",
    Column("case_id", Uuid, nullable=False, unique=True),
    Column("person_id", Uuid, nullable=False),
    _text("practitioner_ref"),
    _text("cover_ref"),
    Column("cover_from", Date),
    Column("cover_to", Date),
    Column("sealed", LargeBinary, nullable=False),
    Index("practitioner_contact_ref", "practitioner_ref"),
)
CONSENT = _aggregate(
    "consent",
    Column("person_id", Uuid, nullable=False),
    _text("purpose"),
    Column("programme_id", Uuid),
    _text("recipient"),
    Column("scope_codes", JSONB, nullable=False),
    _text("status"),
    Column("number", BigInteger, nullable=False),
    Column("explained_how", Text),
    _text("language"),
    Column("copy_offered", Boolean, nullable=False),
    _text("taken_by"),
    _instant("asked_at"),
    Column("review_on", Date),
    Column("replaces", Uuid),
    Column("sealed", LargeBinary, nullable=False),
    Index("consent_person", "person_id", "purpose"),
)
SCREENING = _aggregate(
    "screening_evidence",
    Column("person_id", Uuid, nullable=False),
    _text("source"),
    Column("completed_on", Date, nullable=False),
    _text("state"),
    _instant("recorded_at"),
    Column("sealed", LargeBinary, nullable=False),
    Index("screening_evidence_person", "person_id", "state"),
)
PROMPT = _aggregate(
    "prompt",
    Column("person_id", Uuid, nullable=False),
    _text("kind"),
    Column("source_key", Text, nullable=False, unique=True),
    _text("event_type"),
    _text("status"),
    _instant("raised_at"),
    Index("prompt_person", "person_id", "status"),
)
LISTS = _aggregate(
    "limited_access",
    Column("person_id", Uuid, nullable=False, unique=True),
    Column("allow", JSONB, nullable=False),
    Column("deny", JSONB, nullable=False),
)
MERGE = _aggregate(
    "person_merge",
    Column("from_person_id", Uuid, nullable=False),
    Column("to_person_id", Uuid, nullable=False),
    _text("reason"),
    _text("status"),
    _text("asked_by"),
    _instant("asked_at"),
    _instant("merged_at"),
    Column("unmerge_reason", Text),
    _text("unmerge_asked_by"),
    _instant("unmerged_at"),
    Column("to_sort", JSONB, nullable=False),
    Index("person_merge_from", "from_person_id"),
    Index("person_merge_status", "status"),
)
FEEDS = _aggregate("feeds", Column("confirmed_at", DateTime(timezone=True), nullable=False))
# What an import has taken: a hash of (source, external reference), for ever.
IMPORTED = Table("imported", metadata, Column("reference", Text, primary_key=True))

# Projections: what casework told.
CASE_WORKER = Table(
    "case_workers",
    metadata,
    Column("case_id", Uuid, primary_key=True),
    _text("worker_ref"),
    _text("role"),
    Column("seq", BigInteger, nullable=False),
    Index("case_workers_worker", "worker_ref"),
)
CASE_COVER = Table(
    "case_cover",
    metadata,
    Column("case_id", Uuid, primary_key=True),
    _text("worker_ref"),
    Column("starts_on", Date, nullable=False),
    Column("ends_on", Date),
    Column("seq", BigInteger, nullable=False),
    Index("case_cover_worker", "worker_ref"),
)
OPEN_WORK = Table(
    "open_work",
    metadata,
    Column("case_id", Uuid, primary_key=True),
    Column("open", Boolean, nullable=False),
    Column("worker_until", Date),
    Column("seq", BigInteger, nullable=False),
)
# Projections: what partners told. Where an offer stands; what became of a redirect, by its handoff.
OFFER = Table(
    "offers",
    metadata,
    Column("offer_id", Uuid, primary_key=True),
    _text("state"),
    Column("seq", BigInteger, nullable=False),
)
ONWARD = Table(
    "onward",
    metadata,
    Column("handoff_id", Uuid, primary_key=True),
    Column("case_id", Uuid, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Index("onward_case", "case_id"),
)
ONWARD_STATE = Table(
    "onward_state",
    metadata,
    Column("handoff_id", Uuid, primary_key=True),
    _text("state"),
    Column("seq", BigInteger, nullable=False),
)
ACCESS_LIST = access_lists(metadata)
MERGED = merged_people(metadata)
SAME = same_person(metadata)
AGREEMENTS = agreements(metadata)
