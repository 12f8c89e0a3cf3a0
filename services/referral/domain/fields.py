"""Reads given values one by one and collects every fault, so that all field errors come at once.

Faults name a path and a code (rules.md 6), never the value. Text is NFC, without control characters or
bidirectional overrides (rules.md 5); empty after trimming is missing.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from typing import TYPE_CHECKING, TypeVar

from chassis.aggregate import Fault, Invalid
from referral.domain.identifiers import Wrong

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from enum import StrEnum

C = TypeVar("C", bound="StrEnum")
T = TypeVar("T")
NAME, TITLE, REASON, NOTE = 100, 200, 2_000, 10_000
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")
_EMAIL = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,}"
)
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")


def text_of(text: str, *, limit: int) -> str:
    """Text as it is stored."""
    plain = unicodedata.normalize("NFC", text).strip()
    if any((unicodedata.category(c) == "Cc" and c not in "\n\t") or c in _BIDI for c in plain):
        raise Wrong
    if len(plain) > limit:
        raise Wrong("TOO_LONG")
    return plain


def day_of(text: str) -> date:
    """A day written YYYY-MM-DD."""
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise Wrong
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Wrong from None


def email_of(text: str) -> str:
    """An e-mail address, its domain in lower case."""
    plain = text.strip()
    if len(plain) > 254 or not _EMAIL.fullmatch(plain):
        raise Wrong
    local, _, domain = plain.rpartition("@")
    return f"{local}@{domain.lower()}"


def phone_of(text: str) -> str:
    """A phone number, E.164."""
    plain = re.sub(r"[ ()-]", "", text)
    if not _PHONE.fullmatch(plain):
        raise Wrong
    return plain


def language_of(text: str) -> str:
    """A language tag of BCP-47."""
    if not _LANGUAGE.fullmatch(text.strip()):
        raise Wrong
    return text.strip()


class Reading:
    """One reading of a form, a request or a row. `names` says under which name a field is reported."""

    def __init__(
        self, values: Mapping[str, object], *, under: str = "", names: Mapping[str, str] | None = None
    ) -> None:
        self.values, self.under, self.names = values, under, names or {}
        self.faults: list[Fault] = []

    def part(self, values: Mapping[str, object], under: str) -> Reading:
        """The same reading, one message deeper."""
        deeper = Reading(values, under=f"{self.under}{under}.", names=self.names)
        deeper.faults = self.faults
        return deeper

    def fault(self, field: str, code: str) -> None:
        """This field is wrong."""
        self.faults.append(Fault(self.names.get(field, f"{self.under}{field}"), code))

    def given(self, field: str) -> str:
        """The text given, trimmed."""
        held = self.values.get(field)
        return "" if held is None else str(held).strip()

    def read(self, field: str, reader: Callable[[str], T], *, required: bool = False) -> T | None:
        """What stands in a field, read; nothing where it is empty or wrong."""
        text = self.given(field)
        if not text:
            if required:
                self.fault(field, "REQUIRED")
            return None
        try:
            return reader(text)
        except Wrong as wrong:
            self.fault(field, wrong.code)
            return None

    def text(self, field: str, *, limit: int, required: bool = False) -> str:
        """Text, or the empty text."""
        return self.read(field, lambda text: text_of(text, limit=limit), required=required) or ""

    def day(self, field: str, *, required: bool = False, not_after: date | None = None) -> date | None:
        """A day, not in the future where one may not be."""
        found = self.read(field, day_of, required=required)
        if found is not None and not_after is not None and found > not_after:
            self.fault(field, "IN_FUTURE")
            return None
        return found

    def code(
        self, field: str, kind: type[C], *, required: bool = False, other: Mapping[str, C] | None = None
    ) -> C | None:
        """A code of a list, without regard to case; `other` holds the spellings of other registers."""

        def reader(text: str) -> C:
            return _code(text, kind, other or {})

        return self.read(field, reader, required=required)

    def codes(self, field: str, kind: type[C]) -> tuple[C, ...]:
        """Codes of a list, each once, in the order given."""
        found: list[C] = []
        for text in self.listed(field):
            try:
                code = _code(text, kind, {})
            except Wrong as wrong:
                self.fault(field, wrong.code)
                return ()
            found += [code] if code not in found else []
        return tuple(found)

    def listed(self, field: str) -> tuple[str, ...]:
        """The texts of a list: a sequence, or one text with semicolons."""
        held = self.values.get(field)
        items: Iterable[object] = (held or "").split(";") if isinstance(held, str | None) else held  # type: ignore[assignment]
        return tuple(text for item in items if (text := str(item).strip()))

    def flag(self, field: str) -> bool:
        """Yes or no; no where it is not given."""
        return self.values.get(field) is True

    def done(self, *, reason: str = "invalid_fields") -> None:
        """Refuse where anything was wrong."""
        if self.faults:
            raise Invalid(*dict.fromkeys(self.faults), reason=reason)


def _code(text: str, kind: type[C], other: Mapping[str, C]) -> C:
    plain = text.strip().upper()
    if plain in other:
        return other[plain]
    try:
        return kind(plain)
    except ValueError:
        raise Wrong("UNKNOWN_CODE") from None
