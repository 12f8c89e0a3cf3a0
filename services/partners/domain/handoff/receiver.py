"""What the house may do to which it is offered: take it, ask, accept, wait, decline, work, rest, end; and purge."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID

from chassis.aggregate import Fault, Unmet
from chassis.calendar import local_date
from partners.domain.codes import Aspect
from partners.domain.handoff import clocks, facts
from partners.domain.handoff.aggregate import Handoff, refuse
from partners.domain.handoff.codes import (
    Category,
    Kind,
    Origin,
    Outcome,
    Reason,
    Side,
    Step,
)
from partners.domain.handoff.sender import asked
from partners.domain.handoff.states import UNDECIDED, Contact, Grounds, Said, Status

S = Status
MOST_ITEMS, FURTHEST = 10, timedelta(days=183)
BACK_DATED = timedelta(days=28)


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """What arrived, from whom, about whom: `subject_ref` is the sender's reference, `person_id` our own."""

    handoff_id: UUID
    partner: str
    partner_org: str
    own_org: str
    to_probation: bool
    subject_ref: str
    person_id: UUID
    kind: Kind
    aspects: tuple[Aspect, ...]
    offer_id: UUID | None
    categories: tuple[Category, ...]
    scope_hash: str
    origin: Origin
    grounds: Grounds
    detail_ref: str
    expires_at: datetime


def acknowledge(arrival: Arrival, *, said: Said, at: datetime) -> Handoff:
    """It has arrived. After its time nothing of it is kept: the sender judges by the same instant (states.md 7)."""
    held = {name: getattr(arrival, name) for name in Arrival.__dataclass_fields__ if name != "handoff_id"}
    value = Handoff(
        id=arrival.handoff_id, side=Side.RECEIVER, offered_at=said.at, status=S.OFFERED, stage=S.OFFERED, **held
    )
    if at > arrival.expires_at:
        ended = value.moved(stage=S.EXPIRED, ended_at=at, detail_ref="")
        return confirm_purge(ended.says(facts.Superseded, lost=Step.RECEIVED, at=at).says(facts.Expired, at=at), at=at)
    value = value.moved(stage=S.RECEIVED, received_at=at)
    return value.says(facts.Received, kind=value.kind, aspects=value.aspects, at=at)


def ask(handoff: Handoff, items: tuple[str, ...], *, detail_ref: str, at: datetime) -> Handoff:
    """Ask something before deciding; what is asked stays here and is read by its reference."""
    handoff.must_be_on(Side.RECEIVER)
    handoff.must_be(S.RECEIVED)
    tidied = tuple(item.strip() for item in items)
    refuse(
        *([] if 1 <= len(tidied) <= MOST_ITEMS else [Fault("items", "OUT_OF_RANGE" if tidied else "REQUIRED")]),
        *(Fault(f"items.{n}", "REQUIRED") for n, item in enumerate(tidied) if not item),
    )
    number = handoff.round + 1
    value = handoff.moved(
        stage=S.INFO_REQUESTED,
        round=number,
        asked_at=at,
        stops=handoff.stopped(asked(number), at),
        **handoff.wrote(tidied, number, detail_ref),
    )
    return value.says(facts.InformationRequested, round=number, item_count=len(tidied), detail_ref=detail_ref, at=at)


def lapse(handoff: Handoff, *, at: datetime) -> Handoff:
    """What was asked was not answered in time: the decision is due all the same."""
    handoff.must_be_on(Side.RECEIVER)
    if handoff.stage is not S.INFO_REQUESTED:
        handoff.must_be(S.INFO_REQUESTED)
    stops = handoff.running(asked(handoff.round), at)
    value = handoff.moved(stage=S.RECEIVED, lapsed=handoff.round, stops=stops)
    return value.says(facts.InformationLapsed, round=handoff.round, at=at)


def accept(handoff: Handoff, *, worker: str, at: datetime) -> Handoff:
    """Take it on; who works with him may be named."""
    handoff.must_be_on(Side.RECEIVER)
    handoff.must_be(S.RECEIVED, S.WAITLISTED)
    return handoff.moved(stage=S.ACCEPTED, accepted_at=at, worker=worker or handoff.worker).says(facts.Accepted, at=at)


def waitlist(handoff: Handoff, *, at: datetime) -> Handoff:
    """Take it on when there is room."""
    handoff.must_be_on(Side.RECEIVER)
    handoff.must_be(S.RECEIVED)
    return handoff.moved(stage=S.WAITLISTED).says(facts.Waitlisted, at=at)


def decline(handoff: Handoff, reason: Reason, *, note: str, at: datetime) -> Handoff:
    """Do not take it on; the group of the reason is told, the reason and the note are not."""
    handoff.must_be_on(Side.RECEIVER)
    handoff.must_be(S.RECEIVED, S.INFO_REQUESTED, S.WAITLISTED)
    value = handoff.moved(stage=S.DECLINED, ended_at=at, reason=reason, reason_group=reason.group, note=note)
    return value.says(facts.Declined, reason=reason, reason_group=reason.group, at=at)


