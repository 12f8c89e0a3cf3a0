"""What the directory holds for somebody: pure search over offers, with why each fits or not (S41).

A service and words choose what is looked at; borough, age, gender, licence and room are judged, so that one also
sees what nearly fits. What an offer does not bound fits everybody; what nobody has said of the person is not judged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from partners.domain.codes import Aspect, Gender
from partners.domain.offer import Capacity, Room, Status
from partners.domain.terms import Terms


class Origin(StrEnum):
    """From whom the house knows of an offer."""

    OURS = "OURS"
    PARTNER = "PARTNER"
    IMPORTED = "IMPORTED"


class Point(StrEnum):
    """What an offer is judged by."""

    STATE = "STATE"
    AREA = "AREA"
    AGE = "AGE"
    GENDER = "GENDER"
    LICENCE = "LICENCE"
    CAPACITY = "CAPACITY"


class ToCheck(StrEnum):
    """What is to be asked before anybody is sent."""

    AREA = "AREA"
    CONDITIONS = "CONDITIONS"
    FRESHNESS = "FRESHNESS"
    ROOM = "ROOM"


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """An offer as the directory knows it, whatever its origin."""

    id: UUID
    origin: Origin
    source: str
    org_id: str
    standing_id: str
    organisation: str
    status: Status
    terms: Terms
    room: Room | None
    last_heard_at: datetime | None
    version: int

    def stale(self, at: datetime) -> bool:
        """Whether nobody has said for thirty days whether there is room."""
        return self.room is not None and at >= self.room.stale_at()


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is looked for. Nothing here names a person."""

    aspects: tuple[Aspect, ...] = ()
    borough: str | None = None
    age: int | None = None
    gender: Gender | None = None
    licence_months: int | None = None
    capacities: tuple[Capacity, ...] = ()
    words: str = ""
    fitting_only: bool = False


@dataclass(frozen=True, kw_only=True)
class Found:
    """An offer with the verdict on it."""

    candidate: Candidate
    fits_by: tuple[Point, ...]
    misfits: tuple[Point, ...]
    to_check: tuple[ToCheck, ...]

    @property
    def fits(self) -> bool:
        """Whether nothing that was said speaks against it."""
        return not self.misfits


# From the most room to none; unsaid is between a waiting list and none.
_ROOM_ORDER: Final = (Capacity.HAS_CAPACITY, Capacity.ASSESSMENT_FIRST, Capacity.WAITLIST, None, Capacity.NO_CAPACITY)


def search(wanted: Wanted, candidates: Iterable[Candidate], *, at: datetime) -> list[Found]:
    """What is found, the best first; the same question over the same offers always gives the same order."""
    found = (judge(wanted, each, at=at) for each in candidates if _looked_at(wanted, each))
    return sorted((each for each in found if each.fits or not wanted.fitting_only), key=lambda each: rank(each, at))


def judge(wanted: Wanted, candidate: Candidate, *, at: datetime) -> Found:
    """Why an offer fits or not."""
    judged = {point: verdict for point, holds in _POINTS.items() if (verdict := holds(wanted, candidate)) is not None}
    return Found(
        candidate=candidate,
        fits_by=tuple(point for point, fits in judged.items() if fits),
        misfits=tuple(point for point, fits in judged.items() if not fits),
        to_check=tuple(_to_check(wanted, candidate, at)),
    )


def rank(found: Found, at: datetime) -> tuple[int, int, bool, int, int, str, str]:
    """Its place: what fits first, then by room, freshness and wait, then what fits by most, then by name."""
    candidate, room = found.candidate, found.candidate.room
    return (
        len(found.misfits),
        _ROOM_ORDER.index(room.capacity if room else None),
        candidate.stale(at),
        (room.wait_days or 0) if room else 0,
        -len(found.fits_by),
        candidate.terms.name.casefold(),
        str(candidate.id),
    )


def _looked_at(wanted: Wanted, candidate: Candidate) -> bool:
    if candidate.status in {Status.DRAFT, Status.RETIRED}:
        return False
    if wanted.aspects and not set(wanted.aspects) & set(candidate.terms.aspects):
        return False
    text = f"{candidate.terms.name} {candidate.terms.summary} {candidate.organisation}".casefold()
    return all(word in text for word in wanted.words.casefold().split())


def _state(_: Wanted, candidate: Candidate) -> bool | None:
    return False if candidate.status is Status.PAUSED else None


def _area(wanted: Wanted, candidate: Candidate) -> bool | None:
    if wanted.borough is None or not candidate.terms.areas:
        return None
    return wanted.borough in candidate.terms.areas


def _age(wanted: Wanted, candidate: Candidate) -> bool | None:
    least, most = candidate.terms.minimum_age, candidate.terms.maximum_age
    if wanted.age is None or (least is None and most is None):
        return None
    return (least is None or wanted.age >= least) and (most is None or wanted.age <= most)


def _gender(wanted: Wanted, candidate: Candidate) -> bool | None:
    if wanted.gender is None or not candidate.terms.genders:
        return None
    return wanted.gender in candidate.terms.genders


def _licence(wanted: Wanted, candidate: Candidate) -> bool | None:
    least = candidate.terms.minimum_licence_months
    return None if wanted.licence_months is None or least is None else wanted.licence_months >= least


def _capacity(wanted: Wanted, candidate: Candidate) -> bool | None:
    if not wanted.capacities or candidate.room is None:
        return None
    return candidate.room.capacity in wanted.capacities


_POINTS: Final[dict[Point, Callable[[Wanted, Candidate], bool | None]]] = {
    Point.STATE: _state,
    Point.AREA: _area,
    Point.AGE: _age,
    Point.GENDER: _gender,
    Point.LICENCE: _licence,
    Point.CAPACITY: _capacity,
}


def _to_check(wanted: Wanted, candidate: Candidate, at: datetime) -> Iterator[ToCheck]:
    terms = candidate.terms
    if wanted.borough is not None and not terms.areas and terms.area_note:
        yield ToCheck.AREA
    if terms.conditions or terms.eligibility_note:
        yield ToCheck.CONDITIONS
    if candidate.stale(at):
        yield ToCheck.FRESHNESS
    if candidate.room is None:
        yield ToCheck.ROOM
