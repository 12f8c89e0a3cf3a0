"""The referral: its table, guard by guard, and as a machine that tries everything."""

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from chassis.aggregate import Invalid, Refused, Unmet
from referral.domain import referral_facts as facts
from referral.domain.codes import Aspect, EndReason, Party, ReasonGroup
from referral.domain.eligibility import judge
from referral.domain.priority import Band
from referral.domain.referral_parts import Ending, OfferState, Status, Target
from tests.referral.builders import (
    CLOCK,
    NOW,
    PASSED,
    PLACING,
    TODAY,
    a_referral,
    known,
    rules,
    settled,
    some_answers,
    told,
)

DONE = Ending(reason=EndReason.NO_LONGER_WANTED, note="", suggestions=(Aspect.ADVOCACY,))


def sent(**changes):
    return settled(a_referral(**changes).submit(PASSED, PLACING, CLOCK, duplicate=False, at=NOW))


def in_triage():
    return settled(sent().start_triage(no_conflict=True, at=NOW))


def accepted():
    return settled(in_triage().accept(risk_read_on=TODAY, decided=True, proposed_worker="staff-ew-1", at=NOW))


def names(value):
    return [type(fact).__name__ for fact in value.news]


def test_submitting_tells_that_it_was_sent_judged_and_placed():
    value = a_referral().submit(PASSED, PLACING, CLOCK, duplicate=False, at=NOW)

    assert value.status is Status.SUBMITTED
    assert names(value) == ["Submitted", "EligibilityEvaluated", "PriorityAssigned"]


def test_a_hidden_duplicate_is_submitted_as_any_other_and_flagged_for_triage():
    value = a_referral().submit(PASSED, PLACING, CLOCK, duplicate=True, at=NOW)

    assert value.status is Status.SUBMITTED
    assert value.possible_duplicate
    assert names(value)[-1] == "DuplicateDetected"


def test_what_fails_is_not_submitted():
    failed = judge(known(born=date(2010, 1, 1)), rules(), on=TODAY)

    with pytest.raises(Unmet, match="under_minimum_age"):
        a_referral().submit(failed, PLACING, CLOCK, duplicate=False, at=NOW)


def test_triage_needs_somebody_without_a_conflict_of_interest():
    with pytest.raises(Unmet, match="conflict_of_interest"):
        sent().start_triage(no_conflict=False, at=NOW)


def test_a_named_person_confirms_that_he_decided():
    with pytest.raises(Unmet, match="decision_not_confirmed"):
        in_triage().accept(risk_read_on=TODAY, decided=False, proposed_worker="", at=NOW)


def test_the_risk_summary_was_not_read_tomorrow():
    with pytest.raises(Invalid) as no:
        in_triage().accept(risk_read_on=TODAY + timedelta(days=1), decided=True, proposed_worker="", at=NOW)

    assert no.value.fields[0].code == "IN_FUTURE"


def test_the_acceptance_is_the_version_at_which_it_was_told():
    value = in_triage().accept(risk_read_on=TODAY, decided=True, proposed_worker="", at=NOW)

    assert value.acceptance == settled(value).version


def test_declining_suggests_something_or_says_that_there_is_nothing():
    without = Ending(reason=EndReason.NO_CAPACITY)

    assert in_triage().decline(without, no_suggestion=True, at=NOW).status is Status.DECLINED
    with pytest.raises(Invalid):
        in_triage().decline(without, no_suggestion=False, at=NOW)
    with pytest.raises(Invalid):
        in_triage().decline(DONE, no_suggestion=True, at=NOW)


def a_target(offer=OfferState.PUBLISHED, *, on=TODAY):
    return Target(offer_id=UUID("0195569a-0000-7000-8000-0000000000f1"), offer=offer, agreed_on=on)


def test_whoever_is_redirected_agreed_and_is_told_of_by_the_offer_alone():
    value = in_triage().redirect(a_target(), Ending(reason=EndReason.COHORT), at=NOW)

    assert (value.status, value.redirected_to) == (Status.REDIRECTED, str(a_target().offer_id))
    assert (value.news[-1].offer_id, value.news[-1].reason_group) == (a_target().offer_id, ReasonGroup.ELIGIBILITY)


@pytest.mark.parametrize(
    ("offer", "reason"),
    [(None, "offer_unknown"), (OfferState.PAUSED, "offer_closed"), (OfferState.RETIRED, "offer_closed")],
)
def test_nobody_is_redirected_to_what_takes_nobody(offer, reason):
    with pytest.raises(Unmet, match=reason):
        in_triage().redirect(a_target(offer), Ending(reason=EndReason.COHORT), at=NOW)


