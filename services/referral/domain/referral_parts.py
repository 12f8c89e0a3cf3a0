"""Where a referral stands, and the small values it is made of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from referral.domain.codes import Aspect, EndReason, ToldHow
from referral.domain.priority import Band


class Status(StrEnum):
    """Where a referral stands."""

    DRAFT = "DRAFT"
    SUBMITTED = "SUBMITTED"
    IN_TRIAGE = "IN_TRIAGE"
    ACCEPTED = "ACCEPTED"
    ALLOCATED = "ALLOCATED"
    CONVERTED = "CONVERTED"
    DECLINED = "DECLINED"
    REDIRECTED = "REDIRECTED"
    WITHDRAWN = "WITHDRAWN"
    EXPIRED = "EXPIRED"


OPEN = (Status.DRAFT, Status.SUBMITTED, Status.IN_TRIAGE, Status.ACCEPTED, Status.ALLOCATED)
SENT = (Status.SUBMITTED, Status.IN_TRIAGE, Status.ACCEPTED, Status.ALLOCATED)
WAITING = (Status.SUBMITTED, Status.IN_TRIAGE)
REOPENABLE = (Status.DECLINED, Status.WITHDRAWN, Status.EXPIRED)


@dataclass(frozen=True, kw_only=True)
class Told:
    """The practitioner's record that the person was told; it is not consent."""

    told_on: date
    told_how: ToldHow
    willing: bool
    by_whom: str


class OfferState(StrEnum):
    """Where an offer of another organisation stands, as heard."""

    PUBLISHED = "PUBLISHED"
    PAUSED = "PAUSED"
    RETIRED = "RETIRED"


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where somebody is redirected to, and that he agreed to be offered there."""

    offer_id: UUID
    offer: OfferState | None
    agreed_on: date


@dataclass(frozen=True, kw_only=True)
class Placing:
    """Where somebody waits."""

    base: Band
    policy_version: str
    step_days: int


@dataclass(frozen=True, kw_only=True)
class Ending:
    """Why a referral ended; the note stays sealed."""

    reason: EndReason
    note: str = ""
    suggestions: tuple[Aspect, ...] = ()
