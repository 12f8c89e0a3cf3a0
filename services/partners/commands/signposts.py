"""What is asked of signposts; each is fetch, ask, put. Nothing of him leaves the house."""

from __future__ import annotations

from uuid import UUID

from chassis.access import by
from chassis.aggregate import NotFound
from chassis.work import command
from partners.domain.offer import Status
from partners.domain.signpost import Outcome, Signpost
from partners.storage import Work
from partners.storage.directory import one

SIGNPOSTING = by("PP own, EW own, CP, SM, PW own")


@command("signpost.record", SIGNPOSTING)
async def record_signpost(
    work: Work, offer_id: UUID, person_id: UUID | None, case_id: UUID | None
) -> dict[str, object]:
    """He was told of an offer. The door has asked the picture whether the caller may see the case."""
    offer = await one(work, offer_id)
    if offer is None or offer.status is Status.DRAFT:
        raise NotFound
    signpost = Signpost.give(
        work.new_id(),
        offer_id=offer_id,
        retired=offer.status is Status.RETIRED,
        person_id=person_id,
        case_id=case_id,
        given_by=work.actor.id,
        organisation=work.actor.organisation,
        at=work.now,
    )
    return {"signpost_id": str(signpost.id), "version": await work.signposts.put(signpost)}


@command("signpost.record_outcome", SIGNPOSTING)
async def record_signpost_outcome(work: Work, signpost_id: UUID, outcome: Outcome, expected: int | None) -> int:
    """What came of it."""
    signpost = await work.signposts.get(signpost_id, expected)
    return await work.signposts.put(signpost.record_outcome(outcome, at=work.now))


@command("signpost.ask_outcome", by("SYSTEM"))
async def ask_signpost_outcome(work: Work, signpost_id: UUID, time: int) -> None:
    """It is time to ask what came of it, for the first or second time."""
    signpost = await work.signposts.get(signpost_id)
    await work.signposts.put(signpost.ask(time, at=work.now))
