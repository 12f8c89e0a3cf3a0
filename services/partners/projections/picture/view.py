"""Registers → picture of one case, and what of it each role may see. Pure: tests and questions use the same."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import UUID

from chassis.calendar import local_date
from partners.projections.picture.registers import Holder, Slot

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from partners.projections.picture.registers import Plain, Register, Registers


class State(StrEnum):
    """Where a case stands, in one word; the work's word once there is work."""

    SUBMITTED = "SUBMITTED"
    IN_TRIAGE = "IN_TRIAGE"
    ACCEPTED = "ACCEPTED"
    ENDED = "ENDED"
    OPENED = "OPENED"
    ENGAGING = "ENGAGING"
    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    ENDING = "ENDING"
    CLOSED = "CLOSED"


@dataclass(frozen=True, kw_only=True)
class Worker:
    """Who works with him, since when."""

    ref: str
    role: str
    since: datetime


@dataclass(frozen=True, kw_only=True)
class Cover:
    """Who stands in on dated days; without a last day until further notice."""

    ref: str
    starts_on: date
    ends_on: date | None


@dataclass(frozen=True, kw_only=True)
class Engagement:
    """His time with the service: begun, as it stands since, planned end, next review, last tried."""

    opened_at: datetime
    since: datetime
    planned_end_on: date | None
    next_review_on: date | None
    last_tried_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class TakingPart:
    """Whether he has agreed to take part, and when he is asked again."""

    agreed: bool
    review_on: date | None


@dataclass(frozen=True, kw_only=True)
class Screening:
    """Whether a screen counts now, and when it was completed; never its result."""

    current: bool
    completed_on: date | None


@dataclass(frozen=True, kw_only=True)
class Late:
    """A promise not kept in time, by its L-code."""

    promise: str
    since: datetime


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One case across services. None is "nothing known" or "not for you": both are absent."""

    case_id: UUID
    person_id: UUID
    reference: str
    programme_id: str
    kind: str
    state: State
    submitted_at: datetime
    decision_due_at: datetime | None = None
    in_triage_since: datetime | None = None
    accepted_at: datetime | None = None
    ended_at: datetime | None = None
    waits_for_worker: bool | None = None
    allocation_due_at: datetime | None = None
    worker: Worker | None = None
    worker_cover: Cover | None = None
    practitioner_ref: str | None = None
    practitioner_cover: Cover | None = None
    engagement: Engagement | None = None
    taking_part: TakingPart | None = None
    screening: Screening | None = None
    late: tuple[Late, ...] | None = None


Values = dict[str, "Register"]


def _instant(value: Plain) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) and value else None


def _day(value: Plain) -> date | None:
    return date.fromisoformat(value) if isinstance(value, str) and value else None


def _known(value: Plain) -> datetime:
    instant = _instant(value)
    if instant is None:
        raise LookupError("a register lacks its instant")
    return instant


def _value(held: Values, slot: Slot) -> Mapping[str, Plain]:
    return held[slot].value if slot in held else {}


def _seq(held: Values, slot: Slot) -> int:
    return held[slot].seq if slot in held else 0


def _state(case: Values) -> State:
    """The work's state once there is work, unless the referral was opened again after the work had closed."""
    standing, stage = _value(case, Slot.STANDING), _value(case, Slot.STAGE)
    if not stage:
        return State(str(standing["state"]))
    if stage["state"] == State.CLOSED:
        again = standing["state"] != State.ENDED and _known(standing["since"]) > _known(stage["since"])
        return State(str(standing["state"])) if again else State.CLOSED
    if _value(case, Slot.PAUSE).get("paused"):
        return State.PAUSED
    if stage["state"] == State.OPENED and _seq(case, Slot.TRIED) > _seq(case, Slot.STAGE):
        return State.ENGAGING
    return State(str(stage["state"]))


def _cover(held: Mapping[str, Plain]) -> Cover | None:
    starts_on = _day(held.get("starts_on"))
    if not held or starts_on is None:
        return None
    return Cover(ref=str(held["ref"]), starts_on=starts_on, ends_on=_day(held["ends_on"]))


def _worker(case: Values) -> Worker | None:
    held = _value(case, Slot.WORKER)
    if not held or _value(case, Slot.ALLOCATION).get("state") != "HELD":
        return None
    return Worker(ref=str(held["ref"]), role=str(held["role"]), since=_known(held["since"]))


