"""What is heard of handoffs from the other house; each is applied by a command of its own.

Who speaks is who has signed, of whom stands in the envelope: a word about a handoff that is not between these two,
or about somebody else, is refused and waits for a person to look at it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from chassis.access import by
from chassis.aggregate import NotFound, Unmet
from chassis.work import command
from partners.commands.busy_slots import heard_slot, put_and_tell
from partners.commands.handoffs.looking import locked, partner_of
from partners.commands.handoffs.resting import rest_as_based
from partners.commands.links import linked
from partners.domain.handoff import hearing, holding, mending, receiver
from partners.domain.handoff.codes import Side
from partners.domain.handoff.states import Status

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from partners.domain.busy_slot import Hours
    from partners.domain.codes import Aspect
    from partners.domain.handoff.aggregate import Handoff
    from partners.domain.handoff.codes import Category, Kind, Origin, Outcome, ReasonGroup, Step
    from partners.domain.handoff.states import Contact, Grounds, Said
    from partners.storage import Work

HOUSE = by("SYSTEM")


@dataclass(frozen=True, kw_only=True)
class Word:
    """One word of the other house: who says it, about which handoff and whom, when."""

    node: str
    handoff_id: UUID
    subject_ref: str
    said: Said


@dataclass(frozen=True, kw_only=True)
class Content:
    """What an offer says."""

    kind: Kind
    aspects: tuple[Aspect, ...]
    offer_id: UUID | None
    categories: tuple[Category, ...]
    scope_hash: str
    origin: Origin
    grounds: Grounds
    detail_ref: str
    expires_at: datetime


async def _between(work: Work, word: Word, side: Side) -> Handoff:
    """The handoff the word is about, where this house stands on that side of it. A house knows nothing of an offer
    whose basis had ended before it left: then what follows it is a race."""
    found = await locked(work, word.handoff_id)
    if found is None and side is Side.RECEIVER:
        raise Unmet("offer_unheard", "This offer has not come here.")
    if found is None or found.side is not side or not _is_about(work, found, word):
        raise NotFound("handoff_unknown", "There is no such handoff between these two houses.")
    return found


def _is_about(work: Work, found: Handoff, word: Word) -> bool:
    his = found.subject_ref or work.works.names.subject_ref(found.partner, found.person_id)
    return (found.partner, his) == (word.node, word.subject_ref)


async def _told_sender(work: Work, word: Word, heard: Callable[..., Handoff], *args: Any) -> int:
    """The receiver's word. What lives again by it rests or goes on by what holds now."""
    handoff = await _between(work, word, Side.SENDER)
    value = heard(handoff, *args, said=word.said, at=work.now)
    lives_again = handoff.status in (Status.EXPIRED, Status.REVOKE_PENDING) and value.open and not value.revoking
    if lives_again:
        value = await rest_as_based(work, value)
    return await put_and_tell(work, handoff, value)


async def _told_receiver(work: Work, word: Word, heard: Callable[..., Handoff], *args: Any) -> int:
    """The sender's word."""
    handoff = await _between(work, word, Side.RECEIVER)
    return await put_and_tell(work, handoff, heard(handoff, *args, said=word.said, at=work.now))


@command("handoff.acknowledge", HOUSE)
async def acknowledge_handoff(work: Work, word: Word, *, content: Content) -> int:
    """An offer has arrived: it is received at once, under a name for him that only this house has."""
    found = await locked(work, word.handoff_id)
    if found is not None:
        if found.side is Side.RECEIVER and _is_about(work, found, word):
            return found.version  # it came twice
        raise NotFound("handoff_unknown", "There is no such handoff between these two houses.")
    partner = await partner_of(work, word.node)
    link = await linked(work, word.node, word.subject_ref)
    arrival = receiver.Arrival(
        handoff_id=word.handoff_id,
        partner=partner.node,
        partner_org=partner.org,
        own_org=work.settings.node_organisation,
        to_probation=partner.to_probation,
        subject_ref=word.subject_ref,
        person_id=link.minted_id,
        **{name: getattr(content, name) for name in Content.__dataclass_fields__},
    )
    answering = replace(arrival, grounds=await _answering(work, content.grounds))
    return await work.handoffs.put(receiver.acknowledge(answering, said=word.said, at=work.now))


