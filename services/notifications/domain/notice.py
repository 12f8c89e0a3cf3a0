"""One message to one person by one channel, from asked for to acknowledged: at most one letter leaves for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from chassis.aggregate import Aggregate, Fault, Invalid, Unmet
from notifications.domain.codes import Channel, Failure, Groups, Kind, Suppression, Urgency, channels_of
from notifications.domain.notice_facts import (
    About,
    Acknowledged,
    Asked,
    Claimed,
    Delivered,
    Escalated,
    Expired,
    Failed,
    LeftUnknown,
    Missed,
    Rendered,
    Requested,
    Resolved,
    Retried,
    Scheduled,
    Sent,
    Suppressed,
)

LEASE = timedelta(seconds=60)
RETRY_AFTER = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 360))


class Status(StrEnum):
    """Where a notice stands."""

    REQUESTED = "REQUESTED"
    SCHEDULED = "SCHEDULED"
    RENDERED = "RENDERED"
    SENDING = "SENDING"
    SENT = "SENT"
    DELIVERED = "DELIVERED"
    ACKNOWLEDGED = "ACKNOWLEDGED"
    SUPPRESSED = "SUPPRESSED"
    TEMPORARY_FAILURE = "TEMPORARY_FAILURE"
    PERMANENT_FAILURE = "PERMANENT_FAILURE"
    TECHNICAL_FAILURE = "TECHNICAL_FAILURE"
    UNKNOWN = "UNKNOWN"
    ESCALATED = "ESCALATED"
    EXPIRED = "EXPIRED"


class Found(StrEnum):
    """What a person may find out of a notice of which nobody knew whether it left."""

    SENT = "SENT"
    PERMANENT_FAILURE = "PERMANENT_FAILURE"


WAITING = (Status.REQUESTED, Status.SCHEDULED, Status.RENDERED, Status.TEMPORARY_FAILURE)
ARRIVED = (Status.SENT, Status.DELIVERED)
FAILED_FOR_GOOD = (Status.PERMANENT_FAILURE, Status.TECHNICAL_FAILURE)
OPEN = (*WAITING, *ARRIVED, Status.UNKNOWN, *FAILED_FOR_GOOD)
MAY_ESCALATE = (*ARRIVED, Status.UNKNOWN, *FAILED_FOR_GOOD)


@dataclass(frozen=True, kw_only=True)
class Notice(Aggregate):
    """`chain` names whom the fact was first meant for: all notices of one event, template and chain are one matter.

    `carries` marks the one notice of a step whose ladder leads to the next step; `letter` is the reference under
    which it was handed to its channel, shared by the notices of one digest.
    """

    event_id: UUID
    fact: str
    about: str = ""
    subject_id: UUID
    case_id: UUID | None = None
    person_id: UUID | None = None
    recipient_kind: Kind
    recipient_ref: str
    recipient_role: str
    recipient_organisation: str = ""
    chain: str
    template: str
    template_version: int = 0
    channel: Channel
    urgency: Urgency
    ack_wanted: bool = False
    promises: bool = True
    rung: int = 0
    step: int = 0
    carries: bool = True
    channels: str
    filling: tuple[tuple[str, str], ...] = ()
    anchor_at: datetime
    requested_at: datetime
    send_after: datetime
    use_by: datetime
    status: Status = Status.REQUESTED
    reason: str = ""
    attempts: int = 0
    tries: int = 0
    lease_until: datetime | None = None
    letter: UUID | None = None

    @property
    def groups(self) -> Groups:
        """The channels in their order."""
        return channels_of(self.channels)

    @property
    def concerns(self) -> About:
        """What every fact of it says."""
        return About(
            template=self.template,
            template_version=self.template_version,
            channel=self.channel,
            recipient_role=self.recipient_role,
        )

    def _must_be(self, *allowed: Status) -> None:
        if self.status not in allowed:
            raise Unmet("invalid_transition", f"The notice is {self.status.lower()}: that does not go with it.")

    def request(self, *, at: datetime) -> Notice:
        """Ask for it."""
        self._must_be(Status.REQUESTED)
        if self.version or self.news:
            raise Unmet("invalid_transition", "The notice has been asked for already.")
        return self.telling(Requested(concerns=self.concerns, reason=self.fact, at=at))

    def schedule(
        self, *, at: datetime, handed_by: datetime | None = None, next_step_at: datetime | None = None
    ) -> Notice:
        """Let it leave at its time; `handed_by` is what was promised about that (L19)."""
        self._must_be(Status.REQUESTED)
        fact = Scheduled(
            concerns=self.concerns,
            send_after=self.send_after,
            use_by=self.use_by,
            handed_by=handed_by,
            next_step_at=next_step_at,
            at=at,
        )
        return self.telling(fact, status=Status.SCHEDULED)

    def suppress(self, reason: Suppression, *, at: datetime) -> Notice:
        """Do not send it."""
        self._must_be(*WAITING)
        fact = Suppressed(concerns=self.concerns, reason=reason, at=at)
        return self.telling(fact, status=Status.SUPPRESSED, reason=reason.value)

    def render(self, template_version: int, *, at: datetime) -> Notice:
        """Fill in the approved version of its template."""
        self._must_be(Status.SCHEDULED)
        if at < self.send_after:
            raise Unmet("too_early", "Its time has not come.")
        rendered = self.telling(status=Status.RENDERED, template_version=template_version)
        return rendered.telling(Rendered(concerns=rendered.concerns, at=at))

    def claim(self, letter: UUID, *, at: datetime) -> Notice:
        """Take it for sending: committed before its channel is called."""
        self._must_be(Status.RENDERED, Status.TEMPORARY_FAILURE)
        if at < self.send_after or at >= self.use_by:
            raise Unmet("not_its_time", "It is too early for it, or too late.")
        return self.telling(
            Claimed(concerns=self.concerns, lease_until=at + LEASE, letter=letter, at=at),
            status=Status.SENDING,
            lease_until=at + LEASE,
            letter=letter,
            attempts=self.attempts + 1,
            tries=self.tries + 1,
            reason="",
        )

    def ask(self, *, at: datetime) -> Notice:
        """Its lease is over without an answer, and its channel can tell by our reference: ask it."""
        self._lapsed(at)
        fact = Asked(concerns=self.concerns, lease_until=at + LEASE, at=at)
        return self.telling(fact, lease_until=at + LEASE)

    def lose(self, *, at: datetime) -> Notice:
        """Its lease is over without an answer: nobody can say whether it left, so it is never sent again by itself."""
        self._lapsed(at)
        return self.telling(LeftUnknown(concerns=self.concerns, at=at), status=Status.UNKNOWN, lease_until=None)

    def _lapsed(self, at: datetime) -> None:
        self._must_be(Status.SENDING)
        if self.lease_until is not None and at < self.lease_until:
            raise Unmet("lease_running", "Its channel may still answer.")

    def send(self, *, at: datetime) -> Notice:
        """Its channel took it."""
        self._must_be(Status.SENDING)
        return self.telling(Sent(concerns=self.concerns, at=at), status=Status.SENT, lease_until=None)

    def deliver(self, *, at: datetime) -> Notice:
        """Its channel says that it arrived."""
        self._must_be(Status.SENT)
        return self.telling(Delivered(concerns=self.concerns, at=at), status=Status.DELIVERED)

    def fail_for_now(self, reason: Failure, *, at: datetime) -> Notice:
        """Its channel could not take it now: later again, five times, then for good."""
        self._must_be(Status.SENDING)
        if self.tries > len(RETRY_AFTER):
            return self.fail_for_good(reason, at=at)
        again = at + RETRY_AFTER[self.tries - 1]
        fact = Failed(concerns=self.concerns, status=Status.TEMPORARY_FAILURE.value, reason=reason, at=at)
        return self.telling(
            fact, status=Status.TEMPORARY_FAILURE, reason=reason.value, send_after=again, lease_until=None
        )

    def fail_for_good(self, reason: Failure, *, at: datetime) -> Notice:
        """Its channel will not take it."""
        return self._failed(Status.PERMANENT_FAILURE, reason, at)

    def fail_technically(self, reason: Failure, *, at: datetime) -> Notice:
        """The way to its channel is broken on our side."""
        return self._failed(Status.TECHNICAL_FAILURE, reason, at)

    def _failed(self, status: Status, reason: Failure, at: datetime) -> Notice:
        self._must_be(Status.SENDING)
        fact = Failed(concerns=self.concerns, status=status.value, reason=reason, at=at)
        return self.telling(fact, status=status, reason=reason.value, lease_until=None)

    def resolve(self, outcome: Found, *, note: str, at: datetime) -> Notice:
        """A person found out what became of it."""
        self._must_be(Status.UNKNOWN)
        if not note.strip():
            raise Invalid(Fault("note", "REQUIRED"))
        fact = Resolved(concerns=self.concerns, outcome=outcome.value, note=note, at=at)
        return self.telling(fact, status=Status(outcome.value), reason="RESOLVED")

    def acknowledge(self, *, by: str, at: datetime) -> Notice:
        """Its recipient has seen it, or what answers it was heard (`by` is that fact then)."""
        self._must_be(*ARRIVED)
        if not self.ack_wanted:
            raise Unmet("acknowledgement_not_wanted", "Nobody waits for an acknowledgement of this notice.")
        return self.telling(Acknowledged(concerns=self.concerns, by=by, at=at), status=Status.ACKNOWLEDGED)

    def escalate(self, *, at: datetime) -> Notice:
        """The next step of its ladder was asked for."""
        self._must_be(*MAY_ESCALATE)
        if self.status in ARRIVED and not self.ack_wanted:
            raise Unmet("acknowledgement_not_wanted", "It arrived, and nobody waits for an acknowledgement.")
        return self.telling(Escalated(concerns=self.concerns, at=at), status=Status.ESCALATED)

    def expire(self, *, at: datetime) -> Notice:
        """It is of no use any more."""
        self._must_be(*WAITING)
        if at < self.use_by:
            raise Unmet("still_of_use", "It is still of use.")
        return self.telling(Expired(concerns=self.concerns, at=at), status=Status.EXPIRED, reason="USE_BY")

    def retry(self, *, use_by: datetime, send_after: datetime, at: datetime) -> Notice:
        """Send it after all, until a new use-by; its version of the template is chosen anew."""
        self._must_be(*FAILED_FOR_GOOD, Status.EXPIRED)
        if use_by <= max(at, send_after):
            raise Invalid(Fault("use_by", "IN_PAST"))
        return self.telling(
            Retried(concerns=self.concerns, send_after=send_after, use_by=use_by, at=at),
            status=Status.SCHEDULED,
            reason="",
            tries=0,
            use_by=use_by,
            send_after=send_after,
        )

    def miss(self, promise: str, *, due_at: datetime, policy_version: str, at: datetime) -> Notice:
        """It was not handed to its channel in time."""
        return self.telling(Missed(promise=promise, due_at=due_at, policy_version=policy_version, at=at))
