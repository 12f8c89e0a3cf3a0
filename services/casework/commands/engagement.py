"""What may be asked about a man's time with the service (S10)."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from casework.domain.allocation.aggregate import Allocation, AllocationStatus
from casework.domain.aspect import Aspect
from casework.domain.ending import ContactChannel, EndAnswers, Outcome
from casework.domain.engagement import closing, needs, opening
from casework.domain.engagement.aggregate import OPEN, Engagement, EngagementStatus
from casework.domain.engagement.facts import Rating, RatingPhase
from casework.domain.term import PauseReason, Recorded
from casework.storage import Work, known
from chassis.access import Role, by, joined_to, one_man
from chassis.aggregate import Unmet
from chassis.work import command

WORKERS = by("EW own, CP own, SM")


@command("engagement.open", WORKERS)
async def open_engagement(work: Work, *, allocation_id: UUID, expected: int) -> dict[str, str | int]:
    """The work begins: with a worker, and with his agreement as last heard."""
    await known.lock_allocation(work, allocation_id)
    allocation = await work.allocations.get(allocation_id, expected)
    programme = await known.programme_version(work, allocation.programme_id, allocation.programme_version)
    engagement = opening.open_engagement(
        id=work.new_id(),
        allocation=allocation,
        participates=await known.participates(work, allocation.person_id, allocation.programme_id),
        terms=programme.terms,
        at=work.now,
    )
    await work.allocations.put(allocation.take_up(engagement.id, at=work.now))
    version = await work.engagements.put(engagement)
    return {"engagement_id": str(engagement.id), "version": version}


@command("engagement.record_contact_attempt", WORKERS)
async def record_contact_attempt(
    work: Work, *, engagement_id: UUID, channel: ContactChannel, on: date | None, expected: int
) -> int:
    """Somebody tried to reach him."""
    engagement = await work.engagements.get(engagement_id, expected)
    safe = await known.safe_contact_set(work, engagement.person_id)
    tried = engagement.record_contact_attempt(channel, on=on, safe_contact=safe, at=work.now)
    return await work.engagements.put(tried)


@command("engagement.agree_support", WORKERS)
async def agree_support(
    work: Work,
    *,
    engagement_id: UUID,
    attended_session: Recorded | None,
    contact_plan: Recorded | None,
    contacts_per_week: int,
    expected: int,
) -> int:
    """Support was agreed."""
    engagement = await work.engagements.get(engagement_id, expected)
    agreed = engagement.agree_support(
        attended_session=attended_session,
        contact_plan=contact_plan,
        contacts_per_week=contacts_per_week,
        at=work.now,
    )
    return await work.engagements.put(agreed)


@command("engagement.pause", WORKERS)
async def pause_engagement(
    work: Work,
    *,
    engagement_id: UUID,
    reason: PauseReason,
    on: date | None,
    review_on: date | None,
    earliest_out_on: date | None,
    expected: int,
) -> int:
    """It stands still."""
    engagement = await work.engagements.get(engagement_id, expected)
    paused = engagement.pause(reason, on=on, review_on=review_on, earliest_out_on=earliest_out_on, at=work.now)
    return await work.engagements.put(paused)


@command("engagement.resume", WORKERS)
async def resume_engagement(work: Work, *, engagement_id: UUID, on: date | None, expected: int) -> int:
    """It goes on."""
    engagement = await work.engagements.get(engagement_id, expected)
    return await work.engagements.put(engagement.resume(on=on, at=work.now))


@command("engagement.extend", by("EW own, SM"))
async def extend_engagement(work: Work, *, engagement_id: UUID, planned_months: int, reason: str, expected: int) -> int:
    """It lasts longer: to the cap, beyond it by a service manager's exception."""
    engagement = await work.engagements.get(engagement_id, expected)
    beyond_cap = work.actor.role is Role.SM
    longer = engagement.extend(planned_months, reason=reason, beyond_cap=beyond_cap, at=work.now)
    return await work.engagements.put(longer)


@command("engagement.record_rating", WORKERS)
async def record_rating(
    work: Work, *, engagement_id: UUID, phase: RatingPhase, ratings: tuple[Rating, ...], expected: int
) -> int:
    """He rated his life, or declined to."""
    engagement = await work.engagements.get(engagement_id, expected)
    return await work.engagements.put(engagement.rate(phase, ratings, at=work.now))


@command("engagement.record_need", WORKERS)
async def record_need(
    work: Work, *, engagement_id: UUID, aspect: Aspect, needed: bool, on: date | None, expected: int
) -> int:
    """He needs a service, or needs it no more."""
    engagement = await work.engagements.get(engagement_id, expected)
    change = needs.open_need if needed else needs.close_need
    return await work.engagements.put(change(engagement, aspect, on=on, at=work.now))


@command("engagement.start_ending", WORKERS)
async def start_ending(
    work: Work, *, engagement_id: UUID, outcome: Outcome, reason: str, agreed_by: str, expected: int
) -> int:
    """It is coming to its end. A manager agrees by doing it; nobody else agrees with himself."""
    engagement = await work.engagements.get(engagement_id, expected)
    manages = work.actor.role is Role.SM
    if agreed_by == work.actor.id and not manages:
        raise Unmet("second_person_required", "Somebody else has to agree: a service manager.")
    ending = closing.start_ending(
        engagement,
        outcome,
        reason=reason,
        agreed_by=agreed_by or (work.actor.id if manages else ""),
        at=work.now,
    )
    return await work.engagements.put(ending)


