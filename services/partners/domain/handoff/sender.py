"""What the house that offers may do: offer, answer, ask for it back, close the loop; and its own timers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis.aggregate import Fault, Invalid, Unmet
from partners.domain.codes import Aspect
from partners.domain.handoff import clocks, facts
from partners.domain.handoff.aggregate import Handoff, refuse
from partners.domain.handoff.codes import Category, Kind, Origin, Side
from partners.domain.handoff.states import UNDECIDED, Grounds, Status

S = Status


@dataclass(frozen=True, kw_only=True)
class Offering:
    """What is offered to whom. `snapshot` is what was shared, kept sealed; `scope_hash` its digest."""

    partner: str
    partner_org: str
    own_org: str
    to_probation: bool
    person_id: UUID
    case_id: UUID | None
    kind: Kind
    aspects: tuple[Aspect, ...]
    offer_id: UUID | None
    categories: tuple[Category, ...]
    scope_hash: str
    snapshot: str
    origin: Origin
    grounds: Grounds
    detail_ref: str

    def faults(self) -> list[Fault]:
        """Every field that is wrong."""
        faults = [Fault(name, "REQUIRED") for name in ("aspects", "categories") if not getattr(self, name)]
        if self.partner_org == self.own_org:
            faults.append(Fault("recipient", "NOT_ALLOWED_FOR_PROGRAMME"))
        if self.origin is Origin.REDIRECT and self.kind is not Kind.REFERRAL_ON:
            faults.append(Fault("kind", "CONFLICTS_WITH(origin)"))
        return faults


def offer(id: UUID, offering: Offering, *, by: str, at: datetime) -> Handoff:
    """Offer a piece of work to another house."""
    refuse(*offering.faults())
    held = {name: getattr(offering, name) for name in Offering.__dataclass_fields__}
    value = Handoff(
        id=id,
        side=Side.SENDER,
        subject_ref="",
        offered_at=at,
        offered_by=by,
        expires_at=clocks.after(at, clocks.EXPIRES),
        status=S.OFFERED,
        stage=S.OFFERED,
        refs=(offering.detail_ref,),
        **held,
    ).moved()
    return value.says(
        facts.Offered,
        kind=value.kind,
        aspects=value.aspects,
        offer_id=value.offer_id,
        categories=value.categories,
        scope_hash=value.scope_hash,
        expires_at=value.expires_at,
        origin=value.origin,
        detail_ref=value.detail_ref,
        at=at,
    )


def supply(handoff: Handoff, answer: str, *, detail_ref: str, at: datetime) -> Handoff:
    """Answer what the receiver asked; the text stays here and is read by its reference."""
    handoff.must_be_on(Side.SENDER)
    handoff.must_be(S.INFO_REQUESTED)
    if not answer.strip():
        raise Invalid(Fault("answer", "REQUIRED"))
    value = handoff.moved(
        stage=S.RECEIVED,
        answered=handoff.round,
        stops=handoff.running(asked(handoff.round), at),
        **handoff.wrote((answer.strip(),), handoff.round, detail_ref),
    )
    return value.says(facts.InformationSupplied, round=handoff.round, detail_ref=detail_ref, at=at)


def revoke(handoff: Handoff, *, at: datetime) -> Handoff:
    """Ask for it back: a request, since the receiver may have decided meanwhile."""
    handoff.must_be_on(Side.SENDER)
    handoff.must_be(*UNDECIDED, *((S.ON_HOLD,) if handoff.stage in UNDECIDED else ()))
    value = handoff.moved(revoking=True, revoke_requested_at=at)
    return value.says(facts.RevokeRequested, at=at)


def confirm_loop(handoff: Handoff, *, at: datetime) -> Handoff:
    """The outcome was seen: the loop is closed."""
    handoff.must_be_on(Side.SENDER)
    handoff.must_be(S.COMPLETED)
    if handoff.loop_closed_at is not None:
        raise Unmet("invalid_transition", "The loop is closed already.")
    return handoff.moved(loop_closed_at=at).says(facts.LoopClosed, at=at)


def expire(handoff: Handoff, *, at: datetime) -> Handoff:
    """Nobody has acknowledged it in time, as far as is heard here. A hold does not put this off."""
    handoff.must_be_on(Side.SENDER)
    handoff.must_be(S.OFFERED, S.ON_HOLD)
    if handoff.stage is not S.OFFERED or at < handoff.expires_at:
        raise Unmet("not_due", "It has been received, or its time is not over.")
    return handoff.moved(stage=S.EXPIRED, ended_at=at).says(facts.Expired, at=at)


def asked(round_: int) -> str:
    """What the clock stands still for while a round of questions is open."""
    return f"INFORMATION_{round_}"
