"""What leaves the casework service: each fact with the message it is told as. Not listed means not told.

Nothing of a reason, an outcome, a rating or a session leaves: ids, codes of groups, dates and counts alone.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import TypeVar

from google.protobuf.timestamp_pb2 import Timestamp

from casework.domain import external_appointment, worker
from casework.domain.allocation import facts as allocation
from casework.domain.engagement import facts as engagement
from chassis.journal import Publications
from throughcare.casework.v1 import events_pb2 as told

PUBLICATIONS = Publications("casework")
M = TypeVar(
    "M",
    told.EngagementActivated,
    told.EngagementPaused,
    told.EngagementResumed,
    told.EngagementExtended,
)
A = TypeVar("A", told.ExternalAppointmentRecorded, told.ExternalAppointmentCancelled)


def _instant(at: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(at)
    return stamp


def _day(day: date | None) -> str:
    return day.isoformat() if day else ""


@PUBLICATIONS.tells(worker.Registered)
def worker_registered(fact: worker.Registered) -> tuple[told.WorkerRegistered, told.WorkerCapacityChanged]:
    """With the places he starts with."""
    return (
        told.WorkerRegistered(worker_ref=fact.worker_ref, role=fact.role),
        told.WorkerCapacityChanged(worker_ref=fact.worker_ref, open=fact.capacity, limit=fact.capacity),
    )


@PUBLICATIONS.tells(worker.Cleared)
def worker_cleared(fact: worker.Cleared) -> told.WorkerCleared:
    return told.WorkerCleared(worker_ref=fact.worker_ref, valid_to=_day(fact.valid_to))


@PUBLICATIONS.tells(worker.Lapsed)
def worker_lapsed(fact: worker.Lapsed) -> told.WorkerLapsed:
    return told.WorkerLapsed(worker_ref=fact.worker_ref, valid_to=_day(fact.valid_to))


@PUBLICATIONS.tells(worker.Suspended)
def worker_suspended(fact: worker.Suspended) -> told.WorkerSuspended:
    return told.WorkerSuspended(worker_ref=fact.worker_ref)


@PUBLICATIONS.tells(worker.CapacityChanged)
def worker_capacity_changed(fact: worker.CapacityChanged) -> told.WorkerCapacityChanged:
    return told.WorkerCapacityChanged(worker_ref=fact.worker_ref, open=fact.open, limit=fact.limit)


@PUBLICATIONS.tells(allocation.Requested)
def allocation_requested(fact: allocation.Requested) -> told.AllocationRequested:
    return told.AllocationRequested(
        acceptance=fact.acceptance,
        programme_id=str(fact.programme_id),
        due_at=_instant(fact.due_at),
        failed_code=fact.failed_code,
    )


@PUBLICATIONS.tells(allocation.ProposalFailed)
def proposal_failed(fact: allocation.ProposalFailed) -> told.AllocationRequested:
    """A worker is needed again."""
    return told.AllocationRequested(
        acceptance=fact.acceptance,
        programme_id=str(fact.programme_id),
        due_at=_instant(fact.due_at),
        failed_code=fact.failed_code,
    )


@PUBLICATIONS.tells(allocation.Proposed)
def allocation_proposed(fact: allocation.Proposed) -> told.AllocationProposed:
    return told.AllocationProposed(acceptance=fact.acceptance, worker_ref=fact.worker_ref, due_at=_instant(fact.due_at))


@PUBLICATIONS.tells(allocation.Allocated)
def worker_allocated(fact: allocation.Allocated) -> told.WorkerAllocated:
    return told.WorkerAllocated(worker_ref=fact.worker_ref, role=fact.role, acceptance=fact.acceptance)


@PUBLICATIONS.tells(allocation.Reallocated)
def worker_reallocated(fact: allocation.Reallocated) -> told.WorkerReallocated:
    return told.WorkerReallocated(
        worker_ref=fact.worker_ref,
        role=fact.role,
        previous_worker_ref=fact.previous_worker_ref,
        acceptance=fact.acceptance,
    )


@PUBLICATIONS.tells(allocation.CoverSet)
def worker_cover_set(fact: allocation.CoverSet) -> told.WorkerCoverSet:
    return told.WorkerCoverSet(
        worker_ref=fact.worker_ref,
        role=fact.role,
        starts_on=_day(fact.starts_on),
        ends_on=_day(fact.ends_on),
        acceptance=fact.acceptance,
    )


@PUBLICATIONS.tells(allocation.Ended)
def allocation_ended(fact: allocation.Ended) -> told.AllocationEnded:
    return told.AllocationEnded(acceptance=fact.acceptance)


@PUBLICATIONS.tells(allocation.DeadlineMissed)
def allocation_deadline_missed(fact: allocation.DeadlineMissed) -> told.AllocationDeadlineMissed:
    return told.AllocationDeadlineMissed(
        promise=fact.promise,
        due_at=_instant(fact.due_at),
        missed_at=_instant(fact.at),
        policy_version=fact.policy_version,
    )


@PUBLICATIONS.tells(engagement.Opened)
def engagement_opened(fact: engagement.Opened) -> told.EngagementOpened:
    return told.EngagementOpened(
        planned_end_on=_day(fact.planned_end_on),
        review_due_on=_day(fact.review_due_on),
        acceptance=fact.acceptance,
        programme_id=str(fact.programme_id),
    )


@PUBLICATIONS.tells(engagement.ContactAttempted)
def engagement_contact_attempted(fact: engagement.ContactAttempted) -> told.EngagementContactAttempted:
    return told.EngagementContactAttempted(channel=fact.channel, ordinal=fact.ordinal)


def _dated(
    message: type[M],
    fact: engagement.Activated | engagement.Paused | engagement.Resumed | engagement.Extended,
) -> M:
    return message(planned_end_on=_day(fact.planned_end_on), review_due_on=_day(fact.review_due_on))


@PUBLICATIONS.tells(engagement.Activated)
def engagement_activated(fact: engagement.Activated) -> told.EngagementActivated:
    return _dated(told.EngagementActivated, fact)


@PUBLICATIONS.tells(engagement.Paused)
def engagement_paused(fact: engagement.Paused) -> told.EngagementPaused:
    """Without its reason."""
    return _dated(told.EngagementPaused, fact)


@PUBLICATIONS.tells(engagement.Resumed)
def engagement_resumed(fact: engagement.Resumed) -> told.EngagementResumed:
    return _dated(told.EngagementResumed, fact)


@PUBLICATIONS.tells(engagement.Extended)
def engagement_extended(fact: engagement.Extended) -> told.EngagementExtended:
    return _dated(told.EngagementExtended, fact)


@PUBLICATIONS.tells(engagement.NeedRecorded)
def need_recorded(fact: engagement.NeedRecorded) -> told.NeedRecorded:
    """Which service would help, never why."""
    return told.NeedRecorded(aspect_code=fact.aspect, open=fact.open, effective_on=_day(fact.on))


@PUBLICATIONS.tells(external_appointment.Recorded)
def external_appointment_recorded(fact: external_appointment.Recorded) -> told.ExternalAppointmentRecorded:
    return _appointed(told.ExternalAppointmentRecorded, fact)


@PUBLICATIONS.tells(external_appointment.Cancelled)
def external_appointment_cancelled(fact: external_appointment.Cancelled) -> told.ExternalAppointmentCancelled:
    return _appointed(told.ExternalAppointmentCancelled, fact)


def _appointed(message: type[A], fact: external_appointment.Appointed) -> A:
    return message(
        org_id=fact.org_id,
        aspect_code=fact.aspect,
        starts_at=_instant(fact.starts_at),
        ends_at=_instant(fact.ends_at),
    )


@PUBLICATIONS.tells(engagement.EndingStarted)
def engagement_ending_started(fact: engagement.EndingStarted) -> told.EngagementEndingStarted:
    """The group of the outcome, never the outcome."""
    return told.EngagementEndingStarted(
        planned_end_on=_day(fact.planned_end_on),
        review_due_on=_day(fact.review_due_on),
        outcome_group=fact.group,
    )


@PUBLICATIONS.tells(engagement.Closed)
def engagement_closed(fact: engagement.Closed) -> told.EngagementClosed:
    """The group of the outcome, never the outcome."""
    return told.EngagementClosed(outcome_group=fact.group, acceptance=fact.acceptance)


@PUBLICATIONS.tells(engagement.Reopened)
def engagement_reopened(fact: engagement.Reopened) -> told.EngagementReopened:
    return told.EngagementReopened(
        planned_end_on=_day(fact.planned_end_on),
        review_due_on=_day(fact.review_due_on),
        acceptance=fact.acceptance,
        programme_id=str(fact.programme_id),
    )


@PUBLICATIONS.tells(engagement.DeadlineMissed)
def engagement_deadline_missed(fact: engagement.DeadlineMissed) -> told.EngagementDeadlineMissed:
    return told.EngagementDeadlineMissed(
        promise=fact.promise,
        due_at=_instant(fact.due_at),
        missed_at=_instant(fact.at),
        policy_version=fact.policy_version,
    )
