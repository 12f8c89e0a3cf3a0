"""A referral file, read line by line in bounded memory: what is wrong with a line is known before any service is asked.

A line over 64 KiB, a quote open at its end and another number of fields are faults of that line alone. Another first
line, or bytes that are not UTF-8, are faults of the file: it is read no further.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Final

from house.trouble import Trouble

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST: Final = 64 * 1024
COLUMNS: Final = [
    "source",
    "external_reference",
    "programme",
    "kind",
    "referrer_kind",
    "referrer_organisation",
    "practitioner_name",
    "practitioner_email",
    "practitioner_phone",
    "practitioner_team",
    "practitioner_pdu",
    "practitioner_reason",
    "crn",
    "prison_number",
    "pnc",
    "cro",
    "nhs_number",
    "given_names",
    "family_name",
    "preferred_name",
    "date_of_birth",
    "gender",
    "ethnicity",
    "borough",
    "prison",
    "expected_release",
    "screening_result",
    "screening_completed_on",
    "screening_source",
    "screening_override_reason",
    "rosh",
    "rosh_assessed_on",
    "licence_start",
    "licence_end",
    "told_on",
    "told_how",
    "willing",
    "needs",
]
_BOM: Final = b"\xef\xbb\xbf"
UNUSABLE: Final = 2


@dataclass(frozen=True)
class Line:
    """One line that holds a row: its values, or the code of what is wrong with it."""

    number: int
    values: tuple[str, ...] = ()
    fault: str = ""


def read(file: BinaryIO) -> Iterator[Line]:
    """The rows of a referral file. Raises `Trouble` with exit code 2 where the file cannot be read on."""
    for number, raw in enumerate(_lines(file), start=1):
        if number == 1:
            _check_header(raw)
        elif raw is None:
            yield Line(number, fault="line:TOO_LONG")
        elif raw:
            yield _row(number, _text(number, raw))
    if not file.tell():
        _check_header(b"")


def _lines(file: BinaryIO) -> Iterator[bytes | None]:
    """Every line without its end; None for one that is too long, of which no more than a piece is held."""
    while piece := file.readline(LONGEST + 2):
        line = piece.removesuffix(b"\n").removesuffix(b"\r")
        if piece.endswith(b"\n") or len(piece) < LONGEST + 2:
            yield line if len(line) <= LONGEST else None
            continue
        while (rest := file.readline(LONGEST)) and not rest.endswith(b"\n"):
            pass
        # Exactly the longest line, cut between its carriage return and its line feed, is not too long.
        yield line if len(line) == LONGEST and rest == b"\n" and piece.endswith(b"\r") else None


def _check_header(raw: bytes | None) -> None:
    if raw is None or raw.removeprefix(_BOM) != ",".join(COLUMNS).encode():
        raise Trouble(
            "The first line does not hold the columns of a referral file (unknown_column). Nothing was imported.",
            mend="Line 1 must be exactly: " + ",".join(COLUMNS),
            code=UNUSABLE,
        )


def _text(number: int, raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise Trouble(
            f"Line {number} is not UTF-8. The import stopped there; the rows before it stand.",
            mend="Save the file as UTF-8 and run the import again: rows that were taken are not taken twice.",
            code=UNUSABLE,
        ) from None


def _row(number: int, text: str) -> Line:
    try:
        found = list(csv.reader([text], strict=True))
    except csv.Error:
        return Line(number, fault="line:INVALID_FORMAT")
    if len(found) != 1 or len(found[0]) != len(COLUMNS):
        return Line(number, fault="line:INVALID_FORMAT")
    return Line(number, tuple(found[0]))
