"""The kinds of dated rules a programme has, what each holds, and when two of them clash."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Literal
from uuid import UUID

from chassis.aggregate import Fault, Invalid
from referral.domain.answers import borough_of
from referral.domain.codes import ReferralKind, ReferrerKind, Rosh
from referral.domain.fields import NOTE, REASON, TITLE, day_of
from referral.domain.identifiers import Wrong
from referral.domain.places import NOT_KNOWN, Quadrant

if TYPE_CHECKING:
    from referral.domain.fields import Reading

PLANNED_MONTHS, CAP_MONTHS, MIN_AGE, STEP_DAYS = 12, 18, 18, 30


class PolicyKind(StrEnum):
    """What the rules are about."""

    TERMS = "TERMS"
    COMMISSION = "COMMISSION"
    AREA = "AREA"
    DELIVERY = "DELIVERY"
    ELIGIBILITY = "ELIGIBILITY"
    PRIORITY = "PRIORITY"


class PolicyState(StrEnum):
    """Where the rules stand."""

    DRAFT = "DRAFT"
    PUBLISHED = "PUBLISHED"
    SUPERSEDED = "SUPERSEDED"


class Principle(StrEnum):
    """What a programme is built on."""

    MENTORING = "MENTORING"
    ADVOCACY = "ADVOCACY"
    PSYCHOLOGICALLY_INFORMED = "PSYCHOLOGICALLY_INFORMED"


class DeliveryMode(StrEnum):
    """How people are met."""

    REMOTE_ONLY = "REMOTE_ONLY"
    HYBRID = "HYBRID"
    IN_PERSON = "IN_PERSON"


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What the programme is called and offers, and how long it lasts."""

    kind: Literal[PolicyKind.TERMS] = PolicyKind.TERMS
    name: str
    principles: tuple[Principle, ...] = ()
    kinds: tuple[ReferralKind, ...] = (ReferralKind.PERSON_SUPPORT,)
    referrer_kinds: tuple[ReferrerKind, ...] = ()
    planned_months: int = PLANNED_MONTHS
    cap_months: int = CAP_MONTHS
    counted_pauses: bool = True


@dataclass(frozen=True, kw_only=True)
class Commission:
    """Who pays for it."""

    kind: Literal[PolicyKind.COMMISSION] = PolicyKind.COMMISSION
    commissioners: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Area:
    """Where it is offered."""

    kind: Literal[PolicyKind.AREA] = PolicyKind.AREA
    boroughs: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """How people of a quadrant are met."""

    kind: Literal[PolicyKind.DELIVERY] = PolicyKind.DELIVERY
    quadrant: Quadrant
    mode: DeliveryMode


@dataclass(frozen=True, kw_only=True)
class Eligibility:
    """Whom it is for; a rule on gender is a setting with its legal reason, which can be switched off."""

    kind: Literal[PolicyKind.ELIGIBILITY] = PolicyKind.ELIGIBILITY
    min_age: int = MIN_AGE
    gender_criterion: bool = False
    legal_reason: str = ""
    screening_required: bool = True
    rosh_at_least: Rosh | None = None


@dataclass(frozen=True, kw_only=True)
class Priority:
    """Who waits at the front, and why that is proportionate."""

    kind: Literal[PolicyKind.PRIORITY] = PolicyKind.PRIORITY
    basis: str
    evidence: str
    impact_assessment: str
    review_on: date | None
    include_w3_w5: bool = False
    step_days: int = STEP_DAYS
    focus: bool = True

    @staticmethod
    def none() -> Priority:
        """No positive action: everybody starts alike, waiting alone lifts."""
        return Priority(basis="", evidence="", impact_assessment="", review_on=None, focus=False)


Content = Terms | Commission | Area | Delivery | Eligibility | Priority


@dataclass(frozen=True, kw_only=True)
class Policy:
    """Rules for a period."""

    id: UUID
    valid_from: date
    valid_to: date | None
    content: Content
    drafted_by: str
    state: PolicyState = PolicyState.DRAFT
    published_by: str = ""

    @property
    def kind(self) -> PolicyKind:
        """What they are about."""
        return PolicyKind(self.content.kind)


