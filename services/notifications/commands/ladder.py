"""What time does to a notice: its use-by, its ladder, and the promise to hand it over in time (L19)."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from chassis.access import by
from chassis.promises import Drop, Make, Move
from chassis.work import command
from notifications.commands.desk import Desk, next_of
from notifications.commands.requests import request_notices
from notifications.domain.audience import MISSED, Fact, Recipient
from notifications.domain.notice import ARRIVED, LEASE, MAY_ESCALATE, WAITING, Notice, Status
from notifications.domain.timing import Planned, To, in_force, step_after
from notifications.domain.words import written
from notifications.storage import LOCK_NOTICES, Around, Work

HOUSE = by("SYSTEM")
LOOK_AGAIN = timedelta(minutes=5)
A_MOMENT = timedelta(seconds=10)
# Suppressed for these reasons, nobody was told: the ladder goes on.
_NOBODY_TOLD = ("RECIPIENT_LEFT", "CASE_RESTRICTED")


@command("notice.expire", HOUSE)
async def expire_notice(work: Work, notice_id: UUID) -> None:
    """It is of no use any more; while its channel is being called, that is asked again when the lease is over."""
    notice = await _locked(work, notice_id)
    if notice.status is Status.SENDING or (notice.status in WAITING and work.now < notice.use_by):
        again = max(work.now + LEASE, notice.use_by)
        work.change(Move("USE_BY", again), aggregate_type="notice", aggregate_id=notice_id)
    elif notice.status in WAITING:
        await work.notices.put(notice.expire(at=work.now))
    else:
        work.change(Drop("USE_BY"), aggregate_type="notice", aggregate_id=notice_id)


@command("notice.miss", HOUSE)
async def miss_handing_over(work: Work, notice_id: UUID, due_at: datetime, looked: bool) -> None:  # noqa: FBT001 - by name
    """It was not handed to its channel in time: a fact, told in the house, and a notice to whoever keeps L19.

    Where the clock jumped, the sender has not had its turn yet: the first time, it is given a moment.
    """
    notice = await _locked(work, notice_id)
    if not looked:
        again = Make("L19", due_at=work.now + A_MOMENT, detail={"due_at": due_at.isoformat()})
        work.change(again, aggregate_type="notice", aggregate_id=notice_id)
        return
    policy = in_force((await work.dated()).policies, notice.urgency, work.today)
    await work.notices.put(notice.miss("L19", due_at=due_at, policy_version=policy.version, at=work.now))
    fact = Fact(
        name=f"notification.{MISSED}",
        event_id=notice.id,
        at=work.now,
        about="L19",
        subject_id=notice.id,
        filling={"what": "a notice was not handed to its channel", "due_on": written(due_at)},
        promises=False,
    )
    await request_notices.inside(work, fact)


async def _locked(work: Work, notice_id: UUID) -> Notice:
    await work.conn.fetch(LOCK_NOTICES, [notice_id])
    return await work.notices.get(notice_id)


@command("notice.escalate", HOUSE)
async def escalate_notice(work: Work, notice_id: UUID) -> None:
    """Its next step is due: nobody acknowledged it, it failed, or nobody can say whether it left."""
    notice = await _locked(work, notice_id)
    policy = in_force((await work.dated()).policies, notice.urgency, work.today)
    planned = step_after(policy, notice.groups, notice.step, notice.anchor_at)
    around = await work.around(notice.case_id, notice.person_id)
    if planned is None or around.deceased or await _is_settled(work, notice):
        work.change(Drop("LADDER"), aggregate_type="notice", aggregate_id=notice_id)
        return
    if notice.status in {*WAITING, Status.SENDING} and not notice.ack_wanted:
        work.change(Move("LADDER", work.now + LOOK_AGAIN), aggregate_type="notice", aggregate_id=notice_id)
        return
    await _go_up(work, notice, planned, around)


async def _is_settled(work: Work, notice: Notice) -> bool:
    """Whether nothing is left to be told of this matter."""
    if notice.status is Status.SUPPRESSED:
        return notice.reason not in _NOBODY_TOLD
    if notice.status in {Status.ACKNOWLEDGED, Status.EXPIRED, Status.ESCALATED}:
        return True
    if notice.status in ARRIVED and not notice.ack_wanted:
        return True
    matter = await work.notices.find(event_id=notice.event_id, template=notice.template, chain=notice.chain)
    return any(each.status is Status.ACKNOWLEDGED for each in matter)


async def _go_up(work: Work, notice: Notice, planned: Planned, around: Around) -> None:
    desk, asked = Desk(work), 0
    for recipient in _recipients(notice, planned, around):
        held = await work.notices.find(
            event_id=notice.event_id, recipient_ref=recipient.ref, template=notice.template, rung=planned.rung
        )
        if not held:
            await desk.ask_for(next_of(notice, planned, recipient, carries=asked == 0))
            asked += 1
    if notice.status in MAY_ESCALATE:
        await work.notices.put(notice.escalate(at=work.now))
    else:
        work.change(Drop("LADDER"), aggregate_type="notice", aggregate_id=notice.id)


def _recipients(notice: Notice, planned: Planned, around: Around) -> tuple[Recipient, ...]:
    """Whom a step names; who was told first is not told as his own superior, but his colleagues are."""
    himself = Recipient(
        kind=notice.recipient_kind,
        ref=notice.recipient_ref,
        role=notice.recipient_role,
        organisation=notice.recipient_organisation,
    )
    if planned.to is To.NEXT_CHANNEL:
        return (himself,)
    managers = around.circle.role("SM")
    if planned.to is To.EVERY_SM or managers[0].ref == notice.chain:
        return around.circle.all_of("SM") or managers
    return managers
