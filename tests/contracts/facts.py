"""Fixed facts: one plausible, always equal example of any fact, by which publications are tried."""

from __future__ import annotations

import dataclasses
import importlib
import types
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints
from uuid import UUID, uuid5

from tests.architecture.source import OF_THE_CARD, SERVICES

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from chassis.aggregate import Event
    from chassis.journal import Publications

F = TypeVar("F")
AN_INSTANT = datetime(2026, 11, 24, 10, 43, tzinfo=UTC)
VARIANTS = 6
NAMESPACE = UUID("0195b3f0-0000-7000-8000-000000000000")
PLAIN: dict[Any, Any] = {
    bool: True,
    int: 1,
    float: 1.0,
    bytes: b"\x01",
    Decimal: Decimal(1),
    datetime: AN_INSTANT,
    date: AN_INSTANT.date(),
    time: AN_INSTANT.time(),
    timedelta: timedelta(days=1),
    type(None): None,
    object: "value",
    Any: "value",
}


def fixed(kind: type[F], variant: int = 0) -> F:
    """The example of this dataclass: every field set, nothing left to its default. A later variant takes the next
    of what a field may be, where it may be several things."""
    hints = get_type_hints(kind)
    given = {
        field.name: _value(hints[field.name], field.name, variant)
        for field in dataclasses.fields(kind)  # type: ignore[arg-type]
        if field.init and field.name != "news"
    }
    return kind(**given)


def _value(hint: Any, name: str, variant: int) -> Any:  # noqa: PLR0911 - one line for each kind of value
    if hint in PLAIN:
        return PLAIN[hint]
    if hint is UUID:
        return uuid5(NAMESPACE, name)
    if hint is str:
        return f"{name}-1"
    if isinstance(hint, type) and issubclass(hint, Enum):
        return list(hint)[variant % len(hint)]
    if dataclasses.is_dataclass(hint):
        return fixed(hint, variant)  # type: ignore[arg-type]
    if hasattr(hint, "__supertype__"):
        return _value(hint.__supertype__, name, variant)
    return _composed(get_origin(hint), get_args(hint), name, variant)


def _composed(origin: Any, parts: tuple[Any, ...], name: str, variant: int) -> Any:
    if origin in {Union, types.UnionType}:
        some = [part for part in parts if part is not type(None)]
        return _value(some[variant % len(some)], name, variant)
    if origin is Literal:
        return parts[0]
    if origin is tuple:
        return tuple(_value(part, name, variant) for part in parts if part is not Ellipsis)
    if origin is frozenset:
        return frozenset({_value(parts[0], name, variant)})
    if origin in {dict, Mapping}:
        return {_value(parts[0], name, variant): _value(parts[1], name, variant)}
    if origin in {list, Sequence}:
        return [_value(parts[0], name, variant)]
    raise TypeError(f"{name}: no example is known for {origin} of {parts}")


@cache
def publications() -> tuple[Publications, ...]:
    """The publications of every service that has any."""
    return tuple(
        importlib.import_module(f"{service}.publications").PUBLICATIONS
        for service in OF_THE_CARD
        if (SERVICES / service / "publications.py").exists() or (SERVICES / service / "publications").is_dir()
    )


def named(fact: type[Event]) -> str:
    """The full name of a fact."""
    return f"{fact.__module__}.{fact.__qualname__}"


@cache
def published() -> dict[str, tuple[Message, ...]]:
    """What each fact that is told becomes, by the name of the fact."""
    return {
        named(fact): tuple(getattr(m, "message", m) for n in range(VARIANTS) for m in each.messages(fixed(fact, n)))
        for each in publications()
        for fact in sorted(each.facts, key=named)
    }
