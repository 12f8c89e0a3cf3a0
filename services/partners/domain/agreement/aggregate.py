"""One sharing agreement, the same in the house of every party: proposed, signed by each guardian, in force, over.

Each house holds its own copy and hears of the others what their guardians did, in any order between two of them;
what comes of it depends on who signed, who lets it rest and since when, never on the order of hearing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Self
from uuid import UUID

from chassis.aggregate import Aggregate, Fault, Invalid, Unmet
from chassis.calendar import local_date
from partners.domain.agreement import facts
from partners.domain.agreement.codes import Status
from partners.domain.agreement.terms import Terms

WARNED_DAYS: Final = 28
OPEN: Final = (Status.DRAFT, Status.IN_REVIEW, Status.ACTIVE, Status.EXPIRING, Status.SUSPENDED)


@dataclass(frozen=True, kw_only=True)
class Act:
    """What the guardian of a party did, and when."""

    party: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Rest:
    """A time in which it was suspended; without an end it still is."""

    since: datetime
    until: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class SharingAgreement(Aggregate):
    """One agreement. Its id is the same in every house; `proposed_by` is the node whose house drafted it."""

    terms: Terms
    terms_hash: str
    status: Status
    proposed_by: str
    signed: tuple[Act, ...] = ()
    suspended_at: datetime | None = None
    resumed: tuple[Act, ...] = ()
    rests: tuple[Rest, ...] = ()
    ended_at: datetime | None = None

    @classmethod
    def draft(cls, id: UUID, terms: Terms, *, node: str, told: tuple[str, ...], at: datetime) -> SharingAgreement:
        """Put terms on the table; the houses of the other parties hear of them."""
        _fit(terms, at)
        value = cls._of(id, terms, node)
        return value.telling(
            facts.Proposed(isa_id=id, terms=value.terms, terms_hash=value.terms_hash, told=told, at=at)
        )

    @classmethod
    def hear(cls, id: UUID, terms: Terms, terms_hash: str, *, node: str, at: datetime) -> SharingAgreement:
        """Take what another house proposes; the digest it names must be that of the terms it names."""
        _fit(terms, at)
        value = cls._of(id, terms, node)
        value.must_be_of(terms_hash)
        return value.telling(
            facts.Received(isa_id=id, terms=value.terms, terms_hash=terms_hash, proposed_by=node, at=at)
        )

    @classmethod
    def _of(cls, id: UUID, terms: Terms, node: str) -> SharingAgreement:
        one = terms.canonical()
        return cls(id=id, terms=one, terms_hash=one.digest, status=Status.DRAFT, proposed_by=node)

    @property
    def isa_id(self) -> str:
        """Its id as others write it."""
        return str(self.id)

    @property
    def open(self) -> bool:
        """Whether it may still come, or be, in force."""
        return self.status in OPEN

    def must_be_of(self, terms_hash: str) -> None:
        """What is signed, and what is proposed again, is these terms and no others."""
        if terms_hash != self.terms_hash:
            raise Unmet("terms_differ", "These are other terms under the same id. Draft them as a new agreement.")

    def sign(self, party: str, terms_hash: str, *, told: tuple[str, ...], at: datetime) -> Self:
        """The guardian of a party signs; the last signature brings it into force."""
        self._must_be(Status.DRAFT, Status.IN_REVIEW)
        self.must_be_of(terms_hash)
        if self.has_signed(party):
            raise Unmet("already_signed", "The guardian of this organisation has signed already.")
        return self._signed(party, told=told, at=at)

    def hear_signed(self, party: str, terms_hash: str, *, at: datetime) -> Self:
        """The same, in another house; heard again, or after its end, it changes nothing."""
        self.must_be_of(terms_hash)
        self._must_know(party)
        if self.status not in {Status.DRAFT, Status.IN_REVIEW} or self.has_signed(party):
            return self
        return self._signed(party, told=(), at=at)

    def suspend(self, party: str, *, told: tuple[str, ...], at: datetime) -> Self:
        """A party lets it rest, at once."""
        self._must_be(Status.ACTIVE, Status.EXPIRING, Status.SUSPENDED)
        return self._rested(party, told=told, at=at)

    def hear_suspended(self, party: str, *, at: datetime) -> Self:
        """The same, in another house; it counts also where the last signature has not been heard yet."""
        self._must_know(party)
        return self._rested(party, told=(), at=at) if self.open else self

    def resume(self, party: str, *, told: tuple[str, ...], at: datetime) -> Self:
        """A party lets it go on; it does once each has, since it was last suspended."""
        self._must_be(Status.SUSPENDED)
        return self._went_on(party, told=told, at=at)

    def hear_resumed(self, party: str, *, at: datetime) -> Self:
        """The same, in another house."""
        self._must_know(party)
        return self._went_on(party, told=(), at=at) if self.open else self

    def end(self, party: str, *, told: tuple[str, ...], at: datetime) -> Self:
        """A party ends it, for good; one that nobody has signed yet is dropped by the same."""
        self._must_be(*OPEN)
        return self._ended(party, told=told, at=at)

    def hear_ended(self, party: str, *, at: datetime) -> Self:
        """The same, in another house."""
        self._must_know(party)
        return self._ended(party, told=(), at=at) if self.open else self

    def warn(self, *, at: datetime) -> Self:
        """It ends in four weeks."""
        self._must_be(Status.ACTIVE)
        warned = facts.Expiring(isa_id=self.id, valid_to=self.terms.valid_to, at=at)
        return self.telling(warned, status=Status.EXPIRING)

    def expire(self, *, at: datetime) -> Self:
        """Its last day has passed."""
        self._must_be(*OPEN)
        return self.telling(facts.Expired(isa_id=self.id, at=at), status=Status.EXPIRED)

    def _signed(self, party: str, *, told: tuple[str, ...], at: datetime) -> Self:
        self._must_know(party)
        fact = facts.Signed(isa_id=self.id, party=party, terms_hash=self.terms_hash, told=told, at=at)
        signed = (*self.signed, Act(party=party, at=at))
        value = self.telling(fact, signed=signed, status=Status.IN_REVIEW)
        if {act.party for act in signed} != set(self.terms.organisations):
            return value
        version = value.version + len(value.news) + 1
        activated = facts.Activated(isa_id=self.id, terms=self.terms, agreement_version=version, at=at)
        status = Status.SUSPENDED if self._resting else self._by_day(at)
        return value.telling(activated, status=status)

    def _rested(self, party: str, *, told: tuple[str, ...], at: datetime) -> Self:
        since = max(at, self.suspended_at or at)
        over = self.rests if not self._resting else self.rests[:-1]
        rests = (*over, Rest(since=min(at, self.rests[-1].since) if self._resting else at))
        status = Status.SUSPENDED if self.status in {Status.ACTIVE, Status.EXPIRING} else self.status
        fact = facts.Suspended(isa_id=self.id, party=party, told=told, at=at)
        return self.telling(fact, suspended_at=since, rests=rests, status=status)

    def _went_on(self, party: str, *, told: tuple[str, ...], at: datetime) -> Self:
        self._must_know(party)
        resumed = (*(act for act in self.resumed if act.party != party), Act(party=party, at=at))
        fact = facts.ResumptionAgreed(isa_id=self.id, party=party, told=told, at=at)
        value = self.telling(fact, resumed=resumed)
        agreed = {act.party for act in resumed if self.suspended_at is None or act.at > self.suspended_at}
        if agreed != set(self.terms.organisations) or not self._resting:
            return value
        rests = (*self.rests[:-1], Rest(since=self.rests[-1].since, until=max(act.at for act in resumed)))
        status = self._by_day(at) if self.status is Status.SUSPENDED else self.status
        return value.telling(facts.Resumed(isa_id=self.id, at=at), rests=rests, status=status)

    def _ended(self, party: str, *, told: tuple[str, ...], at: datetime) -> Self:
        fact = facts.Ended(isa_id=self.id, party=party, told=told, at=at)
        return self.telling(fact, status=Status.ENDED, ended_at=at)

    @property
    def _resting(self) -> bool:
        return bool(self.rests) and self.rests[-1].until is None

    def _by_day(self, at: datetime) -> Status:
        near = self.terms.valid_to - timedelta(days=WARNED_DAYS) <= local_date(at)
        return Status.EXPIRING if near else Status.ACTIVE

    def has_signed(self, party: str) -> bool:
        """Whether the guardian of this organisation has signed."""
        return any(act.party == party for act in self.signed)

    def _must_know(self, party: str) -> None:
        if party not in self.terms.organisations:
            raise Unmet("not_a_party", "This organisation is no party of the agreement.")

    def _must_be(self, *statuses: Status) -> None:
        if self.status not in statuses:
            raise Unmet("invalid_transition", "The agreement does not stand so that this could be done.")


def _fit(terms: Terms, at: datetime) -> None:
    past = (Fault("valid_to", "IN_PAST"),) if terms.valid_to < local_date(at) else ()
    if faults := (*terms.faults(), *past):
        raise Invalid(*faults)
