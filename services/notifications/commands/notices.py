"""What people do with notices: acknowledge their own, send again, and find out what became of an unknown one."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from chassis.access import by
from chassis.aggregate import Fault, Invalid
from chassis.work import command
from notifications.domain.codes import Suppression
from notifications.domain.notice import ARRIVED, WAITING, Found, Notice
from notifications.domain.timing import STAFF_HOURS, Leaves, in_force, send_after
from notifications.storage import LOCK_OF_MATTER, RECIPIENTS, Work

LONGEST_NOTE = 2_000


@command("notice.acknowledge", by(f"SM own, OPS own, {RECIPIENTS}"))
async def acknowledge_notice(work: Work, notice_id: UUID, expected: int | None) -> int:
    """Its recipient has seen it: the whole matter is acknowledged, and what has not left is not sent."""
    notice = await work.notices.get(notice_id, expected)
    await work.conn.fetch(LOCK_OF_MATTER, notice.event_id, notice.template, notice.chain)
    version = await work.notices.put(notice.acknowledge(by=work.actor.id, at=work.now))
    with work.as_the_house():
        await _acknowledge_others(work, notice)
    return version


async def _acknowledge_others(work: Work, notice: Notice) -> None:
    """Those of the same matter that went to others, whether or not he may see them."""
    matter = await work.notices.find(event_id=notice.event_id, template=notice.template, chain=notice.chain)
    for other in matter:
        if other.id == notice.id:
            continue
        if other.status in WAITING:
            await work.notices.put(other.suppress(Suppression.SUPERSEDED, at=work.now))
        elif other.status in ARRIVED and other.ack_wanted:
            await work.notices.put(other.acknowledge(by=notice.recipient_ref, at=work.now))


@command("notice.retry", by("SM, OPS"))
async def retry_notice(work: Work, notice_id: UUID, use_by: datetime, expected: int | None) -> int:
    """Send what failed for good, or was not sent in time, until a new use-by; every check is made again."""
    notice = await work.notices.get(notice_id, expected)
    policy = in_force((await work.dated()).policies, notice.urgency, work.today)
    leaves = work.now if policy.leaves is Leaves.DIGEST else send_after(policy, work.now, STAFF_HOURS)
    return await work.notices.put(notice.retry(use_by=use_by, send_after=leaves or work.now, at=work.now))


@command("notice.resolve", by("SM, OPS"))
async def resolve_notice(work: Work, notice_id: UUID, outcome: Found, note: str, expected: int | None) -> int:
    """A person found out what became of it, and says how."""
    if len(note) > LONGEST_NOTE:
        raise Invalid(Fault("note", "TOO_LONG"))
    notice = await work.notices.get(notice_id, expected)
    return await work.notices.put(notice.resolve(outcome, note=note, at=work.now))
