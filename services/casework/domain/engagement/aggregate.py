"""One man's time with the service: opened, engaging, active, paused, ending, closed (S10, `states.md` 3)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Self
from uuid import UUID

from casework.domain.ending import Attempt, ContactChannel, Outcome
from casework.domain.engagement import facts
from casework.domain.engagement.facts import Need, Rating, RatingPhase
from casework.domain.term import (
    IN_CUSTODY,
    Pause,
    PauseReason,
    Recorded,
    Terms,
    next_review,
    too_far_back,
    wrong_day,
)
from chassis.aggregate import Aggregate, Fault, Invalid, Unmet
from chassis.calendar import local_date

REVIEW_OF_PAUSE = timedelta(days=28)
MOST_CONTACTS, MOST_MONTHS = 14, 60


class EngagementStatus(StrEnum):
    """Where it stands."""

    OPENED = "OPENED"
    ENGAGING = "ENGAGING"
    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    ENDING = "ENDING"
    CLOSED = "CLOSED"


S = EngagementStatus
OPEN = (S.OPENED, S.ENGAGING, S.ACTIVE, S.PAUSED, S.ENDING)


@dataclass(frozen=True, kw_only=True)
class Engagement(Aggregate):
    """One man's time with one programme."""

    case_id: UUID
    person_id: UUID
    programme_id: UUID
    allocation_id: UUID
    acceptance: int
    status: EngagementStatus = S.OPENED
    paused_from: EngagementStatus | None = None
    started_on: date
    planned_months: int
    cap_months: int
    counts_pauses: bool
    planned_end_on: date
    cap_on: date
    review_due_on: date | None
    clocks_version: str
    pauses: tuple[Pause, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    attempts_before: int = 0
    contacts_per_week: int | None = None
    needs: tuple[Need, ...] = ()
    outcome: Outcome | None = None
    rated_at_end: bool = False
    report_shared_on: date | None = None
    closed_on: date | None = None

    @property
    def terms(self) -> Terms:
        """What the programme said, with what was extended since."""
        return Terms(planned_months=self.planned_months, cap_months=self.cap_months, counts_pauses=self.counts_pauses)

    @property
    def ordinal(self) -> int:
        """How many attempts there have been, before a reopening too."""
        return self.attempts_before + len(self.attempts)

    def record_contact_attempt(
        self, channel: ContactChannel, *, on: date | None, safe_contact: bool, at: datetime
    ) -> Self:
        """Somebody tried to reach him; how he may be reached safely must have been agreed before."""
        self.must_be(S.OPENED, S.ENGAGING)
        today = local_date(at)
        day = on or today
        refuse(
            wrong_day("attempted_on", day, today=today, earliest=self.started_on)
            + too_far_back("attempted_on", day, today=today)
        )
        if not safe_contact:
            raise Unmet("safe_contact_missing", "Record first how he can be reached safely.")
        attempts = (*self.attempts, Attempt(channel=channel, on=day))
        fact = facts.ContactAttempted(channel=channel, on=day, ordinal=self.ordinal + 1, at=at)
        return self.telling(fact, status=S.ENGAGING, attempts=attempts)

    def agree_support(
        self,
        *,
        attended_session: Recorded | None,
        contact_plan: Recorded | None,
        contacts_per_week: int,
        at: datetime,
    ) -> Self:
        """He came, and how often they meet is agreed."""
        self.must_be(S.ENGAGING)
        answers = {"attended_session": attended_session, "contact_plan": contact_plan}
        faults = self.wrong_days(answers, local_date(at))
        if not 1 <= contacts_per_week <= MOST_CONTACTS and contact_plan is not None:
            faults.append(Fault("contacts_per_week", "OUT_OF_RANGE"))
        refuse(faults)
        if attended_session is None:
            raise Unmet("no_attended_session", "Say which session he attended first.")
        if contact_plan is None:
            raise Unmet("contact_plan_missing", "Say when the contact plan was agreed.")
        fact = facts.Activated(
            attended_session=attended_session,
            contact_plan=contact_plan,
            contacts_per_week=contacts_per_week,
            planned_end_on=self.planned_end_on,
            review_due_on=self.review_due_on,
            at=at,
        )
        return self.telling(fact, status=S.ACTIVE, contacts_per_week=contacts_per_week)

    def pause(
        self,
        reason: PauseReason,
        *,
        on: date | None,
        review_on: date | None,
        earliest_out_on: date | None,
        at: datetime,
    ) -> Self:
        """It stands still, to be looked at again within 28 days or, in custody, when he may come out."""
        self.must_be(S.OPENED, S.ENGAGING, S.ACTIVE, S.ENDING)
        today = local_date(at)
        pause = Pause(reason=reason, began_on=on or today, review_on=review_on, earliest_out_on=earliest_out_on)
        earliest = max([self.started_on, *(p.ended_on for p in self.pauses if p.ended_on is not None)])
        refuse(
            wrong_day("paused_on", pause.began_on, today=today, earliest=earliest)
            + too_far_back("paused_on", pause.began_on, today=today)
            + _wrong_review(pause, today)
        )
        pauses = (*self.pauses, pause)
        dates = self.dates(pauses, today)
        fact = facts.Paused(
            reason=reason,
            began_on=pause.began_on,
            review_on=review_on,
            earliest_out_on=earliest_out_on,
            planned_end_on=dates["planned_end_on"],
            review_due_on=self.review_due_on,
            at=at,
        )
        return self.telling(fact, status=S.PAUSED, paused_from=self.status, pauses=pauses, **dates)

    def resume(self, *, on: date | None, at: datetime) -> Self:
        """It goes on in the state it was paused from; the days of a counted pause are added to its end."""
        self.must_be(S.PAUSED)
        today = local_date(at)
        day = on or today
        refuse(
            wrong_day("resumed_on", day, today=today, earliest=self.pauses[-1].began_on)
            + too_far_back("resumed_on", day, today=today)
        )
        pauses = self.pauses_ended(day)
        dates = self.dates(pauses, today)
        fact = facts.Resumed(
            resumed_on=day,
            planned_end_on=dates["planned_end_on"],
            review_due_on=self.review_due_on,
            at=at,
        )
        return self.telling(fact, status=self.paused_from, paused_from=None, pauses=pauses, **dates)

    def extend(self, planned_months: int, *, reason: str, beyond_cap: bool, at: datetime) -> Self:
        """It lasts longer in all: to the cap, or beyond where a manager makes the exception."""
        self.must_be(S.OPENED, S.ENGAGING, S.ACTIVE, S.PAUSED)
        if not self.planned_months < planned_months <= MOST_MONTHS:
            raise Invalid(Fault("planned_months", "OUT_OF_RANGE"))
        if planned_months > self.cap_months and not beyond_cap:
            raise Unmet("duration_cap", "That is past the cap. A service manager may make an exception.")
        longer = replace(self, planned_months=planned_months)
        dates = longer.dates(self.pauses, local_date(at))
        fact = facts.Extended(
            planned_months=planned_months,
            reason=reason,
            beyond_cap=planned_months > self.cap_months,
            planned_end_on=dates["planned_end_on"],
            review_due_on=self.review_due_on,
            at=at,
        )
        return self.telling(fact, planned_months=planned_months, **dates)

    def rate(self, phase: RatingPhase, ratings: tuple[Rating, ...], *, at: datetime) -> Self:
        """He rated his life, or declined to (no ratings). A review is done by it."""
        self.must_be(*OPEN)
        areas = [rating.area for rating in ratings]
        refuse(
            [Fault("ratings.score", "OUT_OF_RANGE") for rating in ratings if not 0 <= rating.score <= 10][:1]
            + ([Fault("ratings.area", "CONFLICTS_WITH(ratings)")] if len(set(areas)) < len(areas) else [])
        )
        following = self._review_after() if phase is RatingPhase.REVIEW else self.review_due_on
        fact = facts.RatingRecorded(phase=phase, ratings=ratings, review_due_on=following, at=at)
        rated = self.rated_at_end or phase is RatingPhase.END
        return self.telling(fact, review_due_on=following, rated_at_end=rated)

    def miss(self, promise: str, *, due_at: datetime, at: datetime) -> Self:
        """The timer's word that a promise is not kept; a review that is missed gives way to the next."""
        if at < due_at:
            raise Unmet("not_due", "This promise is not due yet.")
        following = self._review_after() if promise == "L21" else self.review_due_on
        return self.telling(self.missed(promise, due_at, at, following), review_due_on=following)

    def missed(self, promise: str, due_at: datetime, at: datetime, review_due_on: date | None) -> facts.DeadlineMissed:
        return facts.DeadlineMissed(
            promise=promise,
            due_at=due_at,
            policy_version=self.clocks_version,
            review_due_on=review_due_on,
            at=at,
        )

    def _review_after(self) -> date | None:
        return next_review(self.started_on, self.review_due_on) if self.review_due_on else None

    def dates(self, pauses: tuple[Pause, ...], on: date) -> dict[str, Any]:
        return {
            "planned_end_on": self.terms.planned_end(self.started_on, pauses, on),
            "cap_on": self.terms.cap(self.started_on, pauses, on),
        }

    def pauses_ended(self, day: date) -> tuple[Pause, ...]:
        last = self.pauses[-1]
        return (*self.pauses[:-1], replace(last, ended_on=max(day, last.began_on)))

    def wrong_days(self, answers: dict[str, Recorded | None] | dict[str, Recorded], today: date) -> list[Fault]:
        return [
            fault
            for name, answer in answers.items()
            if answer is not None
            for fault in wrong_day(f"{name}.recorded_on", answer.on, today=today, earliest=self.started_on)
        ]

    def must_be(self, *allowed: EngagementStatus) -> None:
        if self.status not in allowed:
            raise not_now()


def not_now() -> Unmet:
    return Unmet("invalid_transition", "The engagement is not at a point where this can be done.")


def refuse(faults: list[Fault]) -> None:
    if faults:
        raise Invalid(*faults)


def _wrong_review(pause: Pause, today: date) -> list[Fault]:
    """What is wrong with when a pause is looked at again."""
    faults = []
    if pause.earliest_out_on is not None and pause.reason not in IN_CUSTODY:
        faults.append(Fault("earliest_out_on", "CONFLICTS_WITH(reason)"))
    if pause.review_on is None and pause.earliest_out_on is None:
        faults.append(Fault("review_on", "REQUIRED"))
    if pause.review_on is not None and not today <= pause.review_on <= pause.began_on + REVIEW_OF_PAUSE:
        faults.append(Fault("review_on", "OUT_OF_RANGE"))
    if pause.earliest_out_on is not None and pause.earliest_out_on < pause.began_on:
        faults.append(Fault("earliest_out_on", "BEFORE_START"))
    return faults
