"""Asks for the notices of one step: one for each of its channels, judged, then scheduled or suppressed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from notifications.domain.audience import Fact, Recipient, Telling
from notifications.domain.codes import Channel, Suppression, Urgency, channels_of
from notifications.domain.notice import WAITING, Notice
from notifications.domain.timing import STAFF_HOURS, Planned, Policy, in_force, send_after, step_after
from notifications.storage import Work

# What is less urgent than this is not told again while the same waits to be sent.
_MAY_WAIT = (Urgency.ROUTINE, Urgency.DIGEST)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What one recipient is to be told, on one step of the ladder."""

    fact: str
    about: str
    event_id: UUID
    subject_id: UUID
    case_id: UUID | None
    person_id: UUID | None
    filling: tuple[tuple[str, str], ...]
    recipient: Recipient
    chain: str
    template: str
    channels: str
    by: tuple[Channel, ...]
    urgency: Urgency
    ack: bool
    promises: bool
    rung: int = 0
    step: int = 0
    anchor_at: datetime | None = None
    carries: bool = True
    suppressed: Suppression | None = None


def first(fact: Fact, telling: Telling, reference: str, suppressed: Suppression | None) -> Wanted:
    """What a fact wants told by a row of the audience table."""
    rule = telling.rule
    return Wanted(
        fact=fact.name,
        about=fact.about,
        event_id=fact.event_id,
        subject_id=fact.subject_id,
        case_id=fact.case_id,
        person_id=fact.person_id,
        filling=tuple(sorted({**fact.filling, "reference": reference}.items())),
        recipient=telling.recipient,
        chain=telling.recipient.ref,
        template=rule.template,
        channels=rule.channels,
        by=channels_of(rule.channels)[0],
        urgency=rule.urgency,
        ack=rule.ack,
        promises=fact.promises,
        suppressed=telling.suppressed or suppressed,
    )


def next_of(notice: Notice, planned: Planned, recipient: Recipient, *, carries: bool) -> Wanted:
    """What the ladder of a notice wants told next."""
    return Wanted(
        fact=notice.fact,
        about=notice.about,
        event_id=notice.event_id,
        subject_id=notice.subject_id,
        case_id=notice.case_id,
        person_id=notice.person_id,
        filling=notice.filling,
        recipient=recipient,
        chain=notice.chain,
        template=notice.template,
        channels=notice.channels,
        by=planned.channels,
        urgency=planned.urgency,
        ack=notice.ack_wanted,
        promises=notice.promises,
        rung=planned.rung,
        step=notice.step + 1,
        anchor_at=notice.anchor_at,
        carries=carries,
    )


class Desk:
    """Asks for notices within one work."""

    def __init__(self, work: Work) -> None:
        self.work = work

    async def ask_for(self, wanted: Wanted) -> None:
        """One notice for each channel; the last of them carries the ladder."""
        work = self.work
        policy = in_force((await work.dated()).policies, wanted.urgency, work.today)
        leaves = send_after(policy, work.now, STAFF_HOURS)
        suppressed = wanted.suppressed or await self._duplicate(wanted)
        if leaves is None:
            suppressed, leaves = suppressed or Suppression.UNSAFE_CONTACT, work.now
        for nth, channel in enumerate(wanted.by):
            carries = wanted.carries and nth == len(wanted.by) - 1
            notice = self._notice(wanted, channel, nth, leaves, policy, carries=carries).request(at=work.now)
            if suppressed:
                await work.ask_for(notice.suppress(suppressed, at=work.now))
            else:
                await work.ask_for(self._scheduled(notice, policy))

    def _notice(
        self, wanted: Wanted, channel: Channel, nth: int, leaves: datetime, policy: Policy, *, carries: bool
    ) -> Notice:
        return Notice(
            id=self.work.new_id(),
            event_id=wanted.event_id,
            fact=wanted.fact,
            about=wanted.about,
            subject_id=wanted.subject_id,
            case_id=wanted.case_id,
            person_id=wanted.person_id,
            recipient_kind=wanted.recipient.kind,
            recipient_ref=wanted.recipient.ref,
            recipient_role=wanted.recipient.role,
            recipient_organisation=wanted.recipient.organisation,
            chain=wanted.chain,
            template=wanted.template,
            channel=channel,
            urgency=wanted.urgency,
            ack_wanted=wanted.ack,
            promises=wanted.promises,
            rung=wanted.rung + nth,
            step=wanted.step,
            carries=carries,
            channels=wanted.channels,
            filling=wanted.filling,
            anchor_at=wanted.anchor_at or leaves,
            requested_at=self.work.now,
            send_after=leaves,
            use_by=max(self.work.now, leaves) + timedelta(hours=policy.use_by_hours),
        )

    async def ask_again(self, notice: Notice) -> None:
        """A notice in somebody else's name: its promise and its ladder begin anew."""
        policy = in_force((await self.work.dated()).policies, notice.urgency, self.work.today)
        await self.work.ask_for(self._scheduled(notice.request(at=self.work.now), policy))

    def _scheduled(self, notice: Notice, policy: Policy) -> Notice:
        minutes = policy.handed_within_minutes
        handed_by = notice.send_after + timedelta(minutes=minutes) if minutes and notice.promises else None
        following = step_after(policy, notice.groups, notice.step, notice.anchor_at) if notice.carries else None
        next_step_at = max(following.due_at, self.work.now) if following else None
        return notice.schedule(at=self.work.now, handed_by=handed_by, next_step_at=next_step_at)

    async def _duplicate(self, wanted: Wanted) -> Suppression | None:
        """The same waits to be sent already, from another event."""
        if wanted.urgency not in _MAY_WAIT or wanted.step:
            return None
        waiting = await self.work.notices.find(
            subject_id=wanted.subject_id,
            recipient_ref=wanted.recipient.ref,
            template=wanted.template,
            fact=wanted.fact,
            about=wanted.about,
            status=WAITING,
        )
        return Suppression.DUPLICATE if waiting else None
