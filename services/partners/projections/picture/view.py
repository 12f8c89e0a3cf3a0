"""Registers → picture of one case. Pure: tests and questions use the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from chassis.calendar import local_date
from partners.projections.picture.across import (
    ACCEPTED,
    IN_PROGRESS,
    ONE_TO_ONE,
    Delivery,
    House,
    across,
    forgotten,
    handoffs_of,
    links,
)
from partners.projections.picture.handoffs import HANDED_OVER
from partners.projections.picture.joined import man_of, of_all
from partners.projections.picture.registers import Holder, Slot
from partners.projections.picture.shapes import (
    Cover,
    Engagement,
    Late,
    Picture,
    Screening,
    State,
    TakingPart,
    Worker,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from partners.projections.picture.registers import Plain, Register, Registers

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


def compose(registers: Registers, case_id: UUID, *, house: House, at: datetime) -> Picture | None:
    """The picture of one case as of a moment, or None while its submission has not been heard.

    Whoever is known through a handoff alone has none once he turns out to be a person with a case here, or once all of
    it was taken back.
    """
    case = registers.get((Holder.CASE, case_id), {})
    if Slot.OPENED not in case or Slot.STANDING not in case:
        return None
    opened, standing = _value(case, Slot.OPENED), _value(case, Slot.STANDING)
    person_id = UUID(str(opened["person_id"]))
    known_as = links(registers)
    if opened["kind"] == HANDED_OVER and (person_id in known_as or _has_a_case(registers, person_id)):
        return None
    man = man_of(registers, person_id)
    person = of_all(registers, man)
    answers = registers.get((Holder.PERSON, man.goes_by), {}) if man.goes_by else {}
    his = {*man.records, *(former for former, known in known_as.items() if known in man.records)}
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
        taking_part=_taking_part(answers, str(opened["programme_id"])),
        screening=_screening(person),
        late=tuple(_late(case, person)),
    )
    of_handoffs = handoffs_of(registers, case_id, his)
    if opened["kind"] == HANDED_OVER and forgotten(of_handoffs.values()):
        return None
    picture = _waiting(_decided(picture, opened, standing), case, standing)
    seen = across(of_handoffs, case, _own(picture, case, house), house=house, at=at)
    # What he needed is not missing any more once he is not with us.
    gaps = () if picture.state in {State.ENDED, State.CLOSED} else seen.gaps
    return replace(
        picture,
        deliveries=seen.deliveries,
        handoffs=seen.handoffs,
        contacts=seen.contacts,
        gaps=gaps,
        clashes=seen.clashes,
    )


def _has_a_case(registers: Registers, person_id: UUID) -> bool:
    """Whether a referral of this house is about him."""
    opened = (slots[Slot.OPENED].value for slots in registers.values() if Slot.OPENED in slots)
    return any(each["person_id"] == str(person_id) and each["kind"] != HANDED_OVER for each in opened)


def _own(picture: Picture, case: Values, house: House) -> Delivery | None:
    """The house's own work with him: one to one, from the day a worker is named."""
    worker, work = picture.worker, picture.engagement
    if worker is None or picture.state is State.CLOSED:
        return None
    begun = work is not None and (Slot.TRIED in case or picture.state is not State.OPENED)
    return Delivery(
        org_id=house.organisation,
        aspect=ONE_TO_ONE,
        state=IN_PROGRESS if begun else ACCEPTED,
        since=work.opened_at if work and begun else worker.since,
        ends_on=work.planned_end_on if work else None,
    )


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
