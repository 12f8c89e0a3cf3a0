"""The terms of a sharing agreement: codes, days and organisations, in one canonical form that all parties sign."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from enum import Enum
from typing import TypeVar

from chassis.aggregate import Fault
from partners.domain.agreement.codes import (
    OF_PART3,
    Article9,
    Article10,
    Category,
    ControllerRole,
    LawfulBasis,
    OtherBasis,
    Purpose,
    Regime,
    Statute,
)

S = TypeVar("S", bound=str)
LONGEST_DAYS = 5 * 366
LONGEST_RETENTION = 80 * 366
MOST_PARTIES = 20
_ORGANISATION = re.compile(r"[a-z0-9][a-z0-9-]{1,62}")
_GROUP = re.compile(r"group:[A-Za-z0-9-]{1,64}")
_DOCUMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,63}")


@dataclass(frozen=True, kw_only=True)
class Party:
    """One organisation that is bound, and by what law it processes."""

    org_id: str
    controller_role: ControllerRole
    regime: Regime
    lawful_basis: LawfulBasis
    article_9_condition: Article9
    article_10_condition: Article10
    policy_document: str

    def faults(self, path: str) -> Iterator[Fault]:
        """Every field that is wrong, and every pair that does not go together."""
        if not _ORGANISATION.fullmatch(self.org_id):
            yield Fault(f"{path}.org_id", "INVALID_FORMAT")
        enforcing = self.regime is Regime.PART3
        if enforcing != (self.lawful_basis is LawfulBasis.LAW_ENFORCEMENT_TASK):
            yield Fault(f"{path}.lawful_basis", "CONFLICTS_WITH(regime)")
        if self.article_9_condition is not Article9.NONE and enforcing != (self.article_9_condition in OF_PART3):
            yield Fault(f"{path}.article_9_condition", "CONFLICTS_WITH(regime)")
        if not self.policy_document:
            yield Fault(f"{path}.policy_document", "REQUIRED")
        elif not _DOCUMENT.fullmatch(self.policy_document):
            yield Fault(f"{path}.policy_document", "INVALID_FORMAT")


@dataclass(frozen=True, kw_only=True)
class Terms:
    """Everything the parties agree on. `standing_basis`: on what it shares without asking him each time, resting on
    `standing_reference`, for `standing_recipients` alone; `associates`: whom the responsible authority treats so.
    """

    parties: tuple[Party, ...]
    recipients: tuple[str, ...]
    purposes: tuple[Purpose, ...]
    categories: tuple[Category, ...]
    confidentiality_bases: tuple[OtherBasis, ...]
    statutes: tuple[Statute, ...]
    standing_basis: OtherBasis | None
    standing_reference: str
    standing_recipients: tuple[str, ...]
    associates: tuple[str, ...]
    retention_days: int
    valid_from: date
    valid_to: date
    review_on: date

    def canonical(self) -> Terms:
        """The same terms with every list in one order, so that all houses sign the same digest."""
        return replace(
            self,
            parties=tuple(sorted(self.parties, key=lambda party: party.org_id)),
            recipients=_ordered(self.recipients),
            purposes=_ordered(self.purposes),
            categories=_ordered(self.categories),
            confidentiality_bases=_ordered(self.confidentiality_bases),
            statutes=_ordered(self.statutes),
            standing_recipients=_ordered(self.standing_recipients),
            associates=_ordered(self.associates),
        )

    @property
    def digest(self) -> str:
        """What the guardians sign."""
        plain = json.dumps(asdict(self.canonical()), sort_keys=True, separators=(",", ":"), default=_plain)
        return hashlib.sha256(plain.encode()).hexdigest()

    @property
    def organisations(self) -> tuple[str, ...]:
        """The parties by their ids."""
        return tuple(party.org_id for party in self.parties)

    def faults(self) -> tuple[Fault, ...]:
        """Every field that is wrong."""
        return (*self._of_parties(), *self._of_recipients(), *self._of_bases(), *self._of_days())

    def _of_parties(self) -> Iterator[Fault]:
        if not 2 <= len(self.parties) <= MOST_PARTIES:
            yield Fault("parties", "OUT_OF_RANGE" if self.parties else "REQUIRED")
        for nth, party in enumerate(self.parties):
            yield from party.faults(f"parties.{nth}")
        if any(number > 1 for number in Counter(self.organisations).values()):
            yield Fault("parties", "CONFLICTS_WITH(parties)")

    def _of_recipients(self) -> Iterator[Fault]:
        for name in ("recipients", "purposes", "categories"):
            if not getattr(self, name):
                yield Fault(name, "REQUIRED")
        yield from self._bound("recipients", self.recipients)
        yield from self._bound("associates", self.associates)
        if any(each not in self.recipients for each in self.standing_recipients):
            yield Fault("standing_recipients", "CONFLICTS_WITH(recipients)")

    def _bound(self, path: str, named: Iterable[str]) -> Iterator[Fault]:
        """Whoever receives is a party, or a group whose members sign in at its convenor's house."""
        for nth, each in enumerate(named):
            if _GROUP.fullmatch(each):
                continue
            if not _ORGANISATION.fullmatch(each):
                yield Fault(f"{path}.{nth}", "INVALID_FORMAT")
            elif each not in self.organisations:
                yield Fault(f"{path}.{nth}", "CONFLICTS_WITH(parties)")

    def _of_bases(self) -> Iterator[Fault]:
        for name in ("standing_reference", "standing_recipients"):
            if bool(getattr(self, name)) != (self.standing_basis is not None):
                yield Fault(name, "CONFLICTS_WITH(standing_basis)" if getattr(self, name) else "REQUIRED")
        bases = {*self.confidentiality_bases, self.standing_basis}
        if (OtherBasis.STATUTE in bases) != bool(self.statutes):
            yield Fault("statutes", "CONFLICTS_WITH(confidentiality_bases)" if self.statutes else "REQUIRED")
        by_statute = self.standing_basis is OtherBasis.STATUTE
        if by_statute and self.standing_reference and self.standing_reference not in self.statutes:
            yield Fault("standing_reference", "CONFLICTS_WITH(statutes)")
        if self.standing_reference and not _DOCUMENT.fullmatch(self.standing_reference):
            yield Fault("standing_reference", "INVALID_FORMAT")

    def _of_days(self) -> Iterator[Fault]:
        if not 1 <= self.retention_days <= LONGEST_RETENTION:
            yield Fault("retention_days", "OUT_OF_RANGE")
        if self.valid_to < self.valid_from:
            yield Fault("valid_to", "BEFORE_START")
        elif self.valid_to - self.valid_from > timedelta(days=LONGEST_DAYS):
            yield Fault("valid_to", "OUT_OF_RANGE")
        if not self.valid_from <= self.review_on <= self.valid_to:
            yield Fault("review_on", "OUT_OF_RANGE")


def _ordered(listed: Iterable[S]) -> tuple[S, ...]:
    return tuple(sorted(set(listed)))


def _plain(value: object) -> str:
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(type(value).__name__)
