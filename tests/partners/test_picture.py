"""What a picture shows, told as stories; and that no order of hearing can change it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partners.projections.picture import heard
from partners.projections.picture.registers import Holder, Registers, fold, keep
from partners.projections.picture.shapes import Late, Picture, State
from partners.projections.picture.view import compose
from partners.projections.picture.viewers import for_practitioner
from tests.partners.histories import (
    PROGRAMME,
    START,
    TOGETHER,
    batches,
    case_of,
    interleaved,
    person_of,
    streams,
)
from tests.partners.story import Story


def test_a_case_opens_with_its_submission_and_says_when_a_decision_is_due() -> None:
    picture = Story().submitted().picture

    assert picture.state is State.SUBMITTED
    assert picture.submitted_at == START + timedelta(hours=1)
    assert picture.decision_due_at == START + timedelta(days=7)
    assert (picture.in_triage_since, picture.worker, picture.engagement, picture.late) == (
        None,
        None,
        None,
        (),
    )


def test_before_its_submission_was_heard_there_is_no_picture() -> None:
    story = Story().of_work(heard.worker, ref="staff-ew-1", role="EW")

    assert story.seen_at(story.at) is None


def test_in_triage_it_says_since_when() -> None:
    picture = Story().submitted().tell(heard.triage_started).picture

    assert picture.state is State.IN_TRIAGE
    assert picture.in_triage_since == START + timedelta(hours=2)


def test_once_accepted_a_worker_is_due_within_three_working_days_until_casework_says_when() -> None:
    story = Story().submitted().tell(heard.triage_started).tell(heard.accepted)
    implied = story.picture

    told = story.of_work(heard.allocation_waits, due_at=START + timedelta(days=2)).picture

    assert implied.waits_for_worker
    assert implied.allocation_due_at == datetime(2026, 3, 6, tzinfo=UTC)
    assert implied.decision_due_at is None
    assert told.waits_for_worker
    assert told.allocation_due_at == START + timedelta(days=2)


def test_when_the_calendar_has_ended_the_due_day_is_not_guessed() -> None:
    story = Story()
    story.at = datetime(2031, 1, 1, tzinfo=UTC)

    picture = story.submitted().tell(heard.accepted).picture

    assert picture.waits_for_worker
    assert picture.allocation_due_at is None


def test_declined_and_withdrawn_leave_the_same_picture() -> None:
    picture = Story().submitted().tell(heard.triage_started).tell(heard.referral_ended).picture

    assert picture.state is State.ENDED
    assert picture.ended_at == START + timedelta(hours=3)
    assert picture.decision_due_at is None


def test_opened_it_shows_who_works_with_him_and_the_dates() -> None:
    picture = Story().opened().picture

    assert picture.state is State.OPENED
    assert picture.worker is not None
    assert picture.worker.ref == "staff-ew-1"
    assert not picture.waits_for_worker
    assert picture.engagement is not None
    assert picture.engagement.planned_end_on == date(2027, 3, 2)
    assert picture.engagement.next_review_on == date(2026, 6, 2)
    assert picture.engagement.last_tried_at is None


def test_an_attempt_shows_when_he_was_last_tried() -> None:
    story = Story().opened().of_work(heard.tried).of_work(heard.tried)

    assert story.picture.state is State.ENGAGING
    assert story.picture.engagement is not None
    assert story.picture.engagement.last_tried_at == story.at


def test_a_pause_and_return_leads_back_to_the_stage_it_was_paused_in() -> None:
    later = {"planned_end_on": "2027-03-30", "review_due_on": "2026-06-02"}
    story = Story().opened().of_work(heard.activated, **later | {"planned_end_on": "2027-03-02"})

    paused = story.of_work(heard.paused, **later).picture
    back = story.of_work(heard.resumed, **later).picture

    assert paused.state is State.PAUSED
    assert back.state is State.ACTIVE
    assert back.engagement is not None
    assert back.engagement.planned_end_on == date(2027, 3, 30)


def test_an_ending_out_of_a_pause_is_an_ending() -> None:
    dates = {"planned_end_on": "2027-03-30", "review_due_on": "2026-06-02"}

    picture = Story().opened().of_work(heard.paused, **dates).of_work(heard.ending_started, **dates).picture

    assert picture.state is State.ENDING


def test_closed_it_says_when_and_nobody_works_with_him_any_more() -> None:
    story = Story().opened().of_work(heard.closed)
    closed_at = story.at

    picture = story.of_work(heard.allocation_ended).picture

    assert picture.state is State.CLOSED
    assert picture.ended_at == closed_at
    assert picture.worker is None
    assert not picture.waits_for_worker


def test_a_reopened_engagement_waits_for_a_worker_and_is_as_opened() -> None:
    story = Story().opened().of_work(heard.tried).of_work(heard.closed).of_work(heard.allocation_ended)
    story.of_work(heard.reopened, planned_end_on="2027-06-02", review_due_on="2026-09-02")

    picture = story.of_work(heard.allocation_waits, due_at=START + timedelta(days=99)).picture

    assert picture.state is State.OPENED
    assert picture.waits_for_worker
    assert picture.worker is None
    assert picture.ended_at is None
    assert picture.engagement is not None
    assert picture.engagement.last_tried_at is None


def test_a_referral_opened_again_after_the_work_had_closed_stands_for_itself() -> None:
    story = Story().opened().of_work(heard.closed).of_work(heard.allocation_ended)
    story.tell(heard.referral_ended)

    again = story.submitted().picture
    accepted = story.tell(heard.triage_started).tell(heard.accepted).picture

    assert again.state is State.SUBMITTED
    assert accepted.state is State.ACCEPTED
    assert accepted.waits_for_worker


def test_a_withdrawal_that_crossed_the_opening_leaves_the_work_to_be_ended() -> None:
    assert Story().opened().tell(heard.referral_ended).picture.state is State.OPENED


def test_late_stands_until_the_fact_that_keeps_it() -> None:
    story = Story().submitted()
    due = START + timedelta(days=1)

    late = story.tell(heard.late, promise="L1", due_at=due).picture
    kept = story.tell(heard.triage_started).picture

    assert late.late == (Late(promise="L1", since=due),)
    assert kept.late == ()


@pytest.mark.parametrize(
    ("promises", "fact"),
    [
        (("L3",), heard.tried),
        (("L3", "L4"), heard.activated),
        (("L3", "L4", "L21"), heard.ending_started),
        (("L3", "L4", "L12", "L21"), heard.closed),
        (("L3", "L4", "L18"), heard.allocation_ended),
        (("L12",), heard.reopened),
    ],
)
def test_each_fact_of_the_work_keeps_its_promises(promises: tuple[str, ...], fact: Any) -> None:
    story = Story().opened()
    for promise in (*promises, "L99"):
        story.of_work(heard.late, promise=promise, due_at=START)
    dated = fact in {heard.activated, heard.ending_started, heard.reopened}
    dates = {"planned_end_on": "2027-03-02", "review_due_on": "2026-01-02"} if dated else {}

    story.of_work(fact, **dates)

    assert [missed.promise for missed in story.picture.late or ()] == ["L99"]


def test_a_missed_review_is_kept_by_the_fact_that_names_the_next_one() -> None:
    story = Story().opened().of_work(heard.late, promise="L21", due_at=datetime(2026, 6, 3, tzinfo=UTC))
    late = story.picture.late

    dates = {"planned_end_on": "2027-03-02", "review_due_on": "2026-09-02"}
    story.of_work(heard.extended, **dates)

    assert [missed.promise for missed in late or ()] == ["L21"]
    assert story.picture.late == ()


def test_asked_again_is_late_until_he_was_asked_again() -> None:
    story = Story().submitted()
    story.of_person(heard.late, promise="L20", due_at=START, record=case_of(7))
    late = story.picture.late

    agreed = {"purpose": "PARTICIPATE", "programme_id": PROGRAMME, "agreed": True, "review_on": "2027-01-01"}
    story.of_person(heard.consent, **agreed, replaces=str(case_of(7)), record=case_of(8))

    assert late == (Late(promise="L20", since=START),)
    assert story.picture.late == ()


def test_only_agreement_to_take_part_in_this_programme_counts() -> None:
    story = Story().submitted()
    other = {"agreed": True, "review_on": "2027-01-01", "replaces": ""}

    story.of_person(heard.consent, purpose="CONTACT", programme_id="", **other)
    story.of_person(heard.consent, purpose="PARTICIPATE", programme_id=str(case_of(9)), **other)
    assert story.picture.taking_part is None

    story.of_person(heard.consent, purpose="PARTICIPATE", programme_id=PROGRAMME, **other)
    assert story.picture.taking_part is not None
    assert story.picture.taking_part.agreed
    assert story.picture.taking_part.review_on == date(2027, 1, 1)

    story.of_person(heard.consent, purpose="PARTICIPATE", programme_id=PROGRAMME, **other | {"agreed": False})
    assert story.picture.taking_part is not None
    assert not story.picture.taking_part.agreed
    assert story.picture.taking_part.review_on is None


def test_evidence_superseded_does_not_hide_the_evidence_that_counts() -> None:
    story = Story().submitted()
    story.of_person(heard.screening, completed_on="2025-01-10", is_current=True, record=case_of(1))
    story.of_person(heard.screening, completed_on="2026-01-10", is_current=True, record=case_of(2))
    story.of_person(heard.screening, completed_on="2025-01-10", is_current=False, record=case_of(1))

    assert story.picture.screening is not None
    assert story.picture.screening.current
    assert story.picture.screening.completed_on == date(2026, 1, 10)


def test_a_practitioner_sees_neither_agreement_nor_promises_nor_attempts() -> None:
    story = Story().opened().of_work(heard.tried).of_work(heard.late, promise="L4", due_at=START)
    agreed = {"purpose": "PARTICIPATE", "programme_id": PROGRAMME, "agreed": True, "review_on": "2027-01-01"}
    story.of_person(heard.consent, **agreed, replaces="")

    seen = for_practitioner(story.picture)

    assert story.picture.taking_part is not None
    assert story.picture.engagement is not None
    assert (seen.taking_part, seen.late) == (None, None)
    assert seen.engagement == replace(story.picture.engagement, last_tried_at=None)
    assert seen.worker == story.picture.worker


def shown(held: Registers) -> list[Picture | None]:
    """Every picture there may be: of each case, and of whoever came by a handoff."""
    ids = [*map(case_of, range(4)), person_of(6)]
    return [compose(held, id_, house=TOGETHER, at=START + timedelta(days=300)) for id_ in ids]


@given(st.data())
def test_any_interleaving_repetition_restart_and_cut_ends_in_the_same_picture(data: st.DataObject) -> None:
    found = data.draw(streams())
    once = fold(fact.registers() for stream in found for fact in stream)

    met = interleaved(data.draw, found)
    held: Registers = {}
    for batch in batches(data.draw, met):
        # A batch is folded by itself first, as the inbox does, and then onto what is held.
        news = fold(fact.registers() for fact in batch).values()
        held = keep(held, [register for slots in news for register in slots.values()])

    assert held == once
    assert shown(held) == shown(once)
    assert any(shown(once))


@given(st.data())
def test_even_facts_of_one_stream_may_come_in_any_order(data: st.DataObject) -> None:
    facts = [fact for stream in data.draw(streams(cases=2)) for fact in stream]

    shuffled = data.draw(st.permutations(facts))

    assert fold(f.registers() for f in shuffled) == fold(f.registers() for f in facts)


@given(streams())
def test_each_slot_of_a_case_or_person_is_written_by_one_stream_only(found: list[list[Any]]) -> None:
    writers: dict[object, set[object]] = {}
    for fact in (fact for stream in found for fact in stream):
        for register in fact.registers():
            if register.holder in {Holder.CASE, Holder.PERSON}:
                writers.setdefault((register.id, register.slot), set()).add((fact.told.topic, fact.told.key))

    assert all(len(streams_) == 1 for streams_ in writers.values())
