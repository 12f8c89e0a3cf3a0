"""Where a handoff stands, and the small values it is made of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from partners.domain.codes import Aspect
from partners.domain.handoff.codes import ConfidentialityBasis, Kind, Outcome, Side, StepCode


class Status(StrEnum):
    """Where it stands."""

    OFFERED = "OFFERED"
    RECEIVED = "RECEIVED"
    INFO_REQUESTED = "INFO_REQUESTED"
    ACCEPTED = "ACCEPTED"
    WAITLISTED = "WAITLISTED"
    IN_PROGRESS = "IN_PROGRESS"
    ON_HOLD = "ON_HOLD"
    REVOKE_PENDING = "REVOKE_PENDING"
    COMPLETED = "COMPLETED"
    DECLINED = "DECLINED"
    REVOKED = "REVOKED"
    EXPIRED = "EXPIRED"
    FAILED = "FAILED"
    ENTERED_IN_ERROR = "ENTERED_IN_ERROR"


S = Status
ENDS = (S.COMPLETED, S.DECLINED, S.REVOKED, S.EXPIRED, S.FAILED, S.ENTERED_IN_ERROR)
OPEN = tuple(status for status in S if status not in ENDS)
# Where the receiver has not bound himself: from here it can be taken back.
UNDECIDED = (S.OFFERED, S.RECEIVED, S.INFO_REQUESTED, S.WAITLISTED)


@dataclass(frozen=True, kw_only=True)
class Grounds:
    """On what it may be told: the three bases, what the last of them rests on, and the agreement."""

    regime: str
    lawful_basis: str
    confidentiality_basis: ConfidentialityBasis
    isa_id: UUID
    reference: str = ""


@dataclass(frozen=True, kw_only=True)
class Between:
    """Between whom it is, as every fact of it says.

    `partner` is the node at the other side; `subject_ref` the partner's own reference, where he is his man.
    `to_probation`: the other house is, and hears no choice of the person (events.md 1).
    """

    handoff_id: UUID
    side: Side
    partner: str
    subject_ref: str
    to_probation: bool
    grounds: Grounds


@dataclass(frozen=True, kw_only=True)
class Said:
    """When the other side did what it tells, and when it wrote that down."""

    at: datetime
    recorded_at: datetime


@dataclass(frozen=True, kw_only=True)
class Stop:
    """A time in which the clock stood still: what for, from when, until when."""

    what: str
    began: datetime
    ended: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Timers:
    """What falls due for this side alone, and when; None where nothing waits."""

    l7: datetime | None = None
    l22: datetime | None = None
    expiry: datetime | None = None
    information: datetime | None = None
    purge: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Contact:
    """When the receiver sees him next; what for is empty where only the hour was told."""

    aspect: Aspect | None
    step: StepCode | None
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, kw_only=True)
class Written:
    """What one side has written for the other to read: the items of one round of questions, or one answer. What the
    other has written stays there, and is read by its reference."""

    by: Side
    round: int
    items: tuple[str, ...]
    detail_ref: str


@dataclass(frozen=True, kw_only=True)
class Correction:
    """What one person says is wrong with a record and should be, until another approves: None and empty stay."""

    proposed_by: str
    reason: str
    kind: Kind | None = None
    aspects: tuple[Aspect, ...] = ()
    outcome: Outcome | None = None
