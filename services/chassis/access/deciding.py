"""May this category of detail about this person be known there, for this purpose, now? One pure function.

Default deny: what is unknown, stale or missing is a no. Monotone: to take away an agreement, a basis, an agreement
of his or a relation, or to add to a deny list, never permits more. The truth table stands in tests/chassis/decide.csv.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from chassis.access.codes import (
    LAWFUL,
    MANAGING_RISK,
    Category,
    Confidentiality,
    GateRefusal,
    LawfulBasis,
    Regime,
    Statute,
)
from chassis.access.roles import Purpose
from chassis.calendar import local_date

if TYPE_CHECKING:
    from collections.abc import Iterator

OLDEST_FEED: Final = timedelta(seconds=60)
RECIPIENT: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}|group:[A-Za-z0-9-]{1,64}")
VOLUNTARY: Final = "VOLUNTARY"
_ORDER: Final = tuple(GateRefusal)


@dataclass(frozen=True, kw_only=True)
class Ground:
    """On what basis of confidentiality something is asked; any but his own agreement says on what it rests."""

    basis: str = Confidentiality.AGREED.value
    reference: str = ""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One question to the gate: `recipient` is an organisation or `group:<id>`; `staff` who of it would read."""

    owner: str
    person_id: UUID
    category: str
    purpose: str
    recipient: str
    at: datetime
    ground: Ground = field(default_factory=Ground)
    staff: str = ""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """Under which part of the Act a party processes, and on what lawful basis."""

    regime: str
    lawful_basis: str


@dataclass(frozen=True, kw_only=True)
class Rest:
    """A time in which an agreement was suspended; without an end it still is."""

    since: datetime
    until: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """A sharing agreement that every party has signed."""

    isa_id: str
    parties: Mapping[str, Terms]
    recipients: frozenset[str]
    purposes: frozenset[str]
    categories: frozenset[str]
    valid_from: date
    valid_to: date
    bases: frozenset[str] = frozenset()
    statutes: frozenset[str] = frozenset()
    standing_basis: str = ""
    standing_recipients: frozenset[str] = frozenset()
    associates: frozenset[str] = frozenset()
    rests: tuple[Rest, ...] = ()
    ended_at: datetime | None = None

    def in_force(self, at: datetime) -> bool:
        """Whether it holds at that moment."""
        resting = any(rest.since <= at and (rest.until is None or at < rest.until) for rest in self.rests)
        ended = self.ended_at is not None and self.ended_at <= at
        return self.valid_from <= local_date(at) <= self.valid_to and not resting and not ended


@dataclass(frozen=True, kw_only=True)
class Consent:
    """What he answered, when asked whether this recipient may know these categories."""

    recipient: str
    categories: frozenset[str]
    version: int
    granted: bool
    review_on: date | None = None


def newest(answers: Iterable[Consent]) -> Mapping[str, Consent]:
    """Of each recipient the answer with the highest version, whatever the order in which they were heard."""
    held: dict[str, Consent] = {}
    for answer in answers:
        if answer.recipient not in held or held[answer.recipient].version < answer.version:
            held[answer.recipient] = answer
    return held


@dataclass(frozen=True, kw_only=True)
class Lists:
    """Who may know of a man, by the lists of all records of his: deny lists join, each allow list has to name him."""

    allow: tuple[frozenset[str], ...] = ()
    deny: frozenset[str] = frozenset()

    @classmethod
    def of(cls, held: Iterable[tuple[str, Iterable[str]]]) -> Lists:
        """From what is kept: ALLOW or DENY, and who stands there."""
        sides = [(which, frozenset(entries)) for which, entries in held]
        deny = [entries for which, entries in sides if which == "DENY"]
        return cls(allow=tuple(entries for which, entries in sides if which == "ALLOW"), deny=frozenset().union(*deny))

    def keep_out(self, *names: str) -> bool:
        """Whether they keep out who goes by these names, his own and his organisation's."""
        given = {name for name in names if name}
        return bool(self.deny & given) or any(each and not each & given for each in self.allow)


