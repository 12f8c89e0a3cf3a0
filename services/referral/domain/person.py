"""Who a person is, how to reach him safely, and when two records seem to be one man (S63)."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Self
from uuid import UUID

from chassis.aggregate import Aggregate, Event, Unmet
from referral.domain.codes import Channel, CommunicationNeed, Pronouns
from referral.domain.safe_contact import Narrowing, SafeContact, within

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

OLDEST = 110


class State(StrEnum):
    """Where a record of a person stands."""

    KNOWN = "KNOWN"
    MERGED_INTO = "MERGED_INTO"


@dataclass(frozen=True, kw_only=True)
class Identifiers:
    """Numbers other systems know him by, as stored."""

    crn: str = ""
    prison_number: str = ""
    pnc: str = ""
    cro: str = ""
    nhs_number: str = ""

    def given(self) -> dict[str, str]:
        """Those that there are, by kind, strongest first."""
        held = {field.name: getattr(self, field.name) for field in fields(self)}
        return {kind: value for kind, value in held.items() if value}

    def without(self, kinds: Iterable[str]) -> Identifiers:
        """Those of other kinds."""
        return replace(self, **dict.fromkeys(kinds, ""))


@dataclass(frozen=True, kw_only=True)
class Details:
    """Who he is."""

    given_names: str = ""
    family_name: str = ""
    preferred_name: str = ""
    pronouns: Pronouns | None = None
    pronouns_other: str = ""
    date_of_birth: date | None = None
    address: str = ""
    postcode: str = ""
    borough: str = ""
    language: str = ""
    interpreter: bool = False
    communication_needs: tuple[CommunicationNeed, ...] = ()
    deceased: bool = False


@dataclass(frozen=True, kw_only=True)
class Channels:
    """How he can be reached."""

    phone: str = ""
    email: str = ""
    letter_address: str = ""


NO_DETAILS, NO_CHANNELS = Details(), Channels()


@dataclass(frozen=True, kw_only=True)
class DetailsChanged(Event):
    """Details or channels changed."""

    deceased: bool
    record_version: int


@dataclass(frozen=True, kw_only=True)
class IdentityLinked(Event):
    """An identifier nobody else holds was linked to him."""

    kind: str
    person_id: UUID


@dataclass(frozen=True, kw_only=True)
class MergeReviewOpened(Event):
    """Identifiers contradict: two records seem to be one man, or one record two."""


@dataclass(frozen=True, kw_only=True)
class MergeReviewClosed(Event):
    """A person has looked, and joined two records."""


@dataclass(frozen=True, kw_only=True)
class JoinedTo(Event):
    """The record was joined to another; told of that one."""

    into: UUID


@dataclass(frozen=True, kw_only=True)
class StoodAlone(Event):
    """It is a record of its own again; told of the other one."""

    apart_from: UUID


@dataclass(frozen=True, kw_only=True)
class SafeContactSet(Event):
    """It was agreed how he is reached safely."""

    safe_contact: SafeContact
    record_version: int


@dataclass(frozen=True, kw_only=True)
class Person(Aggregate):
    """One record of a person; it is his own `person_id`."""

    state: State = State.KNOWN
    crn: str = ""
    prison_number: str = ""
    pnc: str = ""
    cro: str = ""
    nhs_number: str = ""
    details: Details = NO_DETAILS
    channels: Channels = NO_CHANNELS
    safe_contact: SafeContact | None = None
    deceased: bool = False
    merge_review: bool = False
    merged_into: UUID | None = None
    narrowings: tuple[Narrowing, ...] = ()

    @property
    def person(self) -> UUID:
        """Himself."""
        return self.id

    @property
    def identifiers(self) -> Identifiers:
        """What he is known by."""
        return Identifiers(**{field.name: getattr(self, field.name) for field in fields(Identifiers)})

    def with_identifiers_of(self, others: Iterable[Person]) -> Person:
        """The same with the identifiers that it lacks from his other records: to look at, not to put."""
        value = self
        for other in others:
            lacking = {
                each.name: getattr(value, each.name) or getattr(other, each.name) for each in fields(Identifiers)
            }
            value = replace(value, **lacking)
        return value

    def record(self, details: Details, *, at: datetime) -> Self:
        """Record who he is."""
        self.must_be_known()
        if details == self.details and self.version:
            return self
        fact = DetailsChanged(at=at, deceased=details.deceased, record_version=self._next)
        return self.telling(fact, details=details, deceased=details.deceased)

    def link(self, given: Identifiers, *, taken: frozenset[str], at: datetime) -> Self:
        """Add identifiers that are not held yet. One that contradicts what is held, or that somebody else holds
        (`taken`, by kind), opens a merge review; nothing is overwritten."""
        self.must_be_known()
        value, contradicts = self, False
        for kind, number in given.given().items():
            held = getattr(self, kind)
            if kind in taken or (held and held != number):
                contradicts = True
            elif not held:
                value = value.telling(IdentityLinked(at=at, kind=kind, person_id=self.id), **{kind: number})
        return value.review_merge(at=at) if contradicts else value

    def fill(self, given: Details, *, at: datetime) -> Self:
        """Add what is not known yet; nothing that is known is overwritten."""
        known = {field.name: getattr(self.details, field.name) for field in fields(Details)}
        return self.record(replace(given, **{name: held for name, held in known.items() if held}), at=at)

    def review_merge(self, *, at: datetime) -> Self:
        """Ask a person to look whether this is one man."""
        return self if self.merge_review else self.telling(MergeReviewOpened(at=at), merge_review=True)

    def set_channels(self, channels: Channels, *, at: datetime) -> Self:
        """Record how he can be reached."""
        self.must_be_known()
        if channels == self.channels:
            return self
        fact = DetailsChanged(at=at, deceased=self.deceased, record_version=self._next)
        return self.telling(fact, channels=channels)

    def set_safe_contact(self, agreed: SafeContact, *, at: datetime) -> Self:
        """Record how he can be reached safely."""
        self.must_be_known()
        fact = SafeContactSet(at=at, safe_contact=agreed, record_version=self._next)
        return self.telling(fact, safe_contact=agreed, narrowings=())

    @property
    def safely(self) -> SafeContact | None:
        """How he can be reached safely: what was agreed here, bounded by what was agreed under his other records."""
        return None if self.safe_contact is None else within(self.safe_contact, self.narrowings)

    def join(self, into: UUID, *, at: datetime) -> Self:
        """It is of the same man as another, which he goes on by."""
        self.must_be_known()
        if into == self.id:
            raise Unmet("merged", "A record is not joined to itself.")
        value = self.close_review(at=at)
        return value.telling(JoinedTo(at=at, into=into), state=State.MERGED_INTO, merged_into=into)

    def take_in(self, other: Person, *, at: datetime) -> Self:
        """He goes on by this record: what is agreed here on reaching him is bounded by the other, and a death that is
        recorded there is known here."""
        self.must_be_known()
        value = self.close_review(at=at)
        if other.deceased and not self.deceased:
            value = value.record(replace(self.details, deceased=True), at=at)
        if other.safe_contact is None or self.safe_contact is None:
            return value
        bounds = (*self.narrowings, *other.narrowings, Narrowing(person_id=other.id, safe_contact=other.safe_contact))
        return value.bounded(bounds, at=at)

    def let_go(self, others: Collection[UUID], *, at: datetime) -> Self:
        """Those are of another man: what was agreed with him bounds nothing here."""
        return self.bounded(tuple(each for each in self.narrowings if each.person_id not in others), at=at)

    def stand_alone(self, *, at: datetime) -> Self:
        """It is a record of its own again."""
        if self.state is not State.MERGED_INTO or self.merged_into is None:
            raise Unmet("invalid_transition", "This record is joined to none.")
        fact = StoodAlone(at=at, apart_from=self.merged_into)
        return self.telling(fact, state=State.KNOWN, merged_into=None)

    def close_review(self, *, at: datetime) -> Self:
        """A person has looked whether this is one man."""
        return self.telling(MergeReviewClosed(at=at), merge_review=False) if self.merge_review else self

    def bounded(self, narrowings: tuple[Narrowing, ...], *, at: datetime) -> Self:
        """The same within these bounds, which is told as an agreement is."""
        if narrowings == self.narrowings or self.safe_contact is None:
            return self
        safely = within(self.safe_contact, narrowings)
        fact = SafeContactSet(at=at, safe_contact=safely, record_version=self._next)
        return self.telling(fact, narrowings=narrowings)

    def address_for(self, channel: Channel) -> str:
        """Where to reach him by a channel: only what he allows, nothing after his death."""
        safely = self.safely
        if self.deceased or safely is None:
            raise Unmet("safe_contact_missing", "Record first how he can be reached safely.")
        if channel not in safely.channels:
            raise Unmet("channel_not_allowed", "He does not want to be reached this way.")
        held = self.channels
        found = {
            Channel.PHONE: held.phone,
            Channel.SMS: held.phone,
            Channel.EMAIL: held.email,
            Channel.LETTER: held.letter_address,
        }[channel]
        if not found:
            raise Unmet("address_missing", "No address is known for this channel.")
        return found

    @property
    def name(self) -> str:
        """How he likes to be called."""
        return self.details.preferred_name or self.details.given_names or self.details.family_name

    @property
    def _next(self) -> int:
        return self.version + len(self.news) + 1

    def must_be_known(self) -> None:
        """What is new goes under the record he is known by."""
        if self.state is not State.KNOWN:
            raise Unmet("merged", "This record was joined to another. Use that one.")


def age_on(born: date, day: date) -> int:
    """Full years; somebody born on 29 February has his birthday on 1 March in common years."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def birth_fault(born: date, day: date) -> str:
    """What is wrong with a date of birth on the day of a referral, or nothing."""
    if born > day:
        return "IN_FUTURE"
    if (born.year + OLDEST, born.month, born.day) < (day.year, day.month, day.day):
        return "OUT_OF_RANGE"
    return ""
