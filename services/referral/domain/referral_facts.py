"""What can happen to a referral: the facts its methods tell."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from chassis.aggregate import Event
from referral.domain.codes import EndReason, Party, ReasonGroup, ReferralKind
from referral.domain.eligibility import Decision
from referral.domain.priority import Band


@dataclass(frozen=True, kw_only=True)
class Clock:
    """The promises of triage, worked out from working days."""

    started_at: datetime
    acknowledge_by: datetime
    due_at: datetime


@dataclass(frozen=True, kw_only=True)
class Drafted(Event):
    """A referral was started."""

    programme_id: UUID


@dataclass(frozen=True, kw_only=True)
class DraftUpdated(Event):
    """The answers of the draft changed."""


@dataclass(frozen=True, kw_only=True)
class ToldAndWillingRecorded(Event):
    """The practitioner recorded that he was told."""

    programme_id: UUID
    willing: bool


@dataclass(frozen=True, kw_only=True)
class Expiring(Event):
    """The draft ends soon."""

    programme_id: UUID
    expires_on: date


@dataclass(frozen=True, kw_only=True)
class Expired(Event):
    """The draft ended."""

    programme_id: UUID


@dataclass(frozen=True, kw_only=True)
class Sent(Event):
    """What submitting and reopening have in common."""

    case_reference: str
    programme_id: UUID
    kind: ReferralKind
    referrer_org: str
    clock: Clock


@dataclass(frozen=True, kw_only=True)
class Submitted(Sent):
    """It was sent to triage."""


@dataclass(frozen=True, kw_only=True)
class Reopened(Sent):
    """It was sent to triage again."""


@dataclass(frozen=True, kw_only=True)
class EligibilityEvaluated(Event):
    """Eligibility was judged."""

    policy_version: str
    decision: Decision
    rule_ids: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class PriorityAssigned(Event):
    """A waiting band was set."""

    effective_band: Band
    policy_version: str
    submitted_on: date
    step_days: int


@dataclass(frozen=True, kw_only=True)
class PriorityChanged(Event):
    """Waiting lifted the band."""

    effective_band: Band
    policy_version: str
    submitted_on: date
    step_days: int


@dataclass(frozen=True, kw_only=True)
class DuplicateDetected(Event):
    """Another is open for the same person and programme; for triage only."""


@dataclass(frozen=True, kw_only=True)
class TriageStarted(Event):
    """Triage began."""

    due_at: datetime


@dataclass(frozen=True, kw_only=True)
class Accepted(Event):
    """The person was taken on."""

    programme_id: UUID
    kind: ReferralKind
    policy_version: str
    proposed_worker: str
    risk_read_on: date


@dataclass(frozen=True, kw_only=True)
class Ended(Event):
    """What declining and withdrawing have in common; the reason itself stays here."""

    reason_group: ReasonGroup
    by_party: Party
    reason: EndReason


@dataclass(frozen=True, kw_only=True)
class Declined(Ended):
    """He was not taken on."""


@dataclass(frozen=True, kw_only=True)
class Redirected(Ended):
    """He was not taken on, and agreed to be offered elsewhere."""

    offer_id: UUID
    agreed_on: date


@dataclass(frozen=True, kw_only=True)
class Withdrawn(Ended):
    """It ended before work began."""


@dataclass(frozen=True, kw_only=True)
class Allocated(Event):
    """A worker was named, as heard."""

    worker: str


@dataclass(frozen=True, kw_only=True)
class Converted(Event):
    """Work began, as heard."""


@dataclass(frozen=True, kw_only=True)
class ReferralMissed(Event):
    """A promise was not kept in time."""

    code: str
    due_at: datetime
    policy_version: str
