"""It rests, and goes on where it was: each side holds for its own causes and tells the other the first and the last.

The stage beneath is not touched, so an acceptance that crosses a hold is kept, and stands when it goes on.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from chassis.aggregate import Unmet
from partners.domain.handoff import facts
from partners.domain.handoff.aggregate import Handoff
from partners.domain.handoff.codes import Cause, Reason, ReasonGroup, Side, Step
from partners.domain.handoff.states import Said, Status

S = Status
_OTHER = {Side.SENDER: Side.RECEIVER, Side.RECEIVER: Side.SENDER}


def hold(handoff: Handoff, reason: Reason, *, at: datetime) -> Handoff:
    """The receiver lets his work rest."""
    handoff.must_be_on(Side.RECEIVER)
    handoff.must_be(S.IN_PROGRESS)
    return _held(handoff, Cause.WORK, reason.group, at=at)


def resume(handoff: Handoff, *, at: datetime) -> Handoff:
    """The receiver goes on with his work."""
    handoff.must_be_on(Side.RECEIVER)
    handoff.must_be(S.ON_HOLD)
    if Cause.WORK not in handoff.own_holds:
        raise Unmet("basis_missing", "What it rests on is missing. It goes on by itself once that is back.")
    return _lifted(handoff, Cause.WORK, at=at)


def lose_basis(handoff: Handoff, *, at: datetime) -> Handoff:
    """A consent or an agreement it rests on is lost. A request to have it back, and an end, stand all the same."""
    if not handoff.open or handoff.revoking or Cause.BASIS in handoff.own_holds:
        return handoff
    return _held(handoff, Cause.BASIS, ReasonGroup.ADMIN, at=at)


def regain_basis(handoff: Handoff, *, at: datetime) -> Handoff:
    """What was lost is back."""
    if not handoff.open or handoff.revoking or Cause.BASIS not in handoff.own_holds:
        return handoff
    return _lifted(handoff, Cause.BASIS, at=at)


def hear_on_hold(handoff: Handoff, group: ReasonGroup, *, said: Said, at: datetime) -> Handoff:
    """The other side lets it rest; too late where it has ended."""
    if handoff.their_hold:
        return handoff
    if not handoff.open:
        return replace(handoff, their_hold=True).says(facts.Superseded, lost=Step.ON_HOLD, at=at)
    what = _hold_of(_OTHER[handoff.side])
    value = handoff.moved(their_hold=True, hold_group=group, stops=handoff.stopped(what, said.at))
    return value.says(facts.OnHold, heard=True, reason_group=group, at=at)


def hear_resumed(handoff: Handoff, *, said: Said, at: datetime) -> Handoff:
    """The other side lets it go on."""
    if not handoff.their_hold or not handoff.open:
        return handoff
    stops = handoff.running(_hold_of(_OTHER[handoff.side]), said.at)
    return _going_on(handoff.moved(their_hold=False, stops=stops), heard=True, at=at)


def _held(handoff: Handoff, cause: Cause, group: ReasonGroup, *, at: datetime) -> Handoff:
    holds = (*handoff.own_holds, cause)
    if handoff.own_holds:
        return handoff.moved(own_holds=holds).says(facts.HoldAdded, at=at)
    stops = handoff.stopped(_hold_of(handoff.side), at)
    value = handoff.moved(own_holds=holds, hold_group=group, stops=stops)
    return value.says(facts.OnHold, reason_group=group, at=at)


def _lifted(handoff: Handoff, cause: Cause, *, at: datetime) -> Handoff:
    holds = tuple(each for each in handoff.own_holds if each is not cause)
    if holds:
        return handoff.moved(own_holds=holds).says(facts.HoldLifted, at=at)
    stops = handoff.running(_hold_of(handoff.side), at)
    return _going_on(handoff.moved(own_holds=(), stops=stops), heard=False, at=at)


def _going_on(value: Handoff, *, heard: bool, at: datetime) -> Handoff:
    """One side does not hold it any more: it goes on, unless the other does."""
    if value.own_holds or value.their_hold:
        group = value.hold_group or ReasonGroup.ADMIN
        return value.says(facts.HoldEnded, heard=heard, reason_group=group, at=at)
    return value.moved(hold_group=None).says(facts.Resumed, heard=heard, at=at)


def _hold_of(side: Side) -> str:
    return f"HOLD_{side.value}"
