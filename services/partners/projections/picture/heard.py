"""Fact → registers: one function a kind of fact (events.md 6, rows "picture").

Left out on purpose, and a test looks for them: why and by whom a referral ended, the group of an outcome, the scope
of an agreement, the result of a screen, codes about a practitioner.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chassis.aggregate import Unmet
from chassis.calendar import end_of_day, working_days_due
from partners.projections.picture.registers import Holder, Plain, Register, Slot

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime
    from uuid import UUID

    from partners.projections.picture.registers import Told

PARTICIPATE = "PARTICIPATE"
# L18 as measures.md gives it; what casework promises takes its place as soon as it is heard.
WORKING_DAYS_TO_ALLOCATE = 3


def of_case(told: Told, slot: str, **value: Plain) -> Register:
    """A register of the case the fact is about."""
    if told.case_id is None:
        raise LookupError("a fact of a case names none")
    return Register(holder=Holder.CASE, id=told.case_id, slot=slot, seq=told.seq, value=value)


def of_person(told: Told, slot: str, **value: Plain) -> Register:
    """A register of the person the fact is about."""
    if told.person_id is None:
        raise LookupError("a fact of a person names none")
    return Register(holder=Holder.PERSON, id=told.person_id, slot=slot, seq=told.seq, value=value)


def _kept(told: Told, *promises: str) -> Iterator[Register]:
    """These promises have been kept, or are no longer owed."""
    for promise in promises:
        yield of_case(told, Slot.LATE.of(promise), since=None)


def stamp(instant: datetime | None) -> str | None:
    """An instant as registers hold it."""
    return None if instant is None else instant.isoformat()


def _standing(told: Told, state: str, **more: Plain) -> Register:
    return of_case(told, Slot.STANDING, state=state, since=stamp(told.at), **more)


# The referral.


def submitted(
    told: Told, *, reference: str, programme_id: str, kind: str, decision_due_at: datetime
) -> Iterator[Register]:
    """A case opens, or opens again."""
    yield of_case(
        told,
        Slot.OPENED,
        person_id=str(told.person_id),
        reference=reference.replace("-", ""),
        programme_id=programme_id,
        kind=kind,
        submitted_at=stamp(told.at),
        decision_due_at=stamp(decision_due_at),
    )
    yield _standing(told, "SUBMITTED")


def triage_started(told: Told) -> Iterator[Register]:
    """Somebody looks at it."""
    yield _standing(told, "IN_TRIAGE")
    yield from _kept(told, "L1")


def accepted(told: Told) -> Iterator[Register]:
    """The service takes him on; until casework has said when, a worker is due as L18 has it."""
    try:
        due = stamp(end_of_day(working_days_due(told.at, WORKING_DAYS_TO_ALLOCATE)))
    except Unmet:  # the calendar ends: then the day is not guessed
        due = None
    yield _standing(told, "ACCEPTED", allocation_due_at=due)
    yield from _kept(told, "L1", "L2")


def referral_ended(told: Told) -> Iterator[Register]:
    """Declined or withdrawn: which, why and by whom is not kept."""
    yield _standing(told, "ENDED")
    yield from _kept(told, "L1", "L2")


def practitioner(told: Told, *, ref: str, starts_on: str) -> Iterator[Register]:
    """Who his practitioner is: whose caseload he belongs to."""
    yield of_case(told, Slot.PRACTITIONER, ref=ref, starts_on=starts_on)


def practitioner_cover(told: Told, *, ref: str, starts_on: str, ends_on: str) -> Iterator[Register]:
    """Who stands in for the practitioner on dated days."""
    yield of_case(told, Slot.PRACTITIONER_COVER, ref=ref, starts_on=starts_on, ends_on=ends_on)


# The person.


def consent(
    told: Told, *, purpose: str, programme_id: str, agreed: bool, review_on: str, replaces: str
) -> Iterator[Register]:
    """Whether he has agreed to take part in a programme; other purposes leave nothing but a promise kept."""
    if purpose == PARTICIPATE:
        review = review_on if agreed and review_on else None
        yield of_person(told, Slot.TAKING_PART.of(programme_id), agreed=agreed, review_on=review)
    for record in dict.fromkeys((str(told.aggregate_id), replaces)):
        if record:
            yield of_person(told, Slot.LATE.of(f"L20:{record}"), since=None)


def screening(told: Told, *, completed_on: str, is_current: bool) -> Iterator[Register]:
    """Whether this evidence is the current one, and how old it is; never what it found."""
    yield of_person(told, Slot.SCREENING.of(told.aggregate_id), current=is_current, completed_on=completed_on)


def access_list(told: Told, *, kind: str, entries: Iterable[str], version: int) -> Iterator[Register]:
    """Who alone, or who not, may know of him."""
    yield of_person(told, Slot.ACCESS.of(kind), list=kind, entries=tuple(sorted(entries)), version=version)


def joined(told: Told, *, old_id: UUID, into_id: UUID | None, version: int) -> Iterator[Register]:
    """Of which man a record is; the newest version of that record says it, on whatever key it was told."""
    into = str(into_id) if into_id else None
    yield Register(holder=Holder.PERSON, id=old_id, slot=Slot.JOINED, seq=version, value={"into": into})


# The work.


def allocation_waits(told: Told, *, due_at: datetime) -> Iterator[Register]:
    """A worker is wanted, or proposed and not yet named."""
    yield of_case(told, Slot.ALLOCATION, state="WAITS", since=stamp(told.at), due_at=stamp(due_at))


def allocation_ended(told: Told) -> Iterator[Register]:
    """Nobody is wanted any more, and nobody works with him through this allocation."""
    yield of_case(told, Slot.ALLOCATION, state="ENDED", since=stamp(told.at), due_at=None)
    yield from _kept(told, "L18", "L3", "L4")


def worker(told: Told, *, ref: str, role: str) -> Iterator[Register]:
    """Who works with him from now on."""
    yield of_case(told, Slot.ALLOCATION, state="HELD", since=stamp(told.at), due_at=None)
    yield of_case(told, Slot.WORKER, ref=ref, role=role, since=stamp(told.at))
    yield from _kept(told, "L18")


def worker_cover(told: Told, *, ref: str, role: str, starts_on: str, ends_on: str) -> Iterator[Register]:
    """Who works with him on dated days."""
    yield of_case(told, Slot.COVER, ref=ref, role=role, starts_on=starts_on, ends_on=ends_on)


def _dates(told: Told, planned_end_on: str, review_due_on: str) -> Register:
    return of_case(told, Slot.DATES, planned_end_on=planned_end_on, review_due_on=review_due_on)


def _stage(told: Told, state: str) -> Register:
    return of_case(told, Slot.STAGE, state=state, since=stamp(told.at))


def _pause(told: Told, *, paused: bool) -> Register:
    return of_case(told, Slot.PAUSE, paused=paused, since=stamp(told.at))


def opened(told: Told, *, planned_end_on: str, review_due_on: str) -> Iterator[Register]:
    """The work begins."""
    yield of_case(told, Slot.WORK, opened_at=stamp(told.at))
    yield _stage(told, "OPENED")
    yield _dates(told, planned_end_on, review_due_on)


def reopened(told: Told, *, planned_end_on: str, review_due_on: str) -> Iterator[Register]:
    """The work begins again; no end report is owed any more."""
    yield from opened(told, planned_end_on=planned_end_on, review_due_on=review_due_on)
    yield from _kept(told, "L12")


def tried(told: Told) -> Iterator[Register]:
    """The worker tried to reach him; by which channel is not kept."""
    yield of_case(told, Slot.TRIED, at=stamp(told.at))
    yield from _kept(told, "L3")


def activated(told: Told, *, planned_end_on: str, review_due_on: str) -> Iterator[Register]:
    """Support was agreed, which takes a session he came to."""
    yield _stage(told, "ACTIVE")
    yield _dates(told, planned_end_on, review_due_on)
    yield from _kept(told, "L3", "L4")


def paused(told: Told, *, planned_end_on: str, review_due_on: str) -> Iterator[Register]:
    """The work pauses; why is not told."""
    yield _pause(told, paused=True)
    yield _dates(told, planned_end_on, review_due_on)


def resumed(told: Told, *, planned_end_on: str, review_due_on: str) -> Iterator[Register]:
    """The work goes on in the stage it was paused in."""
    yield _pause(told, paused=False)
    yield _dates(told, planned_end_on, review_due_on)


def extended(told: Told, *, planned_end_on: str, review_due_on: str) -> Iterator[Register]:
    """The end was moved."""
    yield _dates(told, planned_end_on, review_due_on)


def ending_started(told: Told, *, planned_end_on: str, review_due_on: str) -> Iterator[Register]:
    """The work is coming to its end; a pause is over with it."""
    yield _stage(told, "ENDING")
    yield _pause(told, paused=False)
    yield _dates(told, planned_end_on, review_due_on)
    yield from _kept(told, "L3", "L4", "L21")


def closed(told: Told) -> Iterator[Register]:
    """The work has ended; the group of the outcome is not kept."""
    yield _stage(told, "CLOSED")
    yield _pause(told, paused=False)
    yield from _kept(told, "L3", "L4", "L12", "L21")


def need(told: Told, *, aspect: str, needed: bool, on: str) -> Iterator[Register]:
    """A service would help him from a day on, or does no more."""
    yield of_case(told, Slot.NEED.of(aspect), aspect=aspect, needed=needed, on=on)


def appointment(
    told: Told, *, org_id: str, aspect: str, starts_at: datetime, ends_at: datetime, stands: bool
) -> Iterator[Register]:
    """A partner without a house sees him then, or does not after all."""
    yield of_case(
        told,
        Slot.APPOINTMENT.of(told.aggregate_id),
        org_id=org_id,
        aspect=aspect,
        starts_at=stamp(starts_at),
        ends_at=stamp(ends_at),
        stands=stands,
    )


# Promises.


def late(told: Told, *, promise: str, due_at: datetime) -> Iterator[Register]:
    """A promise was not kept in time; late until the fact that keeps it."""
    if told.case_id is not None:
        yield of_case(told, Slot.LATE.of(promise), since=stamp(due_at))
    else:
        yield of_person(told, Slot.LATE.of(f"{promise}:{told.aggregate_id}"), since=stamp(due_at))
