"""Facts of work offered between houses: each side hears of them in its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from chassis.hearing import Heard
from chassis.projection import Row
from notifications import commands
from notifications.domain import words
from notifications.storage import Work
from notifications.subscriptions.group import HEARS, fact_of, kept_by
from throughcare.partners.v1 import events_pb2 as partners

SENDER, RECEIVER = "SENDER", "RECEIVER"


async def _told(work: Work, name: str, heard: Heard[Any], *, what: str = "", about: str = "") -> None:
    """Where no case of this house is concerned, the handoff itself is the reference."""
    known = {} if heard.envelope.case_id else {"reference": heard.message.handoff_id}
    fact = fact_of(name, heard, what=what, about=about, filling=known)
    await commands.request_notices.inside(work, fact)


@HEARS.command(partners.HandoffOffered)
async def tell_of_offered(work: Work, heard: Heard[partners.HandoffOffered]) -> None:
    """Whoever has to do with it here hears that it went out."""
    await _told(work, "handoff.offered", heard, what="work was offered to another organisation", about=SENDER)


@HEARS.command(partners.HandoffReceived)
async def tell_of_received(work: Work, heard: Heard[partners.HandoffReceived]) -> None:
    """Where it came in, it is to be acknowledged by a person too; where it went out, it has arrived."""
    if heard.message.side == RECEIVER:
        await _told(work, "handoff.offered", heard, what="another organisation offers you work", about=RECEIVER)
        return
    await _told(work, "handoff.received", heard)


@HEARS.command(partners.HandoffAccepted)
async def tell_of_accepted(work: Work, heard: Heard[partners.HandoffAccepted]) -> None:
    """Both sides hear."""
    await _told(work, "handoff.accepted", heard, what="the work is taken on")


@HEARS.command(partners.HandoffDeclined)
async def tell_of_declined(work: Work, heard: Heard[partners.HandoffDeclined]) -> None:
    """Both sides hear, by the group of the reason alone."""
    what = f"the work is not taken on, {words.group(heard.message.reason_group)}"
    await _told(work, "handoff.declined", heard, what=what)


@HEARS.command(partners.HandoffExpired)
async def tell_of_expired(work: Work, heard: Heard[partners.HandoffExpired]) -> None:
    """Both sides hear."""
    await _told(work, "handoff.expired", heard, what="nobody received the offer in time")


@HEARS.command(partners.HandoffFailed)
async def tell_of_failed(work: Work, heard: Heard[partners.HandoffFailed]) -> None:
    """Both sides hear, by the group of the reason alone."""
    what = f"the work could not be carried through, {words.group(heard.message.reason_group)}"
    await _told(work, "handoff.failed", heard, what=what)


# What tells nobody, and answers what was told.
_ANSWERS: dict[type[Any], str] = {
    partners.HandoffWaitlisted: "handoff.waitlisted",
    partners.HandoffStarted: "handoff.started",
    partners.HandoffCompleted: "handoff.completed",
    partners.HandoffLoopClosed: "handoff.loop_closed",
    partners.HandoffRevoked: "handoff.revoked",
    partners.HandoffPurgeConfirmed: "handoff.purge_confirmed",
    partners.HandoffEnteredInError: "handoff.entered_in_error",
}
_NAMES: dict[type[Any], str] = {
    **_ANSWERS,
    partners.HandoffReceived: "handoff.received",
    partners.HandoffAccepted: "handoff.accepted",
    partners.HandoffDeclined: "handoff.declined",
    partners.HandoffExpired: "handoff.expired",
    partners.HandoffFailed: "handoff.failed",
}


@HEARS.command(
    partners.HandoffWaitlisted,
    partners.HandoffStarted,
    partners.HandoffCompleted,
    partners.HandoffLoopClosed,
    partners.HandoffRevoked,
    partners.HandoffPurgeConfirmed,
    partners.HandoffEnteredInError,
)
async def answer_with_step(work: Work, heard: Heard[Any]) -> None:
    """What was open of it is answered."""
    await _told(work, _ANSWERS[type(heard.message)], heard)


@HEARS.projection(
    partners.HandoffReceived,
    partners.HandoffAccepted,
    partners.HandoffDeclined,
    partners.HandoffExpired,
    partners.HandoffFailed,
    partners.HandoffWaitlisted,
    partners.HandoffStarted,
    partners.HandoffCompleted,
    partners.HandoffLoopClosed,
    partners.HandoffRevoked,
    partners.HandoffPurgeConfirmed,
)
def step_kept(heard: Heard[Any]) -> Iterable[Row]:
    """Which promises of the handoff this step keeps."""
    return kept_by(_NAMES[type(heard.message)], heard, heard.envelope.aggregate_id)