def _engagement(case: Values) -> Engagement | None:
    work, dates = _value(case, Slot.WORK), _value(case, Slot.DATES)
    if not work:
        return None
    paused = _value(case, Slot.PAUSE)
    newest = paused if paused.get("paused") else _value(case, Slot.STAGE)
    tried = _seq(case, Slot.TRIED) > _seq(case, Slot.WORK)
    return Engagement(
        opened_at=_known(work["opened_at"]),
        since=_known(newest["since"]),
        planned_end_on=_day(dates.get("planned_end_on")),
        next_review_on=_day(dates.get("review_due_on")),
        last_tried_at=_instant(_value(case, Slot.TRIED)["at"]) if tried else None,
    )


def _taking_part(person: Values, programme_id: str) -> TakingPart | None:
    held = person.get(Slot.TAKING_PART.of(programme_id))
    if held is None:
        return None
    return TakingPart(agreed=bool(held.value["agreed"]), review_on=_day(held.value["review_on"]))


def _screening(person: Values) -> Screening | None:
    """The evidence that counts, else the one completed last."""
    kept = [held.value for slot, held in person.items() if slot.startswith(f"{Slot.SCREENING}:")]
    if not kept:
        return None
    best = max(kept, key=lambda value: (bool(value["current"]), str(value["completed_on"])))
    return Screening(current=bool(best["current"]), completed_on=_day(best["completed_on"]))


def _late(case: Values, person: Values) -> Iterator[Late]:
    reviewed = _day(_value(case, Slot.DATES).get("review_due_on"))
    for slot, held in sorted((case | person).items()):
        since = _instant(held.value.get("since")) if slot.startswith(f"{Slot.LATE}:") else None
        if since is None:
            continue
        promise = slot.split(":")[1]
        # A review is kept by the fact that names the next one: its day lies after the day that was missed.
        if promise == "L21" and reviewed is not None and reviewed > local_date(since):
            continue
        yield Late(promise=promise, since=since)


def compose(registers: Registers, case_id: UUID) -> Picture | None:
    """The picture of one case, or None while its submission has not been heard."""
    case = registers.get((Holder.CASE, case_id), {})
    if Slot.OPENED not in case or Slot.STANDING not in case:
        return None
    opened, standing = _value(case, Slot.OPENED), _value(case, Slot.STANDING)
    person = registers.get((Holder.PERSON, UUID(str(opened["person_id"]))), {})
    picture = Picture(
        case_id=case_id,
        person_id=UUID(str(opened["person_id"])),
        reference=str(opened["reference"]),
        programme_id=str(opened["programme_id"]),
        kind=str(opened["kind"]),
        state=_state(case),
        submitted_at=_known(opened["submitted_at"]),
        practitioner_ref=str(_value(case, Slot.PRACTITIONER).get("ref") or "") or None,
        practitioner_cover=_cover(_value(case, Slot.PRACTITIONER_COVER)),
        worker=_worker(case),
        worker_cover=_cover(_value(case, Slot.COVER)),
        engagement=_engagement(case),
        taking_part=_taking_part(person, str(opened["programme_id"])),
        screening=_screening(person),
        late=tuple(_late(case, person)),
    )
    return _waiting(_decided(picture, opened, standing), case, standing)


def _decided(picture: Picture, opened: Mapping[str, Plain], standing: Mapping[str, Plain]) -> Picture:
    """The way to the decision."""
    state, since = State(str(standing["state"])), _instant(standing["since"])
    undecided = state in {State.SUBMITTED, State.IN_TRIAGE}
    ended = since if state is State.ENDED else None
    if picture.state is State.CLOSED and picture.engagement is not None:
        ended = picture.engagement.since
    return replace(
        picture,
        decision_due_at=_instant(opened["decision_due_at"]) if undecided else None,
        in_triage_since=since if state is State.IN_TRIAGE else None,
        accepted_at=since if state is State.ACCEPTED else None,
        ended_at=ended,
    )


def _waiting(picture: Picture, case: Values, standing: Mapping[str, Plain]) -> Picture:
    """Whether a worker is wanted: as casework says, and until it has spoken as the acceptance implies."""
    allocation, accepted = _value(case, Slot.ALLOCATION), picture.state is State.ACCEPTED
    former = not allocation or (
        accepted and allocation["state"] == "ENDED" and _known(standing["since"]) > _known(allocation["since"])
    )
    waits = accepted if former else allocation["state"] == "WAITS"
    due = standing.get("allocation_due_at") if former else allocation["due_at"]
    return replace(picture, waits_for_worker=waits, allocation_due_at=_instant(due) if waits else None)


def for_practitioner(picture: Picture) -> Picture:
    """The summary a practitioner of probation sees (access.md 3, "S own").

    Whether he agreed, and promises between him and the service, are not probation's: from them his choice could be
    told from circumstance.
    """
    engagement = picture.engagement and replace(picture.engagement, last_tried_at=None)
    return replace(picture, taking_part=None, late=None, engagement=engagement)