async def _answering(work: Work, grounds: Grounds) -> Grounds:
    """On what this house tells back: the same agreement, by its own terms in it."""
    agreement = await work.agreements.first(id=grounds.isa_id)
    parties = agreement.terms.parties if agreement else ()
    own = next((party for party in parties if party.org_id == work.settings.node_organisation), None)
    if own is None:
        return grounds
    return replace(grounds, regime=own.regime.value, lawful_basis=own.lawful_basis.value)


@command("handoff.hear_received", HOUSE)
async def hear_received(work: Work, word: Word) -> int:
    """The receiver has it."""
    return await _told_sender(work, word, hearing.received)


@command("handoff.hear_information_requested", HOUSE)
async def hear_information_requested(work: Work, word: Word, *, round_: int, items: int, detail_ref: str) -> int:
    """The receiver asks."""
    return await _told_sender(work, word, hearing.information_requested, round_, items, detail_ref)


@command("handoff.hear_information_lapsed", HOUSE)
async def hear_information_lapsed(work: Work, word: Word, *, round_: int) -> int:
    """The receiver waits no longer for an answer."""
    return await _told_sender(work, word, hearing.information_lapsed, round_)


@command("handoff.hear_accepted", HOUSE)
async def hear_accepted(work: Work, word: Word) -> int:
    """The receiver takes it on."""
    return await _told_sender(work, word, hearing.accepted)


@command("handoff.hear_waitlisted", HOUSE)
async def hear_waitlisted(work: Work, word: Word) -> int:
    """The receiver will take it on."""
    return await _told_sender(work, word, hearing.waitlisted)


@command("handoff.hear_declined", HOUSE)
async def hear_declined(work: Work, word: Word, *, group: ReasonGroup) -> int:
    """The receiver does not take it on."""
    return await _told_sender(work, word, hearing.declined, group)


@command("handoff.hear_started", HOUSE)
async def hear_started(work: Work, word: Word) -> int:
    """The receiver has begun."""
    return await _told_sender(work, word, hearing.started)


@command("handoff.hear_completed", HOUSE)
async def hear_completed(work: Work, word: Word, *, outcome: Outcome) -> int:
    """The receiver has done it."""
    return await _told_sender(work, word, hearing.completed, outcome)


@command("handoff.hear_failed", HOUSE)
async def hear_failed(work: Work, word: Word, *, group: ReasonGroup) -> int:
    """The receiver cannot carry it through."""
    return await _told_sender(work, word, hearing.failed, group)


@command("handoff.hear_contact_planned", HOUSE)
async def hear_contact_planned(work: Work, word: Word, *, contact: Contact) -> int:
    """The receiver sees him then, for this."""
    handoff = await _between(work, word, Side.SENDER)
    return await work.handoffs.put(hearing.contact_planned(handoff, contact, openly=True, at=work.now))


@command("handoff.hear_busy_slot", HOUSE)
async def hear_busy_slot(work: Work, word: Word, *, contact: Contact) -> int:
    """The receiver sees him then; with what, is not said, so that it may be for other work than a handoff."""
    found = await locked(work, word.handoff_id)
    if found is None or found.side is not Side.SENDER or not _is_about(work, found, word):
        raise Unmet("no_handoff", "This hour belongs to no handoff of ours.")
    return await work.handoffs.put(hearing.contact_planned(found, contact, openly=False, at=work.now))


@command("handoff.hear_busy_elsewhere", HOUSE)
async def hear_busy_elsewhere(work: Work, word: Word, *, reference: UUID, hours: Hours) -> int:
    """The other house says when he is busy with other work; of a handoff that is over or never came, a race."""
    found = await locked(work, word.handoff_id)
    if found is None or not found.open or not _is_about(work, found, word):
        raise Unmet("no_handoff", "This hour belongs to no handoff of ours.")
    slot = heard_slot(found, reference)
    held = await work.busy_slots.first(id=slot.id)
    return await work.busy_slots.put((held or slot).hear(hours, at=work.now))


