"""What a picture is made of: plain values, each absent where nothing is known or where it is not for the viewer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from partners.projections.picture.across import Clash, Delivery, Gap, NextContact, OpenHandoff


class State(StrEnum):
    """Where a case stands, in one word; the work's word once there is work; SHARED where a handoff alone is known."""

    SUBMITTED = "SUBMITTED"
    IN_TRIAGE = "IN_TRIAGE"
    ACCEPTED = "ACCEPTED"
    ENDED = "ENDED"
    OPENED = "OPENED"
    ENGAGING = "ENGAGING"
    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    ENDING = "ENDING"
    CLOSED = "CLOSED"
    SHARED = "SHARED"


@dataclass(frozen=True, kw_only=True)
class Worker:
    """Who works with him, since when."""

    ref: str
    role: str
    since: datetime


@dataclass(frozen=True, kw_only=True)
class Cover:
    """Who stands in on dated days; without a last day until further notice."""

    ref: str
    starts_on: date
    ends_on: date | None


@dataclass(frozen=True, kw_only=True)
class Engagement:
    """His time with the service: begun, as it stands since, planned end, next review, last tried."""

    opened_at: datetime
    since: datetime
    planned_end_on: date | None
    next_review_on: date | None
    last_tried_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class TakingPart:
    """Whether he has agreed to take part, and when he is asked again."""

    agreed: bool
    review_on: date | None


@dataclass(frozen=True, kw_only=True)
class Screening:
    """Whether a screen counts now, and when it was completed; never its result."""

    current: bool
    completed_on: date | None


@dataclass(frozen=True, kw_only=True)
class Late:
    """A promise not kept in time, by its L-code."""

    promise: str
    since: datetime


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One case across services. None is "nothing known" or "not for you": both are absent."""

    case_id: UUID
    person_id: UUID
    reference: str
    programme_id: str
    kind: str
    state: State
    submitted_at: datetime
    decision_due_at: datetime | None = None
    in_triage_since: datetime | None = None
    accepted_at: datetime | None = None
    ended_at: datetime | None = None
    waits_for_worker: bool | None = None
    allocation_due_at: datetime | None = None
    worker: Worker | None = None
    worker_cover: Cover | None = None
    practitioner_ref: str | None = None
    practitioner_cover: Cover | None = None
    engagement: Engagement | None = None
    taking_part: TakingPart | None = None
    screening: Screening | None = None
    late: tuple[Late, ...] | None = None
    deliveries: tuple[Delivery, ...] | None = None
    handoffs: tuple[OpenHandoff, ...] | None = None
    contacts: tuple[NextContact, ...] | None = None
    gaps: tuple[Gap, ...] | None = None
    clashes: tuple[Clash, ...] | None = None
