"""What the house does to which something is offered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chassis.access import by
from chassis.work import command
from partners.commands.busy_slots import put_and_tell
from partners.commands.handoffs.looking import new_ref
from partners.commands.offers import say_full
from partners.domain.handoff import holding, receiver
from partners.domain.handoff.codes import ReasonGroup

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from uuid import UUID

    from partners.domain.handoff.codes import Outcome, Reason
    from partners.domain.handoff.states import Contact
    from partners.storage import Work

RECEIVERS = by("PW own, EW own, CP, SM")


@command("handoff.accept", RECEIVERS)
async def accept_handoff(work: Work, handoff_id: UUID, *, worker: str, expected: int | None) -> int:
    """Take it on."""
    handoff = await work.handoffs.get(handoff_id, expected)
    return await put_and_tell(work, handoff, receiver.accept(handoff, worker=worker, at=work.now))


@command("handoff.waitlist", RECEIVERS)
async def waitlist_handoff(work: Work, handoff_id: UUID, *, expected: int | None) -> int:
    """Take it on when there is room."""
    handoff = await work.handoffs.get(handoff_id, expected)
    return await work.handoffs.put(receiver.waitlist(handoff, at=work.now))


@command("handoff.decline", RECEIVERS)
async def decline_handoff(work: Work, handoff_id: UUID, *, reason: Reason, note: str, expected: int | None) -> int:
    """Do not take it on; where there is no room, the offer says so from now on."""
    handoff = await work.handoffs.get(handoff_id, expected)
    version = await work.handoffs.put(receiver.decline(handoff, reason, note=note, at=work.now))
    if reason.group is ReasonGroup.CAPACITY and handoff.offer_id is not None:
        await say_full(work, handoff.offer_id)
    return version


@command("handoff.request_information", RECEIVERS)
async def request_handoff_information(
    work: Work, handoff_id: UUID, *, items: Sequence[str], expected: int | None
) -> int:
    """Ask something before deciding."""
    handoff = await work.handoffs.get(handoff_id, expected)
    value = receiver.ask(handoff, tuple(items), detail_ref=new_ref(), at=work.now)
    return await work.handoffs.put(value)


@command("handoff.start_work", RECEIVERS)
async def start_handoff_work(
    work: Work, handoff_id: UUID, *, first_contact_on: date, worker: str, expected: int | None
) -> int:
    """First contact has been made."""
    handoff = await work.handoffs.get(handoff_id, expected)
    value = receiver.start(handoff, first_contact_on=first_contact_on, worker=worker, at=work.now)
    return await put_and_tell(work, handoff, value)


@command("handoff.plan_contact", RECEIVERS)
async def plan_handoff_contact(work: Work, handoff_id: UUID, *, contact: Contact, expected: int | None) -> int:
    """Say when he is seen next."""
    handoff = await work.handoffs.get(handoff_id, expected)
    return await work.handoffs.put(receiver.plan_contact(handoff, contact, at=work.now))


@command("handoff.hold", RECEIVERS)
async def hold_handoff(work: Work, handoff_id: UUID, *, reason: Reason, expected: int | None) -> int:
    """Let it rest."""
    handoff = await work.handoffs.get(handoff_id, expected)
    return await work.handoffs.put(holding.hold(handoff, reason, at=work.now))


@command("handoff.resume", RECEIVERS)
async def resume_handoff(work: Work, handoff_id: UUID, *, expected: int | None) -> int:
    """Go on."""
    handoff = await work.handoffs.get(handoff_id, expected)
    return await put_and_tell(work, handoff, holding.resume(handoff, at=work.now))


@command("handoff.complete", RECEIVERS)
async def complete_handoff(
    work: Work, handoff_id: UUID, *, outcome: Outcome, delivered: str, expected: int | None
) -> int:
    """What was asked has been done."""
    handoff = await work.handoffs.get(handoff_id, expected)
    return await work.handoffs.put(receiver.complete(handoff, outcome, delivered=delivered, at=work.now))


@command("handoff.fail", RECEIVERS)
async def fail_handoff(work: Work, handoff_id: UUID, *, reason: Reason, note: str, expected: int | None) -> int:
    """It cannot be carried through."""
    handoff = await work.handoffs.get(handoff_id, expected)
    return await work.handoffs.put(receiver.fail(handoff, reason, note=note, at=work.now))