@command("engagement.close", WORKERS)
async def close_engagement(
    work: Work, *, engagement_id: UUID, outcome: Outcome | None, answers: EndAnswers, expected: int
) -> int:
    """It ended, and with it the worker's part."""
    engagement = await work.engagements.get(engagement_id, expected)
    closed = closing.close(
        engagement,
        outcome=outcome,
        answers=answers,
        clocks=known.clocks(work),
        settled=await known.handoffs_settled(work, engagement.case_id),
        at=work.now,
    )
    await known.lock_allocation(work, engagement.allocation_id)
    allocation = await work.allocations.first(id=engagement.allocation_id)
    if allocation is not None and allocation.status is not AllocationStatus.ENDED:
        await work.allocations.put(allocation.end(at=work.now))
    return await work.engagements.put(closed)


@command("engagement.share_end_report", WORKERS)
async def share_end_report(work: Work, *, engagement_id: UUID, end_report: Recorded, expected: int) -> int:
    """The end report was shared after a close at once."""
    engagement = await work.engagements.get(engagement_id, expected)
    return await work.engagements.put(closing.share_end_report(engagement, end_report, at=work.now))


@command("engagement.reopen", by("SM"))
async def reopen_engagement(work: Work, *, engagement_id: UUID, expected: int) -> dict[str, str | int]:
    """It goes on; a worker is asked for anew."""
    engagement = await work.engagements.get(engagement_id, expected)
    searching = await known.open_allocations(work, engagement.case_id)
    before = await work.allocations.get(engagement.allocation_id)
    asked = Allocation.request(
        id=work.new_id(),
        case_id=engagement.case_id,
        person_id=engagement.person_id,
        programme_id=engagement.programme_id,
        programme_version=before.programme_version,
        acceptance=engagement.acceptance,
        accepted_at=work.now,
        clocks=known.clocks(work),
        engagement_id=engagement.id,
        at=work.now,
    )
    reopened = opening.reopen(
        engagement,
        participates=await known.participates(work, engagement.person_id, engagement.programme_id),
        allocation_id=asked.id,
        searching=bool(searching),
        clocks=known.clocks(work),
        at=work.now,
    )
    await work.allocations.put(asked)
    return {"allocation_id": str(asked.id), "version": await work.engagements.put(reopened)}


@command("engagement.end_with_referral", by("SYSTEM"))
async def end_with_referral(work: Work, *, case_id: UUID, by_person: bool) -> int:
    """The referral was withdrawn: searches end, an open engagement comes to its end; a person closes it."""
    searches = [each for each in await known.open_allocations(work, case_id) if each.engagement_id is None]
    for allocation in searches:
        await work.allocations.put(allocation.end(at=work.now))
    await known.lock_engagements(work, case_id)
    engagement = await work.engagements.first(case_id=case_id, status=OPEN)
    if engagement is not None and (_may_end(engagement) or not searches):
        outcome = Outcome.PERSON_WITHDREW if by_person else Outcome.REFERRAL_WITHDRAWN
        return await work.engagements.put(closing.start_ending(engagement, outcome, at=work.now))
    if not searches:
        ended = await work.allocations.first(case_id=case_id)
        raise Unmet("allocation_ended" if ended else "no_allocation", "No worker is asked for.")
    return len(searches)


def _may_end(engagement: Engagement) -> bool:
    """Whether an ending has not started yet."""
    return EngagementStatus.ENDING not in (engagement.status, engagement.paused_from)


@command("engagement.end_with_consent", by("SYSTEM"))
async def end_with_consent(work: Work, *, person_id: UUID, programme_id: UUID) -> int:
    """He no longer agrees to take part: his open engagement in this programme comes to its end, under this record and
    those joined to it."""
    about = await joined_to(work.conn, person_id)
    await known.lock_participation(work, person_id, programme_id)
    for each in about:
        await known.lock_engagements_of(work, each)
    found = await work.engagements.find(person_id=about, programme_id=programme_id, status=OPEN)
    if not found:
        raise Unmet("no_engagement", "No engagement is open.")
    going_on = [engagement for engagement in found if _may_end(engagement)] or found[:1]
    for engagement in going_on:
        ending = closing.start_ending(engagement, Outcome.PERSON_WITHDREW, at=work.now)
        await work.engagements.put(ending)
    return len(going_on)


@command("engagement.end_apart", by("SYSTEM"))
async def end_apart(work: Work, *, from_person_id: UUID, to_person_id: UUID) -> int:
    """Two records are of two men after all: what was opened under the first because the second had agreed ends, as if
    he had taken it back."""
    records = (await one_man(work.conn, from_person_id)).records
    for each in sorted(records):
        await known.lock_engagements_of(work, each)
    ended = 0
    for engagement in await work.engagements.find(person_id=records, status=OPEN):
        programme_id = engagement.programme_id
        agreed = await known.has_agreed(work, from_person_id, programme_id)
        if _may_end(engagement) and not agreed and await known.has_agreed(work, to_person_id, programme_id):
            await work.engagements.put(closing.start_ending(engagement, Outcome.PERSON_WITHDREW, at=work.now))
            ended += 1
    return ended


@command("engagement.miss_deadline", by("SYSTEM"))
async def miss_engagement_deadline(work: Work, engagement_id: UUID, promise: str, due_at: datetime) -> int:
    """A promise was due and is not kept."""
    await known.lock_engagement(work, engagement_id)
    engagement = await work.engagements.get(engagement_id)
    return await work.engagements.put(engagement.miss(promise, due_at=due_at, at=work.now))
