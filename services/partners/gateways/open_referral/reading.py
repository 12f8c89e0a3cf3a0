"""One service of another directory as an entry of ours, or everything that is wrong with it and how to mend it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from chassis.aggregate import Invalid
from partners.domain.codes import BOROUGHS, Aspect, Condition, Gender
from partners.domain.listing import Entry
from partners.domain.offer import Capacity, Room, Status
from partners.domain.terms import Terms, text_faults
from partners.gateways.open_referral import words

_BY_NAME: Final = {name.casefold(): code for code, name in BOROUGHS.items()}
_ORG_ID: Final = re.compile(r"[a-z0-9][a-z0-9-]{1,62}")
_PHONE: Final = re.compile(r"\+?[0-9][0-9 ()./-]{2,39}")
_LONGEST_NAME: Final = 200
# Where a fault of our terms stands in the record.
_PATHS: Final = {
    "summary": "description",
    "area_note": "service_areas",
    "eligibility_note": "eligibility_description",
    "aspect_codes": "attributes",
    "phone": "phones.0.number",
}
_MEND: Final = {
    "REQUIRED": "Say it: a record is not taken without it.",
    "INVALID_FORMAT": "Write it in the form that the specification asks for.",
    "UNKNOWN_CODE": "Use a code of the published list.",
    "TOO_LONG": "Shorten it.",
    "OUT_OF_RANGE": "Give a whole number within what is possible.",
    "CONFLICTS_WITH(id)": "Another record of this file has this id and says something else: give each its own.",
    "CONFLICTS_WITH(minimum_age)": "The oldest age is under the youngest: change one of the two.",
}
_MEND_AT: Final = {
    ("id", "INVALID_FORMAT"): "Give the service a UUID as its id.",
    ("email", "INVALID_FORMAT"): "Give a mailbox, such as name@example.org, or leave it out.",
    ("url", "INVALID_FORMAT"): "Give a whole address that begins with http:// or https://, or leave it out.",
    ("status", "UNKNOWN_CODE"): "Use active, inactive, defunct or temporarily closed.",
    ("attributes", "REQUIRED"): "Say which services the entries of this source are about (--aspect).",
}


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing that is wrong: where and what, never the value; and how to mend it."""

    path: str
    code: str

    @property
    def mend(self) -> str:
        """How to mend it."""
        return _MEND_AT.get((self.path, self.code)) or _MEND.get(self.code) or "Mend it and import the file again."


@dataclass(frozen=True, kw_only=True)
class ReadRecord:
    """A record as it was read: an entry, or its faults."""

    source_id: str
    entry: Entry | None
    faults: tuple[Fault, ...] = ()


def read(record: dict[str, Any], *, aspects: tuple[Aspect, ...]) -> ReadRecord:
    """Read one service; `aspects` are what it is about where it does not say so in our codes."""
    found = _Record(record)
    source_id, status = found.source_id(), found.status()
    name, whose, org_id = found.text("name", required=True), *found.organisation()
    areas, note = found.areas()
    terms = Terms(
        name=name,
        aspects=found.codes("aspects", Aspect) or aspects,
        summary=found.text("description"),
        areas=areas,
        area_note=note,
        minimum_age=found.number("minimum_age"),
        maximum_age=found.number("maximum_age"),
        genders=found.codes("genders", Gender),
        conditions=found.codes("conditions", Condition),
        eligibility_note=found.text("eligibility_description"),
        url=found.text("url"),
        email=found.text("email"),
        phone=found.phone(),
        **{name: found.coded_number(taxonomy) for name, taxonomy in words.NUMBERS.items()},
    )
    room = found.room()
    terms = found.tidied(terms)
    shown = str(source_id) if source_id else ""
    if found.faults or source_id is None or status is None:
        return ReadRecord(source_id=shown, entry=None, faults=tuple(dict.fromkeys(found.faults)))
    entry = Entry(source_id=source_id, org_id=org_id, organisation=whose, status=status, terms=terms, room=room)
    return ReadRecord(source_id=shown, entry=entry)