@dataclass(frozen=True, kw_only=True)
class Known:
    """What a service knows when it judges. `consents`: his newest answer for each recipient; `lists`: of all records of
    his; `held`: facts about him wait, so nothing told counts; `feed_age`: since when everything told about consents and
    lists has surely been applied; `sector`: of the recipient."""

    agreements: tuple[Agreement, ...] = ()
    consents: Mapping[str, Consent] = field(default_factory=dict)
    lists: Lists = field(default_factory=Lists)
    related: bool = False
    held: bool = False
    feed_age: timedelta | None = None
    sector: str = ""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Permitted, under this agreement and on these bases; or the condition that did not hold."""

    refusal: GateRefusal | None
    isa_id: str = ""
    regime: str = ""
    recipient_regime: str = ""
    lawful_basis: str = ""
    confidentiality_basis: str = ""
    reference: str = ""

    @property
    def permitted(self) -> bool:
        """Whether it may be known."""
        return self.refusal is None


def decide(asked: Asked, known: Known) -> Verdict:
    """The verdict of the gate."""
    refusal = next(_bars(asked, known), None)
    if refusal is not None:
        return Verdict(refusal=refusal)
    verdicts = [_under(agreement, asked, known) for agreement in sorted(known.agreements, key=lambda each: each.isa_id)]
    nothing = Verdict(refusal=GateRefusal.ISA_NOT_IN_FORCE)
    # The agreement that permits; else the one that came closest, so that the answer says what is still missing.
    return max((nothing, *verdicts), key=_distance)


def decide_all(asked: Asked, categories: Iterable[str], known: Known) -> Verdict:
    """The verdict on several categories at once: all under one agreement, or none; `asked.category` is not looked at.

    Nothing at all is no disclosure: without a category it is refused.
    """
    wanted = sorted(set(categories)) or [""]
    choices = [replace(known, agreements=(each,)) for each in sorted(known.agreements, key=lambda each: each.isa_id)]
    return max((_least(asked, wanted, each) for each in choices or [known]), key=_distance)


def _least(asked: Asked, categories: Iterable[str], known: Known) -> Verdict:
    """The verdict on the category that is furthest from being permitted."""
    return min((decide(replace(asked, category=each), known) for each in categories), key=_distance)


def _distance(verdict: Verdict) -> int:
    return len(_ORDER) if verdict.refusal is None else _ORDER.index(verdict.refusal)


def _bars(asked: Asked, known: Known) -> Iterator[GateRefusal]:
    """What stands against it whatever has been agreed."""
    known_values = (
        asked.category in set(Category)
        and asked.purpose in set(Purpose)
        and asked.ground.basis in set(Confidentiality)
        and RECIPIENT.fullmatch(asked.recipient)
    )
    if not known_values:
        yield GateRefusal.UNKNOWN_VALUE
    if asked.recipient == asked.owner:
        yield GateRefusal.RECIPIENT_IS_OWNER
    if known.feed_age is None or known.feed_age > OLDEST_FEED:
        yield GateRefusal.FEED_STALE
    if known.held:
        yield GateRefusal.PERSON_HELD
    if known.lists.keep_out(asked.recipient, asked.staff):
        yield GateRefusal.LISTED
    if not known.related:
        yield GateRefusal.NO_RELATIONSHIP


def _under(agreement: Agreement, asked: Asked, known: Known) -> Verdict:
    """The verdict under one agreement; one whose terms are of no list is none."""
    owner = agreement.parties.get(asked.owner)
    if owner is None or owner.regime not in set(Regime) or owner.lawful_basis not in set(LawfulBasis):
        return Verdict(refusal=GateRefusal.ISA_NOT_IN_FORCE)
    if asked.recipient not in agreement.recipients or not agreement.in_force(asked.at):
        return Verdict(refusal=GateRefusal.ISA_NOT_IN_FORCE)
    refusal = next(_gaps(agreement, asked, known), None)
    receiving = agreement.parties.get(asked.recipient)
    if refusal is not None:
        return Verdict(refusal=refusal)
    return Verdict(
        refusal=None,
        isa_id=agreement.isa_id,
        regime=owner.regime,
        recipient_regime=receiving.regime if receiving else "",
        lawful_basis=_lawful(owner, asked.ground),
        confidentiality_basis=asked.ground.basis,
        reference=asked.ground.reference,
    )


def _gaps(agreement: Agreement, asked: Asked, known: Known) -> Iterator[GateRefusal]:
    """What this agreement lacks for what is asked."""
    if asked.purpose not in agreement.purposes:
        yield GateRefusal.PURPOSE_NOT_AGREED
    if asked.category not in agreement.categories:
        yield GateRefusal.CATEGORY_NOT_AGREED
    if asked.ground.basis == Confidentiality.AGREED:
        yield from _unagreed(asked, known)
    else:
        yield from _unfounded(agreement, asked, known)


def _unagreed(asked: Asked, known: Known) -> Iterator[GateRefusal]:
    """He has to have agreed that this recipient may know this category, by his newest answer."""
    answer = known.consents.get(asked.recipient)
    if answer is None or not answer.granted or asked.category not in answer.categories:
        yield GateRefusal.CONSENT_MISSING
    elif answer.review_on is None or answer.review_on <= local_date(asked.at):
        yield GateRefusal.CONSENT_REVIEW_PASSED


def _unfounded(agreement: Agreement, asked: Asked, known: Known) -> Iterator[GateRefusal]:
    """Any other basis has to be admitted and to say on what it rests."""
    basis, reference = asked.ground.basis, asked.ground.reference
    standing = basis == agreement.standing_basis and asked.recipient in agreement.standing_recipients
    if not standing and basis not in agreement.bases:
        yield GateRefusal.BASIS_NOT_ADMITTED
    if not reference:
        yield GateRefusal.BASIS_REFERENCE_MISSING
    if basis == Confidentiality.STATUTE and (reference not in set(Statute) or reference not in agreement.statutes):
        yield GateRefusal.BASIS_NOT_ADMITTED
    voluntary = known.sector in {"", VOLUNTARY}
    if reference == MANAGING_RISK and voluntary and asked.recipient not in agreement.associates:
        yield GateRefusal.NOT_AN_ASSOCIATE


def _lawful(owner: Terms, ground: Ground) -> str:
    """The lawful basis of the one who shares, by its regime and what the ground rests on."""
    if owner.regime == Regime.PART3:
        return LawfulBasis.LAW_ENFORCEMENT_TASK.value
    if ground.basis == Confidentiality.COURT_ORDER:
        return LawfulBasis.LEGAL_OBLIGATION.value
    if ground.basis == Confidentiality.STATUTE:
        return LAWFUL[Statute(ground.reference)].value
    return owner.lawful_basis