def start(handoff: Handoff, *, first_contact_on: date, worker: str, at: datetime) -> Handoff:
    """Work begins: first contact has been made. Of a transfer, responsibility moves with it."""
    handoff.must_be_on(Side.RECEIVER)
    handoff.must_be(S.ACCEPTED, S.WAITLISTED)
    today = local_date(at)
    refuse(
        *([Fault("first_contact_on", "IN_FUTURE")] if first_contact_on > today else []),
        *([Fault("first_contact_on", "IN_PAST")] if first_contact_on < today - BACK_DATED else []),
    )
    value = handoff.moved(stage=S.IN_PROGRESS, started_at=at, worker=worker or handoff.worker)
    return value.says(facts.Started, at=at)


def plan_contact(handoff: Handoff, contact: Contact, *, at: datetime) -> Handoff:
    """Say when he is seen next. What for is told only where the handoff covers appointments."""
    handoff.must_be_on(Side.RECEIVER)
    handoff.must_be(S.ACCEPTED, S.IN_PROGRESS)
    refuse(*_wrong_contact(handoff, contact, at))
    told_openly = Category.APPOINTMENTS in handoff.categories
    value = handoff.moved(next_contact=contact)
    return value.says(facts.ContactPlanned, contact=contact, open=told_openly, at=at)


def _wrong_contact(handoff: Handoff, contact: Contact, at: datetime) -> list[Fault]:
    faults = []
    if contact.aspect is not None and contact.aspect not in handoff.aspects:
        faults.append(Fault("aspect_code", "CONFLICTS_WITH(aspect_codes)"))
    if contact.starts_at < at:
        faults.append(Fault("starts_at", "IN_PAST"))
    if contact.starts_at > at + FURTHEST:
        faults.append(Fault("starts_at", "OUT_OF_RANGE"))
    if contact.ends_at <= contact.starts_at:
        faults.append(Fault("ends_at", "BEFORE_START"))
    if contact.ends_at - contact.starts_at > timedelta(days=1):
        faults.append(Fault("ends_at", "OUT_OF_RANGE"))
    return faults


def complete(handoff: Handoff, outcome: Outcome, *, delivered: str, at: datetime) -> Handoff:
    """What was asked has been done; what was delivered stays here."""
    handoff.must_be_on(Side.RECEIVER)
    handoff.must_be(S.IN_PROGRESS)
    refuse(*([] if delivered.strip() else [Fault("delivered", "REQUIRED")]))
    value = handoff.moved(stage=S.COMPLETED, ended_at=at, outcome=outcome, note=delivered.strip())
    return value.says(facts.Completed, outcome=outcome, at=at)


def fail(handoff: Handoff, reason: Reason, *, note: str, at: datetime) -> Handoff:
    """It cannot be carried through; the sender is told at once, by the group of the reason."""
    handoff.must_be_on(Side.RECEIVER)
    handoff.must_be(S.ACCEPTED, S.WAITLISTED, S.IN_PROGRESS, S.ON_HOLD)
    value = handoff.moved(stage=S.FAILED, ended_at=at, reason=reason, reason_group=reason.group, note=note)
    return value.says(facts.Failed, reason=reason, reason_group=reason.group, at=at)


def confirm_purge(handoff: Handoff, *, at: datetime) -> Handoff:
    """Delete what came with it, and say so: after a request to have it back, or because it came too late."""
    handoff.must_be_on(Side.RECEIVER)
    handoff.must_be(S.REVOKE_PENDING, S.EXPIRED)
    if handoff.purged_at is not None:
        raise Unmet("invalid_transition", "What came with it is deleted already.")
    ended_as = S.REVOKED if handoff.revoking else S.EXPIRED
    ended_at = handoff.ended_at or at
    value = _emptied(handoff).moved(stage=ended_as, revoking=False, ended_at=ended_at, purged_at=at)
    value = value.says(facts.PurgeConfirmed, ended_as=ended_as, at=at)
    return value.says(facts.Revoked, at=at) if ended_as is S.REVOKED else value


def empty(handoff: Handoff, *, at: datetime) -> Handoff:
    """Ninety days after it was declined nothing that came with it, or was written about it, is kept."""
    handoff.must_be_on(Side.RECEIVER)
    handoff.must_be(S.DECLINED)
    if handoff.purged_at is not None or handoff.ended_at is None or at < handoff.ended_at + clocks.KEPT_AFTER_DECLINE:
        raise Unmet("not_due", "It is kept for ninety days, or is deleted already.")
    return _emptied(handoff).moved(purged_at=at).says(facts.Emptied, at=at)


def _emptied(handoff: Handoff) -> Handoff:
    return replace(handoff, written=(), refs=(), snapshot="", note="", detail_ref="")


def revocable(handoff: Handoff) -> bool:
    """Whether this side has not bound itself, so that a request to have it back still counts."""
    return handoff.open and handoff.stage in UNDECIDED
