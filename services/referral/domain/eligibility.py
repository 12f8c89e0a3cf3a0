"""May this person be referred to this programme? Pure judgement: what is known and the rules in, verdict with rule ids
out.

Only under age, screened out, the kind of referrer and the RoSH threshold can fail. Another gender than the
criterion's, or a borough not known, goes to triage; another area is a redirect. Neither blocks submission (S5).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from chassis.aggregate import Unmet
from referral.domain import places
from referral.domain.codes import Gender, ReferrerKind, Rosh
from referral.domain.person import age_on
from referral.domain.screening import Result, is_stale

if TYPE_CHECKING:
    from datetime import date

    from referral.domain.screening import Held, ScreeningEvidence


class Decision(StrEnum):
    """What the rules come to."""

    PASS = "PASS"  # noqa: S105 - a judgement
    REFER_TO_TRIAGE = "REFER_TO_TRIAGE"
    REDIRECT = "REDIRECT"
    FAIL = "FAIL"


class Rule(StrEnum):
    """The rules, by the id a decision quotes."""

    MINIMUM_AGE = "MINIMUM_AGE"
    SCREENED_IN = "SCREENED_IN"
    REFERRER_KIND = "REFERRER_KIND"
    ROSH_THRESHOLD = "ROSH_THRESHOLD"
    GENDER_CRITERION = "GENDER_CRITERION"
    BOROUGH_KNOWN = "BOROUGH_KNOWN"
    AREA = "AREA"


@dataclass(frozen=True, kw_only=True)
class Rules:
    """The rules of a programme on one day."""

    policy_version: str
    min_age: int = 18
    gender_criterion: bool = False
    screening_required: bool = True
    rosh_at_least: Rosh | None = None
    referrer_kinds: tuple[ReferrerKind, ...] = ()
    area: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is known of the person and the referral."""

    born: date | None
    gender: Gender | None
    borough: str
    rosh: Rosh | None
    referrer_kind: ReferrerKind
    screening: Held | ScreeningEvidence | None


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The decision, the rules behind it, what to look at, and for FAIL every refusal."""

    decision: Decision
    rule_ids: tuple[Rule, ...]
    policy_version: str
    warnings: tuple[str, ...] = ()
    failures: tuple[Unmet, ...] = field(default=(), compare=False)


_SENTENCES = {
    "under_minimum_age": "He is younger than the programme allows.",
    "not_screened_in": "He is screened out. Check the result, or record an override with its reason.",
    "screening_missing": "Record the result of the OPD screen with its date and source.",
    "referrer_kind_not_allowed": "This programme does not take referrals from this kind of referrer.",
    "rosh_below_threshold": "The programme is for a higher risk of serious harm.",
}


def unmet(code: str) -> Unmet:
    """A refusal of eligibility in plain words."""
    return Unmet(code, _SENTENCES[code])


def judge(known: Known, rules: Rules, *, on: date) -> Verdict:
    """The verdict on this day."""
    failing = dict(_failures(known, rules, on))
    redirecting, asking = _outside(known, rules), _to_triage(known, rules)
    decision, behind = Decision.PASS, _met(rules)
    if failing:
        decision, behind = Decision.FAIL, tuple(failing)
    elif redirecting:
        decision, behind = Decision.REDIRECT, (*redirecting, *asking)
    elif asking:
        decision, behind = Decision.REFER_TO_TRIAGE, asking
    return Verdict(
        decision=decision,
        rule_ids=behind,
        policy_version=rules.policy_version,
        warnings=warnings_of(known.screening, rules, on=on),
        failures=tuple(failing.values()),
    )


def warnings_of(screening: Held | ScreeningEvidence | None, rules: Rules, *, on: date) -> tuple[str, ...]:
    """What to look at: evidence that has grown old."""
    stale = rules.screening_required and screening is not None and is_stale(screening.completed_on, on=on)
    return ("screening_stale",) if stale else ()


def screening_refusal(screening: Held | ScreeningEvidence | None, rules: Rules) -> Unmet | None:
    """Why the evidence does not carry a referral, or nothing."""
    if not rules.screening_required:
        return None
    if screening is None:
        return unmet("screening_missing")
    return unmet("not_screened_in") if screening.result is Result.SCREENED_OUT else None


def _failures(known: Known, rules: Rules, on: date) -> list[tuple[Rule, Unmet]]:
    found: list[tuple[Rule, Unmet]] = []
    if known.born is not None and age_on(known.born, on) < rules.min_age:
        found.append((Rule.MINIMUM_AGE, unmet("under_minimum_age")))
    refusal = screening_refusal(known.screening, rules)
    if refusal is not None and refusal.reason == "not_screened_in":
        found.append((Rule.SCREENED_IN, refusal))
    if known.referrer_kind not in {ReferrerKind.PROBATION, *rules.referrer_kinds}:
        found.append((Rule.REFERRER_KIND, unmet("referrer_kind_not_allowed")))
    if rules.rosh_at_least and known.rosh and not known.rosh.reaches(rules.rosh_at_least):
        found.append((Rule.ROSH_THRESHOLD, unmet("rosh_below_threshold")))
    return found


def _outside(known: Known, rules: Rules) -> tuple[Rule, ...]:
    placed = known.borough not in {"", places.NOT_KNOWN}
    return (Rule.AREA,) if rules.area and placed and known.borough not in rules.area else ()


def _to_triage(known: Known, rules: Rules) -> tuple[Rule, ...]:
    asked = [Rule.GENDER_CRITERION] if rules.gender_criterion and known.gender is not Gender.MALE else []
    unplaced = [Rule.BOROUGH_KNOWN] if known.borough in {"", places.NOT_KNOWN} else []
    return (*asked, *unplaced)


def _met(rules: Rules) -> tuple[Rule, ...]:
    met = [Rule.MINIMUM_AGE, Rule.REFERRER_KIND, Rule.BOROUGH_KNOWN]
    met += [Rule.SCREENED_IN] if rules.screening_required else []
    met += [Rule.ROSH_THRESHOLD] if rules.rosh_at_least else []
    met += [Rule.GENDER_CRITERION] if rules.gender_criterion else []
    met += [Rule.AREA] if rules.area else []
    return tuple(met)
