"""He was told of an offer; what came of it is asked twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from chassis.aggregate import Unmet
from partners.domain.signpost import Given, Outcome, OutcomeAsked, OutcomeRecorded, Signpost, Status

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


def a_signpost(*, retired: bool = False) -> Signpost:
    return Signpost.give(
        uuid4(),
        offer_id=uuid4(),
        retired=retired,
        person_id=uuid4(),
        case_id=uuid4(),
        given_by="staff-ew-1",
        organisation="together",
        at=AT,
    )


def told(signpost: Signpost) -> Signpost:
    return replace(signpost, version=signpost.version + len(signpost.news), news=())


def test_it_is_given_and_says_which_offer_and_nothing_of_him() -> None:
    signpost = a_signpost()

    assert signpost.status is Status.GIVEN
    assert signpost.news == (Given(offer_id=signpost.offer_id, at=AT),)


def test_nobody_is_told_of_what_is_no_more() -> None:
    with pytest.raises(Unmet, match="offer_retired"):
        a_signpost(retired=True)


def test_it_is_asked_until_an_answer_is_known() -> None:
    asked = told(told(a_signpost()).ask(1, at=AT + timedelta(days=14)))

    answered = asked.record_outcome(Outcome.NOT_TAKEN_UP, at=AT + timedelta(days=15))

    assert (asked.to_ask, answered.to_ask) == (True, False)
    assert [type(fact) for fact in answered.news] == [OutcomeRecorded]
    assert (answered.status, answered.outcome_at) == (Status.NOT_TAKEN_UP, AT + timedelta(days=15))


@pytest.mark.parametrize("first", [Outcome.NOT_TAKEN_UP, Outcome.UNKNOWN])
def test_what_was_not_taken_up_is_asked_again_and_may_be_later(first: Outcome) -> None:
    known = told(told(a_signpost()).record_outcome(first, at=AT))

    asked = known.ask(2, at=AT + timedelta(days=42))
    taken = told(asked).record_outcome(Outcome.TAKEN_UP, at=AT + timedelta(days=43))

    assert [type(fact) for fact in asked.news] == [OutcomeAsked]
    assert taken.status is Status.TAKEN_UP


def test_what_was_taken_up_is_not_asked_nor_unsaid() -> None:
    taken = told(told(a_signpost()).record_outcome(Outcome.TAKEN_UP, at=AT))

    assert taken.ask(2, at=AT) is taken
    assert taken.record_outcome(Outcome.TAKEN_UP, at=AT) is taken
    with pytest.raises(Unmet, match="invalid_transition"):
        taken.record_outcome(Outcome.NOT_TAKEN_UP, at=AT)
