"""What the other houses say of handoffs; each word leads to one command, which judges by `states.md` 7.

One refusal is a race: a house that never got an offer, since its basis had ended before it left, hears what follows.
A redirect of the house itself is handed on where the gate lets it. Where no agreement between the houses does, it stays
a signpost; where he himself has yet to be asked, it waits for somebody to ask him.
"""

from __future__ import annotations

from datetime import UTC
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from chassis.aggregate import Fault, Invalid
from partners.commands import handoffs as commands
from partners.commands.handoffs.hearing import Content, Word
from partners.domain.busy_slot import Hours
from partners.domain.codes import Aspect
from partners.domain.handoff.codes import (
    Category,
    ConfidentialityBasis,
    Kind,
    Origin,
    Outcome,
    ReasonGroup,
    Step,
    StepCode,
)
from partners.domain.handoff.states import Contact, Grounds, Said, Status
from partners.subscriptions.gate import GATE
from throughcare.partners.v1 import shares_pb2 as shared
from throughcare.referral.v1 import events_pb2 as referral

if TYPE_CHECKING:
    from datetime import datetime

    from google.protobuf.timestamp_pb2 import Timestamp

    from chassis.hearing import Heard
    from partners.storage import Work


C = TypeVar("C", bound=StrEnum)


def _at(stamp: Timestamp) -> datetime:
    return stamp.ToDatetime(tzinfo=UTC)


def _code(kind: type[C], value: str, path: str) -> C:
    """A code as it is known here; one that is not waits for a person, or for the release that knows it."""
    try:
        return kind(value)
    except ValueError:
        raise Invalid(Fault(path, "UNKNOWN_CODE")) from None


def _id(value: str, path: str) -> UUID:
    try:
        return UUID(value)
    except ValueError:
        raise Invalid(Fault(path, "INVALID_FORMAT")) from None


def _group(heard: Heard[Any]) -> ReasonGroup:
    return _code(ReasonGroup, heard.message.reason_group, "reason_group")


def _word(heard: Heard[Any], handoff_id: str = "") -> Word:
    of = heard.envelope
    return Word(
        node=of.source_node,
        handoff_id=_id(handoff_id or heard.message.handoff_id, "handoff_id"),
        subject_ref=of.subject_ref,
        said=Said(at=of.occurred_at, recorded_at=of.recorded_at),
    )


@GATE.command(
    referral.ReferralRedirected,
    ignored_when=(
        "isa_not_in_force",
        "purpose_not_agreed",
        "category_not_agreed",
        "recipient_is_owner",
        "listed",
        "offer_unknown",
        "offer_not_open",
    ),
)
async def redirected(work: Work, heard: Heard[referral.ReferralRedirected]) -> None:
    """He agreed to be led on to an offer."""
    case_id, offer_id = heard.envelope.case_id, heard.message.offer_id
    if case_id is None or not offer_id:
        raise ValueError("a redirect without its case or where it leads")
    await commands.redirect.inside(work, case_id=UUID(str(case_id)), offer_id=_id(offer_id, "offer_id"))


@GATE.command(shared.SharedHandoffOffered)
async def offered(work: Work, heard: Heard[shared.SharedHandoffOffered]) -> None:
    """Something is offered to this house."""
    message, of = heard.message, heard.envelope
    if of.isa_id is None:
        raise Invalid(Fault("isa_id", "REQUIRED"))
    content = Content(
        kind=_code(Kind, message.kind, "kind"),
        aspects=tuple(_code(Aspect, code, "aspect_codes") for code in message.aspect_codes),
        offer_id=_id(message.offer_id, "offer_id") if message.offer_id else None,
        categories=tuple(_code(Category, code, "categories") for code in message.categories),
        scope_hash=message.scope_hash,
        origin=_code(Origin, message.origin, "origin"),
        grounds=Grounds(
            regime=of.regime,
            lawful_basis=of.lawful_basis,
            confidentiality_basis=_code(ConfidentialityBasis, of.confidentiality_basis, "confidentiality_basis"),
            isa_id=UUID(str(of.isa_id)),
        ),
        detail_ref=of.detail_ref,
        expires_at=_at(message.expires_at),
    )
    await commands.acknowledge_handoff.inside(work, _word(heard), content=content)


