"""Information given to a person, and what came of it; nothing personal leaves (S41; states.md 7)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from chassis.aggregate import Aggregate, Event, Unmet

# When it is asked what came of it.
ASKED_AFTER: Final = (timedelta(days=14), timedelta(days=42))


class Status(StrEnum):
    """What is known of a signpost."""

    GIVEN = "GIVEN"
    TAKEN_UP = "TAKEN_UP"
    NOT_TAKEN_UP = "NOT_TAKEN_UP"
    UNKNOWN = "UNKNOWN"


class Outcome(StrEnum):
    """What came of it."""

    TAKEN_UP = "TAKEN_UP"
    NOT_TAKEN_UP = "NOT_TAKEN_UP"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, kw_only=True)
class Given(Event):
    """He was told of an offer."""

    offer_id: UUID


@dataclass(frozen=True, kw_only=True)
class OutcomeAsked(Event):
    """It is time to ask what came of it."""

    offer_id: UUID
    time: int


@dataclass(frozen=True, kw_only=True)
class OutcomeRecorded(Event):
    """What came of it is known."""

    offer_id: UUID
    outcome: Outcome


@dataclass(frozen=True, kw_only=True)
class Signpost(Aggregate):
    """One man told of one offer. Without a case it counts, and concerns nobody who is known here."""

    offer_id: UUID
    person_id: UUID | None
    case_id: UUID | None
    given_by: str
    organisation: str
    given_at: datetime
    status: Status = Status.GIVEN
    outcome_at: datetime | None = None
    to_ask: bool = False

    @classmethod
    def give(
        cls,
        id: UUID,
        *,
        offer_id: UUID,
        retired: bool,
        person_id: UUID | None,
        case_id: UUID | None,
        given_by: str,
        organisation: str,
        at: datetime,
    ) -> Signpost:
        """He is told of an offer that still stands."""
        if retired:
            raise Unmet("offer_retired", "This is no longer offered. Look for another in the directory.")
        value = cls(
            id=id,
            offer_id=offer_id,
            person_id=person_id,
            case_id=case_id,
            given_by=given_by,
            organisation=organisation,
            given_at=at,
        )
        return value.telling(Given(offer_id=offer_id, at=at))

    def ask(self, time: int, *, at: datetime) -> Signpost:
        """It is time to ask, for the first or second time; nothing is asked of what was taken up."""
        if self.status is Status.TAKEN_UP:
            return self
        return self.telling(OutcomeAsked(offer_id=self.offer_id, time=time, at=at), to_ask=True)

    def record_outcome(self, outcome: Outcome, *, at: datetime) -> Signpost:
        """What came of it; what was not taken up, or not known, may still be later."""
        if self.status is Status.TAKEN_UP and outcome is not Outcome.TAKEN_UP:
            raise Unmet("invalid_transition", "It is recorded that he took it up.")
        if self.status is Status.TAKEN_UP:
            return self
        return self.telling(
            OutcomeRecorded(offer_id=self.offer_id, outcome=outcome, at=at),
            status=Status(outcome.value),
            outcome_at=at,
            to_ask=False,
        )
