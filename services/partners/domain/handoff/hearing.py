"""What each side makes of what the other tells, whenever it arrives (states.md 7, Races).

What the receiver had decided before it heard of a step of the sender stands; the step that lost is told as
superseded, on either side by the same rule. A word that was heard already changes nothing. A step before another
may be missing, where its basis had ended before it left: it is then taken as said with the one that followed.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from partners.domain.handoff import facts, receiver
from partners.domain.handoff.aggregate import Handoff
from partners.domain.handoff.codes import Outcome, ReasonGroup, Side, Step
from partners.domain.handoff.sender import asked
from partners.domain.handoff.states import Contact, Said, Status

S = Status


def received(handoff: Handoff, *, said: Said, at: datetime) -> Handoff:
    """It has arrived. An expiry recorded here meanwhile gives way to a receipt recorded in time, and to no other."""
    handoff.must_be_on(Side.SENDER)
    if handoff.received_at is not None or handoff.stage not in (S.OFFERED, S.EXPIRED):
        return handoff
    if said.recorded_at > handoff.expires_at:
        return _too_late(handoff, said, at)
    return _received(handoff, said, at)


def _received(handoff: Handoff, said: Said, at: datetime) -> Handoff:
    if handoff.stage is S.EXPIRED:
        handoff = handoff.says(facts.Superseded, lost=Step.EXPIRED, at=at)
    value = handoff.moved(stage=S.RECEIVED, received_at=said.at, ended_at=None)
    return value.says(facts.Received, heard=True, kind=value.kind, aspects=value.aspects, at=at)


def _too_late(handoff: Handoff, said: Said, at: datetime) -> Handoff:
    handoff = _expired(handoff, at)
    return replace(handoff, received_at=said.at).says(facts.Superseded, lost=Step.RECEIVED, answers=True, at=at)


def _expired(handoff: Handoff, at: datetime) -> Handoff:
    """It has expired, whatever the timer here and a request to have it back say."""
    if handoff.revoking:
        handoff = replace(handoff, revoking=False).says(facts.Superseded, lost=Step.REVOKE_REQUESTED, at=at)
    if handoff.stage is S.EXPIRED:
        return handoff
    return handoff.moved(stage=S.EXPIRED, ended_at=at).says(facts.Expired, heard=True, at=at)


def information_requested(
    handoff: Handoff, round_: int, item_count: int, ref: str, *, said: Said, at: datetime
) -> Handoff:
    """The receiver asks; kept, without effect, while the request to have it back is under way."""
    handoff.must_be_on(Side.SENDER)
    if round_ <= handoff.round:
        return handoff
    handoff = _decided(handoff, said, at)
    if handoff.stage is not S.RECEIVED:
        return handoff
    stops = handoff.stopped(asked(round_), said.at)
    asks = {"stage": S.INFO_REQUESTED, "round": round_, "asked_at": said.at, "stops": stops}
    value = handoff.moved(**asks, **handoff.was_written(round_, ref))
    return value.says(
        facts.InformationRequested, heard=True, round=round_, item_count=item_count, detail_ref=ref, at=at
    )


def information_lapsed(handoff: Handoff, round_: int, *, said: Said, at: datetime) -> Handoff:
    """The receiver waits no longer; an answer that crossed it counts for nothing."""
    handoff.must_be_on(Side.SENDER)
    if round_ != handoff.round or handoff.lapsed >= round_ or not handoff.open:
        return handoff
    crossed = handoff.answered >= round_
    stage = S.RECEIVED if handoff.stage is S.INFO_REQUESTED else handoff.stage
    value = handoff.moved(stage=stage, lapsed=round_, stops=handoff.running(asked(round_), said.at))
    if crossed:
        return value.says(facts.Superseded, lost=Step.INFORMATION_SUPPLIED, at=at)
    return value.says(facts.InformationLapsed, heard=True, round=round_, at=at)


def accepted(handoff: Handoff, *, said: Said, at: datetime) -> Handoff:
    """The receiver takes it on."""
    handoff = _decided(handoff, said, at)
    if handoff.stage not in (S.RECEIVED, S.WAITLISTED):
        return handoff
    value = _stands(handoff, at).moved(stage=S.ACCEPTED, accepted_at=said.at)
    return value.says(facts.Accepted, heard=True, at=at)


def waitlisted(handoff: Handoff, *, at: datetime, said: Said) -> Handoff:
    """The receiver will; kept, without effect, while the request to have it back is under way."""
    handoff = _decided(handoff, said, at)
    if handoff.stage is not S.RECEIVED:
        return handoff
    return handoff.moved(stage=S.WAITLISTED).says(facts.Waitlisted, heard=True, at=at)


def declined(handoff: Handoff, group: ReasonGroup, *, said: Said, at: datetime) -> Handoff:
    """The receiver does not take it on."""
    handoff = _reached(handoff, S.RECEIVED, said, at)
    if not handoff.open:
        return handoff
    value = _stands(handoff, at).moved(stage=S.DECLINED, ended_at=said.at, reason_group=group)
    return value.says(facts.Declined, heard=True, reason=None, reason_group=group, at=at)


def started(handoff: Handoff, *, said: Said, at: datetime) -> Handoff:
    """The receiver has begun."""
    handoff = _reached(handoff, S.ACCEPTED, said, at)
    if handoff.stage not in (S.ACCEPTED, S.WAITLISTED):
        return handoff
    value = _stands(handoff, at).moved(stage=S.IN_PROGRESS, started_at=said.at)
    return value.says(facts.Started, heard=True, at=at)


def completed(handoff: Handoff, outcome: Outcome, *, said: Said, at: datetime) -> Handoff:
    """The receiver has done it."""
    handoff = _reached(handoff, S.IN_PROGRESS, said, at)
    if handoff.stage is not S.IN_PROGRESS:
        return handoff
    value = handoff.moved(stage=S.COMPLETED, ended_at=said.at, outcome=outcome)
    return value.says(facts.Completed, heard=True, outcome=outcome, at=at)


def failed(handoff: Handoff, group: ReasonGroup, *, said: Said, at: datetime) -> Handoff:
    """The receiver cannot carry it through."""
    handoff = _reached(handoff, S.RECEIVED, said, at)
    if not handoff.open:
        return handoff
    value = _stands(handoff, at).moved(stage=S.FAILED, ended_at=said.at, reason_group=group)
    return value.says(facts.Failed, heard=True, reason=None, reason_group=group, at=at)


def contact_planned(handoff: Handoff, contact: Contact, *, openly: bool, at: datetime) -> Handoff:
    """The receiver sees him then; openly, he says what for."""
    handoff.must_be_on(Side.SENDER)
    if not handoff.open or handoff.next_contact == contact:
        return handoff
    planned = replace(handoff, next_contact=contact)
    return planned.says(facts.ContactPlanned, heard=True, contact=contact, open=openly, at=at)


def purge_confirmed(handoff: Handoff, ended_as: Status, *, said: Said, at: datetime) -> Handoff:
    """The receiver has deleted what came with it: because it was asked back, or came too late."""
    handoff.must_be_on(Side.SENDER)
    if handoff.purged_at is not None:
        return handoff
    if handoff.stage is S.ENTERED_IN_ERROR:
        value = replace(handoff, purged_at=said.at).moved()
        return value.says(facts.PurgeConfirmed, heard=True, ended_as=handoff.stage, at=at)
    if ended_as is S.EXPIRED and handoff.stage in (S.OFFERED, S.EXPIRED):
        handoff = _expired(handoff, at)
    elif not handoff.revoking:
        return handoff
    else:
        handoff = handoff.moved(stage=S.REVOKED, revoking=False, ended_at=said.at)
    value = replace(handoff, purged_at=said.at).says(facts.PurgeConfirmed, heard=True, ended_as=handoff.stage, at=at)
    return value.says(facts.Revoked, heard=True, at=at) if handoff.stage is S.REVOKED else value


def information_supplied(handoff: Handoff, round_: int, ref: str, *, said: Said, at: datetime) -> Handoff:
    """The sender has answered; too late where nobody waits for it any more."""
    handoff.must_be_on(Side.RECEIVER)
    if round_ <= handoff.answered or round_ > handoff.round:
        return handoff
    if handoff.stage is not S.INFO_REQUESTED or round_ != handoff.round:
        return replace(handoff, answered=round_).says(facts.Superseded, lost=Step.INFORMATION_SUPPLIED, at=at)
    stops = handoff.running(asked(round_), said.at)
    value = handoff.moved(stage=S.RECEIVED, answered=round_, stops=stops, **handoff.was_written(round_, ref))
    return value.says(facts.InformationSupplied, heard=True, round=round_, detail_ref=ref, at=at)


def revoke_requested(handoff: Handoff, *, said: Said, at: datetime) -> Handoff:
    """The sender wants it back: what was not decided is deleted, what was decided stands."""
    handoff.must_be_on(Side.RECEIVER)
    if handoff.revoke_requested_at is not None:
        return handoff
    heard = replace(handoff, revoke_requested_at=said.at)
    if not receiver.revocable(handoff):
        return heard.says(facts.Superseded, lost=Step.REVOKE_REQUESTED, at=at)
    return heard.moved(revoking=True).says(facts.RevokeRequested, heard=True, at=at)


def loop_closed(handoff: Handoff, *, said: Said, at: datetime) -> Handoff:
    """The sender has seen the outcome."""
    handoff.must_be_on(Side.RECEIVER)
    if handoff.stage is not S.COMPLETED or handoff.loop_closed_at is not None:
        return handoff
    return handoff.moved(loop_closed_at=said.at).says(facts.LoopClosed, heard=True, at=at)


def superseded(handoff: Handoff, lost: Step, *, at: datetime) -> Handoff:
    """The sender says that a step of ours came too late: a receipt, which alone this side cannot know by itself."""
    handoff.must_be_on(Side.RECEIVER)
    if lost is not Step.RECEIVED or not receiver.revocable(handoff):
        return handoff
    value = handoff.says(facts.Superseded, lost=lost, at=at).moved(stage=S.EXPIRED, ended_at=at)
    return receiver.confirm_purge(value.says(facts.Expired, heard=True, at=at), at=at)


def deadline_missed(
    handoff: Handoff, promise: str, due_at: datetime, policy_version: str, *, said: Said, at: datetime
) -> Handoff:
    """The other side tells what one of the two was late with; the same is said once."""
    told = f"{promise}/{due_at.isoformat()}"
    if told in handoff.late:
        return handoff
    value = replace(handoff, late=(*handoff.late, told))
    missed = {"promise": promise, "missed_due_at": due_at, "missed_at": said.at, "policy_version": policy_version}
    return value.says(facts.DeadlineMissed, heard=True, at=at, **missed)


def _stands(handoff: Handoff, at: datetime) -> Handoff:
    """What the receiver decided stands; a request to have it back that crossed it is superseded."""
    if not handoff.revoking:
        return handoff
    value = replace(handoff, revoking=False).moved()
    return value.says(facts.Superseded, lost=Step.REVOKE_REQUESTED, at=at)


def _reached(handoff: Handoff, stage: Status, said: Said, at: datetime) -> Handoff:
    """The steps that lead to a stage, where they were not heard: they are taken as said with the next."""
    handoff.must_be_on(Side.SENDER)
    if handoff.stage is S.OFFERED or (handoff.stage is S.EXPIRED and handoff.received_at is handoff.purged_at is None):
        handoff = _received(handoff, said, at)
    if stage is S.ACCEPTED and handoff.stage in (S.RECEIVED, S.INFO_REQUESTED):
        return accepted(handoff, said=said, at=at)
    if stage is S.IN_PROGRESS and handoff.open:
        return started(handoff, said=said, at=at)
    return handoff


def _decided(handoff: Handoff, said: Said, at: datetime) -> Handoff:
    """It was received, and a round of questions that is open is over."""
    handoff = _reached(handoff, S.RECEIVED, said, at)
    if handoff.stage is not S.INFO_REQUESTED:
        return handoff
    return information_lapsed(handoff, handoff.round, said=said, at=at)
