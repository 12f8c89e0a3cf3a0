"""How each kind of value is read: as rules.md 6 wants it, or wrong with one of its codes."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeVar
from uuid import UUID

from google.protobuf.timestamp_pb2 import Timestamp

if TYPE_CHECKING:
    from google.protobuf.descriptor import FieldDescriptor

C = TypeVar("C", bound=StrEnum)
_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[47][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_OPAQUE: Final = re.compile(r"[a-z0-9][a-z0-9-]*")
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
# Overrides that make text read otherwise than it is stored, and marks nobody can see.
_HIDDEN: Final = frozenset("\u200b\u2028\u2029\ufeff\u2060") | {
    chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))
}
_NO_TEXT: Final = frozenset({"Cc", "Cs", "Co", "Cn"})
_YEARS: Final = range(1900, 2101)


class Wrong(Exception):  # noqa: N818 - a fault on its way into the form
    """The value has this fault."""


def uuid_in(value: str) -> UUID:
    if not _UUID.fullmatch(value):
        raise Wrong("INVALID_FORMAT")
    return UUID(value)


def day_in(value: str) -> date:
    try:
        found = date.fromisoformat(value) if _DAY.fullmatch(value) else None
    except ValueError:
        found = None
    if found is None:
        raise Wrong("INVALID_FORMAT")
    if found.year not in _YEARS:
        raise Wrong("OUT_OF_RANGE")
    return found


def instant_in(value: Timestamp) -> datetime:
    try:
        found = value.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise Wrong("INVALID_FORMAT") from None
    if found.year not in _YEARS:
        raise Wrong("OUT_OF_RANGE")
    return found


def text_in(value: str, limit: int, *, allowed: str) -> str:
    """NFC, no control characters but the allowed ones, no overrides of the reading direction, not too long."""
    text = unicodedata.normalize("NFC", value.replace("\r\n", "\n")).strip()
    if len(text) > limit:
        raise Wrong("TOO_LONG")
    hidden = (c in _HIDDEN or (unicodedata.category(c) in _NO_TEXT and c not in allowed) for c in text)
    if any(hidden):
        raise Wrong("INVALID_FORMAT")
    return text


def opaque_in(value: str, limit: int) -> str:
    if len(value) > limit:
        raise Wrong("TOO_LONG")
    if not _OPAQUE.fullmatch(value):
        raise Wrong("INVALID_FORMAT")
    return value


def code_in(value: str | int, field: FieldDescriptor, kind: type[C]) -> C:
    """A code by its name: of the contract's enum without its prefix, or as text."""
    name = value if isinstance(value, str) else _enum_name(value, field)
    for member in kind:
        if name in (member.value, member.name):
            return member
    raise Wrong("UNKNOWN_CODE")


def _enum_name(value: int, field: FieldDescriptor) -> str:
    enum = field.enum_type
    known = enum.values_by_number.get(value) if enum else None
    if enum is None or known is None:
        raise Wrong("UNKNOWN_CODE")
    prefix = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", enum.name).upper() + "_"
    return str(known.name).removeprefix(prefix)
