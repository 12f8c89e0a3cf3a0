"""The probation practitioner to talk to about a case: who, since when, and who covers for dated days (S8)."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Self
from uuid import UUID

from chassis.aggregate import Aggregate, Event, Fault, Invalid, Unmet
from referral.domain.fields import NAME, email_of, phone_of
from referral.domain.identifiers import Wrong

if TYPE_CHECKING:
    from collections.abc import Iterable

    from referral.domain.fields import Reading

NOT_ALLOCATED = "COM_NOT_ALLOCATED"
REFERENCE_LENGTH = 26


@dataclass(frozen=True, kw_only=True)
class Practitioner:
    """Who, and how he is reached; without a name it is a team's mailbox, with the reason why."""

    ref: str
    name: str = ""
    email: str = ""
    phone: str = ""
    pdu: str = ""
    team_code: str = ""
    reason_code: str = ""


@dataclass(frozen=True, kw_only=True)
class Term:
    """A practitioner from a day on."""

    practitioner: Practitioner
    starts_on: date
    ends_on: date | None = None


@dataclass(frozen=True, kw_only=True)
class Named(Event):
    """What each of the three facts says: who, from when, until when; the name itself stays here."""

    ref: str
    pdu: str
    reason_code: str
    starts_on: date
    ends_on: date | None


@dataclass(frozen=True, kw_only=True)
class Assigned(Named):
    """A practitioner was named."""


@dataclass(frozen=True, kw_only=True)
class Changed(Named):
    """Another practitioner was named."""


@dataclass(frozen=True, kw_only=True)
class CoverSet(Named):
    """Somebody covers for dated days."""


@dataclass(frozen=True, kw_only=True)
class PractitionerContact(Aggregate):
    """The contact of one case, with its history."""

    case_id: UUID
    person_id: UUID
    practitioner_ref: str = ""
    cover_ref: str = ""
    cover_from: date | None = None
    cover_to: date | None = None
    current: Term | None = None
    cover: Term | None = None
    history: tuple[Term, ...] = ()

    def assign(self, practitioner: Practitioner, *, starts_on: date, at: datetime) -> Self:
        """Name the first practitioner."""
        if self.current is not None:
            raise Unmet("practitioner_exists", "A practitioner is named already. Change him instead.")
        term = Term(practitioner=practitioner, starts_on=starts_on)
        return self.telling(_fact(Assigned, term, at), current=term, practitioner_ref=practitioner.ref)

    def change(self, practitioner: Practitioner, *, starts_on: date, at: datetime) -> Self:
        """Name another; what was is kept as history."""
        before = self._named()
        if starts_on < before.starts_on:
            raise Invalid(Fault("starts_on", "BEFORE_START"))
        term = Term(practitioner=practitioner, starts_on=starts_on)
        ended = Term(practitioner=before.practitioner, starts_on=before.starts_on, ends_on=starts_on)
        return self.telling(
            _fact(Changed, term, at),
            current=term,
            practitioner_ref=practitioner.ref,
            history=(*self.history, ended),
        )

    def set_cover(self, practitioner: Practitioner, *, starts_on: date, ends_on: date, at: datetime) -> Self:
        """Name somebody who covers for dated days."""
        self._named()
        if ends_on < starts_on:
            raise Invalid(Fault("ends_on", "BEFORE_START"))
        term = Term(practitioner=practitioner, starts_on=starts_on, ends_on=ends_on)
        return self.telling(
            _fact(CoverSet, term, at),
            cover=term,
            cover_ref=practitioner.ref,
            cover_from=starts_on,
            cover_to=ends_on,
        )

    def on(self, day: date) -> Practitioner:
        """Who is to be talked to on a day: the cover while it lasts."""
        cover = self.cover
        if cover is not None and cover.starts_on <= day and cover.ends_on is not None and day <= cover.ends_on:
            return cover.practitioner
        return self._named().practitioner

    def _named(self) -> Term:
        if self.current is None:
            raise Unmet("practitioner_missing", "Name the practitioner first.")
        return self.current


def _fact(kind: type[Named], term: Term, at: datetime) -> Named:
    who = term.practitioner
    return kind(
        at=at,
        ref=who.ref,
        pdu=who.pdu,
        reason_code=who.reason_code,
        starts_on=term.starts_on,
        ends_on=term.ends_on,
    )


def practitioner_ref(email: str, *, house_key: bytes) -> str:
    """The opaque reference of a practitioner, which is also the id he acts under: from his verified e-mail."""
    digest = hmac.new(house_key, email.lower().encode(), hashlib.sha256).digest()
    return "pp-" + base64.b32encode(digest).decode().lower()[:REFERENCE_LENGTH]


def domain_allowed(email: str, allowed: Iterable[str]) -> bool:
    """Whether the address is of one of these domains, or of one below them."""
    domain = email.rpartition("@")[2].lower()
    return any(domain == suffix or domain.endswith(f".{suffix}") for suffix in allowed)


def read_practitioner(reading: Reading, *, allowed: Iterable[str], house_key: bytes) -> Practitioner | None:
    """The practitioner given; faults are collected in the reading."""
    email = reading.read("email", email_of, required=True)
    reason = reading.read("reason_code", _reason) or ""
    name = reading.text("name", limit=NAME, required=not reason)
    phone = reading.read("phone", phone_of) or ""
    pdu = reading.text("pdu", limit=NAME)
    team = reading.text("team_code", limit=NAME)
    if email is None:
        return None
    if not domain_allowed(email, allowed):
        reading.fault("email", "email_domain_not_allowed")
    return Practitioner(
        ref=practitioner_ref(email, house_key=house_key),
        name=name,
        email=email,
        phone=phone,
        pdu=pdu,
        team_code=team,
        reason_code=reason,
    )


def _reason(text: str) -> str:
    if text.strip().upper() != NOT_ALLOCATED:
        raise Wrong("UNKNOWN_CODE")
    return NOT_ALLOCATED
