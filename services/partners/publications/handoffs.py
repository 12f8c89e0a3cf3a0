"""What is told of handoffs: in the house, every step of either side; to the other house, the steps of this one.

The reason of a step stays here, its group is told, and to probation no choice of the person. Texts are told to
nobody: the other house reads them by reference.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from google.protobuf.timestamp_pb2 import Timestamp

from chassis.shares import Basis, Share
from partners.domain.handoff import facts
from partners.domain.handoff.codes import ReasonGroup
from partners.publications.list import PUBLICATIONS
from throughcare.partners.v1 import events_pb2 as told
from throughcare.partners.v1 import shares_pb2 as shared

if TYPE_CHECKING:
    from google.protobuf.message import Message

    Told = tuple[Message | Share, ...]


def _at(instant: datetime | None) -> Timestamp | None:
    if instant is None:
        return None
    found = Timestamp()
    found.FromDatetime(instant)
    return found


def _of(fact: facts.HandoffFact) -> dict[str, Any]:
    """What every message to the house says first."""
    between = fact.between
    return {
        "handoff_id": str(between.handoff_id),
        "side": between.side,
        "partner": between.partner,
        "state": fact.state,
    }


def _told(fact: facts.HandoffFact, here: Message, there: Message, *, detail_ref: str = "") -> Told:
    """To the house; and to the other one, where this one has done it."""
    return (here,) if fact.heard else (here, _share(fact, there, detail_ref=detail_ref))


def _share(fact: facts.HandoffFact, there: Message, *, detail_ref: str = "") -> Share:
    between = fact.between
    grounds = between.grounds
    return Share(
        to=between.partner,
        message=there,
        aggregate_id=between.handoff_id,
        subject_ref=between.subject_ref,
        detail_ref=detail_ref,
        basis=Basis(
            regime=grounds.regime,
            lawful_basis=grounds.lawful_basis,
            confidentiality_basis=grounds.confidentiality_basis,
            isa_id=grounds.isa_id,
        ),
    )


def _id(fact: facts.HandoffFact) -> str:
    return str(fact.between.handoff_id)


def _group(fact: facts.HandoffFact, group: ReasonGroup) -> ReasonGroup:
    """The group as the other house may know it."""
    hidden = fact.between.to_probation and group is ReasonGroup.PERSON_CHOICE
    return ReasonGroup.CIRCUMSTANCE if hidden else group


@PUBLICATIONS.tells(facts.Offered)
def offered(fact: facts.Offered) -> Told:
    """handoff.offered."""
    same: dict[str, Any] = {
        "kind": fact.kind,
        "aspect_codes": list(fact.aspects),
        "offer_id": str(fact.offer_id or ""),
        "scope_hash": fact.scope_hash,
        "due_at": _at(fact.due_at),
        "expires_at": _at(fact.expires_at),
        "origin": fact.origin,
    }
    there = shared.SharedHandoffOffered(handoff_id=_id(fact), categories=list(fact.categories), **same)
    return _told(fact, told.HandoffOffered(**_of(fact), **same), there, detail_ref=fact.detail_ref)


@PUBLICATIONS.tells(facts.Received)
def received(fact: facts.Received) -> Told:
    """handoff.received."""
    here = told.HandoffReceived(**_of(fact), kind=fact.kind, aspect_codes=list(fact.aspects), due_at=_at(fact.due_at))
    return _told(fact, here, shared.SharedHandoffReceived(handoff_id=_id(fact)))


@PUBLICATIONS.tells(facts.InformationRequested)
def information_requested(fact: facts.InformationRequested) -> Told:
    """handoff.information_requested."""
    same: dict[str, Any] = {"item_count": fact.item_count, "due_at": _at(fact.due_at)}
    there = shared.SharedHandoffInformationRequested(handoff_id=_id(fact), round=fact.round, **same)
    return _told(fact, told.HandoffInformationRequested(**_of(fact), **same), there, detail_ref=fact.detail_ref)


@PUBLICATIONS.tells(facts.InformationSupplied)
def information_supplied(fact: facts.InformationSupplied) -> Told:
    """handoff.information_supplied."""
    here = told.HandoffInformationSupplied(**_of(fact), due_at=_at(fact.due_at))
    there = shared.SharedHandoffInformationSupplied(handoff_id=_id(fact), round=fact.round)
    return _told(fact, here, there, detail_ref=fact.detail_ref)


@PUBLICATIONS.tells(facts.InformationLapsed)
def information_lapsed(fact: facts.InformationLapsed) -> Told:
    """handoff.information_lapsed."""
    here = told.HandoffInformationLapsed(**_of(fact), due_at=_at(fact.due_at))
    return _told(fact, here, shared.SharedHandoffInformationLapsed(handoff_id=_id(fact), round=fact.round))


@PUBLICATIONS.tells(facts.Accepted)
def accepted(fact: facts.Accepted) -> Told:
    """handoff.accepted."""
    here = told.HandoffAccepted(**_of(fact), due_at=_at(fact.due_at))
    return _told(fact, here, shared.SharedHandoffAccepted(handoff_id=_id(fact)))


@PUBLICATIONS.tells(facts.Waitlisted)
def waitlisted(fact: facts.Waitlisted) -> Told:
    """handoff.waitlisted."""
    return _told(fact, told.HandoffWaitlisted(**_of(fact)), shared.SharedHandoffWaitlisted(handoff_id=_id(fact)))


@PUBLICATIONS.tells(facts.Declined)
def declined(fact: facts.Declined) -> Told:
    """handoff.declined."""
    here = told.HandoffDeclined(**_of(fact), reason_group=fact.reason_group)
    group = _group(fact, fact.reason_group)
    return _told(fact, here, shared.SharedHandoffDeclined(handoff_id=_id(fact), reason_group=group))


@PUBLICATIONS.tells(facts.Started)
def started(fact: facts.Started) -> Told:
    """handoff.started."""
    return _told(fact, told.HandoffStarted(**_of(fact)), shared.SharedHandoffStarted(handoff_id=_id(fact)))


@PUBLICATIONS.tells(facts.ContactPlanned)
def contact_planned(fact: facts.ContactPlanned) -> Told:
    """next_contact.changed, as far as this handoff goes; what for only where it covers appointments."""
    contact = fact.contact
    when: dict[str, Any] = {"starts_at": _at(contact.starts_at), "ends_at": _at(contact.ends_at)}
    what: dict[str, Any] = {"aspect_code": contact.aspect or "", "step_code": contact.step or ""}
    here = told.HandoffContactPlanned(**_of(fact), **what, **when)
    openly = shared.SharedNextContact(handoff_id=_id(fact), **what, **when)
    return _told(fact, here, openly if fact.open else shared.SharedBusySlot(**when))


@PUBLICATIONS.tells(facts.OnHold)
def on_hold(fact: facts.OnHold) -> Told:
    """handoff.on_hold."""
    here = told.HandoffOnHold(**_of(fact), reason_group=fact.reason_group)
    group = _group(fact, fact.reason_group)
    return _told(fact, here, shared.SharedHandoffOnHold(handoff_id=_id(fact), reason_group=group))


@PUBLICATIONS.tells(facts.HoldEnded)
def hold_ended(fact: facts.HoldEnded) -> Told:
    """It rests still, for the other side holds it: the house hears that, the other side that this one does not."""
    here = told.HandoffOnHold(**_of(fact), reason_group=fact.reason_group)
    return _told(fact, here, shared.SharedHandoffResumed(handoff_id=_id(fact)))


@PUBLICATIONS.tells(facts.Resumed)
def resumed(fact: facts.Resumed) -> Told:
    """handoff.resumed."""
    return _told(fact, told.HandoffResumed(**_of(fact)), shared.SharedHandoffResumed(handoff_id=_id(fact)))


@PUBLICATIONS.tells(facts.Completed)
def completed(fact: facts.Completed) -> Told:
    """handoff.completed."""
    here = told.HandoffCompleted(**_of(fact), outcome=fact.outcome, due_at=_at(fact.due_at))
    return _told(fact, here, shared.SharedHandoffCompleted(handoff_id=_id(fact), outcome=fact.outcome))


@PUBLICATIONS.tells(facts.LoopClosed)
def loop_closed(fact: facts.LoopClosed) -> Told:
    """handoff.loop_closed."""
    return _told(fact, told.HandoffLoopClosed(**_of(fact)), shared.SharedHandoffLoopClosed(handoff_id=_id(fact)))


@PUBLICATIONS.tells(facts.RevokeRequested)
def revoke_requested(fact: facts.RevokeRequested) -> Told:
    """handoff.revoke_requested."""
    here = told.HandoffRevokeRequested(**_of(fact), due_at=_at(fact.due_at))
    return _told(fact, here, shared.SharedHandoffRevokeRequested(handoff_id=_id(fact)))


@PUBLICATIONS.tells(facts.PurgeConfirmed)
def purge_confirmed(fact: facts.PurgeConfirmed) -> Told:
    """handoff.purge_confirmed."""
    there = shared.SharedHandoffPurgeConfirmed(handoff_id=_id(fact), state=fact.ended_as)
    return _told(fact, told.HandoffPurgeConfirmed(**_of(fact)), there)


@PUBLICATIONS.tells(facts.Revoked)
def revoked(fact: facts.Revoked) -> Message:
    """handoff.revoked: the other side has said so, or knows it by the confirmed purge."""
    return told.HandoffRevoked(**_of(fact))


@PUBLICATIONS.tells(facts.Superseded)
def superseded(fact: facts.Superseded) -> Told:
    """handoff.superseded: the other side judges by the same rule, but for a receipt that came too late."""
    here = told.HandoffSuperseded(**_of(fact), lost=fact.lost)
    if not fact.answers:
        return (here,)
    return (here, _share(fact, shared.SharedHandoffSuperseded(handoff_id=_id(fact), lost=fact.lost)))


@PUBLICATIONS.tells(facts.Expired)
def expired(fact: facts.Expired) -> Message:
    """handoff.expired: the receiver judges by the same instant when it arrives."""
    return told.HandoffExpired(**_of(fact))


@PUBLICATIONS.tells(facts.Failed)
def failed(fact: facts.Failed) -> Told:
    """handoff.failed."""
    here = told.HandoffFailed(**_of(fact), reason_group=fact.reason_group)
    group = _group(fact, fact.reason_group)
    return _told(fact, here, shared.SharedHandoffFailed(handoff_id=_id(fact), reason_group=group))


@PUBLICATIONS.tells(facts.Corrected)
def corrected(fact: facts.Corrected) -> Told:
    """handoff.corrected: as it stands now, with the digests of before and after; why, stays here."""
    same: dict[str, Any] = {
        "kind": fact.kind,
        "aspect_codes": list(fact.aspects),
        "outcome": fact.outcome or "",
        "before_hash": fact.before_hash,
        "after_hash": fact.after_hash,
    }
    there = shared.SharedHandoffCorrected(handoff_id=_id(fact), **same)
    return _told(fact, told.HandoffCorrected(**_of(fact), **same), there)


@PUBLICATIONS.tells(facts.EnteredInError)
def entered_in_error(fact: facts.EnteredInError) -> Told:
    """handoff.entered_in_error."""
    here = told.HandoffEnteredInError(**_of(fact), due_at=_at(fact.due_at))
    return _told(fact, here, shared.SharedHandoffEnteredInError(handoff_id=_id(fact)))


@PUBLICATIONS.tells(facts.DeadlineMissed)
def deadline_missed(fact: facts.DeadlineMissed) -> Told:
    """handoff.deadline_missed: both houses hear what either was late with."""
    same: dict[str, Any] = {
        "promise": fact.promise,
        "due_at": _at(fact.missed_due_at),
        "missed_at": _at(fact.missed_at),
        "policy_version": fact.policy_version,
    }
    here = told.HandoffDeadlineMissed(handoff_id=_id(fact), side=fact.between.side, **same)
    return _told(fact, here, shared.SharedHandoffDeadlineMissed(handoff_id=_id(fact), **same))
