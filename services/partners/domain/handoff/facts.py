"""What happens to a handoff, on either side. What a house does itself is told to the other; what it heard is not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis.aggregate import Event
from partners.domain.codes import Aspect
from partners.domain.handoff.codes import Category, Kind, Origin, Outcome, Reason, ReasonGroup, Step
from partners.domain.handoff.states import Between, Contact, Status, Timers


@dataclass(frozen=True, kw_only=True)
class HandoffFact(Event):
    """What all have in common. `heard`: the other side did it; `state`: where it stands then; `due_at`: what is waited
    for next, by both; `timers`: what falls due for this side alone."""

    between: Between
    state: Status
    heard: bool = False
    due_at: datetime | None = None
    timers: Timers


@dataclass(frozen=True, kw_only=True)
class Offered(HandoffFact):
    """It was offered."""

    kind: Kind
    aspects: tuple[Aspect, ...]
    offer_id: UUID | None
    categories: tuple[Category, ...]
    scope_hash: str
    expires_at: datetime
    origin: Origin
    detail_ref: str


@dataclass(frozen=True, kw_only=True)
class Received(HandoffFact):
    """The receiver has it."""

    kind: Kind
    aspects: tuple[Aspect, ...]


@dataclass(frozen=True, kw_only=True)
class InformationRequested(HandoffFact):
    """The receiver asks something before he decides."""

    round: int
    item_count: int
    detail_ref: str


@dataclass(frozen=True, kw_only=True)
class InformationSupplied(HandoffFact):
    """What was asked is answered."""

    round: int
    detail_ref: str


@dataclass(frozen=True, kw_only=True)
class InformationLapsed(HandoffFact):
    """What was asked was not answered in time."""

    round: int


@dataclass(frozen=True, kw_only=True)
class Accepted(HandoffFact):
    """The receiver takes it on."""


@dataclass(frozen=True, kw_only=True)
class Waitlisted(HandoffFact):
    """The receiver takes it on when there is room."""


@dataclass(frozen=True, kw_only=True)
class Declined(HandoffFact):
    """The receiver does not take it on; the reason itself stays in his house."""

    reason_group: ReasonGroup
    reason: Reason | None


@dataclass(frozen=True, kw_only=True)
class Started(HandoffFact):
    """The receiver has made first contact."""


@dataclass(frozen=True, kw_only=True)
class ContactPlanned(HandoffFact):
    """The receiver sees him then; `open`: what for may be told to the other side."""

    contact: Contact
    open: bool


@dataclass(frozen=True, kw_only=True)
class OnHold(HandoffFact):
    """One of the sides lets it rest."""

    reason_group: ReasonGroup


@dataclass(frozen=True, kw_only=True)
class HoldAdded(HandoffFact):
    """It rests here for one more cause; told to nobody."""


@dataclass(frozen=True, kw_only=True)
class HoldLifted(HandoffFact):
    """One cause here is gone, another stands; told to nobody."""


@dataclass(frozen=True, kw_only=True)
class HoldEnded(HandoffFact):
    """One side lets it go on; it rests still, for the other does not."""

    reason_group: ReasonGroup


@dataclass(frozen=True, kw_only=True)
class Resumed(HandoffFact):
    """It goes on."""


@dataclass(frozen=True, kw_only=True)
class Completed(HandoffFact):
    """The receiver has done what was asked."""

    outcome: Outcome


@dataclass(frozen=True, kw_only=True)
class LoopClosed(HandoffFact):
    """The sender has seen the outcome."""


@dataclass(frozen=True, kw_only=True)
class RevokeRequested(HandoffFact):
    """The sender asks for it back."""


@dataclass(frozen=True, kw_only=True)
class PurgeConfirmed(HandoffFact):
    """The receiver has deleted what came with it; `ended_as`: what it was by then."""

    ended_as: Status


@dataclass(frozen=True, kw_only=True)
class Revoked(HandoffFact):
    """It was taken back before it was decided."""


@dataclass(frozen=True, kw_only=True)
class Superseded(HandoffFact):
    """Two steps crossed, and this one counts for nothing; `answers`: the other side does not know it by itself."""

    lost: Step
    answers: bool = False


@dataclass(frozen=True, kw_only=True)
class Expired(HandoffFact):
    """Nobody acknowledged it in time."""


@dataclass(frozen=True, kw_only=True)
class Failed(HandoffFact):
    """It could not be carried through."""

    reason_group: ReasonGroup
    reason: Reason | None


@dataclass(frozen=True, kw_only=True)
class CorrectionProposed(HandoffFact):
    """Somebody says that the record is wrong; told to nobody until a second person agrees."""


@dataclass(frozen=True, kw_only=True)
class Corrected(HandoffFact):
    """The record was wrong, and stands as this from now on; the digests are of what can be corrected."""

    kind: Kind
    aspects: tuple[Aspect, ...]
    outcome: Outcome | None
    before_hash: str
    after_hash: str


@dataclass(frozen=True, kw_only=True)
class EnteredInError(HandoffFact):
    """It should never have been: it counts for nothing, and what came with it is deleted."""


@dataclass(frozen=True, kw_only=True)
class Emptied(HandoffFact):
    """What was kept of a declined one for ninety days is deleted; told to nobody."""


@dataclass(frozen=True, kw_only=True)
class DeadlineMissed(HandoffFact):
    """A promise was not kept in time."""

    promise: str
    missed_due_at: datetime
    missed_at: datetime
    policy_version: str


ALL = (
    Offered, Received, InformationRequested, InformationSupplied, InformationLapsed, Accepted, Waitlisted, Declined,
    Started, ContactPlanned, OnHold, HoldAdded, HoldLifted, HoldEnded, Resumed, Completed, LoopClosed,
    RevokeRequested, PurgeConfirmed, Revoked, Superseded, Expired, Failed, CorrectionProposed, Corrected,
    EnteredInError, Emptied, DeadlineMissed,
)  # fmt: skip
