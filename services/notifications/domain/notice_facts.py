"""What happens to a notice. None holds a name, an address or a text that is sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis.aggregate import Event
from notifications.domain.codes import Channel, Failure, Suppression


@dataclass(frozen=True, kw_only=True)
class About:
    """What is said of a notice with every fact."""

    template: str
    template_version: int
    channel: Channel
    recipient_role: str


@dataclass(frozen=True, kw_only=True)
class Requested(Event):
    """It is to be sent; `reason` is the fact it tells of."""

    concerns: About
    reason: str


@dataclass(frozen=True, kw_only=True)
class Scheduled(Event):
    """It leaves at its time; `handed_by` is promised where it is urgent (L19), `next_step_at` is its ladder's."""

    concerns: About
    send_after: datetime
    use_by: datetime
    handed_by: datetime | None
    next_step_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Suppressed(Event):
    """It is not sent."""

    concerns: About
    reason: Suppression


@dataclass(frozen=True, kw_only=True)
class Rendered(Event):
    """An approved version of its template was filled in."""

    concerns: About


@dataclass(frozen=True, kw_only=True)
class Claimed(Event):
    """It was taken for sending."""

    concerns: About
    lease_until: datetime
    letter: UUID


@dataclass(frozen=True, kw_only=True)
class Asked(Event):
    """Its channel is asked what became of it."""

    concerns: About
    lease_until: datetime


@dataclass(frozen=True, kw_only=True)
class Sent(Event):
    """Its channel took it."""

    concerns: About


@dataclass(frozen=True, kw_only=True)
class Delivered(Event):
    """It arrived."""

    concerns: About


@dataclass(frozen=True, kw_only=True)
class Failed(Event):
    """Its channel did not take it; `status` says whether for now or for good."""

    concerns: About
    status: str
    reason: Failure


@dataclass(frozen=True, kw_only=True)
class LeftUnknown(Event):
    """Nobody can say whether it left."""

    concerns: About


@dataclass(frozen=True, kw_only=True)
class Resolved(Event):
    """A person found out."""

    concerns: About
    outcome: str
    note: str


@dataclass(frozen=True, kw_only=True)
class Acknowledged(Event):
    """It was seen, or answered by a fact."""

    concerns: About
    by: str


@dataclass(frozen=True, kw_only=True)
class Escalated(Event):
    """The next step of its ladder was asked for."""

    concerns: About


@dataclass(frozen=True, kw_only=True)
class Expired(Event):
    """It was not sent while it was of use."""

    concerns: About


@dataclass(frozen=True, kw_only=True)
class Retried(Event):
    """It is to be sent after all."""

    concerns: About
    send_after: datetime
    use_by: datetime


@dataclass(frozen=True, kw_only=True)
class Missed(Event):
    """A promise of it was not kept."""

    promise: str
    due_at: datetime
    policy_version: str