@dataclass
class _Record:
    """A record being read, with what was found wrong so far."""

    raw: dict[str, Any]
    faults: list[Fault] = field(default_factory=list)

    def wrong(self, path: str, code: str) -> None:
        self.faults.append(Fault(path=path, code=code))

    def text(self, name: str, *, required: bool = False, of: dict[str, Any] | None = None, at: str = "") -> str:
        """Text, or "" where it is absent, empty or null."""
        value = (self.raw if of is None else of).get(name)
        if value is None or value == "":
            if required:
                self.wrong(at + name, "REQUIRED")
            return ""
        if not isinstance(value, str):
            self.wrong(at + name, "INVALID_FORMAT")
            return ""
        return value.strip()

    def source_id(self) -> UUID | None:
        text = self.text("id", required=True)
        try:
            return UUID(text) if text else None
        except ValueError:
            self.wrong("id", "INVALID_FORMAT")
            return None

    def status(self) -> Status | None:
        text = self.text("status", required=True)
        if text and text not in words.STATUS_OF:
            self.wrong("status", "UNKNOWN_CODE")
        return words.STATUS_OF.get(text)

    def organisation(self) -> tuple[str, str]:
        """Its name, and its id with us where it names one."""
        whose = self.raw.get("organization")
        if whose is None:
            return "", ""
        if not isinstance(whose, dict):
            self.wrong("organization", "INVALID_FORMAT")
            return "", ""
        name = self.text("name", required=True, of=whose, at="organization.")
        for fault in text_faults("organization.name", name, _LONGEST_NAME):
            self.wrong(fault.path, fault.code)
        ours = (each for each in _dicts(whose.get("organization_identifiers")))
        named = [str(each.get("identifier")) for each in ours if each.get("identifier_scheme") == words.SCHEME]
        return name, next((each for each in named if _ORG_ID.fullmatch(each)), "")

    def areas(self) -> tuple[tuple[str, ...], str]:
        """The boroughs it names, by code or name, and what else it says of where, in its words."""
        codes: dict[str, None] = {}
        notes: dict[str, None] = {}
        for nth, area in enumerate(_dicts(self.raw.get("service_areas"))):
            at = f"service_areas.{nth}."
            extent, uri = self.text("extent", of=area, at=at), self.text("uri", of=area, at=at)
            said = self.text("name", of=area, at=at) or self.text("service_area", of=area, at=at)
            known = (each for each in (extent, uri.rsplit("/", 1)[-1], _BY_NAME.get(said.casefold(), "")))
            code = next((each for each in known if each in BOROUGHS), None)
            (codes if code else notes)[code or said or extent] = None
        return tuple(codes), "; ".join(note for note in notes if note)

    def number(self, name: str) -> int | None:
        """A whole number, perhaps written as text."""
        return self._whole(name, self.raw.get(name))

    def coded_number(self, taxonomy: str) -> int | None:
        """A whole number that stands as an attribute of ours."""
        return next((self._whole("attributes", value) for _, value in self._attributes(taxonomy)), None)

    def codes(self, name: str, kind: type[Any]) -> tuple[Any, ...]:
        """The codes of one of our lists."""
        known = {each.value for each in kind}
        said = [code for code, _ in self._attributes(words.LISTS[name])]
        if any(code not in known for code in said):
            self.wrong("attributes", "UNKNOWN_CODE")
        return tuple(kind(code) for code in said if code in known)

    def phone(self) -> str:
        """The first number that is one; quotation marks in it are the directory's own."""
        numbers = (str(each.get("number") or "").strip(" \"'") for each in _dicts(self.raw.get("phones")))
        return next((each for each in numbers if _PHONE.fullmatch(each)), "")

    def room(self) -> Room | None:
        """Whether there is room, where it is said in our codes."""
        said = next((code for code, _ in self._attributes(words.CAPACITY)), None)
        if said is None:
            return None
        as_at = next((self._instant(value) for _, value in self._attributes(words.AS_AT)), None)
        wait = self.coded_number(words.WAIT_DAYS)
        if said not in set(Capacity) or as_at is None:
            self.wrong("attributes", "UNKNOWN_CODE" if as_at else "REQUIRED")
            return None
        return Room(capacity=Capacity(said), as_at=as_at, wait_days=wait)

    def tidied(self, terms: Terms) -> Terms:
        """The terms as they are kept; their faults are the record's."""
        try:
            return terms.tidied()
        except Invalid as invalid:
            named = {fault.path for fault in self.faults}
            for fault in invalid.fields:
                if (path := _PATHS.get(fault.path, fault.path)) not in named:
                    self.wrong(path, fault.code)
            return terms

    def _attributes(self, taxonomy: str) -> Iterator[tuple[str, str]]:
        """Code and value of each attribute of this taxonomy of ours."""
        for each in _dicts(self.raw.get("attributes")):
            term = each.get("taxonomy_term")
            if isinstance(term, dict) and term.get("taxonomy") == taxonomy:
                yield str(term.get("code") or term.get("name") or ""), str(each.get("value") or "")

    def _whole(self, path: str, value: object) -> int | None:
        if value is None or value == "":
            return None
        try:
            number = float(str(value)) if isinstance(value, int | float | str) and not isinstance(value, bool) else None
        except ValueError:
            number = None
        if number is None:
            self.wrong(path, "INVALID_FORMAT")
            return None
        if not number.is_integer():
            self.wrong(path, "OUT_OF_RANGE")
            return None
        return int(number)

    def _instant(self, value: str) -> datetime | None:
        try:
            found = datetime.fromisoformat(value)
        except ValueError:
            return None
        return found if found.tzinfo else None


def _dicts(value: object) -> Iterable[dict[str, Any]]:
    """The members of a list that can be read at all."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
