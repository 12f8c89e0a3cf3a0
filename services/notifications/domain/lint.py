"""Reads a text for words that hurt and for what may not stand in it: it says where, never what stands there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

_DIGITS = re.compile(r"(?<!\d)(?:\d[ -]?){7,}\d(?!\d)")
_CARD = re.compile(r"(?<!\d)(?:\d{4}[ -]?){3}\d{4}(?!\d)")
_ACCOUNT = re.compile(r"(?<!\d)\d{2}-\d{2}-\d{2}(?!\d)")


class Use(StrEnum):
    """What a text is for: case text is warned of, a template is blocked."""

    CASE_TEXT = "CASE_TEXT"
    TEMPLATE = "TEMPLATE"


class Reader(StrEnum):
    """Who reads it."""

    STAFF = "STAFF"
    PERSON = "PERSON"


class Smell(StrEnum):
    """What may be wrong with a text."""

    STIGMA = "STIGMA"
    DIAGNOSIS = "DIAGNOSIS"
    REVEALS_SERVICE = "REVEALS_SERVICE"
    LONG_NUMBER = "LONG_NUMBER"
    CARD_OR_ACCOUNT = "CARD_OR_ACCOUNT"


@dataclass(frozen=True, kw_only=True)
class Term:
    """A term to avoid and what to say instead. REVEALS_SERVICE holds only for what the man himself reads."""

    term: str
    smell: Smell
    prefer: str = ""


@dataclass(frozen=True, kw_only=True)
class Pack:
    """A word list in one version: no term has consensus, so lists are data."""

    version: str
    terms: tuple[Term, ...]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One place in a text."""

    code: str
    path: str = ""
    starts_at: int = 0
    length: int = 0
    prefer: str = ""


def lint(text: str, pack: Pack, *, use: Use, reader: Reader = Reader.STAFF, path: str = "") -> tuple[Finding, ...]:
    """Everything to look at, in the order of the text."""
    found = [finding for term in pack.terms if _counts(term, use, reader) for finding in _of_term(text, term, path)]
    found += _of_numbers(text, path)
    return tuple(sorted(found, key=lambda each: (each.starts_at, each.length, each.code)))


def _counts(term: Term, use: Use, reader: Reader) -> bool:
    """A diagnosis may stand in case text, never in a message; what reveals the service may not reach the man."""
    match term.smell:
        case Smell.DIAGNOSIS:
            return use is Use.TEMPLATE
        case Smell.REVEALS_SERVICE:
            return use is Use.TEMPLATE and reader is Reader.PERSON
        case _:
            return True


def _of_term(text: str, term: Term, path: str) -> list[Finding]:
    words = r"[\s-]+".join(re.escape(word) for word in term.term.split())
    pattern = re.compile(rf"(?<![\w]){words}(?:'?s|es)?(?![\w])", re.IGNORECASE)
    return [
        Finding(code=term.smell.value, path=path, starts_at=m.start(), length=m.end() - m.start(), prefer=term.prefer)
        for m in pattern.finditer(text)
    ]


def _of_numbers(text: str, path: str) -> list[Finding]:
    cards = [*_CARD.finditer(text), *_ACCOUNT.finditer(text)]
    spans = [(match.start(), match.end()) for match in cards]
    longs = [m for m in _DIGITS.finditer(text) if not any(s <= m.start() and m.end() <= e for s, e in spans)]
    return [
        Finding(code=smell.value, path=path, starts_at=match.start(), length=match.end() - match.start())
        for smell, matches in ((Smell.CARD_OR_ACCOUNT, cards), (Smell.LONG_NUMBER, longs))
        for match in matches
    ]