@GATE.command(shared.SharedHandoffReceived)
async def received(work: Work, heard: Heard[shared.SharedHandoffReceived]) -> None:
    """The receiver has it."""
    await commands.hear_received.inside(work, _word(heard))


@GATE.command(shared.SharedHandoffInformationRequested)
async def information_requested(work: Work, heard: Heard[shared.SharedHandoffInformationRequested]) -> None:
    """The receiver asks."""
    message, ref = heard.message, heard.envelope.detail_ref
    asked = {"round_": message.round, "items": message.item_count, "detail_ref": ref}
    await commands.hear_information_requested.inside(work, _word(heard), **asked)


@GATE.command(shared.SharedHandoffInformationSupplied, ignored_when=("offer_unheard",))
async def information_supplied(work: Work, heard: Heard[shared.SharedHandoffInformationSupplied]) -> None:
    """The sender has answered."""
    answered = {"round_": heard.message.round, "detail_ref": heard.envelope.detail_ref}
    await commands.hear_information_supplied.inside(work, _word(heard), **answered)


@GATE.command(shared.SharedHandoffInformationLapsed)
async def information_lapsed(work: Work, heard: Heard[shared.SharedHandoffInformationLapsed]) -> None:
    """The receiver waits no longer."""
    await commands.hear_information_lapsed.inside(work, _word(heard), round_=heard.message.round)


@GATE.command(shared.SharedHandoffAccepted)
async def accepted(work: Work, heard: Heard[shared.SharedHandoffAccepted]) -> None:
    """The receiver takes it on."""
    await commands.hear_accepted.inside(work, _word(heard))


@GATE.command(shared.SharedHandoffWaitlisted)
async def waitlisted(work: Work, heard: Heard[shared.SharedHandoffWaitlisted]) -> None:
    """The receiver will."""
    await commands.hear_waitlisted.inside(work, _word(heard))


@GATE.command(shared.SharedHandoffDeclined)
async def declined(work: Work, heard: Heard[shared.SharedHandoffDeclined]) -> None:
    """The receiver does not."""
    await commands.hear_declined.inside(work, _word(heard), group=_group(heard))


@GATE.command(shared.SharedHandoffStarted)
async def started(work: Work, heard: Heard[shared.SharedHandoffStarted]) -> None:
    """The receiver has begun."""
    await commands.hear_started.inside(work, _word(heard))


@GATE.command(shared.SharedHandoffCompleted)
async def completed(work: Work, heard: Heard[shared.SharedHandoffCompleted]) -> None:
    """The receiver has done it."""
    await commands.hear_completed.inside(work, _word(heard), outcome=_code(Outcome, heard.message.outcome, "outcome"))


@GATE.command(shared.SharedHandoffFailed)
async def failed(work: Work, heard: Heard[shared.SharedHandoffFailed]) -> None:
    """The receiver cannot carry it through."""
    await commands.hear_failed.inside(work, _word(heard), group=_group(heard))


@GATE.command(shared.SharedHandoffLoopClosed, ignored_when=("offer_unheard",))
async def loop_closed(work: Work, heard: Heard[shared.SharedHandoffLoopClosed]) -> None:
    """The sender has seen the outcome."""
    await commands.hear_loop_closed.inside(work, _word(heard))


@GATE.command(shared.SharedHandoffRevokeRequested, ignored_when=("offer_unheard",))
async def revoke_requested(work: Work, heard: Heard[shared.SharedHandoffRevokeRequested]) -> None:
    """The sender wants it back."""
    await commands.hear_revoke_requested.inside(work, _word(heard))


