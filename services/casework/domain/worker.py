"""A worker's clearance, training and places: who may be given work, and until when (S14)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Self
from uuid import UUID

from casework.domain.term import Recorded, wrong_day
from chassis.aggregate import Aggregate, Event, Fault, Invalid, Unmet
from chassis.calendar import end_of_day, local_date

MOST_PLACES = 60


class WorkerStatus(StrEnum):
    """Where a worker stands."""

    REGISTERED = "REGISTERED"
    CLEARED = "CLEARED"
    LAPSED = "LAPSED"
    SUSPENDED = "SUSPENDED"


class WorkerRole(StrEnum):
    """In what role he works."""

    EW = "EW"
    CP = "CP"


class TrainingTopic(StrEnum):
    """What a worker may be trained in; which of them are mandatory is a setting."""

    SAFEGUARDING = "SAFEGUARDING"
    LONE_WORKING = "LONE_WORKING"
    DATA_PROTECTION = "DATA_PROTECTION"
    RELATIONAL_PRACTICE = "RELATIONAL_PRACTICE"
    RISK_AWARENESS = "RISK_AWARENESS"


class SuspendReason(StrEnum):
    """Why he may not be given work: a code, since nothing seals what is written about staff."""

    ABSENCE = "ABSENCE"
    LEFT = "LEFT"
    OWN_REQUEST = "OWN_REQUEST"
    UNDER_REVIEW = "UNDER_REVIEW"
    OTHER = "OTHER"


@dataclass(frozen=True, kw_only=True)
class Training:
    """One topic completed, and the last day it holds."""

    topic: TrainingTopic
    completed_on: date
    valid_to: date


@dataclass(frozen=True, kw_only=True)
class Registered(Event):
    """A worker was registered."""

    worker_ref: str
    role: WorkerRole
    organisation: str
    capacity: int


@dataclass(frozen=True, kw_only=True)
class TrainingCompleted(Event):
    """Training was completed."""

    topics: tuple[TrainingTopic, ...]
    completed_on: date
    valid_to: date


@dataclass(frozen=True, kw_only=True)
class Cleared(Event):
    """He may be given work."""

    worker_ref: str
    valid_to: date
    vetting_valid_to: date
    induction: Recorded


@dataclass(frozen=True, kw_only=True)
class Lapsed(Event):
    """His clearance ran out."""

    worker_ref: str
    valid_to: date


@dataclass(frozen=True, kw_only=True)
class Suspended(Event):
    """He may not be given work."""

    worker_ref: str
    reason: SuspendReason


@dataclass(frozen=True, kw_only=True)
class CapacityChanged(Event):
    """His places changed."""

    worker_ref: str
    open: int
    limit: int


@dataclass(frozen=True, kw_only=True)
class WorkerProfile(Aggregate):
    """One worker, by his staff id."""

    worker_ref: str
    role: WorkerRole
    organisation: str
    status: WorkerStatus = WorkerStatus.REGISTERED
    capacity: int
    trainings: tuple[Training, ...] = ()
    vetting_valid_to: date | None = None
    induction: Recorded | None = None
    valid_to: date | None = None

    @classmethod
    def register(
        cls,
        *,
        id: UUID,
        worker_ref: str,
        role: WorkerRole,
        organisation: str,
        capacity: int,
        probation: frozenset[str],
        at: datetime,
    ) -> Self:
        """A new worker. Probation's own staff cannot be independent workers."""
        _places(capacity, least=0)
        if organisation in probation:
            raise Unmet("employed_by_probation", "Whoever probation employs cannot be an independent worker.")
        new = cls(id=id, worker_ref=worker_ref, role=role, organisation=organisation, capacity=capacity)
        return new.telling(
            Registered(worker_ref=worker_ref, role=role, organisation=organisation, capacity=capacity, at=at)
        )

    def complete_training(
        self, topics: tuple[TrainingTopic, ...], *, completed_on: date, valid_to: date, at: datetime
    ) -> Self:
        """Training completed; the newest of a topic counts."""
        faults = wrong_day("completed_on", completed_on, today=local_date(at))
        if valid_to < completed_on:
            faults.append(Fault("valid_to", "BEFORE_START"))
        if faults:
            raise Invalid(*faults)
        done = tuple(Training(topic=t, completed_on=completed_on, valid_to=valid_to) for t in sorted(set(topics)))
        kept = tuple(training for training in self.trainings if training.topic not in topics)
        return self.telling(
            TrainingCompleted(topics=tuple(t.topic for t in done), completed_on=completed_on, valid_to=valid_to, at=at),
            trainings=kept + done,
        )

    def clear(
        self,
        *,
        vetting_valid_to: date,
        induction: Recorded | None,
        mandatory: frozenset[TrainingTopic],
        at: datetime,
    ) -> Self:
        """Cleared until the first of vetting and mandatory training runs out."""
        today = local_date(at)
        if self.status is WorkerStatus.CLEARED:
            raise Unmet("invalid_transition", "This worker is cleared already.")
        if induction is not None and (faults := wrong_day("induction.recorded_on", induction.on, today=today)):
            raise Invalid(*faults)
        if vetting_valid_to < today:
            raise Unmet("vetting_not_valid", "His vetting has run out. Renew it first.")
        if self.holding(today) < mandatory:
            raise Unmet("training_incomplete", "Mandatory training is missing or has run out.")
        if induction is None:
            raise Unmet("induction_incomplete", "Say when his induction was signed off, and by whom.")
        valid_to = min([vetting_valid_to, *(t.valid_to for t in self.trainings if t.topic in mandatory)])
        fact = Cleared(
            worker_ref=self.worker_ref,
            valid_to=valid_to,
            vetting_valid_to=vetting_valid_to,
            induction=induction,
            at=at,
        )
        return self.telling(
            fact,
            status=WorkerStatus.CLEARED,
            valid_to=valid_to,
            vetting_valid_to=vetting_valid_to,
            induction=induction,
        )

    def lapse(self, *, at: datetime) -> Self:
        """The timer's word that the last day of the clearance is over."""
        if self.status is not WorkerStatus.CLEARED or self.valid_to is None:
            raise Unmet("invalid_transition", "This worker is not cleared.")
        if at < end_of_day(self.valid_to):
            raise Unmet("not_due", "His clearance still holds.")
        return self.telling(
            Lapsed(worker_ref=self.worker_ref, valid_to=self.valid_to, at=at), status=WorkerStatus.LAPSED
        )

    def suspend(self, *, reason: SuspendReason, at: datetime) -> Self:
        """Stopped by a manager; his men go to the manager's list."""
        if self.status is WorkerStatus.SUSPENDED:
            raise Unmet("invalid_transition", "This worker is suspended already.")
        return self.telling(Suspended(worker_ref=self.worker_ref, reason=reason, at=at), status=WorkerStatus.SUSPENDED)

    def set_capacity(self, capacity: int, *, taken: int, at: datetime) -> Self:
        """Other places; fewer than are taken is allowed: nobody loses his worker by it."""
        _places(capacity, least=0)
        fact = CapacityChanged(worker_ref=self.worker_ref, open=max(0, capacity - taken), limit=capacity, at=at)
        return self.telling(fact, capacity=capacity)

    def holding(self, on: date) -> frozenset[TrainingTopic]:
        """The topics that hold on a day."""
        return frozenset(training.topic for training in self.trainings if training.valid_to >= on)

    def cleared_on(self, day: date) -> bool:
        """Whether he may be given work on a day, whether or not the timer has been round."""
        return self.status is WorkerStatus.CLEARED and self.valid_to is not None and day <= self.valid_to


def _places(capacity: int, *, least: int) -> None:
    if not least <= capacity <= MOST_PLACES:
        raise Invalid(Fault("capacity", "OUT_OF_RANGE"))
