"""`python -m chassis.envelope`: any record as a person reads it."""

from __future__ import annotations

import base64
import json
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from google.protobuf import json_format
from google.protobuf.message import DecodeError

from chassis.envelope.contract import registry

if TYPE_CHECKING:
    from collections.abc import Iterable


def printed(headers: Iterable[tuple[str, bytes | None]], value: bytes | None) -> str:
    """A record as a person reads it; events hold ids, codes and instants alone, so nothing has to be hidden."""
    shown = {name: None if held is None else held.decode(errors="replace") for name, held in headers}
    kind = registry().get(shown.get("ce_type") or "")
    body: object = None if value is None else base64.b64encode(value).decode()
    if kind is not None and value is not None:
        with suppress(DecodeError):
            body = json_format.MessageToDict(kind.FromString(value), preserving_proto_field_name=True)
    return json.dumps({"headers": shown, "message": body}, indent=2)


def main() -> None:
    """Print a record: standard input is `{"headers": [[name, value], …], "value": base64}`."""
    given = json.load(sys.stdin)
    headers = [(name, None if held is None else held.encode()) for name, held in given["headers"]]
    sys.stdout.write(printed(headers, base64.b64decode(given.get("value") or "")) + "\n")