@GATE.command(shared.SharedHandoffPurgeConfirmed)
async def purge_confirmed(work: Work, heard: Heard[shared.SharedHandoffPurgeConfirmed]) -> None:
    """The receiver has deleted what came with it."""
    await commands.hear_purge_confirmed.inside(work, _word(heard), ended_as=_code(Status, heard.message.state, "state"))


@GATE.command(shared.SharedHandoffSuperseded, ignored_when=("offer_unheard",))
async def superseded(work: Work, heard: Heard[shared.SharedHandoffSuperseded]) -> None:
    """A step of this house came too late."""
    await commands.hear_superseded.inside(work, _word(heard), lost=_code(Step, heard.message.lost, "lost"))


@GATE.command(shared.SharedHandoffCorrected, ignored_when=("offer_unheard",))
async def corrected(work: Work, heard: Heard[shared.SharedHandoffCorrected]) -> None:
    """The other side has corrected what it had said."""
    message = heard.message
    await commands.hear_corrected.inside(
        work,
        _word(heard),
        kind=_code(Kind, message.kind, "kind"),
        aspects=tuple(_code(Aspect, code, "aspect_codes") for code in message.aspect_codes),
        outcome=_code(Outcome, message.outcome, "outcome") if message.outcome else None,
    )


@GATE.command(shared.SharedHandoffEnteredInError, ignored_when=("offer_unheard",))
async def entered_in_error(work: Work, heard: Heard[shared.SharedHandoffEnteredInError]) -> None:
    """The sender takes it back as never having been."""
    await commands.hear_entered_in_error.inside(work, _word(heard))


@GATE.command(shared.SharedHandoffDeadlineMissed, ignored_when=("offer_unheard",))
async def deadline_missed(work: Work, heard: Heard[shared.SharedHandoffDeadlineMissed]) -> None:
    """What one of the two was late with."""
    message = heard.message
    missed = {"promise": message.promise, "policy_version": message.policy_version}
    await commands.hear_deadline_missed.inside(work, _word(heard), due_at=_at(message.due_at), **missed)


@GATE.command(shared.SharedHandoffOnHold, ignored_when=("offer_unheard",))
async def on_hold(work: Work, heard: Heard[shared.SharedHandoffOnHold]) -> None:
    """The other side lets it rest."""
    await commands.hear_on_hold.inside(work, _word(heard), group=_group(heard))


@GATE.command(shared.SharedHandoffResumed, ignored_when=("offer_unheard",))
async def resumed(work: Work, heard: Heard[shared.SharedHandoffResumed]) -> None:
    """The other side lets it go on."""
    await commands.hear_resumed.inside(work, _word(heard))


@GATE.command(shared.SharedNextContact)
async def next_contact(work: Work, heard: Heard[shared.SharedNextContact]) -> None:
    """The receiver sees him then, for this."""
    message = heard.message
    contact = Contact(
        aspect=_code(Aspect, message.aspect_code, "aspect_code") if message.aspect_code else None,
        step=_code(StepCode, message.step_code, "step_code") if message.step_code else None,
        starts_at=_at(message.starts_at),
        ends_at=_at(message.ends_at),
    )
    await commands.hear_contact_planned.inside(work, _word(heard), contact=contact)


@GATE.command(shared.SharedBusySlot, ignored_when=("no_handoff",))
async def busy_slot(work: Work, heard: Heard[shared.SharedBusySlot]) -> None:
    """He is busy then: the receiver sees him, or the other house says so of work that is none of this handoff."""
    starts_at, ends_at = _at(heard.message.starts_at), _at(heard.message.ends_at)
    if heard.message.handoff_id:
        hours = Hours(starts_at=starts_at, ends_at=ends_at, off=heard.message.off)
        reference = UUID(str(heard.envelope.aggregate_id))
        await commands.hear_busy_elsewhere.inside(work, _word(heard), reference=reference, hours=hours)
        return
    contact = Contact(aspect=None, step=None, starts_at=starts_at, ends_at=ends_at)
    word = _word(heard, str(heard.envelope.aggregate_id))
    await commands.hear_busy_slot.inside(work, word, contact=contact)
