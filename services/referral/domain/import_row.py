"""One row of a referral file, read into what the form would hold, or into the faults of its fields (rules.md 13).

Nothing here reads a database: which programmes exist is handed in. A value never stands in a fault.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from chassis.aggregate import Fault
from referral.domain import identifiers, person_form, practitioner
from referral.domain.answers import Answers, ethnicity_of, read_answers, read_gender
from referral.domain.codes import Gender, ReferralKind, ReferrerKind, ToldHow, YesNo
from referral.domain.fields import REASON, Reading, text_of
from referral.domain.identifiers import Wrong
from referral.domain.screening import Result, Source

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from referral.domain.person import Details, Identifiers
    from referral.domain.practitioner import Practitioner

COLUMNS = (
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
)
_RENAMED = {
    "expected_release_on": "expected_release",
    "licence_start_on": "licence_start",
    "licence_end_on": "licence_end",
}
_PRACTITIONER = {
    "name": "practitioner_name",
    "email": "practitioner_email",
    "phone": "practitioner_phone",
    "team_code": "practitioner_team",
    "pdu": "practitioner_pdu",
    "reason_code": "practitioner_reason",
}
_SOURCE = re.compile(r"[A-Z][A-Z0-9_]{1,31}")
_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,63}")


@dataclass(frozen=True, kw_only=True)
class Screening:
    """The screening a row holds."""

    result: Result
    completed_on: date
    source: Source
    override_reason: str


@dataclass(frozen=True, kw_only=True)
class Row:
    """What a row holds; `missing` names fields that are needed to submit and are empty."""

    source: str
    external_reference: str
    programme: str
    kind: ReferralKind
    referrer_kind: ReferrerKind
    referrer_organisation: str
    identifiers: Identifiers
    details: Details
    answers: Answers
    gender: Gender | None
    ethnicity: str
    practitioner: Practitioner | None
    screening: Screening | None
    told_on: date | None
    told_how: ToldHow | None
    willing: bool
    missing: tuple[Fault, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ReadRow:
    """A row that may be taken, or why not."""

    row: Row | None
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Context:
    """What a row is read against."""

    programmes: frozenset[str]
    today: date
    email_domains: tuple[str, ...]
    house_key: bytes = field(repr=False)


def reference_of(values: Mapping[str, str]) -> tuple[str, str] | None:
    """Source and external reference, where both have their shape."""
    source, reference = values.get("source", "").strip(), values.get("external_reference", "").strip()
    return (source, reference) if _SOURCE.fullmatch(source) and _REFERENCE.fullmatch(reference) else None


def named(values: Sequence[str]) -> dict[str, str] | None:
    """The values by column; nothing where the row has another number of fields."""
    return dict(zip(COLUMNS, values, strict=True)) if len(values) == len(COLUMNS) else None


def read_row(values: Mapping[str, str], context: Context) -> ReadRow:
    """Read a row: the whole of it, so that every fault is known at once."""
    reading = Reading(values)
    given = _Given(reading, values, context)
    row = given.row()
    if reading.faults:
        return ReadRow(row=None, faults=tuple(dict.fromkeys(reading.faults)))
    return ReadRow(row=row)


class _Given:
    """The parts of a row, read one after the other."""

    def __init__(self, reading: Reading, values: Mapping[str, str], context: Context) -> None:
        self.reading, self.values, self.context = reading, values, context
        self.missing: list[Fault] = []

    def row(self) -> Row:
        """Every part; wrong ones stand as faults in the reading."""
        read = self.reading
        source = read.read("source", lambda text: _matched(_SOURCE, text), required=True)
        reference = read.read("external_reference", lambda text: _matched(_REFERENCE, text), required=True)
        programme = read.read("programme", self._programme, required=True)
        kind = read.code("kind", ReferralKind) or ReferralKind.PERSON_SUPPORT
        referrer_kind = read.code("referrer_kind", ReferrerKind, required=True) or ReferrerKind.PROBATION
        organisation = read.read("referrer_organisation", identifiers.organisation_code) or ""
        screening = self._screening()
        told_on = read.day("told_on", not_after=self.context.today)
        told_how = read.code("told_how", ToldHow)
        willing = read.code("willing", YesNo)
        self._together({"told_on": told_on, "told_how": told_how, "willing": willing})
        return Row(
            source=source or "",
            external_reference=reference or "",
            programme=programme or "",
            kind=kind,
            referrer_kind=referrer_kind,
            referrer_organisation=organisation,
            identifiers=person_form.read_identifiers(read, today=self.context.today),
            details=self._details(),
            answers=self._answers(),
            gender=read_gender(read),
            ethnicity=read.read("ethnicity", ethnicity_of) or "",
            practitioner=self._practitioner(),
            screening=screening,
            told_on=told_on,
            told_how=told_how,
            willing=willing is YesNo.YES,
            missing=tuple(self.missing),
        )

    def _programme(self, text: str) -> str:
        plain = text.upper()
        if plain not in self.context.programmes:
            raise Wrong("UNKNOWN_CODE")
        return plain

    def _details(self) -> Details:
        # The borough of a row is the referral's: where he lives or will live.
        held = {**self.values, "borough": "", "language": "", "pronouns": ""}
        return person_form.read_details(self._same(held, {}), today=self.context.today)

    def _answers(self) -> Answers:
        held = {**self.values, **{form: self.values.get(column, "") for form, column in _RENAMED.items()}}
        return read_answers(self._same(held, _RENAMED), today=self.context.today)

    def _practitioner(self) -> Practitioner | None:
        held = {form: self.values.get(column, "").strip() for form, column in _PRACTITIONER.items()}
        reading = self._same(held, _PRACTITIONER)
        before = len(reading.faults)
        found = practitioner.read_practitioner(
            reading, allowed=self.context.email_domains, house_key=self.context.house_key
        )
        return found if self._only_missing(reading, before) else None

    def _only_missing(self, reading: Reading, before: int) -> bool:
        """An empty field of the practitioner keeps a draft; it does not refuse the row."""
        new, reading.faults[before:] = reading.faults[before:], []
        empty = [fault for fault in new if fault.code == "REQUIRED"]
        self.missing += empty
        reading.faults.extend(fault for fault in new if fault not in empty)
        return not new

    def _screening(self) -> Screening | None:
        read = self.reading
        result = read.code("screening_result", Result)
        completed_on = read.day("screening_completed_on", not_after=self.context.today)
        source = read.read("screening_source", _screening_source)
        reason = read.text("screening_override_reason", limit=REASON)
        overridden = result is Result.SCREENED_IN_OVERRIDE
        if overridden and not reason:
            read.fault("screening_override_reason", "REQUIRED")
        if reason and not overridden:
            read.fault("screening_override_reason", "CONFLICTS_WITH(screening_result)")
        parts = {"screening_result": result, "screening_completed_on": completed_on, "screening_source": source}
        self._together(parts)
        if result is None or completed_on is None or source is None:
            return None
        return Screening(result=result, completed_on=completed_on, source=source, override_reason=reason)

    def _together(self, parts: Mapping[str, object]) -> None:
        """Fields that say something only together: where some are given, the empty others are missing."""
        if any(value is not None for value in parts.values()):
            self.missing += [Fault(name, "REQUIRED") for name in parts if not self.reading.given(name)]

    def _same(self, values: Mapping[str, object], names: Mapping[str, str]) -> Reading:
        reading = Reading(values, names=names)
        reading.faults = self.reading.faults
        return reading


def _matched(pattern: re.Pattern[str], text: str) -> str:
    if not pattern.fullmatch(text):
        raise Wrong
    return text


def _screening_source(text: str) -> Source:
    plain = text_of(text, limit=REASON).upper()
    if plain not in {Source.OASYS_EVENT.value, Source.PP_ATTESTED.value}:
        raise Wrong("UNKNOWN_CODE")
    return Source(plain)


def codes_of(faults: Iterable[Fault | str]) -> tuple[str, ...]:
    """Faults and guards as a report writes them: each once, in order."""
    return tuple(sorted({fault if isinstance(fault, str) else f"{fault.path}:{fault.code}" for fault in faults}))
