"""Which aggregate lives in which table, who may see it, and the tables of what others told."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
    and_,
    cast,
    exists,
    func,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB

from casework.domain.allocation.aggregate import Allocation
from casework.domain.engagement.aggregate import Engagement
from casework.domain.external_appointment import ExternalAppointment
from casework.domain.worker import WorkerProfile
from casework.storage.appointments import appointment_table
from casework.storage.metadata import AGREEMENTS, SAME, metadata
from chassis import work
from chassis.access import ACTOR_ID, ACTOR_ROLE, NOW, Records, access_lists, by
from chassis.repository import Repository

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import ColumnElement

AFTER_CLOSE = timedelta(days=28)
INSTANT = DateTime(timezone=True)

worker_table = Table(
    "worker",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("worker_ref", Text, nullable=False, unique=True),
    Column("role", Text, nullable=False),
    Column("organisation", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("capacity", Integer, nullable=False),
    Column("trainings", JSONB, nullable=False),
    Column("vetting_valid_to", Date),
    Column("induction", JSONB),
    Column("valid_to", Date),
)

allocation_table = Table(
    "allocation",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("case_id", Uuid, nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("programme_id", Uuid, nullable=False),
    Column("programme_version", BigInteger, nullable=False),
    Column("acceptance", BigInteger, nullable=False),
    Column("accepted_at", INSTANT, nullable=False),
    Column("due_at", INSTANT, nullable=False),
    Column("contact_due_at", INSTANT, nullable=False),
    Column("session_due_at", INSTANT, nullable=False),
    Column("clocks_version", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("worker_ref", Text),
    Column("worker_role", Text),
    Column("failed_code", Text),
    Column("cover_ref", Text),
    Column("cover_from", Date),
    Column("cover_to", Date),
    Column("engagement_id", Uuid),
    Column("ended_at", INSTANT),
)
Index("allocation_case", allocation_table.c.case_id)
Index("allocation_worker", allocation_table.c.worker_ref, allocation_table.c.status)
Index("allocation_cover", allocation_table.c.cover_ref)
# One primary worker at a time (S13), whatever happens at the same moment.
Index(
    "allocation_primary",
    allocation_table.c.case_id,
    unique=True,
    postgresql_where=allocation_table.c.status == "ALLOCATED",
)

engagement_table = Table(
    "engagement",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("case_id", Uuid, nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("programme_id", Uuid, nullable=False),
    Column("allocation_id", Uuid, nullable=False),
    Column("acceptance", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("paused_from", Text),
    Column("started_on", Date, nullable=False),
    Column("planned_months", Integer, nullable=False),
    Column("cap_months", Integer, nullable=False),
    Column("counts_pauses", Boolean, nullable=False),
    Column("planned_end_on", Date, nullable=False),
    Column("cap_on", Date, nullable=False),
    Column("review_due_on", Date),
    Column("clocks_version", Text, nullable=False),
    Column("attempts", JSONB, nullable=False),
    Column("attempts_before", Integer, nullable=False),
    Column("contacts_per_week", Integer),
    Column("needs", JSONB, nullable=False),
    Column("rated_at_end", Boolean, nullable=False),
    Column("report_shared_on", Date),
    Column("closed_on", Date),
    Column("sealed", LargeBinary, nullable=False),
)
Index("engagement_person", engagement_table.c.person_id, engagement_table.c.programme_id)
# One open engagement per case.
Index(
    "engagement_open",
    engagement_table.c.case_id,
    unique=True,
    postgresql_where=engagement_table.c.status != "CLOSED",
)

access_list_table = access_lists(metadata)

consents_table = Table(
    "consents",
    metadata,
    Column("person_id", Uuid, primary_key=True),
    Column("purpose", Text, primary_key=True),
    Column("programme_id", Text, primary_key=True),
    Column("recipient", Text, primary_key=True),
    Column("scope", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("review_on", Date),
    Column("seq", BigInteger, nullable=False),
)
programmes_table = Table(
    "programmes",
    metadata,
    Column("programme_id", Uuid, primary_key=True),
    Column("version", BigInteger, primary_key=True),
    Column("code", Text, nullable=False),
    Column("valid_from", Date, nullable=False),
    Column("planned_months", Integer, nullable=False),
    Column("cap_months", Integer, nullable=False),
    Column("counted_pauses", Boolean, nullable=False),
    Column("seq", BigInteger, nullable=False),
)
programme_media_table = Table(
    "programme_media",
    metadata,
    Column("programme_id", Uuid, primary_key=True),
    Column("quadrant", Text, primary_key=True),
    Column("valid_from", Date, primary_key=True),
    Column("mode", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
)
safe_contact_table = Table(
    "safe_contact",
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
# Who the practitioner of a case is from a day on, and who covers for him on dated days.
practitioner_table = Table(
    "practitioner",
    metadata,
    Column("case_id", Uuid, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("starts_on", Date, primary_key=True),
    Column("practitioner_ref", Text, nullable=False),
    Column("pdu_code", Text, nullable=False),
    Column("ends_on", Date),
    Column("seq", BigInteger, nullable=False),
)
Index("practitioner_ref", practitioner_table.c.practitioner_ref)
# A case that was submitted, and whether its referral still waits for a decision: two streams of one key.
forecast_case_table = Table(
    "forecast_case",
    metadata,
    Column("case_id", Uuid, primary_key=True),
    Column("person_id", Uuid, nullable=False),
    Column("programme_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("submitted_at", INSTANT, nullable=False),
    Column("seq", BigInteger, nullable=False),
)
forecast_state_table = Table(
    "forecast_state",
    metadata,
    Column("case_id", Uuid, primary_key=True),
    Column("expected", Boolean, nullable=False),
    Column("seq", BigInteger, nullable=False),
)

TODAY = cast(func.timezone("Europe/London", NOW), Date)


def works_with(case_id: Column[UUID]) -> ColumnElement[bool]:
    """Whether the actor is the worker of this case, covers for him today, or was until 28 days after its end."""
    held, later = allocation_table.alias(), allocation_table.alias()
    allocated = held.c.status == "ALLOCATED"
    covers = and_(held.c.cover_ref == ACTOR_ID, TODAY.between(held.c.cover_from, held.c.cover_to))
    newer = exists(select(1).where(later.c.case_id == held.c.case_id, later.c.id > held.c.id))
    lately = and_(held.c.status == "ENDED", held.c.ended_at > NOW - AFTER_CLOSE, ~newer)
    his = or_(and_(allocated, or_(held.c.worker_ref == ACTOR_ID, covers)), and_(lately, held.c.worker_ref == ACTOR_ID))
    return exists(select(1).select_from(held).where(held.c.case_id == case_id, his))


def practises_with(case_id: Column[UUID]) -> ColumnElement[bool]:
    """Whether the actor is the practitioner of this case today, or covers for him."""
    held, newer = practitioner_table.alias(), practitioner_table.alias()
    superseded = exists(
        select(1)
        .select_from(newer)
        .where(newer.c.case_id == held.c.case_id, newer.c.kind == held.c.kind)
        .where(newer.c.starts_on <= TODAY, newer.c.seq > held.c.seq)
    )
    return exists(
        select(1)
        .select_from(held)
        .where(held.c.case_id == case_id, held.c.practitioner_ref == ACTOR_ID)
        .where(held.c.starts_on <= TODAY, or_(held.c.ends_on.is_(None), held.c.ends_on >= TODAY))
        .where(~superseded)
    )


ALLOCATIONS = Records(
    reads=by("SM, CP, IG, EW own or proposed"),
    person=allocation_table.c.person_id,
    own=works_with(allocation_table.c.case_id),
    proposed=and_(allocation_table.c.status == "PROPOSED", allocation_table.c.worker_ref == ACTOR_ID),
    lists=access_list_table,
    heard=True,
    agreements=AGREEMENTS,
    same=SAME,
)


def _his(case_id: Column[UUID]) -> ColumnElement[bool]:
    """Whether the actor works with him, or is his practitioner."""
    return or_(and_(ACTOR_ROLE != "PP", works_with(case_id)), and_(ACTOR_ROLE == "PP", practises_with(case_id)))


ENGAGEMENTS = Records(
    reads=by("SM, CP, IG, EW own, PP own"),
    person=engagement_table.c.person_id,
    own=_his(engagement_table.c.case_id),
    lists=access_list_table,
    heard=True,
    agreements=AGREEMENTS,
    same=SAME,
)
APPOINTMENTS = Records(
    reads=by("SM, CP, IG, EW own, PP own"),
    person=appointment_table.c.person_id,
    own=_his(appointment_table.c.case_id),
    lists=access_list_table,
    heard=True,
    agreements=AGREEMENTS,
    same=SAME,
)
EXPECTED = Records(
    reads=by("SM, CP, IG"),
    person=forecast_case_table.c.person_id,
    lists=access_list_table,
    heard=True,
    agreements=AGREEMENTS,
    same=SAME,
)


class Work(work.Work):
    """A unit of work of this service."""

    workers = Repository(WorkerProfile, worker_table, kind="worker")
    allocations = Repository(Allocation, allocation_table, kind="allocation", records=ALLOCATIONS)
    engagements = Repository(
        Engagement, engagement_table, kind="engagement", records=ENGAGEMENTS, sealed=("outcome", "pauses")
    )
    appointments = Repository(ExternalAppointment, appointment_table, kind="external_appointment", records=APPOINTMENTS)
