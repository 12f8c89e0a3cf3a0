"""The group, and what every subscription takes from a message."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from chassis.hearing import Heard, Hears
from chassis.projection import Row
from notifications import projections
from notifications.domain.audience import Fact
from notifications.storage import PROJECTED

if TYPE_CHECKING:
    from google.protobuf.timestamp_pb2 import Timestamp

HEARS = Hears("notifications", tables=PROJECTED)


def case_of(heard: Heard[Any]) -> UUID:
    return UUID(str(heard.envelope.case_id))


def person_of(heard: Heard[Any]) -> UUID:
    return UUID(str(heard.envelope.person_id))


def day_of(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def instant_of(stamp: Timestamp) -> datetime:
    return stamp.ToDatetime(tzinfo=UTC)


def fact_of(name: str, heard: Heard[Any], *, what: str = "", due_on: str = "", **more: Any) -> Fact:
    """The fact in plain values, with what a template may say of it."""
    of = heard.envelope
    return Fact(
        name=name,
        event_id=of.event_id,
        at=of.occurred_at,
        subject_id=of.aggregate_id,
        case_id=of.case_id,
        person_id=of.person_id,
        filling={"what": what, "due_on": due_on} | more.pop("filling", {}),
        **more,
    )


def kept_by(name: str, heard: Heard[Any], subject_id: UUID) -> Iterable[Row]:
    return projections.promises_answered(
        fact=name, subject_id=subject_id, topic=heard.topic, at=heard.envelope.occurred_at, seq=heard.seq
    )


def ended_by(heard: Heard[Any], *, ended: bool) -> Iterable[Row]:
    return projections.case_ended(case_id=case_of(heard), topic=heard.topic, ended=ended, seq=heard.seq)
