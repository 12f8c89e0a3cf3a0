"""What may be logged, counted and put on a span: listed fields, values that look like ids, codes, numbers
instants; anything else is cut.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date
from enum import Enum
from typing import TYPE_CHECKING, Final
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Iterator

FIELDS: Final = frozenset(
    """service node logger level timestamp event error where address age aggregate_id aggregate_type
    assignment attempt attempts bus causation_id channel cluster code command correlation_id count delay
    door due_at duplicates event_id gap group host key kind lag method metric millis migration offset
    operation outcome partition pid pending policy_version port position purpose query reason record
    role route rows rung schema_version seconds sequence shard signal size span_id state status
    statement template topic total trace_id type version""".split()  # noqa: SIM905 - a list to read
)
_SAFE = re.compile(r"[A-Za-z0-9_.:/,<>\[\]=#+-]{0,200}")
CUT = "…"


def plain(value: object) -> object:
    """The value as JSON, or a mark that it was cut."""
    if value is None or isinstance(value, bool | int | float):
        return value
    text = str(value.value) if isinstance(value, Enum) else value.isoformat() if isinstance(value, date) else value
    text = str(text) if isinstance(text, UUID) else text
    return text if isinstance(text, str) and _SAFE.fullmatch(text) else CUT


def fault_of(error: BaseException | None) -> dict[str, object]:
    """An exception as its class and the last place of it; never its text."""
    if error is None:
        return {}
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    where = f"{last.tb_frame.f_globals.get('__name__', '')}:{last.tb_lineno}" if last else ""
    return {"error": type(error).__qualname__, "where": where}


SPEAKER: ContextVar[tuple[str, str]] = ContextVar("speaker", default=("", ""))


@contextmanager
def speaking(service: str, *, node: str = "") -> Iterator[None]:
    """Everything logged and counted inside, and in tasks begun inside, carries this service's name."""
    token = SPEAKER.set((service, node))
    try:
        yield
    finally:
        SPEAKER.reset(token)
