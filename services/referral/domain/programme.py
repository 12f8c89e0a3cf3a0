"""What the service is, for whom, since when: every rule is dated, drafted by one service manager and brought into
force by another (S1, S2, S5, S6, S11, S16). A case keeps the version it was decided under."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

from chassis.aggregate import Aggregate, Event, Fault, Invalid, NotFound, Unmet
from chassis.calendar import local_date
from referral.domain.eligibility import Rules
from referral.domain.policies import (
    Area,
    Commission,
    Content,
    Delivery,
    Eligibility,
    Policy,
    PolicyKind,
    PolicyState,
    Priority,
    Terms,
    clashes,
    overlap,
)

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, kw_only=True)
class PolicyDrafted(Event):
    """One service manager drafted rules; another must bring them into force."""

    policy_id: UUID
    kind: PolicyKind


@dataclass(frozen=True, kw_only=True)
class PolicySuperseded(Event):
    """The next version took their place."""

    policy_id: UUID
    next_change_on: date | None


@dataclass(frozen=True, kw_only=True)
class PolicyPublished(Event):
    """Rules came into force; `first` says that there were none of this kind before."""

    programme_id: UUID
    code: str
    policy: Policy
    first: bool
    record_version: int
    policy_version: str
    next_change_on: date | None


@dataclass(frozen=True, kw_only=True)
class Published(PolicyPublished):
    """The programme came into force."""


@dataclass(frozen=True, kw_only=True)
class Amended(PolicyPublished):
    """The programme has new terms."""


@dataclass(frozen=True, kw_only=True)
class CommissionSet(PolicyPublished):
    """It was commissioned."""


@dataclass(frozen=True, kw_only=True)
class CommissionExtended(PolicyPublished):
    """Its commission was extended."""


@dataclass(frozen=True, kw_only=True)
class AreaSet(PolicyPublished):
    """Its area was set."""


@dataclass(frozen=True, kw_only=True)
class DeliveryModeSet(PolicyPublished):
    """How it is delivered in a quadrant was set."""


@dataclass(frozen=True, kw_only=True)
class EligibilityPublished(PolicyPublished):
    """Rules of eligibility came into force."""


@dataclass(frozen=True, kw_only=True)
class PriorityPublished(PolicyPublished):
    """Rules of waiting came into force."""


def _fact_kind(content: Content, *, first: bool) -> type[PolicyPublished]:
    match content:
        case Terms():
            return Published if first else Amended
        case Commission():
            return CommissionSet if first else CommissionExtended
        case Area():
            return AreaSet
        case Delivery():
            return DeliveryModeSet
        case Eligibility():
            return EligibilityPublished
        case Priority():
            return PriorityPublished


@dataclass(frozen=True, kw_only=True)
class Programme(Aggregate):
    """One programme with all its dated rules."""

    code: str
    policies: tuple[Policy, ...] = ()

    def draft(self, policy: Policy, *, at: datetime) -> Self:
        """Draft rules; their period may not clash with what is in force."""
        self._fits(policy)
        fact = PolicyDrafted(at=at, policy_id=policy.id, kind=policy.kind)
        return self.telling(fact, policies=(*self.policies, policy))

    def publish(self, policy_id: UUID, kind: PolicyKind, *, by: str, at: datetime) -> Self:
        """Bring a draft into force; by somebody else than who drafted it."""
        drafted = self._drafted(policy_id, kind)
        if drafted.drafted_by == by:
            raise Unmet("second_person_required", "Another service manager must bring this into force.")
        self._fits(drafted)
        published = replace(drafted, state=PolicyState.PUBLISHED, published_by=by)
        first = not self._in_force(kind)
        fact = _fact_kind(drafted.content, first=first)(
            at=at,
            programme_id=self.id,
            code=self.code,
            policy=published,
            first=first,
            record_version=self.version + len(self.news) + 1,
            policy_version=self.version_of(drafted),
            next_change_on=next_change(self._with(published), local_date(at)),
        )
        return self.telling(fact, policies=self._with(published)).supersede(local_date(at), at=at)

    def supersede(self, on: date, *, at: datetime) -> Self:
        """Set aside what a newer version has taken the place of by this day."""
        value = self
        for held in self.policies:
            if held.state is PolicyState.PUBLISHED and self._succeeded(held, on):
                gone = replace(held, state=PolicyState.SUPERSEDED)
                fact = PolicySuperseded(at=at, policy_id=held.id, next_change_on=next_change(self.policies, on))
                value = value.telling(fact, policies=value._with(gone))
        return value

    def content_on(self, day: date, kind: type[Content]) -> Any:
        """The rules of a kind in force on a day."""
        policy = self.policy_on(day, kind)
        return policy.content if policy else None

    def policy_on(self, day: date, kind: type[Content]) -> Policy | None:
        """The policy of a kind in force on a day: the one that began last."""
        fitting = [
            held
            for held in self.policies
            if isinstance(held.content, kind)
            and held.state is not PolicyState.DRAFT
            and held.valid_from <= day
            and (held.valid_to is None or day <= held.valid_to)
        ]
        return max(fitting, key=lambda held: held.valid_from, default=None)

    def terms_on(self, day: date) -> Terms:
        """Its terms on a day; refuses where it is not in force."""
        terms = self.content_on(day, Terms)
        if not isinstance(terms, Terms):
            raise Unmet("programme_not_in_force", "This programme is not in force on that day.")
        return terms

    def rules_on(self, day: date) -> Rules:
        """The rules of eligibility on a day; refuses where there are none, since nobody may be judged by none."""
        terms, policy = self.terms_on(day), self.policy_on(day, Eligibility)
        if policy is None or not isinstance(policy.content, Eligibility):
            raise Unmet("eligibility_policy_missing", "No rules of eligibility are in force for this programme.")
        area = self.content_on(day, Area)
        return Rules(
            policy_version=self.version_of(policy),
            min_age=policy.content.min_age,
            gender_criterion=policy.content.gender_criterion,
            screening_required=policy.content.screening_required,
            rosh_at_least=policy.content.rosh_at_least,
            referrer_kinds=terms.referrer_kinds,
            area=area.boroughs if isinstance(area, Area) else (),
        )

    def waiting_on(self, day: date) -> tuple[Priority, str]:
        """The rules of waiting on a day and their version; without any, nobody is in a focus group."""
        policy = self.policy_on(day, Priority)
        if policy is None or not isinstance(policy.content, Priority):
            return Priority.none(), "NONE"
        return policy.content, self.version_of(policy)

    def version_of(self, policy: Policy) -> str:
        """What a decision quotes: programme, kind and number, such as EERSS-E2."""
        ordinal = [held.id for held in self.policies if held.kind is policy.kind].index(policy.id) + 1
        return f"{self.code}-{policy.kind[0]}{ordinal}"

    def _drafted(self, policy_id: UUID, kind: PolicyKind) -> Policy:
        for held in self.policies:
            if held.id == policy_id and held.kind is kind:
                if held.state is not PolicyState.DRAFT:
                    raise Unmet("invalid_transition", "These rules are in force already.")
                return held
        raise NotFound

    def _with(self, changed: Policy) -> tuple[Policy, ...]:
        return tuple(changed if held.id == changed.id else held for held in self.policies)

    def _in_force(self, kind: PolicyKind) -> list[Policy]:
        return [held for held in self.policies if held.kind is kind and held.state is not PolicyState.DRAFT]

    def _succeeded(self, policy: Policy, on: date) -> bool:
        return any(
            later.valid_from <= on
            for later in self._in_force(policy.kind)
            if later.valid_from > policy.valid_from and clashes(policy, later)
        )

    def _fits(self, policy: Policy) -> None:
        if isinstance(policy.content, Commission):
            self._follows(policy)
        others = (held for held in self._in_force(policy.kind) if held.id != policy.id)
        if any(clashes(policy, held) and overlap(policy, held) for held in others):
            raise Invalid(Fault("valid_from", "CONFLICTS_WITH(valid_from)"), reason="rule_period_overlap")

    def _follows(self, policy: Policy) -> None:
        """A commission ends, and the next begins the day after."""
        before = max((held.valid_to for held in self._in_force(policy.kind) if held.valid_to), default=None)
        if policy.valid_to is None:
            raise Invalid(Fault("valid_to", "REQUIRED"))
        if before is not None and policy.valid_from != before + timedelta(days=1):
            raise Invalid(Fault("valid_from", "OUT_OF_RANGE"), reason="commission_gap")


def next_change(policies: Iterable[Policy], after: date) -> date | None:
    """The next day on which a published policy begins: then older ones are set aside."""
    later = [held.valid_from for held in policies if held.state is PolicyState.PUBLISHED and held.valid_from > after]
    return min(later, default=None)
