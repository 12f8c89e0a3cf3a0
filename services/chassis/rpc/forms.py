"""What a request holds, as values of the domain; every fault of it at once, with the codes of rules.md 6.

Each reader returns a value even where it notes a fault, so that the next can be read; `done()` then refuses with
all of them. A reader named `…_or_none` takes what may be left out. Paths are dotted, members of lists numbered
from nought: `goals.0.text`. The value is never echoed.
"""

from __future__ import annotations

from datetime import UTC, datetime
from datetime import date as day
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast
from uuid import UUID

from chassis.aggregate import Fault, Invalid
from chassis.rpc.values import C, Wrong, code_in, day_in, instant_in, opaque_in, text_in, uuid_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from google.protobuf.descriptor import FieldDescriptor
    from google.protobuf.message import Message

T = TypeVar("T")
_MOST: Final = 2**31 - 1
_NOTHING: Final = UUID(int=0)


class Form:
    """Reads one request: `form = Form(request); form.uuid("id"); …; form.done()`."""

    def __init__(self, request: Message, *, at: str = "", faults: list[Fault] | None = None) -> None:
        self._request, self._at = request, at
        self._faults: list[Fault] = [] if faults is None else faults

    def fault(self, path: str, code: str) -> None:
        """Note a fault found elsewhere."""
        self._faults.append(Fault(self._at + path, code))

    def done(self) -> None:
        """Raises Invalid with every fault, or lets the values pass."""
        if self._faults:
            raise Invalid(*self._faults)

    def uuid(self, path: str) -> UUID:
        """An id in its canonical form, version 4 or 7."""
        return self._read(path, uuid_in, _NOTHING)

    def uuid_or_none(self, path: str) -> UUID | None:
        """The same, where it may be left out."""
        return self._read_or_none(path, uuid_in)

    def opaque(self, path: str, *, limit: int = 64) -> str:
        """An opaque id of a person of the staff, a team or an organisation."""
        return self._read(path, lambda value: opaque_in(value, limit), "")

    def opaque_or_none(self, path: str, *, limit: int = 64) -> str | None:
        """The same, where it may be left out."""
        return self._read_or_none(path, lambda value: opaque_in(value, limit))

    def line(self, path: str, *, limit: int, required: bool = True) -> str:
        """One line of text."""
        return self._text(path, limit, allowed="", required=required)

    def text(self, path: str, *, limit: int, required: bool = True) -> str:
        """Text of several lines."""
        return self._text(path, limit, allowed="\n\t", required=required)

    def date(self, path: str) -> day:
        """A calendar day, YYYY-MM-DD."""
        return self._read(path, day_in, day.min)

    def date_or_none(self, path: str) -> day | None:
        """The same, where it may be left out."""
        return self._read_or_none(path, day_in)

    def instant(self, path: str) -> datetime:
        """A point in time, aware, UTC."""
        return self._read(path, instant_in, datetime.min.replace(tzinfo=UTC))

    def instant_or_none(self, path: str) -> datetime | None:
        """The same, where it may be left out."""
        return self._read_or_none(path, instant_in)

    def code(self, path: str, kind: type[C]) -> C:
        """A code of a published list."""
        field = self._field(path)
        return self._read(path, lambda value: code_in(value, field, kind), next(iter(kind)))

    def code_or_none(self, path: str, kind: type[C]) -> C | None:
        """The same, where it may be left out."""
        field = self._field(path)
        return self._read_or_none(path, lambda value: code_in(value, field, kind))

    def uuids(self, path: str, *, most: int = 200) -> tuple[UUID, ...]:
        """A list of ids, each once, in the order given."""
        given = self._value(path)
        if len(given) > most:
            self.fault(path, "TOO_LONG")
        found = {self._parsed(f"{path}.{nth}", value, uuid_in): None for nth, value in enumerate(given[:most])}
        return tuple(each for each in found if each is not None)

    def codes(self, path: str, kind: type[C]) -> tuple[C, ...]:
        """A list of codes, each once, in the order given."""
        field = self._field(path)
        found: dict[C, None] = {}
        for nth, value in enumerate(self._value(path)):
            code = self._parsed(f"{path}.{nth}", value, lambda each: code_in(each, field, kind))
            if code is not None:
                found[code] = None
        return tuple(found)

    def count(self, path: str, *, least: int = 0, most: int = _MOST) -> int:
        """A number of things, within bounds."""
        value = int(self._value(path))
        if not least <= value <= most:
            self.fault(path, "OUT_OF_RANGE")
        return value

    def count_or_none(self, path: str, *, least: int = 0, most: int = _MOST) -> int | None:
        """The same, where it may be left out: the field must say whether it is there (`optional`)."""
        return self.count(path, least=least, most=most) if self._given(path) else None

    def flag(self, path: str) -> bool:
        """Yes or no."""
        return bool(self._value(path))

    def version(self, path: str = "expected_version") -> int:
        """The version the caller has seen: 1 or more."""
        value = int(self._value(path))
        if value < 1:
            self.fault(path, "OUT_OF_RANGE" if value else "REQUIRED")
        return value

    def part(self, path: str) -> Form:
        """A message within; its faults are this form's."""
        if not self._given(path):
            self.fault(path, "REQUIRED")
        return Form(self._value(path), at=f"{self._at}{path}.", faults=self._faults)

    def part_or_none(self, path: str) -> Form | None:
        """The same, where it may be left out."""
        return self.part(path) if self._given(path) else None

    def each(self, path: str, *, least: int = 0, most: int = 200) -> tuple[Form, ...]:
        """The messages of a list; more than `most` are not read."""
        members: Iterable[Message] = self._value(path)
        forms = [Form(each, at=f"{self._at}{path}.{n}.", faults=self._faults) for n, each in enumerate(members)]
        if not least <= len(forms) <= most:
            self.fault(path, "REQUIRED" if not forms else "OUT_OF_RANGE")
        return tuple(forms[:most])

    def _text(self, path: str, limit: int, *, allowed: str, required: bool) -> str:
        found = self._read_or_none(path, lambda value: text_in(value, limit, allowed=allowed))
        if found == "" or (found is None and not self._given(path)):
            if required:
                self.fault(path, "REQUIRED")
            return ""
        return found or ""

    def _read(self, path: str, parse: Callable[[Any], T], stand_in: T) -> T:
        if not self._given(path):
            self.fault(path, "REQUIRED")
            return stand_in
        found = self._parsed(path, self._value(path), parse)
        return stand_in if found is None else found

    def _read_or_none(self, path: str, parse: Callable[[Any], T]) -> T | None:
        return self._parsed(path, self._value(path), parse) if self._given(path) else None

    def _parsed(self, path: str, value: object, parse: Callable[[Any], T]) -> T | None:
        try:
            return parse(value)
        except Wrong as wrong:
            self.fault(path, str(wrong))
            return None

    def _field(self, path: str) -> FieldDescriptor:
        return cast("FieldDescriptor", self._request.DESCRIPTOR.fields_by_name[path])

    def _value(self, path: str) -> Any:
        return getattr(self._request, path)

    def _given(self, path: str) -> bool:
        """Whether a field is there; text, codes and numbers without presence are there when they say something."""
        if self._field(path).has_presence:
            return bool(self._request.HasField(path)) and self._value(path) != ""
        return bool(self._value(path))


def uuid_of(value: str, path: str) -> UUID:
    """One id by itself; raises Invalid naming its path."""
    if not value:
        raise Invalid(Fault(path, "REQUIRED"))
    try:
        return uuid_in(value)
    except Wrong as wrong:
        raise Invalid(Fault(path, str(wrong))) from None
