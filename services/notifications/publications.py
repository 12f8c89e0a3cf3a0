"""What notifications tells: that a notice is to be sent and what became of it, in codes. Never to whom or what."""

from __future__ import annotations

from typing import Any

from chassis.journal import Publications
from notifications.domain.notice_facts import (
    About,
    Acknowledged,
    Delivered,
    Escalated,
    Expired,
    Failed,
    LeftUnknown,
    Missed,
    Requested,
    Resolved,
    Retried,
    Sent,
    Suppressed,
)
from throughcare.notifications.v1 import events_pb2 as told

PUBLICATIONS = Publications("notifications")


def _said(about: About, reason: str = "") -> dict[str, Any]:
    return {
        "template_id": about.template,
        "template_version": about.template_version,
        "channel": about.channel.value,
        "recipient_role": about.recipient_role,
        "reason_code": reason,
    }


@PUBLICATIONS.tells(Requested)
def requested(fact: Requested) -> told.NotificationRequested:
    """notification.requested."""
    return told.NotificationRequested(**_said(fact.concerns, fact.reason))


@PUBLICATIONS.tells(Retried)
def retried(fact: Retried) -> told.NotificationRequested:
    """notification.requested, once more."""
    return told.NotificationRequested(**_said(fact.concerns, "RETRIED"))


@PUBLICATIONS.tells(Suppressed)
def suppressed(fact: Suppressed) -> told.NotificationSuppressed:
    """notification.suppressed."""
    return told.NotificationSuppressed(**_said(fact.concerns, fact.reason.value))


@PUBLICATIONS.tells(Sent)
def sent(fact: Sent) -> told.NotificationSent:
    """notification.sent."""
    return told.NotificationSent(**_said(fact.concerns))


@PUBLICATIONS.tells(Delivered)
def delivered(fact: Delivered) -> told.NotificationDelivered:
    """notification.delivered."""
    return told.NotificationDelivered(**_said(fact.concerns))


@PUBLICATIONS.tells(Acknowledged)
def acknowledged(fact: Acknowledged) -> told.NotificationAcknowledged:
    """notification.acknowledged."""
    return told.NotificationAcknowledged(**_said(fact.concerns))


@PUBLICATIONS.tells(Failed)
def failed(fact: Failed) -> told.NotificationFailed:
    """notification.failed; for now or for good stands with the reason."""
    return told.NotificationFailed(**_said(fact.concerns, f"{fact.status}:{fact.reason.value}"))


@PUBLICATIONS.tells(LeftUnknown)
def left_unknown(fact: LeftUnknown) -> told.NotificationUnknown:
    """notification.unknown."""
    return told.NotificationUnknown(**_said(fact.concerns))


@PUBLICATIONS.tells(Resolved)
def resolved(fact: Resolved) -> told.NotificationResolved:
    """notification.resolved; the note stays in the house."""
    return told.NotificationResolved(**_said(fact.concerns, fact.outcome))


@PUBLICATIONS.tells(Escalated)
def escalated(fact: Escalated) -> told.NotificationEscalated:
    """notification.escalated."""
    return told.NotificationEscalated(**_said(fact.concerns))


@PUBLICATIONS.tells(Expired)
def expired(fact: Expired) -> told.NotificationExpired:
    """notification.expired."""
    return told.NotificationExpired(**_said(fact.concerns, "USE_BY"))


@PUBLICATIONS.tells(Missed)
def missed(fact: Missed) -> told.NotificationDeadlineMissed:
    """notification.deadline_missed (L19)."""
    return told.NotificationDeadlineMissed(
        promise=fact.promise, due_at=fact.due_at, missed_at=fact.at, policy_version=fact.policy_version
    )
