"""Two records that turned out to be one man: who may say so, what goes on and what ends."""

from dataclasses import replace
from datetime import date
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.aggregate import Invalid, Refused, Unmet
from referral.domain.codes import Channel
from referral.domain.consent import Consent, ConsentPurpose, ConsentStatus, ended_by_merge
from referral.domain.merge import Later, Merge, Merged, MergeReason, Status, Unmerged, UnmergeReason
from referral.domain.person import Details, Person, SafeContactSet, State
from referral.domain.safe_contact import SafeContact
from tests.referral.builders import NOW, settled

A, B, C = uuid4(), uuid4(), uuid4()
SAFE = SafeContact(channels=(Channel.PHONE, Channel.SMS), days=(1, 2, 3), from_hour=9, to_hour=17, voicemail=True)


def a_merge(**changes):
    given = {"id": uuid4(), "from_person_id": A, "to_person_id": B, "reason": MergeReason.SAME_IDENTIFIER, **changes}
    return Merge(**given)


def asked(by="sm-1"):
    return settled(a_merge().ask(by=by, at=NOW))


def a_person(id_=A, **changes):
    return settled(replace(Person(id=id_).record(Details(family_name="Fairweather"), at=NOW), **changes))


def agreed(person_id, purpose=ConsentPurpose.SHARE, codes=("APPOINTMENTS",), recipient="north-london-nhs", **changes):
    held = Consent(id=uuid4(), person_id=person_id, purpose=purpose, recipient=recipient, scope_codes=codes, **changes)
    return settled(held.grant(review_on=date(2027, 1, 10), at=NOW))


def test_a_second_person_says_so_too():
    with pytest.raises(Unmet) as no:
        asked().merge(by="sm-1", record_version=3, at=NOW)
    assert no.value.reason == "second_person_required"

    done = asked().merge(by="sm-2", record_version=3, at=NOW)

    assert done.status is Status.MERGED
    assert done.news == (Merged(at=NOW, from_person_id=A, to_person_id=B, record_version=3),)
    assert done.person == B


def test_a_record_is_not_joined_to_itself():
    with pytest.raises(Invalid) as no:
        a_merge(to_person_id=A).ask(by="sm-1", at=NOW)
    assert no.value.fields[0].code == "CONFLICTS_WITH(from_person_id)"


def test_they_are_taken_apart_by_two_and_what_came_meanwhile_is_named():
    merged = settled(asked().merge(by="sm-2", record_version=3, at=NOW))
    waiting = settled(merged.ask_unmerge(UnmergeReason.DIFFERENT_PEOPLE, by="sm-2", at=NOW))
    later = (Later(kind="consent", record_id=C),)

    with pytest.raises(Unmet, match="second_person_required"):
        waiting.unmerge(by="sm-2", record_version=4, to_sort=later, at=NOW)
    apart = waiting.unmerge(by="sm-1", record_version=4, to_sort=later, at=NOW)

    assert (apart.status, apart.to_sort) == (Status.UNMERGED, later)
    assert apart.news == (Unmerged(at=NOW, from_person_id=A, to_person_id=B, record_version=4),)


STEPS = {
    "merge": lambda held, by: held.merge(by=by, record_version=1, at=NOW),
    "ask_unmerge": lambda held, by: held.ask_unmerge(UnmergeReason.MERGED_BY_MISTAKE, by=by, at=NOW),
    "unmerge": lambda held, by: held.unmerge(by=by, record_version=2, to_sort=(), at=NOW),
}
AFTER = {
    "merge": (Status.ASKED, Status.MERGED),
    "ask_unmerge": (Status.MERGED, Status.UNMERGE_ASKED),
    "unmerge": (Status.UNMERGE_ASKED, Status.UNMERGED),
}


@given(st.lists(st.tuples(st.sampled_from(sorted(STEPS)), st.sampled_from(["sm-1", "sm-2", "sm-3"]))))
def test_whatever_is_tried_each_step_has_two_different_people_and_a_refusal_changes_nothing(tried):
    held, first = asked("sm-1"), "sm-1"
    for step, by in tried:
        before, (needs, leads_to) = held, AFTER[step]
        try:
            held = settled(STEPS[step](held, by))
        except Refused:
            assert before.status is not needs or (step != "ask_unmerge" and by == first)
            assert held == before
            continue
        assert (before.status, held.status, held.version) == (needs, leads_to, before.version + 1)
        assert step == "ask_unmerge" or by != first
        first = by if step == "ask_unmerge" else first