def clashes(one: Policy, other: Policy) -> bool:
    """Whether two policies are about the same matter: delivery is by quadrant."""
    if isinstance(one.content, Delivery) and isinstance(other.content, Delivery):
        return one.content.quadrant is other.content.quadrant
    return one.kind is other.kind


def overlap(one: Policy, other: Policy) -> bool:
    """Whether two periods say two things of one day. An open-ended period gives way to what begins later."""
    first, second = sorted((one, other), key=lambda held: held.valid_from)
    if first.valid_from == second.valid_from:
        return True
    return first.valid_to is not None and second.valid_from <= first.valid_to


def read_period(reading: Reading) -> tuple[date | None, date | None]:
    """The period given."""
    start, end = reading.day("valid_from", required=True), reading.day("valid_to")
    if start and end and end < start:
        reading.fault("valid_to", "BEFORE_START")
    return start, end


def read_terms(reading: Reading) -> Terms:
    """Terms as given; probation may always refer."""
    planned, cap = _count(reading, "planned_months", PLANNED_MONTHS), _count(reading, "cap_months", CAP_MONTHS)
    if cap < planned:
        reading.fault("cap_months", "OUT_OF_RANGE")
    return Terms(
        name=reading.text("name", limit=TITLE, required=True),
        principles=reading.codes("principles", Principle),
        kinds=reading.codes("kinds", ReferralKind) or (ReferralKind.PERSON_SUPPORT,),
        referrer_kinds=reading.codes("referrer_kinds", ReferrerKind),
        planned_months=planned,
        cap_months=cap,
        counted_pauses=not reading.flag("pauses_not_counted"),
    )


def read_commission(reading: Reading) -> Commission:
    """A commission as given: at least one commissioner."""
    found = reading.listed("commissioners")
    if not found:
        reading.fault("commissioners", "REQUIRED")
    return Commission(commissioners=found)


def read_area(reading: Reading) -> Area:
    """An area as given: at least one borough."""
    codes = []
    for text in reading.listed("area_codes"):
        try:
            codes.append(borough_of(text))
        except Wrong as wrong:
            reading.fault("area_codes", wrong.code)
    if not codes or NOT_KNOWN in codes:
        reading.fault("area_codes", "UNKNOWN_CODE" if codes else "REQUIRED")
    return Area(boroughs=tuple(dict.fromkeys(codes)))


def read_delivery(reading: Reading) -> Delivery:
    """A delivery mode as given."""
    quadrant = reading.code("quadrant", Quadrant, required=True)
    mode = reading.code("mode", DeliveryMode, required=True)
    return Delivery(quadrant=quadrant or Quadrant.NE, mode=mode or DeliveryMode.REMOTE_ONLY)


def read_eligibility(reading: Reading) -> Eligibility:
    """Rules of eligibility as given; a criterion of gender needs its legal reason."""
    held = Eligibility(
        min_age=_count(reading, "min_age", MIN_AGE),
        gender_criterion=reading.flag("gender_criterion"),
        legal_reason=reading.text("legal_reason", limit=REASON),
        screening_required=reading.flag("screening_required"),
        rosh_at_least=reading.code("rosh_at_least", Rosh),
    )
    reading.done()
    if held.gender_criterion and not held.legal_reason:
        raise Invalid(Fault(f"{reading.under}legal_reason", "REQUIRED"), reason="legal_reason_required")
    return held


def read_priority(reading: Reading) -> Priority:
    """Rules of waiting as given: positive action names its basis, evidence, assessment and review."""
    held = Priority(
        basis=reading.text("basis", limit=REASON),
        evidence=reading.text("evidence", limit=NOTE),
        impact_assessment=reading.text("impact_assessment", limit=TITLE),
        review_on=reading.read("review_on", day_of),
        include_w3_w5=reading.flag("include_w3_w5"),
        step_days=_count(reading, "step_days", STEP_DAYS),
    )
    reading.done()
    missing = [name for name in ("basis", "evidence", "impact_assessment", "review_on") if not getattr(held, name)]
    if missing:
        faults = (Fault(f"{reading.under}{name}", "REQUIRED") for name in missing)
        raise Invalid(*faults, reason="policy_evidence_required")
    return held


def _count(reading: Reading, field: str, default: int) -> int:
    held = reading.values.get(field) or 0
    if not isinstance(held, int) or held < 0:
        reading.fault(field, "OUT_OF_RANGE")
        return default
    return held or default
