"""One request to take a person on: drafted, submitted, triaged, accepted, worked on; and the ways out (states.md 1).

Each method refuses first, then tells what happened. What is not listed in the table is `invalid_transition`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Self
from uuid import UUID

from chassis.aggregate import Aggregate, Fault, Invalid, Unmet
from chassis.calendar import local_date
from referral.domain import referral_facts as facts
from referral.domain.answers import Answers
from referral.domain.codes import EndReason, Party, ReasonGroup, ReferralKind, ReferrerKind
from referral.domain.eligibility import Decision, Verdict
from referral.domain.priority import Band, effective_band
from referral.domain.referral_facts import Clock
from referral.domain.referral_parts import OPEN, REOPENABLE, WAITING, Ending, OfferState, Placing, Status, Target, Told

REOPEN_DAYS = 90
NOTHING_ANSWERED = Answers()


@dataclass(frozen=True, kw_only=True)
class Referral(Aggregate):
    """One referral of one person to one programme."""

    case_id: UUID
    case_reference: str
    person_id: UUID
    programme_id: UUID
    kind: ReferralKind
    referrer_kind: ReferrerKind
    referrer_org: str
    started_by: str
    status: Status = Status.DRAFT
    borough: str = ""
    answers: Answers = NOTHING_ANSWERED
    told: Told | None = None
    started_at: datetime | None = None
    submitted_at: datetime | None = None
    due_at: datetime | None = None
    decision: Decision | None = None
    rule_ids: tuple[str, ...] = ()
    policy_version: str = ""
    base_band: Band | None = None
    effective_band: Band | None = None
    step_days: int = 0
    waiting_version: str = ""
    possible_duplicate: bool = False
    proposed_worker: str = ""
    acceptance: int = 0
    ended_at: datetime | None = None
    reason_group: ReasonGroup | None = None
    ended_by: Party | None = None
    ending: Ending | None = None
    redirected_to: str = ""

    def start(self, *, at: datetime) -> Self:
        """Start the draft."""
        return self.telling(facts.Drafted(at=at, programme_id=self.programme_id), started_at=at)

    def update(self, answers: Answers, *, at: datetime) -> Self:
        """Change the answers of a draft."""
        self._must_be(Status.DRAFT)
        if answers == self.answers:
            return self
        return self.telling(facts.DraftUpdated(at=at), answers=answers, borough=answers.borough)

    def record_told(self, told: Told, *, at: datetime) -> Self:
        """The practitioner says that he told him, and whether he is willing."""
        self._must_be(Status.DRAFT)
        if told.told_on > local_date(at):
            raise Invalid(Fault("told_on", "IN_FUTURE"))
        fact = facts.ToldAndWillingRecorded(at=at, programme_id=self.programme_id, willing=told.willing)
        return self.telling(fact, told=told)

    def submit(self, verdict: Verdict, placing: Placing, clock: Clock, *, duplicate: bool, at: datetime) -> Self:
        """Send the draft to triage. The guards that look beyond the referral have been asked already."""
        self._must_be(Status.DRAFT)
        return self._sent(facts.Submitted, verdict, placing, clock, duplicate=duplicate, at=at)

    def reopen(
        self, verdict: Verdict, placing: Placing, clock: Clock, *, note: str, duplicate: bool, at: datetime
    ) -> Self:
        """Send an ended referral to triage again; all guards of submitting it hold again."""
        self.must_be_reopenable(at)
        if not note.strip():
            raise Invalid(Fault("note", "REQUIRED"))
        value = self._sent(facts.Reopened, verdict, placing, clock, duplicate=duplicate, at=at)
        return value.telling(ended_at=None, reason_group=None, ended_by=None, ending=None, acceptance=0)

    def must_be_reopenable(self, at: datetime) -> None:
        """At most 90 days after the end, and not after a death."""
        self._must_be(*REOPENABLE)
        if self.ending is not None and self.ending.reason is EndReason.DIED:
            raise Unmet("invalid_transition", "A referral that ended with a death stays ended.")
        if self.ended_at is None or (local_date(at) - local_date(self.ended_at)).days > REOPEN_DAYS:
            raise Unmet("reopen_too_late", "More than 90 days have passed. Start a new referral.")

    def start_triage(self, *, no_conflict: bool, at: datetime) -> Self:
        """Somebody without a conflict of interest looks at it."""
        self._must_be(Status.SUBMITTED)
        if not no_conflict:
            raise Unmet("conflict_of_interest", "Somebody without a conflict of interest must do the triage.")
        return self.telling(facts.TriageStarted(at=at, due_at=self._due), status=Status.IN_TRIAGE)

    def accept(self, *, risk_read_on: date, decided: bool, proposed_worker: str, at: datetime) -> Self:
        """Take the person on. Consent and screening have been asked already."""
        self._must_be(Status.IN_TRIAGE)
        if risk_read_on > local_date(at):
            raise Invalid(Fault("risk_summary_read_on", "IN_FUTURE"))
        if not decided:
            raise Unmet("decision_not_confirmed", "Confirm that you decided this yourself, not the waiting band.")
        fact = facts.Accepted(
            at=at,
            programme_id=self.programme_id,
            kind=self.kind,
            policy_version=self.policy_version,
            proposed_worker=proposed_worker,
            risk_read_on=risk_read_on,
        )
        acceptance = self.version + len(self.news) + 1
        return self.telling(fact, status=Status.ACCEPTED, acceptance=acceptance, proposed_worker=proposed_worker)

    def decline(self, ending: Ending, *, no_suggestion: bool, at: datetime) -> Self:
        """Do not take him on; say what else might help, or that there is nothing."""
        self._must_be(Status.IN_TRIAGE)
        if bool(ending.suggestions) == no_suggestion:
            code = "CONFLICTS_WITH(no_suggestion)" if ending.suggestions else "REQUIRED"
            raise Invalid(Fault("suggestions", code))
        group = ending.reason.group
        fact = facts.Declined(at=at, reason_group=group, by_party=Party.SERVICE, reason=ending.reason)
        return self._ended(fact, Status.DECLINED, ending, Party.SERVICE)

    def redirect(self, target: Target, ending: Ending, *, at: datetime) -> Self:
        """Do not take the person on, who agrees to be offered to another service; whether it can is asked there."""
        self._must_be(Status.IN_TRIAGE)
        if target.agreed_on > local_date(at):
            raise Invalid(Fault("agreed_on", "IN_FUTURE"))
        if target.offer is None:
            raise Unmet("offer_unknown", "This offer has not been heard of. Look for it in the directory.")
        if target.offer is not OfferState.PUBLISHED:
            raise Unmet("offer_closed", "This offer takes nobody now. Choose another, or decline.")
        fact = facts.Redirected(
            at=at,
            reason_group=ending.reason.group,
            by_party=Party.SERVICE,
            reason=ending.reason,
            offer_id=target.offer_id,
            agreed_on=target.agreed_on,
        )
        value = self._ended(fact, Status.REDIRECTED, ending, Party.SERVICE)
        return value.telling(redirected_to=str(target.offer_id))

    def withdraw(self, ending: Ending, *, by_party: Party, at: datetime) -> Self:
        """End it before work begins."""
        self._must_be(*OPEN)
        fact = facts.Withdrawn(at=at, reason_group=ending.reason.group, by_party=by_party, reason=ending.reason)
        return self._ended(fact, Status.WITHDRAWN, ending, by_party)

    def warn(self, expires_on: date, *, at: datetime) -> Self:
        """The draft ends soon unless it is sent."""
        self._must_be(Status.DRAFT)
        return self.telling(facts.Expiring(at=at, programme_id=self.programme_id, expires_on=expires_on))

    def expire(self, *, at: datetime) -> Self:
        """The draft was not sent in time."""
        self._must_be(Status.DRAFT)
        fact = facts.Expired(at=at, programme_id=self.programme_id)
        return self.telling(fact, status=Status.EXPIRED, ended_at=at)

    def record_allocated(self, worker: str, acceptance: int, *, at: datetime) -> Self:
        """A worker was named for this acceptance."""
        self._must_answer(acceptance)
        self._must_be(Status.ACCEPTED)
        return self.telling(facts.Allocated(at=at, worker=worker), status=Status.ALLOCATED)

    def record_converted(self, acceptance: int, *, at: datetime) -> Self:
        """Work began on this acceptance."""
        self._must_answer(acceptance)
        self._must_be(Status.ALLOCATED)
        return self.telling(facts.Converted(at=at), status=Status.CONVERTED)

    def rank(self, on: date, *, at: datetime) -> Self:
        """Count the waiting again; tells only a change."""
        self._must_be(*WAITING)
        if self.base_band is None or self.submitted_at is None:
            return self
        since = local_date(self.submitted_at)
        band = effective_band(self.base_band, submitted_on=since, on=on, step_days=self.step_days)
        if band is self.effective_band:
            return self
        fact = facts.PriorityChanged(
            at=at,
            effective_band=band,
            policy_version=self.waiting_version,
            submitted_on=since,
            step_days=self.step_days,
        )
        return self.telling(fact, effective_band=band)

    def miss(self, code: str, *, due_at: datetime, policy_version: str, at: datetime) -> Self:
        """A promise about it was not kept in time."""
        self._must_be(*WAITING)
        fact = facts.ReferralMissed(at=at, code=code, due_at=due_at, policy_version=policy_version)
        return self.telling(fact)

    def _sent(
        self,
        kind: type[facts.Sent],
        verdict: Verdict,
        placing: Placing,
        clock: Clock,
        *,
        duplicate: bool,
        at: datetime,
    ) -> Self:
        if verdict.decision is Decision.FAIL:
            raise verdict.failures[0]
        today = local_date(at)
        band = effective_band(placing.base, submitted_on=today, on=today, step_days=placing.step_days)
        return self.telling(
            kind(
                at=at,
                case_reference=self.case_reference,
                programme_id=self.programme_id,
                kind=self.kind,
                referrer_org=self.referrer_org,
                clock=clock,
            ),
            _judged(verdict, at),
            _placed(band, placing, at),
            *([facts.DuplicateDetected(at=at)] if duplicate else []),
            status=Status.SUBMITTED,
            submitted_at=at,
            due_at=clock.due_at,
            decision=verdict.decision,
            rule_ids=tuple(str(rule) for rule in verdict.rule_ids),
            policy_version=verdict.policy_version,
            base_band=placing.base,
            effective_band=band,
            step_days=placing.step_days,
            waiting_version=placing.policy_version,
            possible_duplicate=duplicate,
        )

    def _ended(self, fact: facts.Ended, status: Status, ending: Ending, by_party: Party) -> Self:
        return self.telling(
            fact,
            status=status,
            ended_at=fact.at,
            reason_group=ending.reason.group,
            ended_by=by_party,
            ending=ending,
        )

    @property
    def _due(self) -> datetime:
        if self.due_at is None:
            raise Unmet("invalid_transition", "It has not been submitted.")
        return self.due_at

    def _must_answer(self, acceptance: int) -> None:
        if acceptance != self.acceptance:
            raise Unmet("superseded_acceptance", "This answers an acceptance that no longer stands.")

    def _must_be(self, *allowed: Status) -> None:
        if self.status not in allowed:
            raise Unmet("invalid_transition", "The referral is not at a point where this can be done.")


def _judged(verdict: Verdict, at: datetime) -> facts.EligibilityEvaluated:
    return facts.EligibilityEvaluated(
        at=at,
        policy_version=verdict.policy_version,
        decision=verdict.decision,
        rule_ids=tuple(str(rule) for rule in verdict.rule_ids),
    )


def _placed(band: Band, placing: Placing, at: datetime) -> facts.PriorityAssigned:
    return facts.PriorityAssigned(
        at=at,
        effective_band=band,
        policy_version=placing.policy_version,
        submitted_on=local_date(at),
        step_days=placing.step_days,
    )
