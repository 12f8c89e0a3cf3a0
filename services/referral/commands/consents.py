"""What a person agrees to, as the service hears it from him."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from chassis.access import by, joined_to
from chassis.aggregate import Invalid
from chassis.calendar import add_months
from chassis.work import command
from referral.commands.looking import for_judgement, known_as, man, today
from referral.domain.codes import EndReason, Party, ReferralKind
from referral.domain.consent import (
    REVIEW_MONTHS,
    Consent,
    ConsentPurpose,
    ConsentStatus,
    Scope,
    same_matter,
    scope_faults,
)
from referral.domain.fields import Reading, language_of
from referral.domain.referral_parts import Ending, Status

if TYPE_CHECKING:
    from datetime import date, datetime
    from uuid import UUID

    from referral.domain.codes import ToldHow
    from referral.storage import Work

_TAKERS = by("EW own or proposed, SM, CP own")


async def _new_record(
    work: Work, person_id: UUID, scope: Scope, explained_how: ToldHow
) -> tuple[Consent, Consent | None]:
    """A fresh record about this matter, and the newest one before it."""
    person = await known_as(work, person_id)
    faults = scope_faults(scope)
    if faults:
        raise Invalid(*faults)
    if scope.programme_id is not None:
        await work.programmes.get(scope.programme_id)
    with for_judgement(work):
        before = same_matter(await work.consents.find(person_id=person.id, purpose=scope.purpose), scope)
    standing = before if before is not None and before.status is ConsentStatus.GRANTED else None
    record = Consent(
        id=work.new_id(),
        person_id=person.id,
        purpose=scope.purpose,
        programme_id=scope.programme_id,
        recipient=scope.recipient,
        scope_codes=scope.codes,
        number=before.number if before else 0,
        explained_how=explained_how,
        taken_by=work.actor.id,
        replaces=standing.id if standing else None,
    )
    return record, standing


@command("consent.grant", _TAKERS)
async def grant_consent(
    work: Work,
    person_id: UUID,
    *,
    scope: Scope,
    explained_how: ToldHow,
    language: str,
    copy_offered: bool,
    capacity_doubt: str,
    review_on: date | None,
) -> dict[str, object]:
    """He agrees."""
    reading = Reading({"language": language})
    spoken = reading.read("language", language_of)
    reading.done()
    record, before = await _new_record(work, person_id, scope, explained_how)
    if before is not None:
        await work.consents.put(before.replace(record.id, at=work.now))
    asked = replace(record, language=spoken or "en-GB", copy_offered=copy_offered, capacity_doubt=capacity_doubt)
    value = asked.grant(review_on=review_on or add_months(today(work), REVIEW_MONTHS), at=work.now)
    return {"consent_id": str(value.id), "version": await work.consents.put(value)}


@command("consent.decline", _TAKERS)
async def decline_consent(work: Work, person_id: UUID, scope: Scope, explained_how: ToldHow) -> dict[str, object]:
    """He does not agree; what stood on an earlier agreement ends as if he had taken it back."""
    record, before = await _new_record(work, person_id, scope, explained_how)
    if before is not None:
        await work.consents.put(before.replace(record.id, at=work.now))
        await _end_what_stands_on(work, before)
    await _end_elsewhere(work, record)
    value = record.decline(at=work.now)
    return {"consent_id": str(value.id), "version": await work.consents.put(value)}


@command("consent.withdraw", by("PER own, EW own or proposed, SM, CP own"))
async def withdraw_consent(work: Work, consent_id: UUID, expected: int | None) -> int:
    """He takes it back: what stands on it ends in the same work."""
    held = await work.consents.get(consent_id, expected)
    version = await work.consents.put(held.withdraw(at=work.now))
    await _end_what_stands_on(work, held)
    await _end_elsewhere(work, held)
    return version


async def _end_elsewhere(work: Work, said: Consent) -> None:
    """What he says no to under one record of his he says no to under all of them."""
    of = await man(work, said.person_id)
    with for_judgement(work):
        standing = await work.consents.find(
            person_id=tuple(each for each in of.records if each != said.person_id),
            purpose=said.purpose,
            programme_id=said.programme_id,
            recipient=said.recipient,
            status=ConsentStatus.GRANTED,
        )
    for held in standing:
        await work.consents.put(held.withdraw(at=work.now))
        await _end_what_stands_on(work, held)


async def end_by_merge(work: Work, held: Consent) -> None:
    """It was given under one record of his alone: what stands on it ends, as if he had taken it back."""
    await work.consents.put(held.end_by_merge(at=work.now))
    await _end_what_stands_on(work, held)


async def _end_what_stands_on(work: Work, held: Consent) -> None:
    """Accepted referrals of PERSON_SUPPORT end with PARTICIPATE, those under records joined to this one too."""
    if held.purpose is ConsentPurpose.PARTICIPATE and held.programme_id is not None:
        await _end_referrals(work, await joined_to(work.conn, held.person_id), held.programme_id)


async def end_what_another_agreed_to(work: Work, person_id: UUID) -> None:
    """The record is to stand by itself again: what was accepted under it because he had agreed under the one he went
    on by ends, as if he had taken that back."""
    other = (await man(work, person_id)).goes_by
    with for_judgement(work):
        granted = {"purpose": ConsentPurpose.PARTICIPATE, "status": ConsentStatus.GRANTED}
        own = {held.programme_id for held in await work.consents.find(person_id=person_id, **granted)}
        relied_on = {held.programme_id for held in await work.consents.find(person_id=other, **granted)} - own
    for programme_id in sorted(each for each in relied_on if each is not None):
        await _end_referrals(work, await joined_to(work.conn, person_id), programme_id)


async def _end_referrals(work: Work, records: tuple[UUID, ...], programme_id: UUID) -> None:
    with for_judgement(work):
        standing = await work.referrals.find(
            person_id=records,
            programme_id=programme_id,
            kind=ReferralKind.PERSON_SUPPORT,
            status=(Status.ACCEPTED, Status.ALLOCATED),
        )
    for referral in standing:
        ending = Ending(reason=EndReason.NO_CONSENT)
        await work.referrals.put(referral.withdraw(ending, by_party=Party.PERSON, at=work.now))


@command("consent.warn", by("SYSTEM"))
async def warn_of_review(work: Work, consent_id: UUID) -> int:
    """The review date is near."""
    held = await work.consents.get(consent_id)
    if not await _speaks_for_him(work, held):
        return held.version
    return await work.consents.put(held.warn(at=work.now))


@command("consent.expire", by("SYSTEM"))
async def expire_consent(work: Work, consent_id: UUID) -> int:
    """It stops at its review date."""
    held = await work.consents.get(consent_id)
    return await work.consents.put(held.expire(at=work.now))


@command("consent.miss", by("SYSTEM"))
async def miss_consent_deadline(work: Work, consent_id: UUID, code: str, due_at: datetime) -> int:
    """He was not asked again in time."""
    held = await work.consents.get(consent_id)
    if not await _speaks_for_him(work, held):
        return held.version
    value = held.miss(code, due_at=due_at, policy_version=work.settings.promise_rules, at=work.now)
    return await work.consents.put(value)


async def _speaks_for_him(work: Work, held: Consent) -> bool:
    """Whether it was given under the record he goes on by: by that he is asked again, and not by another one."""
    return (await man(work, held.person_id)).goes_by == held.person_id
