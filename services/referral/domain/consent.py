"""What a person has agreed to, for whom, until when (S9, states.md 2); a matter of confidentiality and fairness,
never the lawful basis. No consequence follows from taking it back."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Self
from uuid import UUID

from chassis.aggregate import Aggregate, Event, Fault, Invalid, Unmet
from chassis.calendar import add_months, local_date
from referral.domain.codes import Category, Channel, ToldHow

if TYPE_CHECKING:
    from collections.abc import Sequence

REVIEW_MONTHS = 6


class ConsentPurpose(StrEnum):
    """What was asked; each is given or refused on its own."""

    PARTICIPATE = "PARTICIPATE"
    ASSESS = "ASSESS"
    SHARE = "SHARE"
    CONTACT = "CONTACT"
    EVALUATE = "EVALUATE"

    @property
    def ends_at_review(self) -> bool:
        """Whether it stops at its review date; the others are a promise to ask again."""
        return self in {ConsentPurpose.SHARE, ConsentPurpose.EVALUATE}


class ConsentStatus(StrEnum):
    """Where a record of agreement stands."""

    NOT_ASKED = "NOT_ASKED"
    GRANTED = "GRANTED"
    DECLINED = "DECLINED"
    WITHDRAWN = "WITHDRAWN"
    EXPIRED = "EXPIRED"
    REPLACED = "REPLACED"


@dataclass(frozen=True, kw_only=True)
class Scope:
    """What exactly was asked: two records with the same scope are about the same thing."""

    purpose: ConsentPurpose
    programme_id: UUID | None = None
    recipient: str = ""
    codes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Granted(Event):
    """He agreed; `number` counts the changes of this agreement over all its records."""

    scope: Scope
    number: int
    review_on: date
    replaces: UUID | None


@dataclass(frozen=True, kw_only=True)
class Declined(Event):
    """He did not agree."""

    scope: Scope
    number: int
    replaces: UUID | None


@dataclass(frozen=True, kw_only=True)
class Withdrawn(Event):
    """He took it back."""

    scope: Scope
    number: int
    review_on: date | None


@dataclass(frozen=True, kw_only=True)
class EndedByMerge(Event):
    """It was given under one of two records of his, and not under both: to be asked anew. Acted on as taken back."""

    scope: Scope
    number: int
    review_on: date | None


@dataclass(frozen=True, kw_only=True)
class Expiring(Event):
    """He is to be asked again soon."""

    scope: Scope
    number: int
    review_on: date | None


@dataclass(frozen=True, kw_only=True)
class Expired(Event):
    """It ended at its review date."""

    scope: Scope
    number: int
    review_on: date | None


@dataclass(frozen=True, kw_only=True)
class Replaced(Event):
    """A newer record stands in its place."""

    by: UUID


@dataclass(frozen=True, kw_only=True)
class ConsentMissed(Event):
    """He was not asked again in time; the agreement goes on."""

    code: str
    due_at: datetime
    policy_version: str


@dataclass(frozen=True, kw_only=True)
class Consent(Aggregate):
    """One record of one answer."""

    person_id: UUID
    purpose: ConsentPurpose
    programme_id: UUID | None = None
    recipient: str = ""
    scope_codes: tuple[str, ...] = ()
    status: ConsentStatus = ConsentStatus.NOT_ASKED
    number: int = 0
    explained_how: ToldHow | None = None
    language: str = ""
    copy_offered: bool = False
    capacity_doubt: str = ""
    taken_by: str = ""
    asked_at: datetime | None = None
    review_on: date | None = None
    replaces: UUID | None = None

    @property
    def scope(self) -> Scope:
        """What it is about."""
        return Scope(
            purpose=self.purpose, programme_id=self.programme_id, recipient=self.recipient, codes=self.scope_codes
        )

    def grant(self, *, review_on: date, at: datetime) -> Self:
        """He agrees, to be asked again by the review date."""
        self._must_be(ConsentStatus.NOT_ASKED)
        today = local_date(at)
        if review_on <= today:
            raise Invalid(Fault("review_on", "IN_PAST"))
        if review_on > add_months(today, REVIEW_MONTHS):
            raise Invalid(Fault("review_on", "OUT_OF_RANGE"))
        number = self.number + 1
        fact = Granted(at=at, scope=self.scope, number=number, review_on=review_on, replaces=self.replaces)
        return self.telling(fact, status=ConsentStatus.GRANTED, number=number, review_on=review_on, asked_at=at)

    def decline(self, *, at: datetime) -> Self:
        """He does not agree."""
        self._must_be(ConsentStatus.NOT_ASKED)
        number = self.number + 1
        fact = Declined(at=at, scope=self.scope, number=number, replaces=self.replaces)
        return self.telling(fact, status=ConsentStatus.DECLINED, number=number, asked_at=at)

    def withdraw(self, *, at: datetime) -> Self:
        """He takes it back; nothing bad follows."""
        self._must_be(ConsentStatus.GRANTED)
        number = self.number + 1
        fact = Withdrawn(at=at, scope=self.scope, number=number, review_on=self.review_on)
        return self.telling(fact, status=ConsentStatus.WITHDRAWN, number=number)

    def end_by_merge(self, *, at: datetime) -> Self:
        """It does not count for the man: his other record says something else, or nothing."""
        self._must_be(ConsentStatus.GRANTED)
        number = self.number + 1
        fact = EndedByMerge(at=at, scope=self.scope, number=number, review_on=self.review_on)
        return self.telling(fact, status=ConsentStatus.WITHDRAWN, number=number)

    def warn(self, *, at: datetime) -> Self:
        """The review date is near."""
        self._must_be(ConsentStatus.GRANTED)
        number = self.number + 1
        fact = Expiring(at=at, scope=self.scope, number=number, review_on=self.review_on)
        return self.telling(fact, number=number)

    def expire(self, *, at: datetime) -> Self:
        """It stops at its review date; only sharing and evaluation do."""
        self._must_be(ConsentStatus.GRANTED)
        if not self.purpose.ends_at_review:
            raise Unmet("invalid_transition", "This agreement does not end by itself.")
        number = self.number + 1
        fact = Expired(at=at, scope=self.scope, number=number, review_on=self.review_on)
        return self.telling(fact, status=ConsentStatus.EXPIRED, number=number)

    def replace(self, by: UUID, *, at: datetime) -> Self:
        """A newer record stands in the place of this one."""
        self._must_be(ConsentStatus.GRANTED)
        return self.telling(Replaced(at=at, by=by), status=ConsentStatus.REPLACED)

    def miss(self, code: str, *, due_at: datetime, policy_version: str, at: datetime) -> Self:
        """He was not asked again in time."""
        self._must_be(ConsentStatus.GRANTED)
        return self.telling(ConsentMissed(at=at, code=code, due_at=due_at, policy_version=policy_version))

    def _must_be(self, status: ConsentStatus) -> None:
        if self.status is not status:
            raise Unmet("invalid_transition", "The agreement is not at a point where this can be done.")


_RECIPIENT = re.compile(r"[a-z0-9][a-z0-9-]{0,63}|group:[A-Za-z0-9-]{1,64}")
_SCOPES: dict[ConsentPurpose, frozenset[str]] = {
    ConsentPurpose.SHARE: frozenset(Category),
    ConsentPurpose.CONTACT: frozenset(Channel),
}


def scope_faults(scope: Scope) -> tuple[Fault, ...]:
    """What is wrong with a scope: each purpose names what it needs, and nothing else."""
    needs_programme = scope.purpose is ConsentPurpose.PARTICIPATE
    needs_recipient = scope.purpose is ConsentPurpose.SHARE
    faults = list(_named("programme_id", given=scope.programme_id is not None, needed=needs_programme))
    faults += _named("recipient", given=bool(scope.recipient), needed=needs_recipient)
    if scope.recipient and not _RECIPIENT.fullmatch(scope.recipient):
        faults.append(Fault("recipient", "INVALID_FORMAT"))
    allowed = _SCOPES.get(scope.purpose, frozenset())
    if allowed and not scope.codes:
        faults.append(Fault("scope_codes", "REQUIRED"))
    if any(code not in allowed for code in scope.codes):
        faults.append(Fault("scope_codes", "UNKNOWN_CODE" if allowed else "CONFLICTS_WITH(purpose)"))
    return tuple(faults)


def _named(field: str, *, given: bool, needed: bool) -> tuple[Fault, ...]:
    if needed and not given:
        return (Fault(field, "REQUIRED"),)
    return (Fault(field, "CONFLICTS_WITH(purpose)"),) if given and not needed else ()


def same_matter(records: Sequence[Consent], scope: Scope) -> Consent | None:
    """The newest record about the same thing: same purpose, programme and recipient."""
    fitting = [
        held
        for held in records
        if (held.purpose, held.programme_id, held.recipient) == (scope.purpose, scope.programme_id, scope.recipient)
    ]
    return max(fitting, key=lambda held: held.number, default=None)


def ended_by_merge(joined: Sequence[Consent], kept: Sequence[Consent]) -> list[Consent]:
    """Which standing agreements end when one record is joined to another: all but those given under both.

    Afterwards the record that is kept speaks for the man. What stands there stays where the other one covers it; what
    stands under the other one stays where the kept one goes on covering it.
    """
    theirs, ours = _standing(joined), _standing(kept)
    staying = {matter: held for matter, held in ours.items() if _covers(theirs.get(matter), held)}
    ending = [held for matter, held in ours.items() if matter not in staying]
    return ending + [held for matter, held in theirs.items() if not _covers(staying.get(matter), held)]


def _standing(records: Sequence[Consent]) -> dict[tuple[ConsentPurpose, UUID | None, str], Consent]:
    granted = [held for held in records if held.status is ConsentStatus.GRANTED]
    return {(held.purpose, held.programme_id, held.recipient): held for held in granted}


def _covers(other: Consent | None, held: Consent) -> bool:
    return other is not None and set(held.scope_codes) <= set(other.scope_codes)
