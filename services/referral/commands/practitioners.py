"""The probation practitioner of a case."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chassis.access import by
from chassis.aggregate import Unmet
from chassis.work import command
from referral.commands.looking import for_judgement, today
from referral.domain.fields import Reading
from referral.domain.practitioner import Practitioner, PractitionerContact, read_practitioner

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from uuid import UUID

    from referral.domain.referral import Referral
    from referral.storage import Work


def _read(work: Work, given: Mapping[str, object]) -> Practitioner:
    reading = Reading({})
    found = read_practitioner(
        reading.part(given, "practitioner"),
        allowed=work.settings.domains_on(today(work)),
        house_key=work.settings.shared_key,
    )
    # A reason of its own, so that the form can say which domains are known.
    foreign = any(fault.code == "email_domain_not_allowed" for fault in reading.faults)
    reading.done(reason="email_domain_not_allowed" if foreign else "invalid_fields")
    if found is None:
        raise AssertionError
    return found


async def contact_of(work: Work, case_id: UUID) -> PractitionerContact | None:
    """The contact of a case, whoever asks."""
    with for_judgement(work):
        return await work.contacts.first(case_id=case_id)


async def name_practitioner(work: Work, referral: Referral, who: Practitioner, starts_on: date) -> PractitionerContact:
    """Name the first practitioner of a case."""
    held = await contact_of(work, referral.case_id) or PractitionerContact(
        id=work.new_id(), case_id=referral.case_id, person_id=referral.person_id
    )
    value = held.assign(who, starts_on=starts_on, at=work.now)
    await work.contacts.put(value)
    return value


@command("practitioner.set", by("PP own, PW own, SM"))
async def set_practitioner(
    work: Work, referral_id: UUID, practitioner: Mapping[str, object], starts_on: date | None
) -> dict[str, object]:
    """Name the practitioner of a case."""
    referral = await work.referrals.get(referral_id)
    value = await name_practitioner(work, referral, _read(work, practitioner), starts_on or today(work))
    return {
        "contact_id": str(value.id),
        "practitioner_ref": value.practitioner_ref,
        "version": value.version + len(value.news),
    }


async def _existing(work: Work, referral_id: UUID, expected: int | None) -> PractitionerContact:
    referral = await work.referrals.get(referral_id)
    held = await contact_of(work, referral.case_id)
    if held is None:
        raise Unmet("practitioner_missing", "Name the practitioner first.")
    with for_judgement(work):
        return await work.contacts.get(held.id, expected)


@command("practitioner.change", by("PP own, SM"))
async def change_practitioner(
    work: Work,
    referral_id: UUID,
    practitioner: Mapping[str, object],
    starts_on: date | None,
    expected: int | None,
) -> dict[str, object]:
    """Name another practitioner."""
    held = await _existing(work, referral_id, expected)
    value = held.change(_read(work, practitioner), starts_on=starts_on or today(work), at=work.now)
    return {"practitioner_ref": value.practitioner_ref, "version": await work.contacts.put(value)}


@command("practitioner.set_cover", by("PP own, SM"))
async def set_cover(
    work: Work,
    referral_id: UUID,
    *,
    practitioner: Mapping[str, object],
    starts_on: date,
    ends_on: date,
    expected: int | None,
) -> dict[str, object]:
    """Name somebody who covers for dated days."""
    held = await _existing(work, referral_id, expected)
    value = held.set_cover(_read(work, practitioner), starts_on=starts_on, ends_on=ends_on, at=work.now)
    return {"practitioner_ref": value.cover_ref, "version": await work.contacts.put(value)}
