"""Log lines: JSON, allow-listed fields, a constant sentence each.

Of an exception only its class and its place are logged, since texts of exceptions hold what people typed.
What libraries log is treated alike: their template where they gave one, else only where it was said.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from typing import TYPE_CHECKING, Any

import structlog

from chassis.telemetry.fields import FIELDS, SPEAKER, fault_of, plain

if TYPE_CHECKING:
    from collections.abc import MutableMapping


def _allow_listed(_: object, method: str, given: MutableMapping[str, Any]) -> tuple[tuple[str], dict[str, Any]]:
    raised = given.pop("exc_info", None)
    error = sys.exc_info()[1] if raised is True else raised[1] if isinstance(raised, tuple) else raised
    service, node = SPEAKER.get()
    event = given.pop("event", "")
    kept = {name: plain(value) for name, value in given.items() if name in FIELDS}
    line: dict[str, object] = {"event": event, "level": method, **({"service": service} if service else {})}
    line |= ({"node": node} if node else {}) | kept | fault_of(error)
    if cut := len(given) - len(kept):
        line["count_cut"] = cut
    return (json.dumps(line),), {"extra": {"ours": line}}


def logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger of one module: `log.info("One constant sentence", topic=…)`; other fields are dropped."""
    wrapped: structlog.stdlib.BoundLogger = structlog.wrap_logger(
        logging.getLogger(name),
        processors=[structlog.stdlib.filter_by_level, _allow_listed],
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    return wrapped


class _JsonLines(logging.Formatter):
    """One JSON object a line, from our loggers and from libraries alike."""

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def format(self, record: logging.LogRecord) -> str:
        """Of a library's record: its template where it is one, its place and the class of its exception."""
        ours = getattr(record, "ours", None)
        if ours is None:
            template = record.msg if record.args and isinstance(record.msg, str) else "A library logged something"
            error = record.exc_info[1] if record.exc_info else None
            ours = {"event": template, "level": record.levelname.lower(), **fault_of(error)}
            ours["where"] = ours.get("where") or f"{record.module}:{record.lineno}"
        return json.dumps({"timestamp": self.formatTime(record), "logger": record.name, **ours})


def configure(level: str = "INFO") -> None:
    """Once a process: JSON lines on stdout."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_JsonLines())
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for noisy in ("aiokafka", "faststream", "uvicorn", "alembic", "httpx", "opentelemetry"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, logging.getLevelName(level)))


def configure_once(level: str = "INFO") -> None:
    """The same, where nobody has said yet where logs go: what libraries say must not come out untreated."""
    if not logging.getLogger().hasHandlers():
        configure(level)
