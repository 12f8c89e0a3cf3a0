"""What happens to an engagement, each in the past participle; dates as they stand after it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from casework.domain.aspect import Aspect
from casework.domain.ending import ContactChannel, EndAnswers, Outcome, OutcomeGroup
from casework.domain.term import PauseReason, Recorded
from chassis.aggregate import Event


class RatingPhase(StrEnum):
    """When he rates his life."""

    START = "START"
    REVIEW = "REVIEW"
    END = "END"


class EmphasisArea(StrEnum):
    """The five areas of S18."""

    MOTIVATION_ENGAGEMENT = "MOTIVATION_ENGAGEMENT"
    PRACTICAL_ISSUES = "PRACTICAL_ISSUES"
    RELATIONSHIPS = "RELATIONSHIPS"
    NAVIGATING_SERVICES = "NAVIGATING_SERVICES"
    SELF_ESTEEM_EMPOWERMENT = "SELF_ESTEEM_EMPOWERMENT"


@dataclass(frozen=True, kw_only=True)
class Rating:
    """How he rates one area, from 0 to 10."""

    area: EmphasisArea
    score: int


@dataclass(frozen=True, kw_only=True)
class Need:
    """A service he needs, from a day on and until another."""

    aspect: Aspect
    opened_on: date
    closed_on: date | None = None


@dataclass(frozen=True, kw_only=True)
class Opened(Event):
    """His time with the service began. Promises that are late already stay with the allocation."""

    acceptance: int
    programme_id: UUID
    planned_end_on: date
    review_due_on: date | None
    contact_due_at: datetime | None
    session_due_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class ContactAttempted(Event):
    """Somebody tried to reach him."""

    channel: ContactChannel
    on: date
    ordinal: int


@dataclass(frozen=True, kw_only=True)
class Activated(Event):
    """Support was agreed."""

    attended_session: Recorded
    contact_plan: Recorded
    contacts_per_week: int
    planned_end_on: date
    review_due_on: date | None


@dataclass(frozen=True, kw_only=True)
class Paused(Event):
    """It stands still."""

    reason: PauseReason
    began_on: date
    review_on: date | None
    earliest_out_on: date | None
    planned_end_on: date
    review_due_on: date | None


@dataclass(frozen=True, kw_only=True)
class Resumed(Event):
    """It goes on."""

    resumed_on: date
    planned_end_on: date
    review_due_on: date | None


@dataclass(frozen=True, kw_only=True)
class Extended(Event):
    """It lasts longer."""

    planned_months: int
    reason: str
    beyond_cap: bool
    planned_end_on: date
    review_due_on: date | None


@dataclass(frozen=True, kw_only=True)
class RatingRecorded(Event):
    """He rated his life, or declined to."""

    phase: RatingPhase
    ratings: tuple[Rating, ...]
    review_due_on: date | None


@dataclass(frozen=True, kw_only=True)
class NeedRecorded(Event):
    """He needs a service, or needs it no more."""

    aspect: Aspect
    open: bool
    on: date


@dataclass(frozen=True, kw_only=True)
class EndingStarted(Event):
    """It is coming to its end."""

    outcome: Outcome
    group: OutcomeGroup
    reason: str
    agreed_by: str
    planned_end_on: date
    review_due_on: date | None


@dataclass(frozen=True, kw_only=True)
class Closed(Event):
    """It ended. `report_due_at` where the end report is still to be shared."""

    outcome: Outcome
    group: OutcomeGroup
    acceptance: int
    answers: EndAnswers
    report_due_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class EndReportShared(Event):
    """The end report was shared after a close at once."""

    end_report: Recorded


@dataclass(frozen=True, kw_only=True)
class Reopened(Event):
    """It goes on after it was closed; a worker is asked for anew."""

    acceptance: int
    programme_id: UUID
    planned_end_on: date
    review_due_on: date | None
    contact_due_at: datetime
    session_due_at: datetime


@dataclass(frozen=True, kw_only=True)
class DeadlineMissed(Event):
    """A promise was not kept in time."""

    promise: str
    due_at: datetime
    policy_version: str
    review_due_on: date | None
