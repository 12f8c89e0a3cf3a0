"""Values as answers hold them."""

from __future__ import annotations

from datetime import date, datetime

from google.protobuf.timestamp_pb2 import Timestamp


def stamp(instant: datetime | None) -> Timestamp | None:
    """None leaves the field out."""
    if instant is None:
        return None
    stamp = Timestamp()
    stamp.FromDatetime(instant)
    return stamp


def day(on: date | None) -> str:
    return "" if on is None else on.isoformat()
