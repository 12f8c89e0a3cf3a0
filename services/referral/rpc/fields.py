"""How requests become plain values and answers become messages."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from google.protobuf.timestamp_pb2 import Timestamp

from chassis.rpc import Form
from referral.domain.fields import Reading

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from google.protobuf.message import Message


def plain(message: Message) -> dict[str, object]:
    """The fields of a message by name; lists as lists."""
    found: dict[str, object] = {}
    for field in message.DESCRIPTOR.fields:
        value = getattr(message, field.name)
        found[field.name] = list(value) if field.is_repeated else value
    return found


def shapes(form: Form, values: Mapping[str, object], under: str, *readers: Callable[[Reading], object]) -> None:
    """Judge the shapes of a nested message at the door, so that its faults come with those of the rest. What depends
    on the day is judged again in the work, which knows it."""
    reading = Reading(values, under=f"{under}." if under else "")
    for reader in readers:
        reader(reading)
    for fault in reading.faults:
        form.fault(fault.path, fault.code)


def text_of(value: object) -> str:
    """A day, an id or a code as a contract writes it; nothing as the empty text."""
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, date) else str(value)


def stamped(at: datetime | None) -> Timestamp | None:
    """An instant as a contract writes it."""
    if at is None:
        return None
    found = Timestamp()
    found.FromDatetime(at)
    return found


def filled(kind: type[Message], values: Mapping[str, Any]) -> Any:
    """A message from values by name; members the message does not have are left out."""
    given: dict[str, Any] = {}
    for field in kind.DESCRIPTOR.fields:
        value = values.get(field.name)
        if field.message_type is not None and field.message_type.full_name == "google.protobuf.Timestamp":
            value = stamped(value)
        elif field.cpp_type == field.CPPTYPE_STRING and not field.is_repeated:
            value = text_of(value)
        if value is not None:
            given[field.name] = value
    return kind(**given)
