"""What happens to an allocation, each in the past participle."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from casework.domain.term import Recorded
from casework.domain.worker import WorkerRole
from chassis.aggregate import Event


@dataclass(frozen=True, kw_only=True)
class Requested(Event):
    """A worker is needed. The promises stand in the fact; those of a reopened engagement are its own."""

    acceptance: int
    programme_id: UUID
    due_at: datetime
    contact_due_at: datetime | None
    session_due_at: datetime | None
    failed_code: str = ""


@dataclass(frozen=True, kw_only=True)
class Proposed(Event):
    """A worker was proposed."""

    acceptance: int
    worker_ref: str
    due_at: datetime


@dataclass(frozen=True, kw_only=True)
class ProposalFailed(Event):
    """The worker proposed cannot take him on after all."""

    acceptance: int
    programme_id: UUID
    worker_ref: str
    due_at: datetime
    failed_code: str


@dataclass(frozen=True, kw_only=True)
class Allocated(Event):
    """A worker was named."""

    acceptance: int
    worker_ref: str
    role: WorkerRole


@dataclass(frozen=True, kw_only=True)
class Reallocated(Event):
    """Another worker was named."""

    acceptance: int
    worker_ref: str
    role: WorkerRole
    previous_worker_ref: str
    reason: str
    handover: Recorded | None


@dataclass(frozen=True, kw_only=True)
class CoverSet(Event):
    """Somebody covers on dated days."""

    acceptance: int
    worker_ref: str
    role: WorkerRole
    starts_on: date
    ends_on: date


@dataclass(frozen=True, kw_only=True)
class TakenUp(Event):
    """The engagement opened; the promises named are its own from now on."""

    engagement_id: UUID
    passed: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Ended(Event):
    """The search, or the worker's part, ended."""

    acceptance: int


@dataclass(frozen=True, kw_only=True)
class DeadlineMissed(Event):
    """A promise was not kept in time."""

    promise: str
    due_at: datetime
    policy_version: str
