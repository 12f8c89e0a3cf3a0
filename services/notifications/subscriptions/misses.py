"""Promises that were not kept in time, whoever made them."""

from __future__ import annotations

from typing import Any

from chassis.hearing import Heard
from notifications import commands
from notifications.domain import words
from notifications.storage import Work
from notifications.subscriptions.group import HEARS, fact_of, instant_of
from throughcare.casework.v1 import events_pb2 as casework
from throughcare.partners.v1 import events_pb2 as partners
from throughcare.referral.v1 import events_pb2 as referral

_MISSES: dict[type[Any], str] = {
    referral.ReferralDeadlineMissed: "referral.deadline_missed",
    referral.ConsentDeadlineMissed: "consent.deadline_missed",
    casework.AllocationDeadlineMissed: "allocation.deadline_missed",
    casework.EngagementDeadlineMissed: "engagement.deadline_missed",
    partners.HandoffDeadlineMissed: "handoff.deadline_missed",
}


@HEARS.command(
    referral.ReferralDeadlineMissed,
    referral.ConsentDeadlineMissed,
    casework.AllocationDeadlineMissed,
    casework.EngagementDeadlineMissed,
    partners.HandoffDeadlineMissed,
)
async def tell_of_miss(work: Work, heard: Heard[Any]) -> None:
    """Who keeps the promise hears, and whoever stands above him where he does not answer."""
    due_at = instant_of(heard.message.due_at)
    fact = fact_of(
        _MISSES[type(heard.message)],
        heard,
        about=heard.message.promise,
        due_at=due_at,
        what=words.promise(heard.message.promise),
        due_on=words.written(due_at),
        filling=_known(heard),
    )
    await commands.request_notices.inside(work, fact)


def _known(heard: Heard[Any]) -> dict[str, str]:
    """A handoff is its own reference where no case of this house is concerned."""
    received = isinstance(heard.message, partners.HandoffDeadlineMissed) and heard.envelope.case_id is None
    return {"reference": heard.message.handoff_id} if received else {}
