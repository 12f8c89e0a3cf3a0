"""How rows and values of the service are shown in answers."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from google.protobuf.timestamp_pb2 import Timestamp

from casework.domain.external_appointment import ExternalAppointment
from casework.domain.term import Recorded
from casework.queries import Seen, holding_on
from throughcare.casework.v1 import service_pb2 as said
from throughcare.details.v1 import service_pb2 as details

REASON = 2_000

if TYPE_CHECKING:
    import asyncpg

    from chassis.rpc import Form


def recorded(form: Form | None) -> Recorded | None:
    """A recorded answer of a request, or none."""
    return Recorded(on=form.date("recorded_on"), by=form.opaque("recorded_by")) if form else None


def _day(day: date | None) -> str:
    return day.isoformat() if day else ""


def _stamp(at: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(at)
    return stamp


def appointment(held: ExternalAppointment) -> said.ExternalAppointment:
    """An appointment with a partner without a house."""
    return said.ExternalAppointment(
        appointment_id=str(held.id),
        org_id=held.org_id,
        aspect=held.aspect,
        starts_at=_stamp(held.starts_at),
        ends_at=_stamp(held.ends_at),
        version=held.version,
    )


def coming(held: ExternalAppointment) -> details.Appointment:
    """When he is seen, and for what; by whom stays here: that somebody works with him is for that one to say."""
    return details.Appointment(aspect_code=held.aspect, starts_at=_stamp(held.starts_at), ends_at=_stamp(held.ends_at))


def worker(row: asyncpg.Record, today: date) -> said.Worker:
    """A worker with his places."""
    return said.Worker(
        worker_ref=row["worker_ref"],
        worker_id=str(row["id"]),
        role=row["role"],
        organisation=row["organisation"],
        status=row["status"],
        capacity=row["capacity"],
        taken=row["taken"],
        valid_to=_day(row["valid_to"]),
        training=holding_on(row["trainings"], today),
        version=row["version"],
    )


def allocation(row: asyncpg.Record) -> said.Allocation:
    """An allocation."""
    return said.Allocation(
        allocation_id=str(row["id"]),
        case_id=str(row["case_id"]),
        person_id=str(row["person_id"]),
        programme_id=str(row["programme_id"]),
        acceptance=row["acceptance"],
        status=row["status"],
        worker_ref=row["worker_ref"] or "",
        failed_code=row["failed_code"] or "",
        cover_ref=row["cover_ref"] or "",
        cover_from=_day(row["cover_from"]),
        cover_to=_day(row["cover_to"]),
        engagement_id=str(row["engagement_id"] or ""),
        due_at=_stamp(row["due_at"]),
        needs_worker=row["needs_worker"],
        version=row["version"],
    )


def listed_engagement(row: asyncpg.Record, *, attempts: bool) -> said.Engagement:
    """An engagement in a list: where it stands and its dates."""
    return said.Engagement(
        engagement_id=str(row["id"]),
        case_id=str(row["case_id"]),
        person_id=str(row["person_id"]),
        programme_id=str(row["programme_id"]),
        acceptance=row["acceptance"],
        status=row["status"],
        started_on=_day(row["started_on"]),
        planned_end_on=_day(row["planned_end_on"]),
        cap_on=_day(row["cap_on"]),
        review_due_on=_day(row["review_due_on"]),
        closed_on=_day(row["closed_on"]),
        worker_ref=row["worker_ref"] or "",
        practitioner_ref=row["practitioner_ref"] or "",
        attempts=len(row["attempts"]) if attempts else 0,
        allocation_id=str(row["allocation_id"]),
        version=row["version"],
    )


def engagement(seen: Seen) -> said.Engagement:
    """One engagement as far as it may be seen."""
    held = seen.engagement
    return said.Engagement(
        engagement_id=str(held.id),
        case_id=str(held.case_id),
        person_id=str(held.person_id),
        programme_id=str(held.programme_id),
        acceptance=held.acceptance,
        status=held.status,
        started_on=_day(held.started_on),
        planned_end_on=_day(held.planned_end_on),
        cap_on=_day(held.cap_on),
        review_due_on=_day(held.review_due_on),
        closed_on=_day(held.closed_on),
        worker_ref=seen.worker_ref,
        practitioner_ref=seen.practitioner_ref,
        attempts=held.ordinal,
        pauses=[
            said.Pause(reason=each.reason, began_on=_day(each.began_on), ended_on=_day(each.ended_on))
            for each in held.pauses
        ],
        outcome=held.outcome or "",
        allocation_id=str(held.allocation_id),
        version=held.version,
    )
