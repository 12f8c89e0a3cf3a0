"""What the form of a referral holds beyond who the person is (pages.md 3.1); every answer may be missing in a draft."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from referral.domain import identifiers, places
from referral.domain.codes import (
    ETHNICITIES,
    ETHNICITY_REGISTER,
    GENDER_REGISTER,
    LICENCE_CONDITIONS,
    ROSH_REGISTER,
    Aspect,
    Gender,
    Rosh,
    YesNo,
)
from referral.domain.fields import NOTE
from referral.domain.identifiers import Wrong

if TYPE_CHECKING:
    from referral.domain.fields import Reading


@dataclass(frozen=True, kw_only=True)
class Answers:
    """Place, sentence, licence, risk and wishes as the referrer gave them."""

    borough: str = ""
    prison: str = ""
    expected_release_on: date | None = None
    sentence_type: str = ""
    licence_type: str = ""
    licence_start_on: date | None = None
    licence_end_on: date | None = None
    condition_codes: tuple[str, ...] = ()
    mappa: str = ""
    recalls_last_year: int | None = None
    rosh: Rosh | None = None
    rosh_assessed_on: date | None = None
    risk_summary: str = ""
    risk_to_staff: YesNo | None = None
    lone_working: YesNo | None = None
    needs: tuple[Aspect, ...] = ()
    own_words: str = ""

    def __post_init__(self) -> None:
        if self.licence_start_on and self.licence_end_on and self.licence_end_on < self.licence_start_on:
            raise ValueError("a licence ends after it starts")


def read_answers(reading: Reading, *, today: date | None) -> Answers:
    """The answers given; faults are collected in the reading."""
    start = reading.day("licence_start_on")
    end = reading.day("licence_end_on")
    if start and end and end < start:
        reading.fault("licence_end_on", "BEFORE_START")
        end = None
    return Answers(
        borough=reading.read("borough", borough_of) or "",
        prison=reading.read("prison", identifiers.prison_code) or "",
        expected_release_on=reading.day("expected_release_on"),
        sentence_type=reading.read("sentence_type", _word) or "",
        licence_type=reading.read("licence_type", _word) or "",
        licence_start_on=start,
        licence_end_on=end,
        condition_codes=_conditions(reading),
        mappa=reading.read("mappa", mappa_of) or "",
        recalls_last_year=reading.read("recalls_last_year", _small_count),
        rosh=reading.code("rosh", Rosh, other=ROSH_REGISTER),
        rosh_assessed_on=reading.day("rosh_assessed_on", not_after=today),
        risk_summary=reading.text("risk_summary", limit=NOTE),
        risk_to_staff=reading.code("risk_to_staff", YesNo),
        lone_working=reading.code("lone_working", YesNo),
        needs=reading.codes("needs", Aspect),
        own_words=reading.text("own_words", limit=NOTE),
    )


def borough_of(text: str) -> str:
    """A borough code of the list, or NOT_KNOWN."""
    plain = text.strip().upper()
    if plain == places.NOT_KNOWN:
        return plain
    if fault := places.borough_fault(plain):
        raise Wrong(fault)
    return plain


def ethnicity_of(text: str) -> str:
    """An ethnicity code of today's list; older ones are read as what replaced them."""
    plain = text.strip().upper()
    stored = ETHNICITY_REGISTER.get(plain, plain)
    if stored not in ETHNICITIES and stored not in ETHNICITY_REGISTER.values():
        raise Wrong("UNKNOWN_CODE")
    return stored


def read_gender(reading: Reading) -> Gender | None:
    """Gender as he describes himself."""
    return reading.code("gender", Gender, other=GENDER_REGISTER)


def mappa_of(text: str) -> str:
    """Category and level such as M2L1, or NONE; category 3 exists only at level 2 and 3."""
    plain = text.strip().upper()
    if plain != "NONE" and not re.fullmatch(r"M[1-4]L[1-3]", plain):
        raise Wrong
    if plain == "M3L1":
        raise Wrong("CONFLICTS_WITH(category)")
    return plain


def _word(text: str) -> str:
    plain = text.strip().upper()
    if not re.fullmatch(r"[A-Z][A-Z0-9_]{0,63}", plain):
        raise Wrong
    return plain


def _small_count(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,2}", text):
        raise Wrong
    return int(text)


def _conditions(reading: Reading) -> tuple[str, ...]:
    given = tuple(dict.fromkeys(text.upper() for text in reading.listed("condition_codes")))
    for code in given:
        if code not in LICENCE_CONDITIONS and not re.fullmatch(r"ADDITIONAL\([A-Z0-9_]{1,40}\)", code):
            reading.fault("condition_codes", "UNKNOWN_CODE")
            return ()
    return given