def test_what_is_new_goes_under_the_record_he_goes_on_by():
    joined = settled(a_person().join(B, at=NOW))

    assert (joined.state, joined.merged_into) == (State.MERGED_INTO, B)
    for attempt in (
        lambda: joined.record(Details(family_name="Other"), at=NOW),
        lambda: joined.join(C, at=NOW),
        lambda: joined.take_in(a_person(C), at=NOW),
        lambda: joined.set_safe_contact(SAFE, at=NOW),
    ):
        with pytest.raises(Unmet, match="merged"):
            attempt()
    assert joined.stand_alone(at=NOW).state is State.KNOWN


def test_a_review_of_either_is_closed():
    for value in (
        a_person(merge_review=True).join(B, at=NOW),
        a_person(B, merge_review=True).take_in(a_person(), at=NOW),
    ):
        assert not value.merge_review


def test_he_is_reached_as_both_records_allow_until_he_is_asked_anew():
    other = a_person(
        safe_contact=SafeContact(channels=(Channel.SMS,), days=(2, 5), from_hour=12, to_hour=20, unnamed=True)
    )

    kept = settled(a_person(B, safe_contact=SAFE).take_in(other, at=NOW))

    narrowed = SafeContact(channels=(Channel.SMS,), days=(2,), from_hour=12, to_hour=17, unnamed=True)
    assert (kept.safely, kept.safe_contact) == (narrowed, SAFE)
    assert settled(kept.set_safe_contact(SAFE, at=NOW)).safely == SAFE
    apart = kept.let_go((A,), at=NOW)
    assert apart.safely == SAFE
    assert [fact.safe_contact for fact in apart.news if isinstance(fact, SafeContactSet)] == [SAFE]


def test_without_an_hour_that_both_allow_there_is_no_channel():
    other = a_person(safe_contact=replace(SAFE, days=(6, 7)))

    assert a_person(B, safe_contact=SAFE).take_in(other, at=NOW).safely.channels == ()


def test_where_nothing_was_agreed_under_the_record_he_goes_on_by_there_is_nothing():
    assert a_person(B).take_in(a_person(safe_contact=SAFE), at=NOW).safely is None


def test_what_bounded_the_joined_record_bounds_the_next_and_goes_with_it():
    middle = settled(a_person(B, safe_contact=SAFE).take_in(a_person(A, safe_contact=SAFE), at=NOW))
    last = settled(a_person(C, safe_contact=SAFE).take_in(middle, at=NOW))

    assert [each.person_id for each in last.narrowings] == [A, B]
    assert last.let_go((A, B), at=NOW).narrowings == ()


def test_a_death_known_under_one_record_is_known():
    kept = a_person(B).take_in(a_person(deceased=True), at=NOW)

    assert kept.deceased
    assert kept.details.deceased


def matters(held: list[Consent]) -> set[UUID]:
    return {each.person_id for each in held}


@pytest.mark.parametrize(
    ("joined", "kept", "ending"),
    [
        ((), (), set()),
        (("A",), ("A",), set()),
        (("A",), (), {A}),
        ((), ("A",), {B}),
        (("A", "B"), ("A",), {A}),
        (("A",), ("A", "B"), {A, B}),
        (("A",), ("B",), {A, B}),
    ],
)
def test_an_agreement_goes_on_where_it_was_given_under_both_records(joined, kept, ending):
    theirs = [agreed(A, codes=joined)] if joined else []
    ours = [agreed(B, codes=kept)] if kept else []

    assert matters(ended_by_merge(theirs, ours)) == ending


def test_a_no_under_one_record_ends_the_yes_under_the_other():
    declined = settled(replace(agreed(A), status=ConsentStatus.NOT_ASKED).decline(at=NOW))

    assert matters(ended_by_merge([declined], [agreed(B)])) == {B}


CODES = st.sets(st.sampled_from(["A", "B", "C"])).map(sorted).map(tuple)


@given(CODES, CODES)
def test_nothing_goes_on_that_was_not_agreed_under_both(joined, kept):
    theirs, ours = agreed(A, codes=joined), agreed(B, codes=kept)

    ended = ended_by_merge([theirs], [ours])

    if ours not in ended:
        assert set(kept) <= set(joined)
    if theirs not in ended:
        assert ours not in ended
        assert set(joined) <= set(kept)
