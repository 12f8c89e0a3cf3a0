"""Who must hear of a fact, in what role, by which channels: dated rows and a circle of people in, tellings out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol, TypeVar
from uuid import UUID

from notifications.domain.codes import Kind, Suppression, Urgency

MISSED = "deadline_missed"


class Told(StrEnum):
    """Whom a row of the audience table names. A role's name stands for everybody who has it; HANDLER for those in this
    house who have to do with a handoff, whichever side it is."""

    SM = "SM"
    CP = "CP"
    IG = "IG"
    OPS = "OPS"
    WORKER = "WORKER"
    WORKER_BEFORE = "WORKER_BEFORE"
    PRACTITIONER = "PRACTITIONER"
    REFERRER = "REFERRER"
    KEEPER = "KEEPER"
    VIEWER = "VIEWER"
    HANDLER = "HANDLER"


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One row of the audience table, in force from a day until its fact has rows of a later day.

    `only` narrows it to one promise or kind of prompt; such rows stand in the place of the general ones.
    """

    fact: str
    only: str = ""
    told: tuple[Told, ...]
    channels: str
    template: str
    urgency: Urgency
    ack: bool = False
    valid_from: date


@dataclass(frozen=True, kw_only=True)
class Keeper:
    """Who keeps a promise, or sees a kind of prompt. `first` tells the first of them that there is, else all."""

    about: str
    told: tuple[Told, ...]
    first: bool = False
    valid_from: date


@dataclass(frozen=True, kw_only=True)
class Fact:
    """What was heard, in plain values; `filling` is what a template may say of it.

    `worker` and `practitioner` are those it names, who are told even where their first day is still to come.
    """

    name: str
    event_id: UUID
    at: datetime
    about: str = ""
    subject_id: UUID
    case_id: UUID | None = None
    person_id: UUID | None = None
    programme_id: str = ""
    worker: str = ""
    worker_before: str = ""
    practitioner: str = ""
    due_at: datetime | None = None
    only_with_a_case: bool = False
    filling: Mapping[str, str] = field(default_factory=dict)
    promises: bool = True


