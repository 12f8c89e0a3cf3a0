"""Hours at which a man is seen for other work: told to the houses that work with him, after a verdict of the gate.

A house hears them while it is at work with him, and from the moment it begins; nothing of whom he sees or for what.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid5

from chassis.access import Category, Ground, Purpose, by, one_man
from chassis.work import command
from partners.commands import gate
from partners.commands.gate import Question
from partners.domain.busy_slot import BusySlot, Hours, Through
from partners.domain.handoff.codes import Side
from partners.domain.handoff.states import Status
from partners.domain.link import Status as LinkStatus
from partners.storage.busy_slots import COMING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from partners.domain.handoff.aggregate import Handoff
    from partners.storage import Work

AT_WORK: Final = (Status.ACCEPTED, Status.IN_PROGRESS)
_SLOTS: Final = UUID("7d4f3c1a-5c0e-4c43-9a9c-2f3b8a6f1e07")


@dataclass(frozen=True, kw_only=True)
class Seen:
    """An appointment of this house: whose, and with which organisation."""

    appointment_id: UUID
    person_id: UUID
    case_id: UUID | None
    org_id: str
    hours: Hours


@command("busy_slot.tell", by("SYSTEM"))
async def tell_busy_slot(work: Work, seen: Seen) -> None:
    """Tell the houses that are at work with him; each once, however many handoffs there are."""
    told: set[str] = set()
    for handoff in await _between(work, seen.person_id):
        if handoff.partner not in told:
            told.add(handoff.partner)
            await _tell(work, handoff, seen)


async def tell_joined(work: Work, person_id: UUID) -> None:
    """Houses that were at work with one record of his are told the hours of the other."""
    for handoff in await _between(work, person_id):
        await _tell_what_is_known(work, handoff)


async def put_and_tell(work: Work, before: Handoff, after: Handoff) -> int:
    """Put a handoff; a house that begins to work with him by this, or goes on, is told what is still to come."""
    version = await work.handoffs.put(after)
    if before.status not in AT_WORK and after.status in AT_WORK:
        await _tell_what_is_known(work, after)
    return version


async def _tell_what_is_known(work: Work, handoff: Handoff) -> None:
    person_id = await _person_of(work, handoff)
    records = (await one_man(work.conn, person_id)).records if person_id else ()
    for row in await COMING.all(work.conn, people=list(records), at=work.now) if records else ():
        hours = Hours(starts_at=row["starts_at"], ends_at=row["ends_at"])
        about = {name: row[name] for name in ("appointment_id", "person_id", "case_id", "org_id")}
        await _tell(work, handoff, Seen(**about, hours=hours))


async def _between(work: Work, person_id: UUID) -> Iterable[Handoff]:
    """The handoffs at work by which other houses know this man, under whichever record: offered by us, or received and
    linked to him."""
    records = (await one_man(work.conn, person_id)).records
    sent = await work.handoffs.find(person_id=records, side=Side.SENDER, status=AT_WORK)
    received = [
        handoff
        for link in await work.links.find(person_id=records, status=LinkStatus.LINKED)
        for handoff in await work.handoffs.find(
            partner=link.sender_node, subject_ref=link.subject_ref, side=Side.RECEIVER, status=AT_WORK
        )
    ]
    return sorted([*sent, *received], key=lambda handoff: handoff.id)


async def _person_of(work: Work, handoff: Handoff) -> UUID | None:
    """The man of this house whom it is about; one who is known by the handoff alone is seen nowhere else here."""
    if handoff.side is Side.SENDER:
        return handoff.person_id
    link = await work.links.first(sender_node=handoff.partner, subject_ref=handoff.subject_ref)
    return link.person_id if link is not None and link.status is LinkStatus.LINKED else None


async def _tell(work: Work, handoff: Handoff, seen: Seen) -> None:
    if seen.org_id == handoff.partner_org:
        return  # that one knows when it sees him
    id = uuid5(_SLOTS, f"{handoff.partner}/{seen.appointment_id}")
    held = await work.busy_slots.first(id=id)
    slot = held or BusySlot(id=id, person_id=seen.person_id, case_id=seen.case_id, through=_through(handoff))
    if not slot.is_news(seen.hours):
        return  # and nothing is judged
    judged = await gate.weigh(work, _question(handoff, seen))
    if judged is not None:
        await work.busy_slots.put(slot.tell(seen.hours, grounds=gate.grounds_of(judged), at=work.now))


def _through(handoff: Handoff) -> Through:
    return Through(handoff_id=handoff.id, side=handoff.side, partner=handoff.partner, subject_ref=handoff.subject_ref)


def _question(handoff: Handoff, seen: Seen) -> Question:
    """Of a man we offered it rests on what the handoff rests on; of our own man whom another house offered us, on what
    he has agreed to here."""
    grounds, ours = handoff.grounds, handoff.side is Side.SENDER
    return Question(
        person_id=seen.person_id,
        recipient=handoff.partner_org,
        categories=tuple(each.value for each in handoff.categories) if ours else (Category.APPOINTMENTS.value,),
        purpose=Purpose.HANDOFF.value,
        basis=Ground(basis=grounds.confidentiality_basis.value, reference=grounds.reference) if ours else gate.AGREED,
        case_id=seen.case_id,
        related=True,
    )


def heard_slot(handoff: Handoff, reference: UUID) -> BusySlot:
    """The hour that the other house calls so, before anything was heard of it."""
    id = uuid5(_SLOTS, f"heard/{handoff.partner}/{reference}")
    return BusySlot(id=id, person_id=handoff.person_id, case_id=handoff.case_id, through=_through(handoff))
