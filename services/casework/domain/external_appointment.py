"""When a partner without a house sees him, as his worker or his practitioner records it (S34, `states.md` 6).

Two partners at one hour are no fault here: that they clash is what the picture is to show.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self
from uuid import UUID

from casework.domain.aspect import Aspect
from chassis.aggregate import Aggregate, Event, Fault, Invalid, Unmet
from chassis.calendar import add_months, local_date

SHORTEST, LONGEST = timedelta(minutes=5), timedelta(minutes=480)
MONTHS_AHEAD = 6


class AppointmentStatus(StrEnum):
    """Whether it stands."""

    SCHEDULED = "SCHEDULED"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, kw_only=True)
class Appointed(Event):
    """What both facts say."""

    org_id: str
    aspect: Aspect
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, kw_only=True)
class Recorded(Appointed):
    """He is to be seen there."""


@dataclass(frozen=True, kw_only=True)
class Cancelled(Appointed):
    """It is off."""


@dataclass(frozen=True, kw_only=True)
class ExternalAppointment(Aggregate):
    """One appointment of one man with a partner without a house."""

    case_id: UUID
    person_id: UUID
    org_id: str
    aspect: Aspect
    starts_at: datetime
    ends_at: datetime
    status: AppointmentStatus = AppointmentStatus.SCHEDULED

    @classmethod
    def record(
        cls,
        *,
        id: UUID,
        case_id: UUID,
        person_id: UUID,
        org_id: str,
        aspect: Aspect,
        starts_at: datetime,
        ends_at: datetime,
        at: datetime,
    ) -> Self:
        """Somebody says when he is seen there."""
        faults = _wrong(starts_at, ends_at, at)
        if faults:
            raise Invalid(*faults)
        made = cls(
            id=id,
            case_id=case_id,
            person_id=person_id,
            org_id=org_id,
            aspect=aspect,
            starts_at=starts_at,
            ends_at=ends_at,
        )
        fact = Recorded(org_id=org_id, aspect=aspect, starts_at=starts_at, ends_at=ends_at, at=at)
        return made.telling(fact)

    def cancel(self, *, at: datetime) -> Self:
        """It is off; what is over cannot be."""
        if self.status is not AppointmentStatus.SCHEDULED or at >= self.ends_at:
            raise Unmet("invalid_transition", "This appointment is off already, or over.")
        fact = Cancelled(org_id=self.org_id, aspect=self.aspect, starts_at=self.starts_at, ends_at=self.ends_at, at=at)
        return self.telling(fact, status=AppointmentStatus.CANCELLED)


def _wrong(starts_at: datetime, ends_at: datetime, at: datetime) -> list[Fault]:
    faults = []
    if starts_at < at:
        faults.append(Fault("starts_at", "IN_PAST"))
    if local_date(starts_at) > add_months(local_date(at), MONTHS_AHEAD):
        faults.append(Fault("starts_at", "OUT_OF_RANGE"))
    if ends_at <= starts_at:
        faults.append(Fault("ends_at", "BEFORE_START"))
    elif not SHORTEST <= ends_at - starts_at <= LONGEST:
        faults.append(Fault("ends_at", "OUT_OF_RANGE"))
    return faults
