"""A record that is wrong: corrected by two people, or entered in error; the other house hears it and does alike.

Each side corrects what it has said itself: the sender what the work is, the receiver what came of it. What moves
responsibility, or how much may be known, is never corrected: that is another handoff.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import datetime

from chassis.aggregate import Fault, Unmet
from partners.domain.codes import Aspect
from partners.domain.handoff import facts
from partners.domain.handoff.aggregate import Handoff, refuse
from partners.domain.handoff.codes import Kind, Origin, Outcome, Side
from partners.domain.handoff.states import Correction, Said, Status

S = Status


def digest(handoff: Handoff) -> str:
    """Of what can be corrected, as it stands."""
    held = {"kind": handoff.kind, "aspects": sorted(handoff.aspects), "outcome": handoff.outcome or ""}
    return hashlib.sha256(json.dumps(held, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def propose(handoff: Handoff, correction: Correction, *, at: datetime) -> Handoff:
    """Say what is wrong and why; a later proposal stands in the place of an earlier one."""
    if handoff.stage is S.ENTERED_IN_ERROR:
        handoff.must_be()
    refuse(*_faults(handoff, correction))
    return replace(handoff, correction=correction).says(facts.CorrectionProposed, at=at)


def _faults(handoff: Handoff, correction: Correction) -> list[Fault]:
    faults = [] if correction.reason.strip() else [Fault("reason", "REQUIRED")]
    ours = handoff.side is Side.SENDER
    if correction.kind is not None and (not ours or Kind.TRANSFER in (handoff.kind, correction.kind)):
        faults.append(Fault("kind", "IMMUTABLE"))
    elif handoff.origin is Origin.REDIRECT and correction.kind not in (None, Kind.REFERRAL_ON):
        faults.append(Fault("kind", "CONFLICTS_WITH(origin)"))
    if correction.aspects and not ours:
        faults.append(Fault("aspect_codes", "IMMUTABLE"))
    if correction.outcome is not None and (ours or handoff.stage is not S.COMPLETED):
        faults.append(Fault("outcome", "IMMUTABLE"))
    if _corrected(handoff, correction) == handoff:
        faults.append(Fault("outcome" if handoff.side is Side.RECEIVER else "aspect_codes", "REQUIRED"))
    return faults


def approve(handoff: Handoff, *, by: str, at: datetime) -> Handoff:
    """A second person agrees: it stands corrected, and the other house is told."""
    proposed = handoff.correction
    if proposed is None or handoff.stage is S.ENTERED_IN_ERROR:
        raise Unmet("nothing_proposed", "Nobody has proposed a correction of this handoff.")
    if proposed.proposed_by == by:
        raise Unmet("second_person_required", "Another person has to approve what you proposed.")
    return _stands_corrected(handoff, _corrected(handoff, proposed), heard=False, at=at)


def hear_corrected(
    handoff: Handoff, kind: Kind, aspects: tuple[Aspect, ...], outcome: Outcome | None, *, at: datetime
) -> Handoff:
    """The other side has corrected what it had said; of ours nothing changes by it."""
    if handoff.stage is S.ENTERED_IN_ERROR:
        return handoff
    theirs = {"kind": kind, "aspects": aspects} if handoff.side is Side.RECEIVER else {"outcome": outcome}
    if handoff.side is Side.SENDER and handoff.stage is not S.COMPLETED:
        return handoff
    value = replace(handoff, **theirs)
    return handoff if value == handoff else _stands_corrected(handoff, value, heard=True, at=at)


def mark_entered_in_error(handoff: Handoff, *, note: str, at: datetime) -> Handoff:
    """It should never have been offered; the house to which it went deletes what came with it, whatever it decided."""
    handoff.must_be_on(Side.SENDER)
    handoff.must_be(*(status for status in S if status is not S.ENTERED_IN_ERROR))
    refuse(*([] if note.strip() else [Fault("reason", "REQUIRED")]))
    return replace(_void(handoff, at), note=note.strip()).says(facts.EnteredInError, at=at)


def hear_entered_in_error(handoff: Handoff, *, said: Said, at: datetime) -> Handoff:
    """The other house takes it back as never having been: nothing that came with it is kept, and that is said."""
    handoff.must_be_on(Side.RECEIVER)
    if handoff.stage is S.ENTERED_IN_ERROR:
        return handoff
    emptied = replace(_void(handoff, said.at), note="", snapshot="", written=(), refs=(), detail_ref="")
    value = emptied.says(facts.EnteredInError, heard=True, at=at)
    return replace(value, purged_at=at).moved().says(facts.PurgeConfirmed, ended_as=S.ENTERED_IN_ERROR, at=at)


def _void(handoff: Handoff, at: datetime) -> Handoff:
    """Nothing of what either side has done counts."""
    return handoff.moved(
        stage=S.ENTERED_IN_ERROR,
        revoking=False,
        own_holds=(),
        their_hold=False,
        hold_group=None,
        stops=(),
        round=0,
        started_at=None,
        loop_closed_at=None,
        ended_at=at,
        outcome=None,
        reason=None,
        reason_group=None,
        next_contact=None,
        correction=None,
    )


def _corrected(handoff: Handoff, correction: Correction) -> Handoff:
    return replace(
        handoff,
        kind=correction.kind or handoff.kind,
        aspects=correction.aspects or handoff.aspects,
        outcome=correction.outcome or handoff.outcome,
    )


def _stands_corrected(before: Handoff, after: Handoff, *, heard: bool, at: datetime) -> Handoff:
    value = after if heard else replace(after, correction=None)
    said = {"kind": value.kind, "aspects": value.aspects, "outcome": value.outcome}
    hashes = {"before_hash": digest(before), "after_hash": digest(value)}
    return value.says(facts.Corrected, heard=heard, at=at, **said, **hashes)
