"""Evidence of screening: recorded by people, imported from events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chassis.access import by
from chassis.aggregate import Fault, Invalid
from chassis.work import command
from referral.commands.looking import as_the_house, for_judgement, known_as, man, today
from referral.domain.screening import Result, ScreeningEvidence, Source, State, current_of, is_stale, result_of

if TYPE_CHECKING:
    from datetime import date
    from uuid import UUID

    from referral.storage import Work


async def take_evidence(
    work: Work, person_id: UUID, *, source: Source, completed_on: date, result: Result, reason: str
) -> ScreeningEvidence | None:
    """Keep evidence; nothing where the same source, date and result are held already, under whichever record of his.
    What stands under another one is left as it is: whoever judges takes the newest of all."""
    of = await man(work, person_id)
    with for_judgement(work):
        found = await work.screenings.find(person_id=of.records)
    held = [one for one in found if one.person_id == person_id]
    if any((one.source, one.completed_on, one.result) == (source, completed_on, result) for one in found):
        return None
    standing = current_of([one for one in held if one.state is State.CURRENT])
    later = standing is not None and standing.completed_on > completed_on
    if isinstance(standing, ScreeningEvidence) and not later:
        await work.screenings.put(standing.supersede(at=work.now))
    evidence = ScreeningEvidence(
        id=work.new_id(),
        person_id=person_id,
        source=source,
        completed_on=completed_on,
        result=result,
        override_reason=reason,
    ).record(later_held=later, at=work.now)
    await work.screenings.put(evidence)
    return evidence


def _must_be_past(work: Work, completed_on: date) -> None:
    if completed_on > today(work):
        raise Invalid(Fault("completed_on", "IN_FUTURE"))


@command("screening.record", by("PP own, SM"))
async def record_screening(
    work: Work,
    person_id: UUID,
    *,
    source: Source,
    base_result: Result,
    override: bool,
    override_reason: str,
    completed_on: date,
) -> dict[str, object]:
    """Record evidence as a person attests it."""
    person = await known_as(work, person_id)
    if source is Source.CALCULATED:
        raise Invalid(Fault("source", "UNKNOWN_CODE"))
    _must_be_past(work, completed_on)
    result = result_of(base_result, override=override, reason=override_reason)
    evidence = await take_evidence(
        work, person.id, source=source, completed_on=completed_on, result=result, reason=override_reason.strip()
    )
    warnings = ["screening_stale"] if is_stale(completed_on, on=today(work)) else []
    return {**_answer(evidence), "result": result.value, "warnings": warnings}


@command("screening.import", by("SYSTEM, ADAPTER"))
async def import_screening(work: Work, person_id: UUID, result: Result, completed_on: date) -> dict[str, object]:
    """Keep evidence as another system told it; the sender's meaning holds."""
    _must_be_past(work, completed_on)
    with as_the_house(work):
        person = await known_as(work, person_id)
        evidence = await take_evidence(
            work, person.id, source=Source.OASYS_EVENT, completed_on=completed_on, result=result, reason=""
        )
    return _answer(evidence)


def _answer(evidence: ScreeningEvidence | None) -> dict[str, object]:
    if evidence is None:
        return {"screening_id": "", "is_current": False}
    return {"screening_id": str(evidence.id), "is_current": evidence.state is State.CURRENT}
