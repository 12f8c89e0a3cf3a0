"""Evidence that somebody is screened in to the pathway, which one counts, and how old it may be (S3, rules.md 4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Self
from uuid import UUID

from chassis.aggregate import Aggregate, Event, Fault, Invalid
from chassis.calendar import add_months

if TYPE_CHECKING:
    from collections.abc import Iterable

STALE_MONTHS = 24


class Result(StrEnum):
    """What a screening came to."""

    SCREENED_IN = "SCREENED_IN"
    SCREENED_IN_OVERRIDE = "SCREENED_IN_OVERRIDE"
    SCREENED_OUT = "SCREENED_OUT"


class Source(StrEnum):
    """Where the evidence comes from."""

    OASYS_EVENT = "OASYS_EVENT"
    PP_ATTESTED = "PP_ATTESTED"
    CALCULATED = "CALCULATED"


class State(StrEnum):
    """Whether the evidence counts."""

    CURRENT = "CURRENT"
    SUPERSEDED = "SUPERSEDED"
    CROSS_CHECK = "CROSS_CHECK"


@dataclass(frozen=True, kw_only=True)
class Recorded(Event):
    """Evidence was recorded."""

    source: Source
    completed_on: date
    result: Result
    is_current: bool


@dataclass(frozen=True, kw_only=True)
class Superseded(Event):
    """The evidence no longer counts, or never did since a later one was held."""

    source: Source
    completed_on: date
    result: Result


@dataclass(frozen=True, kw_only=True)
class ScreeningEvidence(Aggregate):
    """One piece of evidence."""

    person_id: UUID
    source: Source
    completed_on: date
    result: Result
    override_reason: str = ""
    state: State = State.CURRENT
    recorded_at: datetime | None = None

    def record(self, *, later_held: bool, at: datetime) -> Self:
        """Take the evidence; where one completed later is held, it is told and superseded at once."""
        current = not later_held
        told: tuple[Event, ...] = (
            Recorded(at=at, source=self.source, completed_on=self.completed_on, result=self.result, is_current=current),
        )
        if later_held:
            told = (*told, self._superseded(at))
        state = State.CURRENT if current else State.SUPERSEDED
        return self.telling(*told, state=state, recorded_at=at)

    def supersede(self, *, at: datetime) -> Self:
        """A newer one counts instead."""
        if self.state is not State.CURRENT:
            return self
        return self.telling(self._superseded(at), state=State.SUPERSEDED)

    def _superseded(self, at: datetime) -> Superseded:
        return Superseded(at=at, source=self.source, completed_on=self.completed_on, result=self.result)


def result_of(base: Result, *, override: bool, reason: str) -> Result:
    """The result on record: an override exists only on a base result of out, and says why."""
    if base is Result.SCREENED_IN_OVERRIDE:
        raise Invalid(Fault("base_result", "UNKNOWN_CODE"))
    if not override:
        if reason.strip():
            raise Invalid(Fault("override_reason", "CONFLICTS_WITH(override)"))
        return base
    if base is not Result.SCREENED_OUT:
        raise Invalid(Fault("override", "CONFLICTS_WITH(base_result)"), reason="override_not_applicable")
    if not reason.strip():
        raise Invalid(Fault("override_reason", "REQUIRED"))
    return Result.SCREENED_IN_OVERRIDE


@dataclass(frozen=True, kw_only=True)
class Held:
    """Evidence as a judgement needs it; later in a list means recorded later."""

    source: Source
    completed_on: date
    result: Result


def current_of(evidence: Iterable[Held | ScreeningEvidence]) -> Held | ScreeningEvidence | None:
    """The one completed last; of one day the one recorded later. A calculated result never counts."""
    counting = [held for held in evidence if held.source is not Source.CALCULATED]
    found: Held | ScreeningEvidence | None = None
    for held in counting:
        if found is None or held.completed_on >= found.completed_on:
            found = held
    return found


def is_stale(completed_on: date, *, on: date) -> bool:
    """Older than 24 months on the day of use: to be warned of, never a refusal."""
    return on > add_months(completed_on, STALE_MONTHS)
