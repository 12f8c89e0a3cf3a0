"""What is offered, to whom and where, and when two offers are the same one twice (S33)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from chassis.aggregate import Fault, Invalid
from partners.domain.codes import BOROUGHS, Aspect, Condition, Gender

OLDEST, LONGEST_LICENCE, MOST_PLACES, LONGEST_DAYS = 120, 1200, 100_000, 3660
LONGEST_TEXT = 10_000
LIMITS = {"name": 200, "summary": LONGEST_TEXT, "area_note": 2000, "eligibility_note": LONGEST_TEXT}
_BOUNDS = {
    "minimum_age": OLDEST,
    "maximum_age": OLDEST,
    "minimum_licence_months": LONGEST_LICENCE,
    "places": MOST_PLACES,
    "length_months": LONGEST_LICENCE,
    "panel_days": LONGEST_DAYS,
}
# Shape alone: whether anybody answers there is for a person to find out.
_CONTACTS = {
    "url": re.compile(r"https?://[^\s/$.?#][^\s]*", re.IGNORECASE),
    "email": re.compile(r"[^\s@]+@[^\s@.]+(\.[^\s@.]+)+"),
    "phone": re.compile(r"\+?[0-9][0-9 ()./-]{2,39}"),
}
_LONGEST_CONTACT = 500
_BOROUGH = re.compile(r"E[0-9]{8}")


@dataclass(frozen=True, kw_only=True)
class Terms:
    """An offer without its room. Empty and None mean that nothing is asked, or nothing is known."""

    name: str
    aspects: tuple[Aspect, ...]
    summary: str = ""
    areas: tuple[str, ...] = ()
    area_note: str = ""
    minimum_age: int | None = None
    maximum_age: int | None = None
    genders: tuple[Gender, ...] = ()
    minimum_licence_months: int | None = None
    conditions: tuple[Condition, ...] = ()
    eligibility_note: str = ""
    places: int | None = None
    length_months: int | None = None
    panel_days: int | None = None
    url: str = ""
    email: str = ""
    phone: str = ""

    def tidied(self) -> Terms:
        """The same as it is kept: text trimmed and composed, lists each once and in order. Raises Invalid."""
        if found := tuple(self.faults()):
            raise Invalid(*found)
        texts: dict[str, Any] = {name: _tidied(getattr(self, name)) for name in (*LIMITS, *_CONTACTS)}
        return replace(
            self,
            **texts,
            aspects=tuple(sorted(set(self.aspects))),
            areas=tuple(sorted(set(self.areas))),
            genders=tuple(sorted(set(self.genders))),
            conditions=tuple(sorted(set(self.conditions))),
        )

    def faults(self) -> Iterator[Fault]:
        """Everything that is wrong with it, at once."""
        if not self.aspects:
            yield Fault("aspect_codes", "REQUIRED")
        yield from _areas(self.areas)
        for name, limit in LIMITS.items():
            yield from text_faults(name, getattr(self, name), limit)
        if not _tidied(self.name):
            yield Fault("name", "REQUIRED")
        for name, shape in _CONTACTS.items():
            yield from _contact(name, _tidied(getattr(self, name)), shape)
        for name, most in _BOUNDS.items():
            value = getattr(self, name)
            if value is not None and not 0 <= value <= most:
                yield Fault(name, "OUT_OF_RANGE")
        if None not in (ages := (self.minimum_age, self.maximum_age)) and ages[0] > ages[1]:  # type: ignore[operator]
            yield Fault("maximum_age", "CONFLICTS_WITH(minimum_age)")

    def overlaps(self, other: Terms) -> bool:
        """Whether somebody could be sent to either for the same thing: then they are one offer, told twice."""
        return (
            bool(set(self.aspects) & set(other.aspects))
            and _meet(self.areas, other.areas)
            and _meet(self.genders, other.genders)
            and (self.minimum_age or 0) <= (OLDEST if other.maximum_age is None else other.maximum_age)
            and (other.minimum_age or 0) <= (OLDEST if self.maximum_age is None else self.maximum_age)
        )


def _meet(one: Iterable[str], other: Iterable[str]) -> bool:
    """Nothing named is everything."""
    return not (one and other) or bool(set(one) & set(other))


def _areas(areas: Iterable[str]) -> Iterator[Fault]:
    for nth, area in enumerate(areas):
        if area not in BOROUGHS:
            yield Fault(f"area_codes.{nth}", "UNKNOWN_CODE" if _BOROUGH.fullmatch(area) else "INVALID_FORMAT")


def text_faults(path: str, text: str, limit: int) -> Iterator[Fault]:
    """What is wrong with a text, as rules.md 5 wants it."""
    if len(_tidied(text)) > limit:
        yield Fault(path, "TOO_LONG")
    elif any(unicodedata.category(c) in {"Cc", "Cf", "Cs", "Co", "Cn"} and c not in "\n\t" for c in _tidied(text)):
        # Control and format characters, bidirectional overrides among them, are in no offer.
        yield Fault(path, "INVALID_FORMAT")


def _contact(path: str, text: str, shape: re.Pattern[str]) -> Iterator[Fault]:
    if len(text) > _LONGEST_CONTACT:
        yield Fault(path, "TOO_LONG")
    elif text and not shape.fullmatch(text):
        yield Fault(path, "INVALID_FORMAT")


def _tidied(text: str) -> str:
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n")).strip()
