"""Triage and the ways out: a named person decides, with the reason kept private."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Uuid, bindparam, select

from chassis.access import Role, by
from chassis.aggregate import Denied, Unmet
from chassis.database import statement
from chassis.work import command
from referral.commands.looking import (
    current_screening,
    for_judgement,
    man,
    must_triage,
    programme_of,
    referral_of_case,
    today,
)
from referral.domain.codes import EndReason, Party, ReferralKind
from referral.domain.consent import ConsentPurpose, ConsentStatus
from referral.domain.eligibility import screening_refusal, warnings_of
from referral.domain.referral_parts import Ending, OfferState, Target
from referral.storage import OFFER

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime
    from uuid import UUID

    from referral.domain.codes import Aspect
    from referral.domain.referral import Referral
    from referral.storage import Work

_TRIAGERS = by("SM, CP")
# On whose behalf each role may end a referral.
_PARTIES = {
    Role.PP: frozenset({Party.REFERRER, Party.PERSON}),
    Role.PW: frozenset({Party.REFERRER, Party.PERSON}),
    Role.EW: frozenset({Party.PERSON}),
    Role.SM: frozenset(Party),
}


@command("referral.start_triage", _TRIAGERS)
async def start_triage(
    work: Work,
    referral_id: UUID,
    *,
    no_conflict_of_interest: bool,
    expected: int | None,
) -> int:
    """Somebody without a conflict of interest looks at it."""
    referral = await work.referrals.get(referral_id, expected)
    await must_triage(work, referral)
    return await work.referrals.put(referral.start_triage(no_conflict=no_conflict_of_interest, at=work.now))


@command("referral.accept", _TRIAGERS)
async def accept_referral(
    work: Work,
    referral_id: UUID,
    *,
    risk_summary_read_on: date,
    decided_by_me: bool,
    proposed_worker: str,
    expected: int | None,
) -> dict[str, object]:
    """Take the person on: a named person decides, not the band; that he said so is audited."""
    referral = await work.referrals.get(referral_id, expected)
    await must_triage(work, referral)
    value = referral.accept(
        risk_read_on=risk_summary_read_on, decided=decided_by_me, proposed_worker=proposed_worker, at=work.now
    )
    await _must_agree(work, referral)
    warnings = await _screening_holds(work, referral)
    version = await work.referrals.put(value)
    work.audit("referral.decision_confirmed", record=referral.id)
    return {"version": version, "warnings": list(warnings)}


async def _must_agree(work: Work, referral: Referral) -> None:
    """PARTICIPATE, taken by the service; a consultation among staff needs none."""
    if referral.kind is ReferralKind.STAFF_CONSULTATION:
        return
    of = await man(work, referral.person_id)
    with for_judgement(work):
        agreed = await work.consents.first(
            person_id=of.goes_by,
            purpose=ConsentPurpose.PARTICIPATE,
            programme_id=referral.programme_id,
            status=ConsentStatus.GRANTED,
        )
    if agreed is None:
        raise Unmet("consent_missing", "Ask him first whether he agrees to take part, and record his answer.")


async def _screening_holds(work: Work, referral: Referral) -> tuple[str, ...]:
    """The screening is current, where the programme asks for one; what to look at."""
    rules = (await programme_of(work, referral)).rules_on(today(work))
    evidence = await current_screening(work, referral.person_id)
    refusal = screening_refusal(evidence, rules)
    if refusal is not None:
        raise refusal
    return warnings_of(evidence, rules, on=today(work))


@command("referral.decline", _TRIAGERS)
async def decline_referral(
    work: Work,
    referral_id: UUID,
    *,
    reason: EndReason,
    note: str,
    suggestions: Sequence[Aspect],
    no_suggestion: bool,
    expected: int | None,
) -> int:
    """Do not take him on; the reason stays in the house."""
    referral = await work.referrals.get(referral_id, expected)
    await must_triage(work, referral)
    ending = Ending(reason=reason, note=note, suggestions=tuple(suggestions))
    return await work.referrals.put(referral.decline(ending, no_suggestion=no_suggestion, at=work.now))


_OFFER = statement(select(OFFER.c.state).where(OFFER.c.offer_id == bindparam("offer_id", type_=Uuid)))


@command("referral.redirect", _TRIAGERS)
async def redirect_referral(
    work: Work,
    referral_id: UUID,
    *,
    reason: EndReason,
    note: str,
    offer_id: UUID,
    agreed_on: date,
    expected: int | None,
) -> int:
    """Do not take the person on, who agreed to be offered to another service."""
    referral = await work.referrals.get(referral_id, expected)
    await must_triage(work, referral)
    state = await _OFFER.value(work.conn, offer_id=offer_id)
    target = Target(offer_id=offer_id, offer=OfferState(state) if state else None, agreed_on=agreed_on)
    return await work.referrals.put(referral.redirect(target, Ending(reason=reason, note=note), at=work.now))


@command("referral.withdraw", by("PP own, PW own, SM, EW own"))
async def withdraw_referral(
    work: Work, referral_id: UUID, *, reason: EndReason, note: str, by_party: Party, expected: int | None
) -> int:
    """End it before work begins, for the referrer, the person or the service."""
    referral = await work.referrals.get(referral_id, expected)
    if by_party not in _PARTIES[work.actor.role]:
        raise Denied
    ending = Ending(reason=reason, note=note)
    return await work.referrals.put(referral.withdraw(ending, by_party=by_party, at=work.now))


@command("referral.record_allocated", by("SYSTEM"))
async def record_allocated(work: Work, case_id: UUID, worker: str, acceptance: int) -> int:
    """A worker was named, as heard."""
    referral = await referral_of_case(work, case_id)
    return await work.referrals.put(referral.record_allocated(worker, acceptance, at=work.now))


@command("referral.record_converted", by("SYSTEM"))
async def record_converted(work: Work, case_id: UUID, acceptance: int) -> int:
    """Work began, as heard."""
    referral = await referral_of_case(work, case_id)
    return await work.referrals.put(referral.record_converted(acceptance, at=work.now))


@command("referral.miss_deadline", by("SYSTEM"))
async def miss_referral_deadline(work: Work, referral_id: UUID, code: str, due_at: datetime) -> int:
    """A promise of triage was not kept in time."""
    referral = await work.referrals.get(referral_id)
    value = referral.miss(code, due_at=due_at, policy_version=work.settings.promise_rules, at=work.now)
    return await work.referrals.put(value)


@command("referral.rank", by("SYSTEM"))
async def rank_referral(work: Work, referral_id: UUID) -> int:
    """Count the waiting again."""
    referral = await work.referrals.get(referral_id)
    return await work.referrals.put(referral.rank(today(work), at=work.now))


@command("referral.warn_of_end", by("SYSTEM"))
async def warn_of_end(work: Work, referral_id: UUID, expires_on: date) -> int:
    """A draft ends soon unless it is sent."""
    referral = await work.referrals.get(referral_id)
    return await work.referrals.put(referral.warn(expires_on, at=work.now))


@command("referral.expire", by("SYSTEM"))
async def expire_referral(work: Work, referral_id: UUID) -> int:
    """A draft was not sent in time."""
    referral = await work.referrals.get(referral_id)
    return await work.referrals.put(referral.expire(at=work.now))