@dataclass(frozen=True, kw_only=True)
class Recipient:
    """Somebody to be told, in a role."""

    kind: Kind
    ref: str
    role: str
    organisation: str = ""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What the audience knows of an entry of the contact book."""

    kind: Kind
    ref: str
    roles: frozenset[str]
    organisation: str
    left: bool


@dataclass(frozen=True, kw_only=True)
class Lists:
    """The limited-access lists of a man, of all records of his: staff and organisations. Each allow list has to name
    who is told."""

    allow: tuple[frozenset[str], ...] = ()
    deny: frozenset[str] = frozenset()

    @property
    def bound(self) -> bool:
        """Whether anybody is bounded by them."""
        return bool(any(self.allow) or self.deny)

    def hide_from(self, recipient: Recipient) -> bool:
        """Whether the case is hidden from him; a team stands for people nobody has looked at, so it is too."""
        if not self.bound:
            return False
        names = {recipient.ref, recipient.organisation} - {""}
        outside = any(each and not names & each for each in self.allow)
        return recipient.kind is Kind.TEAM or bool(names & self.deny) or outside


@dataclass(frozen=True, kw_only=True)
class Circle:
    """Who stands around a case: from what was heard, and from the contact book."""

    worker: str = ""
    worker_role: str = "EW"
    practitioner: str = ""
    referrer: str = ""
    referrer_role: str = "PP"
    referrer_organisation: str = ""
    book: tuple[Entry, ...] = ()
    lists: Lists = Lists()
    house: str = ""

    def staff(self, ref: str, role: str) -> Recipient:
        """One member of the staff, in the book or not."""
        found = self._entry(ref)
        return Recipient(kind=Kind.STAFF, ref=ref, role=role, organisation=found.organisation if found else self.house)

    def has_left(self, recipient: Recipient) -> bool:
        """Whether the book says that he is gone."""
        found = self._entry(recipient.ref)
        return found is not None and found.left

    def all_of(self, role: str) -> tuple[Recipient, ...]:
        """Everybody of a role who has not left and from whom the case is not hidden."""
        found = [self.staff(e.ref, role) for e in self.book if e.kind is Kind.STAFF and role in e.roles and not e.left]
        return tuple(each for each in found if not self.lists.hide_from(each))

    def role(self, role: str) -> tuple[Recipient, ...]:
        """The team that stands for a role; one by one where there is none, or where lists bound the case."""
        team = next((e for e in self.book if e.kind is Kind.TEAM and role in e.roles and not e.left), None)
        if team and not self.lists.bound:
            return (Recipient(kind=Kind.TEAM, ref=team.ref, role=role, organisation=team.organisation),)
        nobody = Recipient(kind=Kind.TEAM, ref=team.ref if team else role.lower(), role=role, organisation=self.house)
        return self.all_of(role) or (nobody,)

    def has(self, role: str) -> bool:
        """Whether the house has anybody of a role."""
        return any(role in entry.roles and not entry.left for entry in self.book)

    def _entry(self, ref: str) -> Entry | None:
        return next((entry for entry in self.book if entry.ref == ref), None)


@dataclass(frozen=True, kw_only=True)
class Telling:
    """One recipient of a fact with the row that names him; `suppressed` where he may not be told."""

    recipient: Recipient
    rule: Rule
    suppressed: Suppression | None = None


class Dated(Protocol):
    """A row that holds from a day."""

    @property
    def valid_from(self) -> date: ...


D = TypeVar("D", bound=Dated)


def newest(rows: Iterable[D], day: date) -> tuple[D, ...]:
    """The rows of the latest day that has come."""
    held = [row for row in rows if row.valid_from <= day]
    latest = max((row.valid_from for row in held), default=None)
    return tuple(row for row in held if row.valid_from == latest)


def who_must_hear(
    fact: Fact, *, rules: Iterable[Rule], keepers: Iterable[Keeper], circle: Circle, day: date
) -> tuple[Telling, ...]:
    """Each recipient once a template, in the order of the rows."""
    circle = replace(circle, worker=fact.worker or circle.worker, practitioner=fact.practitioner or circle.practitioner)
    tellings: dict[tuple[str, str], Telling] = {}
    for rule in _rows(fact, rules, day):
        for recipient in _recipients(fact, rule, tuple(keepers), circle, day):
            suppressed = _suppressed(recipient, circle)
            telling = Telling(recipient=recipient, rule=rule, suppressed=suppressed)
            tellings.setdefault((recipient.ref, rule.template), telling)
    return tuple(tellings.values())


def _rows(fact: Fact, rules: Iterable[Rule], day: date) -> tuple[Rule, ...]:
    name = MISSED if fact.name.endswith(f".{MISSED}") else fact.name
    current = newest((rule for rule in rules if rule.fact == name), day)
    narrow = tuple(rule for rule in current if rule.only and rule.only == fact.about)
    return narrow or tuple(rule for rule in current if not rule.only)


def _recipients(
    fact: Fact, rule: Rule, keepers: tuple[Keeper, ...], circle: Circle, day: date
) -> tuple[Recipient, ...]:
    found: list[Recipient] = []
    for told in rule.told:
        if told in {Told.KEEPER, Told.VIEWER}:
            found += _kept_by(fact, keepers, circle, day)
        else:
            found += _named(told, fact, circle)
    return tuple(found)


def _kept_by(fact: Fact, keepers: tuple[Keeper, ...], circle: Circle, day: date) -> tuple[Recipient, ...]:
    rows = newest((keeper for keeper in keepers if keeper.about == fact.about), day)
    ways = [_named(told, fact, circle) for row in rows for told in row.told]
    there = [way for way in ways if any(not circle.lists.hide_from(each) for each in way)]
    if not there:
        return circle.role("SM")
    if any(row.first for row in rows):
        return there[0]
    return tuple(recipient for way in there for recipient in way)


def _named(told: Told, fact: Fact, circle: Circle) -> tuple[Recipient, ...]:
    ways = {
        Told.WORKER: _worker,
        Told.PRACTITIONER: _practitioner,
        Told.REFERRER: _referrer,
        Told.HANDLER: _handlers,
    }
    if told in ways:
        return ways[told](circle)
    if told is Told.WORKER_BEFORE:
        before = circle.staff(fact.worker_before, "EW")
        return (before,) if fact.worker_before and not circle.has_left(before) else ()
    return () if told in {Told.KEEPER, Told.VIEWER} else circle.role(told.value)


def _worker(circle: Circle) -> tuple[Recipient, ...]:
    """The worker; the service manager where he is none any more."""
    if not circle.worker:
        return ()
    worker = circle.staff(circle.worker, circle.worker_role)
    return circle.role("SM") if circle.has_left(worker) else (worker,)


def _handlers(circle: Circle) -> tuple[Recipient, ...]:
    """The worker of the case and whoever works with partners here; where there is neither, the service manager."""
    partner_workers = circle.role("PW") if circle.has("PW") else ()
    return (*_worker(circle), *partner_workers) or circle.role("SM")


def _practitioner(circle: Circle) -> tuple[Recipient, ...]:
    """The practitioner; his employer is known only where he referred himself."""
    if not circle.practitioner:
        return ()
    employer = circle.referrer_organisation if circle.practitioner == circle.referrer else ""
    return (Recipient(kind=Kind.PRACTITIONER, ref=circle.practitioner, role="PP", organisation=employer),)


def _referrer(circle: Circle) -> tuple[Recipient, ...]:
    """Who submitted it; the practitioner where nobody has yet."""
    if not circle.referrer:
        return _practitioner(circle)
    if circle.referrer_role == "PP":
        itself = replace(circle, practitioner=circle.referrer)
        return _practitioner(itself)
    who = circle.staff(circle.referrer, circle.referrer_role)
    return (replace(who, organisation=circle.referrer_organisation or who.organisation),)


def _suppressed(recipient: Recipient, circle: Circle) -> Suppression | None:
    if circle.lists.hide_from(recipient):
        return Suppression.CASE_RESTRICTED
    return Suppression.RECIPIENT_LEFT if circle.has_left(recipient) else None
