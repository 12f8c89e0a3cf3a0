"""Every message of the contracts, found by walking, and example values for their fields by kind."""

from __future__ import annotations

import importlib
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from google.protobuf import timestamp_pb2
from google.protobuf.message import Message
from hypothesis import strategies as st

from throughcare.options.v1 import options_pb2

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.descriptor import Descriptor, FieldDescriptor

GENERATED = Path(__file__).parents[2] / "proto" / "gen"
# The kinds an event may hold; the others are for requests and answers.
LAST_KIND_OF_EVENTS = options_pb2.KIND_FLAG
AN_INSTANT = datetime(2026, 11, 24, 10, 43, tzinfo=UTC)
TIMESTAMP = "google.protobuf.Timestamp"


@cache
def modules() -> tuple[Any, ...]:
    """Every generated module that holds messages."""
    found = sorted(GENERATED.rglob("*_pb2.py"))
    return tuple(importlib.import_module(".".join(f.relative_to(GENERATED).with_suffix("").parts)) for f in found)


@cache
def messages() -> tuple[type[Message], ...]:
    """Every message class, events, requests and answers alike."""
    return tuple(
        getattr(module, name)
        for module in modules()
        for name in module.DESCRIPTOR.message_types_by_name
        if module.DESCRIPTOR.package != "throughcare.options.v1"
    )


@cache
def events() -> tuple[type[Message], ...]:
    """Every message of an events or shares file."""
    return tuple(each for each in messages() if is_event(each.DESCRIPTOR))


def is_event(message: Descriptor) -> bool:
    """Whether it stands in a file of facts rather than of requests and answers."""
    return message.file.name.rsplit("/", 1)[-1] in {"events.proto", "shares.proto"}


def kind_of(field: FieldDescriptor) -> int:
    """What the field holds, as the contract says."""
    return int(field.GetOptions().Extensions[options_pb2.kind])


def list_of(field: FieldDescriptor) -> str:
    """The published list of a code."""
    return str(field.GetOptions().Extensions[options_pb2.list])


def reach_of(message: Descriptor) -> int:
    """How far it may travel."""
    return int(message.GetOptions().Extensions[options_pb2.reach])


def key_of(message: Descriptor) -> int:
    """What orders it."""
    return int(message.GetOptions().Extensions[options_pb2.key])


def topic_of(message: Descriptor) -> str:
    """Whose topic carries it."""
    return str(message.GetOptions().Extensions[options_pb2.topic])


def fields(message: Descriptor) -> Iterator[FieldDescriptor]:
    """Its fields and those of the messages inside it; well-known types are values."""
    for field in message.fields:
        yield field
        if field.message_type is not None and field.message_type.full_name != TIMESTAMP:
            yield from fields(field.message_type)


def is_repeated(field: FieldDescriptor) -> bool:
    """Whether it may stand several times."""
    return bool(field.is_repeated)


def example(cls: type[Message]) -> Message:
    """The message with one fixed, plausible value in each field."""
    return _filled(cls.DESCRIPTOR, cls())


def _filled(descriptor: Descriptor, message: Any) -> Any:
    for number, field in enumerate(descriptor.fields, start=1):
        if field.message_type is not None:
            target = getattr(message, field.name)
            target = target.add() if is_repeated(field) else target
            if field.message_type.full_name == TIMESTAMP:
                target.FromDatetime(AN_INSTANT)
            else:
                _filled(field.message_type, target)
        elif is_repeated(field):
            getattr(message, field.name).append(_example_of(field, number))
        else:
            setattr(message, field.name, _example_of(field, number))
    return message


def _example_of(field: FieldDescriptor, number: int) -> Any:
    if field.type == field.TYPE_STRING:
        return {
            options_pb2.KIND_ID: f"0195b3f0-0000-7000-8000-{number:012d}",
            options_pb2.KIND_CODE: f"{list_of(field) or field.name}_1".upper(),
            options_pb2.KIND_HASH: "0" * 64,
            options_pb2.KIND_REF: "ref-" + "a" * 26,
            options_pb2.KIND_DATE: "2026-11-24",
        }.get(kind_of(field), f"{field.name} {number}")
    if field.type == field.TYPE_BYTES:
        return bytes([number])
    if field.type == field.TYPE_BOOL:
        return True
    if field.type == field.TYPE_ENUM:
        return field.enum_type.values[-1].number
    return number


def any_message(cls: type[Message]) -> st.SearchStrategy[Message]:
    """Any value of this message, from its descriptor alone."""
    return st.fixed_dictionaries({f.name: _any_field(f) for f in cls.DESCRIPTOR.fields}).map(lambda kw: cls(**kw))


def _any_field(field: FieldDescriptor) -> st.SearchStrategy[Any]:
    one = _any_value(field)
    if is_repeated(field):
        return st.lists(one, max_size=3)
    return one if field.message_type is None else st.none() | one


def _any_value(field: FieldDescriptor) -> st.SearchStrategy[Any]:
    if field.message_type is not None:
        if field.message_type.full_name == TIMESTAMP:
            whole = st.integers(-62_135_596_800, 253_402_300_799)
            return st.builds(timestamp_pb2.Timestamp, seconds=whole, nanos=st.integers(0, 999_999_999))
        return any_message(field.message_type._concrete_class)
    unsigned, wide = field.cpp_type in {field.CPPTYPE_UINT32, field.CPPTYPE_UINT64}, 64
    if field.cpp_type in {field.CPPTYPE_INT32, field.CPPTYPE_UINT32}:
        wide = 32
    low, high = (0, 2**wide - 1) if unsigned else (-(2 ** (wide - 1)), 2 ** (wide - 1) - 1)
    by_type: dict[int, st.SearchStrategy[Any]] = {
        field.CPPTYPE_STRING: st.binary() if field.type == field.TYPE_BYTES else st.text(),
        field.CPPTYPE_BOOL: st.booleans(),
        field.CPPTYPE_FLOAT: st.floats(width=32, allow_nan=False),
        field.CPPTYPE_DOUBLE: st.floats(allow_nan=False),
    }
    if field.enum_type is not None:
        return st.sampled_from([value.number for value in field.enum_type.values])
    return by_type.get(field.cpp_type, st.integers(low, high))
