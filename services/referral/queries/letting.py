"""What a guest's employer may know of a person of this house: what he himself has agreed to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chassis.access import Consent, newest, one_man
from referral.domain.consent import ConsentPurpose, ConsentStatus

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from referral.storage import Work


async def let_by_him(work: Work, person_id: UUID) -> Mapping[str, Consent]:
    """His newest answer about the organisation of who asks, as far as that one may know of it."""
    employer = work.actor.organisation
    goes_by = (await one_man(work.conn, person_id)).goes_by
    held = await work.consents.find(person_id=goes_by, purpose=ConsentPurpose.SHARE, recipient=employer)
    return newest(
        Consent(
            recipient=employer,
            categories=frozenset(each.scope_codes),
            version=nth,  # they come oldest first
            granted=each.status is ConsentStatus.GRANTED,
            review_on=each.review_on,
        )
        for nth, each in enumerate(held, 1)
    )
