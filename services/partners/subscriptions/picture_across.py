"""What the picture hears of partners (events.md 5.3): handoffs on either side, other houses, links.

Shares of other houses reach it as the facts that the gate of this one tells of them, so it needs no topic of theirs.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from partners.projections.picture import handoffs as facts
from partners.projections.picture.tables import rows
from partners.subscriptions.picture import PICTURE, instant_of, told_of
from throughcare.partners.v1 import events_pb2 as partners

if TYPE_CHECKING:
    from chassis.hearing import Heard
    from chassis.projection import Row

# What the receiver does, which the sender hears from him; and the other way round. An arrival is both.
_BY_RECEIVER = {
    partners.HandoffReceived,
    partners.HandoffInformationRequested,
    partners.HandoffAccepted,
    partners.HandoffWaitlisted,
    partners.HandoffDeclined,
    partners.HandoffStarted,
    partners.HandoffContactPlanned,
    partners.HandoffCompleted,
    partners.HandoffPurgeConfirmed,
    partners.HandoffFailed,
}
_BY_SENDER = {
    partners.HandoffReceived,
    partners.HandoffEnteredInError,
    partners.HandoffInformationSupplied,
    partners.HandoffRevokeRequested,
    partners.HandoffLoopClosed,
}
_BY_THE_OTHER = {partners.BusySlotHeard}
_DOING_OF_THE_OTHER = {"SENDER": _BY_RECEIVER | _BY_THE_OTHER, "RECEIVER": _BY_SENDER | _BY_THE_OTHER}


def _left(heard: Heard[Any], fact: Any, **given: Any) -> Iterable[Row]:
    """The rows this fact of a handoff leaves."""
    message = heard.message
    others = type(message) in _DOING_OF_THE_OTHER.get(message.side, ())
    told = told_of(heard, heard_from=message.partner if others else "")
    return rows(told, fact(facts.Of(told, UUID(message.handoff_id), message.side, message.partner), **given))


def _due(heard: Heard[Any]) -> dict[str, Any]:
    """When the next step is due, where one is."""
    return {"due_at": instant_of(heard.message.due_at) if heard.message.HasField("due_at") else None}


def _terms(heard: Heard[Any]) -> dict[str, Any]:
    return {"kind": heard.message.kind, "aspects": list(heard.message.aspect_codes), **_due(heard)}


@PICTURE.projection(partners.HandoffOffered)
def offered(heard: Heard[partners.HandoffOffered]) -> Iterable[Row]:
    """Which services, to whom, since when; what was shared stays behind."""
    return _left(heard, facts.offered, **_terms(heard))


@PICTURE.projection(partners.HandoffReceived)
def received(heard: Heard[partners.HandoffReceived]) -> Iterable[Row]:
    """The receiver has it; here somebody may become known by it."""
    return _left(heard, facts.received, **_terms(heard))


@PICTURE.projection(partners.HandoffInformationRequested)
def information_requested(heard: Heard[partners.HandoffInformationRequested]) -> Iterable[Row]:
    """A question is open."""
    return _left(heard, facts.information_requested, **_due(heard))


@PICTURE.projection(partners.HandoffInformationSupplied, partners.HandoffInformationLapsed)
def information_over(heard: Heard[Any]) -> Iterable[Row]:
    """It is open no more."""
    return _left(heard, facts.information_over, **_due(heard))


@PICTURE.projection(partners.HandoffAccepted)
def accepted(heard: Heard[partners.HandoffAccepted]) -> Iterable[Row]:
    """Taken on."""
    return _left(heard, facts.accepted, **_due(heard))


@PICTURE.projection(partners.HandoffWaitlisted)
def waitlisted(heard: Heard[partners.HandoffWaitlisted]) -> Iterable[Row]:
    """To be taken on when there is room."""
    return _left(heard, facts.waitlisted)


@PICTURE.projection(partners.HandoffStarted)
def started(heard: Heard[partners.HandoffStarted]) -> Iterable[Row]:
    """At work."""
    return _left(heard, facts.started)


@PICTURE.projection(partners.HandoffContactPlanned)
def contact_planned(heard: Heard[partners.HandoffContactPlanned]) -> Iterable[Row]:
    """When he is seen next; which service and step where they were told."""
    message = heard.message
    return _left(
        heard,
        facts.contact_planned,
        aspect=message.aspect_code,
        step=message.step_code,
        starts_at=instant_of(message.starts_at),
        ends_at=instant_of(message.ends_at),
    )


@PICTURE.projection(partners.BusySlotHeard)
def busy(heard: Heard[partners.BusySlotHeard]) -> Iterable[Row]:
    """He is busy then, another house says, or is not after all."""
    message = heard.message
    hours = {"starts_at": instant_of(message.starts_at), "ends_at": instant_of(message.ends_at)}
    return _left(heard, facts.busy, **hours, off=message.off)


@PICTURE.projection(partners.HandoffOnHold)
def on_hold(heard: Heard[partners.HandoffOnHold]) -> Iterable[Row]:
    """It rests; the group alone."""
    return _left(heard, facts.on_hold, reason_group=heard.message.reason_group)


@PICTURE.projection(partners.HandoffResumed)
def resumed(heard: Heard[partners.HandoffResumed]) -> Iterable[Row]:
    """It goes on."""
    return _left(heard, facts.resumed)


@PICTURE.projection(partners.HandoffCompleted)
def completed(heard: Heard[partners.HandoffCompleted]) -> Iterable[Row]:
    """Done; what came of it stays behind."""
    return _left(heard, facts.completed, **_due(heard))


_ENDS: dict[type[Any], str] = {
    partners.HandoffDeclined: "DECLINED",
    partners.HandoffRevoked: "REVOKED",
    partners.HandoffExpired: "EXPIRED",
    partners.HandoffFailed: "FAILED",
    partners.HandoffLoopClosed: "LOOP_CLOSED",
    partners.HandoffEnteredInError: "ENTERED_IN_ERROR",
}


@PICTURE.projection(
    partners.HandoffDeclined,
    partners.HandoffRevoked,
    partners.HandoffExpired,
    partners.HandoffFailed,
    partners.HandoffLoopClosed,
    partners.HandoffEnteredInError,
)
def ended(heard: Heard[Any]) -> Iterable[Row]:
    """Open no more; why stays behind."""
    return _left(heard, facts.ended, state=_ENDS[type(heard.message)])


@PICTURE.projection(partners.HandoffCorrected)
def corrected(heard: Heard[partners.HandoffCorrected]) -> Iterable[Row]:
    """What the work is, as it was corrected; what came of it stays behind."""
    message = heard.message
    return _left(heard, facts.corrected, kind=message.kind, aspects=list(message.aspect_codes))


@PICTURE.projection(partners.HandoffRevokeRequested)
def revoke_requested(heard: Heard[partners.HandoffRevokeRequested]) -> Iterable[Row]:
    """Asked back."""
    return _left(heard, facts.revoke_requested, **_due(heard))


@PICTURE.projection(partners.HandoffPurgeConfirmed)
def purge_confirmed(heard: Heard[partners.HandoffPurgeConfirmed]) -> Iterable[Row]:
    """What came with it is deleted."""
    return _left(heard, facts.purge_confirmed)


@PICTURE.projection(partners.HandoffDeadlineMissed)
def late(heard: Heard[partners.HandoffDeadlineMissed]) -> Iterable[Row]:
    """Late since."""
    message, told = heard.message, told_of(heard)
    of = facts.Of(told, UUID(message.handoff_id), message.side, "")
    return rows(told, facts.late(of, promise=message.promise, due_at=instant_of(message.due_at)))


@PICTURE.projection(partners.NodeRegistered)
def node_registered(heard: Heard[partners.NodeRegistered]) -> Iterable[Row]:
    """Whose house it is; its key stays behind."""
    told = told_of(heard)
    return rows(told, facts.node_registered(told, node_id=heard.message.node_id, org_id=heard.message.org_id))


@PICTURE.projection(partners.NodeHeartbeatMissed)
def node_unheard(heard: Heard[partners.NodeHeartbeatMissed]) -> Iterable[Row]:
    """Not heard since."""
    told = told_of(heard)
    return rows(told, facts.node_unheard(told, last_heard_at=instant_of(heard.message.last_heard_at)))


@PICTURE.projection(partners.NodeSuspended)
def node_suspended(heard: Heard[partners.NodeSuspended]) -> Iterable[Row]:
    """Nothing from it is applied since."""
    told = told_of(heard)
    return rows(told, facts.node_suspended(told))


@PICTURE.projection(partners.NodeResumed)
def node_resumed(heard: Heard[partners.NodeResumed]) -> Iterable[Row]:
    """Heard again."""
    told = told_of(heard)
    return rows(told, facts.node_resumed(told))


@PICTURE.projection(partners.SubjectLinkConfirmed)
def linked(heard: Heard[partners.SubjectLinkConfirmed]) -> Iterable[Row]:
    """Somebody brought by a partner's reference is a person known here; the reference stays behind."""
    told = told_of(heard)
    known_as = str(told.person_id or "")
    return rows(told, facts.linked(told, person_id=heard.message.previous_person_id, known_as=known_as, holds=True))


@PICTURE.projection(partners.SubjectLinkUndone)
def unlinked(heard: Heard[partners.SubjectLinkUndone]) -> Iterable[Row]:
    """He is not after all."""
    told = told_of(heard)
    known_as = str(told.person_id or "")
    return rows(told, facts.linked(told, person_id=heard.message.person_id, known_as=known_as, holds=False))
