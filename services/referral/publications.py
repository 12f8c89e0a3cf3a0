"""What leaves the service: one function a fact. What is not listed here is journalled and told to nobody."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from google.protobuf.timestamp_pb2 import Timestamp

from chassis.journal import Publications
from chassis.shares import Fed
from referral.domain import consent, merge, practitioner, programme, prompt, rollout, screening
from referral.domain import referral_facts as facts
from referral.domain.access_list import AccessListChanged
from referral.domain.feeds import CONSENTS, LISTS, FeedsConfirmed
from referral.domain.person import DetailsChanged, IdentityLinked, SafeContactSet
from referral.domain.places import Quadrant
from referral.domain.policies import Area, Delivery, Terms
from throughcare.referral.v1 import events_pb2 as told

if TYPE_CHECKING:
    from google.protobuf.message import Message

PUBLICATIONS = Publications("referral")


def _at(instant: datetime) -> Timestamp:
    found = Timestamp()
    found.FromDatetime(instant)
    return found


def _day(day: date | None) -> str:
    return day.isoformat() if day else ""


def _id(value: UUID | None) -> str:
    return str(value) if value else ""


@PUBLICATIONS.tells(facts.Drafted)
def drafted(fact: facts.Drafted) -> Message:
    return told.ReferralDrafted(programme_id=_id(fact.programme_id))


@PUBLICATIONS.tells(facts.ToldAndWillingRecorded)
def told_and_willing_recorded(fact: facts.ToldAndWillingRecorded) -> Message:
    return told.ReferralToldAndWillingRecorded(programme_id=_id(fact.programme_id))


@PUBLICATIONS.tells(facts.Expiring)
def expiring(fact: facts.Expiring) -> Message:
    return told.ReferralExpiring(programme_id=_id(fact.programme_id), expires_on=_day(fact.expires_on))


@PUBLICATIONS.tells(facts.Expired)
def expired(fact: facts.Expired) -> Message:
    return told.ReferralExpired(programme_id=_id(fact.programme_id))


def _sent(kind: type[Message], fact: facts.Sent) -> Message:
    return kind(
        case_reference=fact.case_reference,
        programme_id=_id(fact.programme_id),
        kind=fact.kind.value,
        referrer_org=fact.referrer_org,
        clock_started_at=_at(fact.clock.started_at),
        due_at=_at(fact.clock.due_at),
    )


@PUBLICATIONS.tells(facts.Submitted)
def submitted(fact: facts.Submitted) -> Message:
    return _sent(told.ReferralSubmitted, fact)


@PUBLICATIONS.tells(facts.Reopened)
def reopened(fact: facts.Reopened) -> Message:
    return _sent(told.ReferralReopened, fact)


@PUBLICATIONS.tells(facts.EligibilityEvaluated)
def eligibility_evaluated(fact: facts.EligibilityEvaluated) -> Message:
    return told.ReferralEligibilityEvaluated(
        policy_version=fact.policy_version, decision=fact.decision.value, rule_ids=fact.rule_ids
    )


@PUBLICATIONS.tells(facts.PriorityAssigned)
def priority_assigned(fact: facts.PriorityAssigned) -> Message:
    return told.ReferralPriorityAssigned(effective_band=fact.effective_band.value, policy_version=fact.policy_version)


@PUBLICATIONS.tells(facts.PriorityChanged)
def priority_changed(fact: facts.PriorityChanged) -> Message:
    return told.ReferralPriorityChanged(effective_band=fact.effective_band.value, policy_version=fact.policy_version)


@PUBLICATIONS.tells(facts.DuplicateDetected)
def duplicate_detected(fact: facts.DuplicateDetected) -> Message:
    return told.ReferralDuplicateDetected()


@PUBLICATIONS.tells(facts.TriageStarted)
def triage_started(fact: facts.TriageStarted) -> Message:
    return told.ReferralTriageStarted(due_at=_at(fact.due_at))


@PUBLICATIONS.tells(facts.Accepted)
def accepted(fact: facts.Accepted) -> Message:
    return told.ReferralAccepted(
        programme_id=_id(fact.programme_id),
        kind=fact.kind.value,
        policy_version=fact.policy_version,
        proposed_worker_ref=fact.proposed_worker,
    )


@PUBLICATIONS.tells(facts.Declined)
def declined(fact: facts.Declined) -> Message:
    return told.ReferralDeclined(reason_group=fact.reason_group.value, by_party=fact.by_party.value)


@PUBLICATIONS.tells(facts.Redirected)
def redirected(fact: facts.Redirected) -> Message:
    """Where the way leads on: what partners need to offer it there; nothing of the person."""
    return told.ReferralRedirected(
        reason_group=fact.reason_group.value, by_party=fact.by_party.value, offer_id=_id(fact.offer_id)
    )


@PUBLICATIONS.tells(facts.Withdrawn)
def withdrawn(fact: facts.Withdrawn) -> Message:
    return told.ReferralWithdrawn(reason_group=fact.reason_group.value, by_party=fact.by_party.value)


@PUBLICATIONS.tells(facts.ReferralMissed)
def referral_missed(fact: facts.ReferralMissed) -> Message:
    return told.ReferralDeadlineMissed(
        promise=fact.code, due_at=_at(fact.due_at), missed_at=_at(fact.at), policy_version=fact.policy_version
    )


@PUBLICATIONS.tells(screening.Recorded)
def screening_recorded(fact: screening.Recorded) -> Message:
    return told.ScreeningRecorded(
        source=fact.source.value,
        completed_on=_day(fact.completed_on),
        is_current=fact.is_current,
        result=fact.result.value,
    )


@PUBLICATIONS.tells(screening.Superseded)
def screening_superseded(fact: screening.Superseded) -> Message:
    return told.ScreeningSuperseded(
        source=fact.source.value, completed_on=_day(fact.completed_on), is_current=False, result=fact.result.value
    )


def _consent(
    kind: type[Message], scope: consent.Scope, number: int, review_on: date | None, replaces: UUID | None = None
) -> Message:
    return kind(
        purpose=scope.purpose.value,
        programme_id=_id(scope.programme_id),
        scope_codes=scope.codes,
        recipient=scope.recipient,
        version=number,
        review_on=_day(review_on),
        replaces=_id(replaces),
    )


def _fed_consent(
    kind: type[Message], scope: consent.Scope, number: int, review_on: date | None, replaces: UUID | None = None
) -> Fed:
    """The next of the feed: whoever has applied all of it is current."""
    return Fed(message=_consent(kind, scope, number, review_on, replaces), feed=CONSENTS)


@PUBLICATIONS.tells(consent.Granted)
def consent_granted(fact: consent.Granted) -> Fed:
    return _fed_consent(told.ConsentGranted, fact.scope, fact.number, fact.review_on, fact.replaces)


@PUBLICATIONS.tells(consent.Declined)
def consent_declined(fact: consent.Declined) -> Fed:
    return _fed_consent(told.ConsentDeclined, fact.scope, fact.number, None, fact.replaces)


@PUBLICATIONS.tells(consent.Withdrawn)
def consent_withdrawn(fact: consent.Withdrawn) -> Fed:
    return _fed_consent(told.ConsentWithdrawn, fact.scope, fact.number, fact.review_on)


@PUBLICATIONS.tells(consent.EndedByMerge)
def consent_ended_by_merge(fact: consent.EndedByMerge) -> Fed:
    """Who hears it does what follows from taking it back; that it was a merge is told by itself."""
    return _fed_consent(told.ConsentWithdrawn, fact.scope, fact.number, fact.review_on)


@PUBLICATIONS.tells(consent.Expiring)
def consent_expiring(fact: consent.Expiring) -> Message:
    return _consent(told.ConsentExpiring, fact.scope, fact.number, fact.review_on)


@PUBLICATIONS.tells(consent.Expired)
def consent_expired(fact: consent.Expired) -> Fed:
    return _fed_consent(told.ConsentExpired, fact.scope, fact.number, fact.review_on)


@PUBLICATIONS.tells(consent.ConsentMissed)
def consent_missed(fact: consent.ConsentMissed) -> Message:
    return told.ConsentDeadlineMissed(
        promise=fact.code, due_at=_at(fact.due_at), missed_at=_at(fact.at), policy_version=fact.policy_version
    )


@PUBLICATIONS.tells(DetailsChanged)
def details_changed(fact: DetailsChanged) -> Message:
    return told.PersonDetailsChanged(deceased=fact.deceased, version=fact.record_version)


@PUBLICATIONS.tells(SafeContactSet)
def safe_contact_set(fact: SafeContactSet) -> Message:
    agreed = fact.safe_contact
    return told.PersonSafeContactSet(
        channels=[channel.value for channel in agreed.channels],
        days=agreed.days,
        from_hour=agreed.from_hour,
        to_hour=agreed.to_hour,
        voicemail=agreed.voicemail,
        unnamed=agreed.unnamed,
        version=fact.record_version,
    )


@PUBLICATIONS.tells(IdentityLinked)
def identity_linked(fact: IdentityLinked) -> Message:
    return told.PersonIdentityLinked(to_person_id=_id(fact.person_id))


def _joined(kind: type[Message], fact: merge.Merged | merge.Unmerged) -> Fed:
    """It changes what he agrees to and who may know of him, so nobody is current without it."""
    people = {"from_person_id": _id(fact.from_person_id), "to_person_id": _id(fact.to_person_id)}
    return Fed(message=kind(**people, version=fact.record_version), feed=CONSENTS)


@PUBLICATIONS.tells(merge.Merged)
def merged(fact: merge.Merged) -> Fed:
    return _joined(told.PersonMerged, fact)


@PUBLICATIONS.tells(merge.Unmerged)
def unmerged(fact: merge.Unmerged) -> Fed:
    return _joined(told.PersonUnmerged, fact)


@PUBLICATIONS.tells(AccessListChanged)
def access_list_changed(fact: AccessListChanged) -> Fed:
    changed = told.AccessListChanged(list=fact.list.value, entries=fact.entries, version=fact.list_version)
    return Fed(message=changed, feed=LISTS)


@PUBLICATIONS.tells(FeedsConfirmed)
def feeds_confirmed(fact: FeedsConfirmed) -> Message:
    return told.FeedConfirmed(consent_number=fact.consent_number, access_list_number=fact.access_list_number)


@PUBLICATIONS.tells(prompt.PromptRaised)
def prompt_raised(fact: prompt.PromptRaised) -> Message:
    return told.PromptRaised(kind=fact.kind.value)


@PUBLICATIONS.tells(prompt.PromptDone)
def prompt_done(fact: prompt.PromptDone) -> Message:
    return told.PromptDone(kind=fact.kind.value)


@PUBLICATIONS.tells(prompt.PromptDismissed)
def prompt_dismissed(fact: prompt.PromptDismissed) -> Message:
    return told.PromptDismissed(kind=fact.kind.value)


# A delivery unit is told by its code; where somebody wrote its name, or anything else, nothing is told.
_PDU_CODE = re.compile(r"(?=.*[0-9])[A-Za-z0-9][A-Za-z0-9_-]{0,31}")


def _named(kind: type[Message], fact: practitioner.Named) -> Message:
    return kind(
        practitioner_ref=fact.ref,
        pdu_code=fact.pdu if _PDU_CODE.fullmatch(fact.pdu) else "",
        reason_code=fact.reason_code,
        starts_on=_day(fact.starts_on),
        ends_on=_day(fact.ends_on),
    )


@PUBLICATIONS.tells(practitioner.Assigned)
def practitioner_assigned(fact: practitioner.Assigned) -> Message:
    return _named(told.PractitionerAssigned, fact)


@PUBLICATIONS.tells(practitioner.Changed)
def practitioner_changed(fact: practitioner.Changed) -> Message:
    return _named(told.PractitionerChanged, fact)


@PUBLICATIONS.tells(practitioner.CoverSet)
def practitioner_cover_set(fact: practitioner.CoverSet) -> Message:
    return _named(told.PractitionerCoverSet, fact)


def _terms(kind: type[Message], fact: programme.PolicyPublished) -> Message | None:
    terms = fact.policy.content
    if not isinstance(terms, Terms):
        return None
    return kind(
        programme_id=_id(fact.programme_id),
        code=fact.code,
        version=fact.record_version,
        valid_from=_day(fact.policy.valid_from),
        planned_months=terms.planned_months,
        cap_months=terms.cap_months,
        counted_pauses=terms.counted_pauses,
    )


@PUBLICATIONS.tells(programme.Published)
def programme_published(fact: programme.Published) -> Message | None:
    return _terms(told.ProgrammePublished, fact)


@PUBLICATIONS.tells(programme.Amended)
def programme_amended(fact: programme.Amended) -> Message | None:
    return _terms(told.ProgrammeAmended, fact)


def _commission(kind: type[Message], fact: programme.PolicyPublished) -> Message:
    return kind(
        programme_id=_id(fact.programme_id),
        version=fact.record_version,
        starts_on=_day(fact.policy.valid_from),
        ends_on=_day(fact.policy.valid_to),
    )


@PUBLICATIONS.tells(programme.CommissionSet)
def commission_set(fact: programme.CommissionSet) -> Message:
    return _commission(told.ProgrammeCommissionSet, fact)


@PUBLICATIONS.tells(programme.CommissionExtended)
def commission_extended(fact: programme.CommissionExtended) -> Message:
    return _commission(told.ProgrammeCommissionExtended, fact)


@PUBLICATIONS.tells(programme.AreaSet)
def area_set(fact: programme.AreaSet) -> Message:
    area = fact.policy.content
    return told.ProgrammeAreaSet(
        programme_id=_id(fact.programme_id),
        version=fact.record_version,
        valid_from=_day(fact.policy.valid_from),
        area_codes=area.boroughs if isinstance(area, Area) else (),
    )


@PUBLICATIONS.tells(programme.DeliveryModeSet)
def delivery_mode_set(fact: programme.DeliveryModeSet) -> Message | None:
    held = fact.policy.content
    if not isinstance(held, Delivery):
        return None
    return told.ProgrammeDeliveryModeSet(
        programme_id=_id(fact.programme_id),
        version=fact.record_version,
        valid_from=_day(fact.policy.valid_from),
        quadrant=held.quadrant.value,
        mode=held.mode.value,
    )


@PUBLICATIONS.tells(programme.EligibilityPublished)
def eligibility_published(fact: programme.EligibilityPublished) -> Message:
    return told.EligibilityPolicyPublished(
        programme_id=_id(fact.programme_id),
        policy_version=fact.policy_version,
        valid_from=_day(fact.policy.valid_from),
    )


@PUBLICATIONS.tells(programme.PriorityPublished)
def priority_published(fact: programme.PriorityPublished) -> Message:
    return told.PriorityPolicyPublished(
        programme_id=_id(fact.programme_id),
        policy_version=fact.policy_version,
        valid_from=_day(fact.policy.valid_from),
    )


def _phase(kind: type[Message], programme_id: UUID, quadrant: Quadrant, opens_on: date) -> Message:
    return kind(programme_id=_id(programme_id), quadrant=quadrant.value, opens_on=_day(opens_on))


@PUBLICATIONS.tells(rollout.PhasePlanned)
def phase_planned(fact: rollout.PhasePlanned) -> Message:
    return _phase(told.RolloutPhasePlanned, fact.programme_id, fact.quadrant, fact.opens_on)


@PUBLICATIONS.tells(rollout.PhaseOpened)
def phase_opened(fact: rollout.PhaseOpened) -> Message:
    return _phase(told.RolloutPhaseOpened, fact.programme_id, fact.quadrant, fact.opens_on)


@PUBLICATIONS.tells(rollout.PhaseSuspended)
def phase_suspended(fact: rollout.PhaseSuspended) -> Message:
    return _phase(told.RolloutPhaseSuspended, fact.programme_id, fact.quadrant, fact.opens_on)
