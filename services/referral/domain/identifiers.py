"""Numbers that other systems know a person by: how they are read, checked and stored (rules.md 1).

Each reader takes text and returns the stored form, or raises `Wrong` with a field code; never the value.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

_LETTERS = "ZABCDEFGHJKLMNPQRTUVWXY"
_PNC_LONG, _PNC_SHORT = 12, range(4, 11)
_REFERENCE = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
REFERENCE_RANDOM = 7
# Case references are read out to people: these strings never stand in one.
_OFFENSIVE = (
    "FUCK",
    "SHAG",
    "CUNT",  # codespell:ignore cunt
    "TWAT",
    "WANK",
    "SH2T",
    "ARSE",
    "NAZ",
    "PAED",
    "RAPE",
    "KKK",
    "SEX",
    "DAMN",
    "CRAP",
)


class Wrong(ValueError):  # noqa: N818 - the domain's word
    """The text is no such identifier; `code` says how."""

    def __init__(self, code: str = "INVALID_FORMAT") -> None:
        super().__init__(code)
        self.code = code


def _plain(text: str) -> str:
    """Trimmed, upper case, ASCII; anything else is refused and never guessed."""
    plain = text.strip()
    if not plain.isascii():
        raise Wrong
    return plain.upper()


def _shaped(pattern: str, text: str) -> re.Match[str]:
    found = re.fullmatch(pattern, _plain(text), re.ASCII)
    if found is None:
        raise Wrong
    return found


def crn(text: str) -> str:
    """Case reference number of probation."""
    return _shaped(r"[A-Z]\d{6}", text)[0]


def prison_number(text: str) -> str:
    """Prison (NOMS) number."""
    return _shaped(r"[A-Z]\d{4}[A-Z]{2}", text)[0]


def ni_number(text: str) -> str:
    """National Insurance number; not collected by default."""
    found = _shaped(r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]\d{6}[A-D]", text)[0]
    if found[:2] in {"BG", "GB", "KN", "NK", "NT", "TN", "ZZ"}:
        raise Wrong
    return found


def organisation_code(text: str) -> str:
    """Organisation (ODS) code; its shape only, until organisations are heard."""
    return _shaped(r"[A-Z0-9]{3,10}", text)[0]


def prison_code(text: str) -> str:
    """Prison (agency) code."""
    return _shaped(r"[A-Z]{3}", text)[0]


def postcode(text: str) -> str:
    """Postcode with one space before the last three; NO_FIXED_ABODE is an answer."""
    plain = _plain(text)
    if plain == "NO_FIXED_ABODE":
        return plain
    found = _shaped(r"[A-Z]{1,2}\d[A-Z\d]?\d[A-Z]{2}", plain.replace(" ", ""))[0]
    return f"{found[:-3]} {found[-3:]}"


def nhs_number(text: str) -> str:
    """NHS number: ten digits with the check digit of modulus 11."""
    digits = re.sub(r"[ -]", "", _plain(text))
    if not re.fullmatch(r"\d{10}", digits, re.ASCII) or len(set(digits)) == 1:
        raise Wrong
    total = sum(weight * int(digit) for weight, digit in zip(range(10, 1, -1), digits, strict=False))
    if (11 - total % 11) % 11 != int(digits[9]):
        raise Wrong("INVALID_CHECK_CHARACTER")
    return digits


def nhs_number_shown(stored: str) -> str:
    """As it is shown: 3-3-4."""
    return f"{stored[:3]} {stored[3:6]} {stored[6:]}"


def pnc(text: str, *, today: date) -> str:
    """Police national computer id; a two-digit year later than today's two digits is 19xx."""
    year, serial, letter = _pnc_parts(_plain(text))
    if _LETTERS[int(f"{year[-2:]}{serial:07}") % len(_LETTERS)] != letter:
        raise Wrong("INVALID_CHECK_CHARACTER")
    if len(year) == 2:
        year = f"{'19' if int(year) > today.year % 100 else '20'}{year}"
    return f"{year}/{serial:07}{letter}"


def _pnc_parts(plain: str) -> tuple[str, int, str]:
    if "/" not in plain:
        if len(plain) != _PNC_LONG and len(plain) not in _PNC_SHORT:
            raise Wrong
        split = 4 if len(plain) == _PNC_LONG else 2
        plain = f"{plain[:split]}/{plain[split:]}"
    found = re.fullmatch(r"(\d{4}|\d{2})/(\d{1,7})([A-Z])", plain, re.ASCII)
    if found is None:
        raise Wrong
    return found[1], int(found[2]), found[3]


def cro(text: str) -> str:
    """Criminal records office number, standard or SF form."""
    plain = _plain(text)
    if found := re.fullmatch(r"SF(\d{2})/(\d{1,6})([A-Z])", plain, re.ASCII):
        year, serial, letter = found.groups()
        number, stored = int(year + serial), f"SF{year}/{serial}{letter}"
    elif found := re.fullmatch(r"(\d{1,6})/(\d{2})([A-Z])", plain, re.ASCII):
        serial, year, letter = found.groups()
        number, stored = int(f"{year}{int(serial):06}"), f"{int(serial):06}/{year}{letter}"
    else:
        raise Wrong
    if _LETTERS[number % len(_LETTERS)] != letter:
        raise Wrong("INVALID_CHECK_CHARACTER")
    return stored


def reference_check(body: str) -> str:
    """The check character of the seven random ones."""
    total = sum(place * _REFERENCE.index(char) for place, char in enumerate(body, 1))
    return _REFERENCE[total % len(_REFERENCE)]


def case_reference(text: str) -> str:
    """A case reference as it is written; a character outside its alphabet is refused, never guessed."""
    plain = re.sub(r"[ -]", "", _plain(text))
    if len(plain) != REFERENCE_RANDOM + 1 or any(char not in _REFERENCE for char in plain):
        raise Wrong
    if reference_check(plain[:-1]) != plain[-1]:
        raise Wrong("INVALID_CHECK_CHARACTER")
    return f"{plain[:4]}-{plain[4:]}"


def draw_case_reference(drawn: Sequence[int]) -> str | None:
    """A new case reference from seven random numbers; none where it would read as an offence."""
    body = "".join(_REFERENCE[number % len(_REFERENCE)] for number in drawn[:REFERENCE_RANDOM])
    whole = body + reference_check(body)
    if any(word in whole for word in _OFFENSIVE):
        return None
    return f"{whole[:4]}-{whole[4:]}"
