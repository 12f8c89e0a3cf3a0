"""Everything that must hold before a referral is sent: asked together, so that all that is missing is known at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from chassis.aggregate import Fault, Invalid, Refused, Unmet
from referral.domain.codes import ReferralKind
from referral.domain.eligibility import Known, Rules, Verdict, judge, screening_refusal
from referral.domain.places import quadrant_of
from referral.domain.rollout import quadrant_refusal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from referral.domain.person import Person
    from referral.domain.practitioner import PractitionerContact
    from referral.domain.referral import Referral
    from referral.domain.rollout import RolloutPhase


@dataclass(frozen=True, kw_only=True)
class Case:
    """What the guards look at."""

    referral: Referral
    person: Person
    contact: PractitionerContact | None
    known: Known
    rules: Rules
    phases: Sequence[RolloutPhase]


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What a check came to: the verdict, fields that are missing and guards that do not hold."""

    verdict: Verdict
    missing: tuple[Fault, ...]
    unmet: tuple[Unmet, ...]

    def refuse(self) -> None:
        """Refuse where anything is missing: fields first, all of them; then the first guard."""
        if self.missing:
            raise Invalid(*self.missing)
        if self.unmet:
            raise self.unmet[0]

    @property
    def codes(self) -> tuple[Fault | str, ...]:
        """All of it, for a report."""
        return (*self.missing, *(refusal.reason for refusal in self.unmet))


def check(case: Case, *, on: date) -> Checked:
    """Ask every guard of sending but the duplicate, which needs to know who asks."""
    verdict = judge(case.known, case.rules, on=on)
    found: list[Refused | None] = [*verdict.failures]
    missing_screening = screening_refusal(case.known.screening, case.rules)
    if missing_screening is not None and missing_screening.reason == "screening_missing":
        found.append(missing_screening)
    found += [_not_told(case.referral), _quadrant(case)]
    return Checked(
        verdict=verdict,
        missing=_missing(case),
        unmet=tuple(refusal for refusal in found if isinstance(refusal, Unmet)),
    )


def _missing(case: Case) -> tuple[Fault, ...]:
    needed = {
        "crn": case.person.crn or case.person.prison_number,
        "date_of_birth": case.known.born,
        "borough": case.known.borough,
        "practitioner_email": case.contact is not None and case.contact.current is not None,
        "rosh": case.known.rosh if case.rules.rosh_at_least else "not asked",
    }
    return tuple(Fault(name, "REQUIRED") for name, held in needed.items() if not held)


def _not_told(referral: Referral) -> Unmet | None:
    if referral.kind is ReferralKind.STAFF_CONSULTATION:
        return None
    if referral.told is not None and referral.told.willing:
        return None
    return Unmet("not_told", "Record when and how he was told, and that he is willing.")


def _quadrant(case: Case) -> Unmet | None:
    quadrant = quadrant_of(case.known.borough)
    return None if quadrant is None else quadrant_refusal(case.phases, quadrant)