def test_the_agreement_to_be_redirected_was_not_given_tomorrow():
    with pytest.raises(Invalid):
        in_triage().redirect(a_target(on=TODAY + timedelta(days=1)), Ending(reason=EndReason.COHORT), at=NOW)


def test_only_the_group_of_a_reason_is_told():
    value = in_triage().decline(replace(DONE, reason=EndReason.UNSAFE_TO_DELIVER), no_suggestion=False, at=NOW)

    assert value.news[-1].reason_group is ReasonGroup.SAFETY


def test_every_reason_has_its_group():
    assert EndReason.NO_CONSENT.group is ReasonGroup.PERSON_CHOICE
    assert EndReason.DIED.group is ReasonGroup.CIRCUMSTANCE
    assert {reason.group for reason in EndReason} == set(ReasonGroup)


def test_a_worker_is_recorded_for_the_newest_acceptance_only():
    value = accepted()

    assert value.record_allocated("staff-ew-1", value.acceptance, at=NOW).status is Status.ALLOCATED
    with pytest.raises(Unmet, match="superseded_acceptance"):
        value.record_allocated("staff-ew-1", value.acceptance - 1, at=NOW)


def test_a_worker_named_after_the_withdrawal_is_an_invalid_transition():
    value = settled(accepted().withdraw(DONE, by_party=Party.PERSON, at=NOW))

    with pytest.raises(Unmet, match="invalid_transition"):
        value.record_allocated("staff-ew-1", value.acceptance, at=NOW)


def test_after_reopening_the_first_allocation_answers_nothing_any_more():
    first = accepted()
    gone = settled(first.withdraw(DONE, by_party=Party.PERSON, at=NOW))
    again = settled(gone.reopen(PASSED, PLACING, CLOCK, note="He rang", duplicate=False, at=NOW))

    with pytest.raises(Unmet, match="superseded_acceptance"):
        again.record_allocated("staff-ew-1", first.acceptance, at=NOW)


@pytest.mark.parametrize(("days", "late"), [(90, False), (91, True)])
def test_a_declined_referral_can_be_reopened_within_90_days(days, late):
    value = settled(in_triage().decline(DONE, no_suggestion=False, at=NOW))
    at = NOW + timedelta(days=days)

    if late:
        with pytest.raises(Unmet, match="reopen_too_late"):
            value.reopen(PASSED, PLACING, CLOCK, note="again", duplicate=False, at=at)
    else:
        assert value.reopen(PASSED, PLACING, CLOCK, note="again", duplicate=False, at=at).status is Status.SUBMITTED


def test_a_referral_that_ended_with_a_death_stays_ended():
    value = settled(accepted().withdraw(Ending(reason=EndReason.DIED), by_party=Party.SERVICE, at=NOW))

    with pytest.raises(Unmet, match="invalid_transition"):
        value.reopen(PASSED, PLACING, CLOCK, note="again", duplicate=False, at=NOW)


def test_waiting_lifts_the_band_and_tells_it_once():
    value = sent()
    later = NOW + timedelta(days=30)
    lifted = settled(value.rank(later.date(), at=later))

    assert lifted.effective_band is Band.P2
    assert lifted.rank(later.date(), at=later).news == ()


def test_told_and_willing_is_not_recorded_for_tomorrow():
    with pytest.raises(Invalid):
        a_referral().record_told(told(on=TODAY + timedelta(days=1)), at=NOW)


S = Status
PATHS = {
    "Drafted": {(None, S.DRAFT)},
    "DraftUpdated": {(S.DRAFT, S.DRAFT)},
    "ToldAndWillingRecorded": {(S.DRAFT, S.DRAFT)},
    "Expiring": {(S.DRAFT, S.DRAFT)},
    "Expired": {(S.DRAFT, S.EXPIRED)},
    "Submitted": {(S.DRAFT, S.SUBMITTED)},
    "Reopened": {(end, S.SUBMITTED) for end in (S.DECLINED, S.WITHDRAWN, S.EXPIRED)},
    "TriageStarted": {(S.SUBMITTED, S.IN_TRIAGE)},
    "Accepted": {(S.IN_TRIAGE, S.ACCEPTED)},
    "Declined": {(S.IN_TRIAGE, S.DECLINED)},
    "Redirected": {(S.IN_TRIAGE, S.REDIRECTED)},
    "Allocated": {(S.ACCEPTED, S.ALLOCATED)},
    "Converted": {(S.ALLOCATED, S.CONVERTED)},
    "Withdrawn": {(s, S.WITHDRAWN) for s in (S.DRAFT, S.SUBMITTED, S.IN_TRIAGE, S.ACCEPTED, S.ALLOCATED)},
}
SAME = {"EligibilityEvaluated", "PriorityAssigned", "PriorityChanged", "DuplicateDetected", "ReferralMissed"}


