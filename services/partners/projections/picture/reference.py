"""The case reference as people type it (rules.md 1): read leniently, never guessed, written in two groups of four."""

from __future__ import annotations

from chassis.aggregate import Fault, Invalid

ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
LENGTH = 8


def read(text: str, *, path: str) -> str:
    """The eight characters of a reference, upper case; refuses what is none, naming the field."""
    plain = text.upper().replace("-", "").replace(" ", "").strip()
    if len(plain) != LENGTH or any(character not in ALPHABET for character in plain):
        raise Invalid(Fault(path, "INVALID_FORMAT"))
    total = sum(place * ALPHABET.index(character) for place, character in enumerate(plain[:-1], 1))
    if ALPHABET[total % len(ALPHABET)] != plain[-1]:
        raise Invalid(Fault(path, "INVALID_CHECK_CHARACTER"))
    return plain


def written(reference: str) -> str:
    """As it is shown: `7KQ2-M9RJ`; empty where there is none to show."""
    return f"{reference[:4]}-{reference[4:]}" if reference else ""
