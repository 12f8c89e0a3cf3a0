"""Sharing agreements: what their terms must hold, who signs, who may let them rest, and when they end."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis import access
from chassis.aggregate import Fault, Invalid, Unmet
from partners.domain.agreement import codes, facts
from partners.domain.agreement.aggregate import Rest, SharingAgreement
from partners.domain.agreement.codes import Article9, LawfulBasis, OtherBasis, Regime, Status, Statute
from partners.domain.agreement.terms import Terms
from tests.partners.agreements import AT, a_party, probation, standing, terms

DAY = timedelta(days=1)
TRUST, TOGETHER = "north-london-nhs", "together"


def drafted(of: Terms | None = None, **given: Any) -> SharingAgreement:
    return SharingAgreement.draft(uuid4(), of or terms(**given), node=TOGETHER, told=(TRUST,), at=AT)


def active(of: Terms | None = None) -> SharingAgreement:
    agreement = drafted(of)
    for party in agreement.terms.organisations:
        agreement = agreement.sign(party, agreement.terms_hash, told=(), at=AT)
    return agreement


def said(agreement: SharingAgreement) -> list[str]:
    return [type(fact).__name__ for fact in agreement.news]


def test_it_is_proposed_with_all_its_terms() -> None:
    agreement = drafted()

    assert agreement.status is Status.DRAFT
    (proposed,) = agreement.news
    assert isinstance(proposed, facts.Proposed)
    assert (proposed.told, proposed.terms_hash) == ((TRUST,), agreement.terms.digest)


def test_the_digest_does_not_depend_on_the_order_of_lists() -> None:
    one, other = terms(), terms(parties=tuple(reversed(terms().parties)), purposes=tuple(reversed(terms().purposes)))

    assert one.digest == other.digest
    assert one.canonical() == other.canonical()


@pytest.mark.parametrize(
    "changes",
    [
        {"retention_days": 366},
        {"valid_to": date(2027, 3, 1)},
        {"recipients": ("together",)},
        {"parties": (a_party("together", policy_document="APD-2"), a_party(TRUST))},
        {"associates": (TRUST,)},
    ],
)
def test_any_other_term_is_another_digest(changes: dict[str, Any]) -> None:
    assert terms(**changes).digest != terms().digest


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"parties": ()}, ("parties", "REQUIRED")),
        ({"parties": (a_party("together"),), "recipients": ("together",)}, ("parties", "OUT_OF_RANGE")),
        (
            {"parties": (a_party("together"), a_party("together"), a_party(TRUST))},
            ("parties", "CONFLICTS_WITH(parties)"),
        ),
        (
            {"parties": (a_party("Together"), a_party(TRUST)), "recipients": (TRUST,)},
            ("parties.0.org_id", "INVALID_FORMAT"),
        ),
        (
            {"parties": (a_party("together", regime=Regime.PART3), a_party(TRUST))},
            ("parties.0.lawful_basis", "CONFLICTS_WITH(regime)"),
        ),
        (
            {"parties": (a_party("together", lawful_basis=LawfulBasis.LAW_ENFORCEMENT_TASK), a_party(TRUST))},
            ("parties.0.lawful_basis", "CONFLICTS_WITH(regime)"),
        ),
        (
            {"parties": (a_party("together", article_9_condition=Article9.SAFEGUARDING_SCH8_P4), a_party(TRUST))},
            ("parties.0.article_9_condition", "CONFLICTS_WITH(regime)"),
        ),
        (
            {"parties": (a_party("together", policy_document=""), a_party(TRUST))},
            ("parties.0.policy_document", "REQUIRED"),
        ),
        (
            {"parties": (a_party("together", policy_document="see my letter"), a_party(TRUST))},
            ("parties.0.policy_document", "INVALID_FORMAT"),
        ),
        ({"recipients": ()}, ("recipients", "REQUIRED")),
        ({"recipients": ("together", "women-in-prison")}, ("recipients.1", "CONFLICTS_WITH(parties)")),
        ({"recipients": ("together", "group:")}, ("recipients.1", "INVALID_FORMAT")),
        ({"associates": ("women-in-prison",)}, ("associates.0", "CONFLICTS_WITH(parties)")),
        ({"purposes": ()}, ("purposes", "REQUIRED")),
        ({"categories": ()}, ("categories", "REQUIRED")),
        ({"confidentiality_bases": (OtherBasis.STATUTE,)}, ("statutes", "REQUIRED")),
        ({"statutes": (Statute.OMA_2007_S14,)}, ("statutes", "CONFLICTS_WITH(confidentiality_bases)")),
        ({"standing_reference": "clause-1"}, ("standing_reference", "CONFLICTS_WITH(standing_basis)")),
        (
            {"standing_basis": OtherBasis.PUBLIC_INTEREST, "standing_reference": "c-1"},
            ("standing_recipients", "REQUIRED"),
        ),
        ({"retention_days": 0}, ("retention_days", "OUT_OF_RANGE")),
        ({"valid_to": date(2026, 2, 1), "review_on": date(2026, 2, 1)}, ("valid_to", "BEFORE_START")),
        ({"valid_to": date(2040, 1, 1)}, ("valid_to", "OUT_OF_RANGE")),
        ({"review_on": date(2028, 1, 1)}, ("review_on", "OUT_OF_RANGE")),
    ],
)
def test_terms_that_do_not_hold_together_are_refused(changes: dict[str, Any], fault: tuple[str, str]) -> None:
    with pytest.raises(Invalid) as refused:
        drafted(**changes)

    assert Fault(*fault) in refused.value.fields


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"standing_reference": "CARE_ACT_2014_S45"}, ("standing_reference", "CONFLICTS_WITH(statutes)")),
        ({"standing_recipients": ("women-in-prison",)}, ("standing_recipients", "CONFLICTS_WITH(recipients)")),
        ({"standing_reference": ""}, ("standing_reference", "REQUIRED")),
        (
            {"parties": (a_party("together"), probation(regime=Regime.PART2))},
            ("parties.1.lawful_basis", "CONFLICTS_WITH(regime)"),
        ),
    ],
)
def test_a_standing_basis_says_on_what_it_rests_and_for_whom(changes: dict[str, Any], fault: tuple[str, str]) -> None:
    assert standing().faults() == ()

    assert Fault(*fault) in standing(**changes).faults()


def test_a_term_that_is_over_is_not_proposed() -> None:
    over = {"valid_from": date(2025, 1, 1), "valid_to": date(2026, 3, 1), "review_on": date(2025, 6, 1)}
    with pytest.raises(Invalid) as refused:
        drafted(**over)

    assert refused.value.fields == (Fault("valid_to", "IN_PAST"),)


def test_the_first_signature_is_review_and_the_last_brings_it_into_force() -> None:
    agreement = drafted()
    hash_ = agreement.terms_hash

    first = agreement.sign(TOGETHER, hash_, told=(TRUST,), at=AT)
    last = first.sign(TRUST, hash_, told=(TRUST,), at=AT + DAY)

    assert first.status is Status.IN_REVIEW
    assert last.status is Status.ACTIVE
    assert said(last) == ["Proposed", "Signed", "Signed", "Activated"]
    assert last.news[-1].agreement_version == 4


def test_other_terms_than_these_are_not_signed() -> None:
    with pytest.raises(Unmet, match="terms_differ"):
        drafted().sign(TOGETHER, "0" * 64, told=(), at=AT)


def test_a_party_signs_once_and_nobody_else_does() -> None:
    agreement = drafted()
    signed = agreement.sign(TOGETHER, agreement.terms_hash, told=(), at=AT)

    with pytest.raises(Unmet, match="already_signed"):
        signed.sign(TOGETHER, agreement.terms_hash, told=(), at=AT)
    with pytest.raises(Unmet, match="not_a_party"):
        signed.sign("women-in-prison", agreement.terms_hash, told=(), at=AT)


def test_near_its_end_it_is_expiring_from_the_start() -> None:
    soon = terms(valid_to=date(2026, 3, 20), review_on=date(2026, 3, 10))

    assert active(soon).status is Status.EXPIRING


def test_it_warns_four_weeks_before_and_ends_by_itself() -> None:
    near = active().warn(at=AT)
    over = near.expire(at=AT)

    assert (near.status, over.status) == (Status.EXPIRING, Status.EXPIRED)
    with pytest.raises(Unmet, match="invalid_transition"):
        over.suspend(TRUST, told=(), at=AT)


def test_one_party_lets_it_rest_and_all_must_let_it_go_on() -> None:
    resting = active().suspend(TRUST, told=(TOGETHER,), at=AT + DAY)
    half = resting.resume(TRUST, told=(), at=AT + 2 * DAY)
    whole = half.resume(TOGETHER, told=(), at=AT + 3 * DAY)

    assert [each.status for each in (resting, half, whole)] == [Status.SUSPENDED, Status.SUSPENDED, Status.ACTIVE]
    assert whole.rests == (Rest(since=AT + DAY, until=AT + 3 * DAY),)
    assert said(whole)[-4:] == ["Suspended", "ResumptionAgreed", "ResumptionAgreed", "Resumed"]


def test_who_lets_it_rest_anew_waits_for_all_again() -> None:
    resting = active().suspend(TRUST, told=(), at=AT + DAY).resume(TRUST, told=(), at=AT + 2 * DAY)

    again = resting.suspend(TOGETHER, told=(), at=AT + 3 * DAY).resume(TOGETHER, told=(), at=AT + 4 * DAY)

    assert again.status is Status.SUSPENDED
    assert again.resume(TRUST, told=(), at=AT + 5 * DAY).status is Status.ACTIVE


def test_any_party_ends_it_for_good() -> None:
    ended = active().end(TRUST, told=(TOGETHER,), at=AT + DAY)

    assert (ended.status, ended.ended_at) == (Status.ENDED, AT + DAY)
    with pytest.raises(Unmet, match="invalid_transition"):
        ended.resume(TRUST, told=(), at=AT)


def test_a_proposal_nobody_wants_is_dropped_by_the_same_word() -> None:
    assert drafted().end(TRUST, told=(), at=AT).status is Status.ENDED


def test_a_proposal_whose_digest_is_not_of_its_terms_is_refused() -> None:
    of = terms()

    with pytest.raises(Unmet, match="terms_differ"):
        SharingAgreement.hear(uuid4(), of, replace(of, retention_days=1).digest, node=TOGETHER, at=AT)


def test_what_was_heard_before_changes_nothing() -> None:
    agreement = active()

    assert agreement.hear_signed(TRUST, agreement.terms_hash, at=AT) == agreement
    ended = agreement.end(TRUST, told=(), at=AT)
    assert ended.hear_ended(TOGETHER, at=AT) == ended
    assert ended.hear_suspended(TOGETHER, at=AT) == ended


def test_suspended_elsewhere_before_the_last_signature_was_heard_it_is_never_in_force() -> None:
    agreement = drafted()
    mine = agreement.sign(TOGETHER, agreement.terms_hash, told=(), at=AT)

    crossed = mine.hear_suspended(TRUST, at=AT + DAY).hear_signed(TRUST, agreement.terms_hash, at=AT)

    assert crossed.status is Status.SUSPENDED


# Two houses and a third hear each other in any order between two senders: all end alike.
PARTIES = (TOGETHER, TRUST, "women-in-prison")
IDENTITY = UUID(int=7)
ACTS = st.lists(st.tuples(st.sampled_from(PARTIES), st.sampled_from(["sign", "suspend", "resume", "end"])), max_size=14)


def _acted(agreement: SharingAgreement, party: str, act: str, minute: int) -> SharingAgreement | None:
    at = AT + timedelta(minutes=minute)
    try:
        if act == "sign":
            return agreement.sign(party, agreement.terms_hash, told=(), at=at)
        return getattr(agreement, act)(party, told=(), at=at)
    except Unmet:
        return None


def _heard(agreement: SharingAgreement, party: str, act: str, minute: int) -> SharingAgreement:
    at = AT + timedelta(minutes=minute)
    if act == "sign":
        return agreement.hear_signed(party, agreement.terms_hash, at=at)
    past = {"suspend": "suspended", "resume": "resumed", "end": "ended"}[act]
    return getattr(agreement, f"hear_{past}")(party, at=at)


@given(acts=ACTS, data=st.data())
def test_in_whatever_order_houses_hear_each_other_they_end_alike(
    acts: list[tuple[str, str]], data: st.DataObject
) -> None:
    copies = {
        party: SharingAgreement.draft(IDENTITY, terms(*PARTIES[1:]), node=TOGETHER, told=(), at=AT) for party in PARTIES
    }
    queues: dict[tuple[str, str], list[tuple[str, int]]] = {
        (sender, hearer): [] for sender in PARTIES for hearer in PARTIES if sender != hearer
    }

    def deliver_one() -> None:
        waiting = sorted(pair for pair, queue in queues.items() if queue)
        sender, hearer = data.draw(st.sampled_from(waiting))
        act, minute = queues[sender, hearer].pop(0)
        copies[hearer] = _heard(copies[hearer], sender, act, minute)

    for minute, (party, act) in enumerate(acts, start=1):
        changed = _acted(copies[party], party, act, minute)
        if changed is not None:
            copies[party] = changed
            for hearer in PARTIES:
                if hearer != party:
                    queues[party, hearer].append((act, minute))
        while any(queues.values()) and data.draw(st.booleans()):
            deliver_one()
    while any(queues.values()):
        deliver_one()

    assert len({copy.status for copy in copies.values()}) == 1
    standing = [copy for copy in copies.values() if copy.open]  # after its end nobody counts its rests
    assert len({copy.rests[-1:] for copy in standing}) <= 1


@pytest.mark.parametrize("name", ["Category", "Regime", "LawfulBasis", "Statute", "Purpose"])
def test_the_lists_are_those_the_gate_judges_by(name: str) -> None:
    assert {each.value for each in getattr(codes, name)} == {each.value for each in getattr(access, name)}


def test_beside_his_own_agreement_every_basis_may_be_admitted() -> None:
    assert {each.value for each in OtherBasis} == {each.value for each in access.Confidentiality} - {"AGREED"}
