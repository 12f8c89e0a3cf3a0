"""What is handed to a channel, and what the channel answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from notifications.domain.codes import Channel, Failure, Kind


@dataclass(frozen=True, kw_only=True)
class Part:
    """One notice in a letter, and which attempt of it this is: an answer to an earlier one counts no more."""

    notice_id: UUID
    attempt: int


@dataclass(frozen=True, kw_only=True)
class Letter:
    """One message for one recipient: one notice, or all of a digest. Its address is never shown.

    `asks` is set where nothing is to be sent but its channel asked what became of the reference. `taken_at` is when
    it was claimed, by the process' own running time.
    """

    reference: UUID
    channel: Channel
    kind: Kind
    ref: str
    case_id: UUID | None
    subject: str = field(repr=False)
    body: str = field(repr=False)
    address: str = field(default="", repr=False)
    parts: tuple[Part, ...]
    asks: bool = False
    taken_at: float = field(default=0, compare=False)


class Answer(StrEnum):
    """What a channel said."""

    SENT = "SENT"
    DELIVERED = "DELIVERED"
    NOT_NOW = "NOT_NOW"
    NEVER = "NEVER"
    BROKEN = "BROKEN"
    SILENCE = "SILENCE"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """An answer with its reason. SILENCE: it may have left, nobody knows."""

    answer: Answer
    reason: Failure | None = None
