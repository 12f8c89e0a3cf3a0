"""One handoff as one side holds it. The same value lives in both houses under the same id; both end alike.

What the receiver has decided (`stage`) goes on beneath what interrupts it: a request to have it back (`revoking`),
and holds of either side. `status` is what all of it comes to. Steps of each side stand in modules of their own; a
step refuses first, then tells what happened; what is not listed in `states.md` 7 is `invalid_transition`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from chassis.aggregate import Aggregate, Fault, Invalid, Unmet
from partners.domain.codes import Aspect
from partners.domain.handoff import clocks, facts
from partners.domain.handoff.codes import (
    Category,
    Cause,
    Kind,
    Origin,
    Outcome,
    Reason,
    ReasonGroup,
    Side,
)
from partners.domain.handoff.states import ENDS, Between, Contact, Correction, Grounds, Status, Stop, Written

S = Status


@dataclass(frozen=True, kw_only=True)
class Handoff(Aggregate):
    """One side of a handoff. `person_id` is this house's own; the sealed fields never leave it unasked."""

    side: Side
    partner: str
    partner_org: str
    own_org: str
    to_probation: bool
    subject_ref: str
    person_id: UUID
    case_id: UUID | None = None
    kind: Kind
    aspects: tuple[Aspect, ...]
    offer_id: UUID | None = None
    categories: tuple[Category, ...]
    scope_hash: str
    origin: Origin
    grounds: Grounds
    detail_ref: str
    offered_at: datetime
    offered_by: str = ""
    expires_at: datetime
    status: Status
    stage: Status
    revoking: bool = False
    own_holds: tuple[Cause, ...] = ()
    their_hold: bool = False
    hold_group: ReasonGroup | None = None
    round: int = 0
    answered: int = 0
    lapsed: int = 0
    stops: tuple[Stop, ...] = ()
    due_at: datetime | None = None
    refs: tuple[str, ...] = ()
    late: tuple[str, ...] = ()
    received_at: datetime | None = None
    asked_at: datetime | None = None
    accepted_at: datetime | None = None
    started_at: datetime | None = None
    revoke_requested_at: datetime | None = None
    ended_at: datetime | None = None
    loop_closed_at: datetime | None = None
    purged_at: datetime | None = None
    worker: str = ""
    outcome: Outcome | None = None
    reason_group: ReasonGroup | None = None
    next_contact: Contact | None = None
    reason: Reason | None = None
    note: str = ""
    snapshot: str = ""
    written: tuple[Written, ...] = ()
    correction: Correction | None = None

    @property
    def between(self) -> Between:
        """Between whom it is."""
        return Between(
            handoff_id=self.id,
            side=self.side,
            partner=self.partner,
            subject_ref=self.subject_ref,
            to_probation=self.to_probation,
            grounds=self.grounds,
        )

    @property
    def open(self) -> bool:
        """Whether it has not ended."""
        return self.stage not in ENDS

    @property
    def responsible(self) -> Side:
        """Who is responsible for him, as far as this side knows: a transfer moves it when the work has begun, and
        only then, so that there is no gap; a failure afterwards does not move it back."""
        moved = self.kind is Kind.TRANSFER and self.started_at is not None
        return Side.RECEIVER if moved else Side.SENDER

    @property
    def contact_shown(self) -> Contact | None:
        """When he is seen next, as it may be shown: while it rests, and after it has ended, nobody is expected."""
        return self.next_contact if self.open and self.status is not S.ON_HOLD else None

    def responsible_on(self, at: datetime) -> Side:
        """Who was at that moment; both sides give the same answer once they have heard of each other."""
        moved = self.kind is Kind.TRANSFER and self.started_at is not None and self.started_at <= at
        return Side.RECEIVER if moved else Side.SENDER

    def moved(self, **changes: Any) -> Self:
        """The next value: what its parts come to, and what is waited for next."""
        value = replace(self, **changes)
        value = replace(value, status=_standing(value))
        return replace(value, due_at=clocks.due_at(value))

    def says(self, happened: type[facts.HandoffFact], /, *, at: datetime, **said: Any) -> Self:
        """Tell a fact of this value, with what falls due after it."""
        standing: dict[str, Any] = {"state": self.status, "due_at": self.due_at, "timers": clocks.timers(self)}
        fact = happened(at=at, between=self.between, **standing, **said)
        return self.telling(fact)

    def stopped(self, what: str, at: datetime) -> tuple[Stop, ...]:
        """The clock stands still for this from now on."""
        return (*self.stops, Stop(what=what, began=at))

    def running(self, what: str, at: datetime) -> tuple[Stop, ...]:
        """It does not for this any more; said again, the later word counts."""
        last = max((n for n, stop in enumerate(self.stops) if stop.what == what), default=None)
        return tuple(
            replace(stop, ended=max(at, stop.began)) if n == last else stop for n, stop in enumerate(self.stops)
        )

    def wrote(self, items: tuple[str, ...], round_: int, detail_ref: str) -> dict[str, Any]:
        """The changes where this side has written something: its reference may be asked for here."""
        one = Written(by=self.side, round=round_, items=items, detail_ref=detail_ref)
        return {"written": (*self.written, one), "refs": (*self.refs, detail_ref)}

    def was_written(self, round_: int, detail_ref: str) -> dict[str, Any]:
        """The changes where the other side has."""
        by = Side.RECEIVER if self.side is Side.SENDER else Side.SENDER
        return {"written": (*self.written, Written(by=by, round=round_, items=(), detail_ref=detail_ref))}

    def must_be(self, *allowed: Status) -> None:
        """Refuse a step that this state does not have."""
        if self.status not in allowed:
            raise Unmet("invalid_transition", "The handoff is not at a point where this can be done.")

    def must_be_on(self, side: Side) -> None:
        """Refuse a step that is the other side's."""
        if self.side is not side:
            raise Unmet("other_side", "This is for the other house to do.")

    def miss(self, promise: str, *, due_at: datetime, policy_version: str, at: datetime) -> Self:
        """A promise was not kept in time; told once for each thing that is waited for."""
        waited_for = (S.REVOKE_PENDING if promise == "L22" else self.stage).value
        if at < due_at or waited_for in self.late:
            raise Unmet("not_due", "This promise is not due, or its miss was told.")
        value = self.moved(late=(*self.late, waited_for))
        missed = {"promise": promise, "missed_due_at": due_at, "missed_at": at, "policy_version": policy_version}
        return value.says(facts.DeadlineMissed, at=at, **missed)


def _standing(handoff: Handoff) -> Status:
    if not handoff.open:
        return handoff.stage
    if handoff.revoking:
        return S.REVOKE_PENDING
    return S.ON_HOLD if handoff.own_holds or handoff.their_hold else handoff.stage


def refuse(*faults: Fault) -> None:
    """Raises Invalid with every fault, or passes."""
    if faults:
        raise Invalid(*faults)