@command("handoff.hear_purge_confirmed", HOUSE)
async def hear_purge_confirmed(work: Work, word: Word, *, ended_as: Status) -> int:
    """The receiver has deleted what came with it."""
    return await _told_sender(work, word, hearing.purge_confirmed, ended_as)


@command("handoff.hear_information_supplied", HOUSE)
async def hear_information_supplied(work: Work, word: Word, *, round_: int, detail_ref: str) -> int:
    """The sender has answered."""
    return await _told_receiver(work, word, hearing.information_supplied, round_, detail_ref)


@command("handoff.hear_loop_closed", HOUSE)
async def hear_loop_closed(work: Work, word: Word) -> int:
    """The sender has seen the outcome."""
    return await _told_receiver(work, word, hearing.loop_closed)


@command("handoff.hear_revoke_requested", HOUSE)
async def hear_revoke_requested(work: Work, word: Word) -> int:
    """The sender wants it back: where nothing was decided, what came with it is deleted at once."""
    version = await _told_receiver(work, word, hearing.revoke_requested)
    handoff = await work.handoffs.get(word.handoff_id)
    if handoff.status is not Status.REVOKE_PENDING:
        return version
    return await confirm_purge.inside(work, word.handoff_id)  # type: ignore[no-any-return]


@command("handoff.confirm_purge", HOUSE)
async def confirm_purge(work: Work, handoff_id: UUID) -> int:
    """Delete what came with it, and say so."""
    handoff = await work.handoffs.get(handoff_id)
    return await work.handoffs.put(receiver.confirm_purge(handoff, at=work.now))


@command("handoff.hear_superseded", HOUSE)
async def hear_superseded(work: Work, word: Word, *, lost: Step) -> int:
    """A receipt of ours came too late."""
    handoff = await _between(work, word, Side.RECEIVER)
    return await work.handoffs.put(hearing.superseded(handoff, lost, at=work.now))


@command("handoff.hear_corrected", HOUSE)
async def hear_corrected(
    work: Work, word: Word, *, kind: Kind, aspects: tuple[Aspect, ...], outcome: Outcome | None
) -> int:
    """The other side has corrected what it had said."""
    handoff = await _between(work, word, await _side(work, word))
    return await work.handoffs.put(mending.hear_corrected(handoff, kind, aspects, outcome, at=work.now))


@command("handoff.hear_entered_in_error", HOUSE)
async def hear_entered_in_error(work: Work, word: Word) -> int:
    """The sender takes it back as never having been: what came with it is deleted at once."""
    return await _told_receiver(work, word, mending.hear_entered_in_error)


@command("handoff.hear_deadline_missed", HOUSE)
async def hear_deadline_missed(work: Work, word: Word, *, promise: str, due_at: datetime, policy_version: str) -> int:
    """The other side tells what one of the two was late with."""
    side = await _side(work, word)
    told = _told_sender if side is Side.SENDER else _told_receiver
    return await told(work, word, hearing.deadline_missed, promise, due_at, policy_version)


@command("handoff.hear_on_hold", HOUSE)
async def hear_on_hold(work: Work, word: Word, *, group: ReasonGroup) -> int:
    """The other side lets it rest."""
    side = await _side(work, word)
    told = _told_sender if side is Side.SENDER else _told_receiver
    return await told(work, word, holding.hear_on_hold, group)


@command("handoff.hear_resumed", HOUSE)
async def hear_resumed(work: Work, word: Word) -> int:
    """The other side lets it go on."""
    side = await _side(work, word)
    told = _told_sender if side is Side.SENDER else _told_receiver
    return await told(work, word, holding.hear_resumed)


async def _side(work: Work, word: Word) -> Side:
    """On which side this house stands; of one that is not known here, the receiver's."""
    found = await work.handoffs.first(id=word.handoff_id)
    return found.side if found else Side.RECEIVER