class ReferralMachine(RuleBasedStateMachine):
    """Everything is tried in every state: what is refused changes nothing, what is told forms a path."""

    @initialize()
    def start(self):
        self.value = a_referral()
        self.facts, self.at, self.days = 1, NOW, 0

    def attempt(self, method, *args, **kwargs):
        before = self.value
        try:
            after = method(self.value)(*args, **kwargs)
        except Refused:
            assert self.value == before
            return
        moved = [fact for fact in after.news if type(fact).__name__ not in SAME]
        assert len(moved) <= 1
        for fact in moved:
            assert (before.status, after.status) in PATHS[type(fact).__name__]
        if not moved:
            assert before.status is after.status
        self.facts += len(after.news)
        self.value = settled(after)

    @rule(borough=st.sampled_from(["E09000007", "E09000019", "NOT_KNOWN"]))
    def update(self, borough):
        self.attempt(lambda v: v.update, some_answers(borough=borough), at=self.at)

    @rule(willing=st.booleans())
    def tell(self, willing):
        self.attempt(lambda v: v.record_told, told(willing=willing), at=self.at)

    @rule(young=st.booleans(), duplicate=st.booleans())
    def submit(self, young, duplicate):
        verdict = judge(known(born=date(2010, 1, 1)), rules(), on=TODAY) if young else PASSED
        self.attempt(lambda v: v.submit, verdict, PLACING, CLOCK, duplicate=duplicate, at=self.at)

    @rule(conflict=st.booleans())
    def triage(self, conflict):
        self.attempt(lambda v: v.start_triage, no_conflict=not conflict, at=self.at)

    @rule(decided=st.booleans())
    def accept(self, decided):
        self.attempt(lambda v: v.accept, risk_read_on=TODAY, decided=decided, proposed_worker="", at=self.at)

    @rule(nothing=st.booleans())
    def decline(self, nothing):
        self.attempt(lambda v: v.decline, DONE, no_suggestion=nothing, at=self.at)

    @rule(offer=st.none() | st.sampled_from(OfferState))
    def redirect(self, offer):
        self.attempt(lambda v: v.redirect, a_target(offer), Ending(reason=EndReason.OUT_OF_AREA), at=self.at)

    @rule(reason=st.sampled_from(EndReason), party=st.sampled_from(Party))
    def withdraw(self, reason, party):
        self.attempt(lambda v: v.withdraw, Ending(reason=reason), by_party=party, at=self.at)

    @rule()
    def expire(self):
        self.attempt(lambda v: v.expire, at=self.at)

    @rule()
    def warn(self):
        self.attempt(lambda v: v.warn, TODAY, at=self.at)

    @rule(off=st.integers(-1, 1))
    def allocated(self, off):
        self.attempt(lambda v: v.record_allocated, "staff-ew-1", self.value.acceptance + off, at=self.at)

    @rule(off=st.integers(-1, 1))
    def converted(self, off):
        self.attempt(lambda v: v.record_converted, self.value.acceptance + off, at=self.at)

    @rule()
    def reopen(self):
        self.attempt(lambda v: v.reopen, PASSED, PLACING, CLOCK, note="again", duplicate=False, at=self.at)

    @rule(days=st.integers(1, 40))
    def wait(self, days):
        self.at += timedelta(days=days)
        self.attempt(lambda v: v.rank, self.at.date(), at=self.at)

    @invariant()
    def version_is_the_number_of_facts(self):
        if hasattr(self, "value"):
            assert self.value.version == self.facts

    @invariant()
    def an_end_has_its_reason_and_an_open_one_has_none(self):
        if hasattr(self, "value") and self.value.status in {S.DECLINED, S.REDIRECTED, S.WITHDRAWN}:
            assert self.value.reason_group
            assert self.value.ended_at
        elif hasattr(self, "value") and self.value.status is not S.EXPIRED:
            assert self.value.reason_group is None

    @invariant()
    def an_accepted_one_names_its_acceptance(self):
        if hasattr(self, "value") and self.value.status in {S.ACCEPTED, S.ALLOCATED, S.CONVERTED}:
            assert 0 < self.value.acceptance <= self.value.version


TestReferralMachine = ReferralMachine.TestCase
TestReferralMachine.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)


def test_the_facts_that_a_draft_tells_carry_its_programme():
    value = a_referral()
    fact = value.warn(TODAY, at=NOW).news[0]

    assert fact == facts.Expiring(at=NOW, programme_id=value.programme_id, expires_on=TODAY)
