"""Each step of a handoff: what it refuses, what it tells, and what is made of a step that was not heard."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from chassis.aggregate import Invalid, Unmet
from chassis.calendar import end_of_day
from partners.domain.codes import Aspect
from partners.domain.handoff import clocks, hearing, holding, receiver, sender
from partners.domain.handoff.aggregate import Handoff
from partners.domain.handoff.codes import Category, Kind, Origin, Outcome, Reason, ReasonGroup, Side, Step
from partners.domain.handoff.states import Contact, Status, Stop
from tests.partners.handoffs import NOW, a_received, an_offered, an_offering, arrival_of, said, stored

REF = "ref-" + "q" * 26
LATER = NOW + timedelta(hours=1)


def names(handoff: Handoff) -> list[str]:
    return [type(fact).__name__ for fact in handoff.news]


def both(**changes):
    """The two sides of one that was received at once."""
    offered = an_offered(**changes)
    return stored(hearing.received(stored(offered), said=said(NOW), at=NOW)), a_received(offered=offered)


def in_progress(**changes):
    taken = stored(receiver.accept(a_received(**changes), worker="staff-pw-1", at=NOW))
    return stored(receiver.start(taken, first_contact_on=NOW.date(), worker="", at=NOW))


def test_an_offer_is_due_in_two_working_days_and_ends_after_five():
    handoff = an_offered()

    assert names(handoff) == ["Offered"]
    assert handoff.due_at == end_of_day(date(2026, 3, 4))
    assert handoff.expires_at == end_of_day(date(2026, 3, 9))
    assert handoff.news[0].timers.expiry == handoff.expires_at


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"aspects": ()}, ("aspects", "REQUIRED")),
        ({"categories": ()}, ("categories", "REQUIRED")),
        ({"partner_org": "together"}, ("recipient", "NOT_ALLOWED_FOR_PROGRAMME")),
        ({"origin": Origin.REDIRECT}, ("kind", "CONFLICTS_WITH(origin)")),
    ],
)
def test_an_offer_names_all_that_is_wrong(changes, fault):
    with pytest.raises(Invalid) as refusal:
        an_offered(**changes)

    assert [(each.path, each.code) for each in refusal.value.fields] == [fault]


def test_a_redirect_is_a_referral_on():
    assert an_offering(origin=Origin.REDIRECT, kind=Kind.REFERRAL_ON).faults() == []


def test_one_that_arrives_at_its_last_moment_is_received_and_one_later_is_not():
    offered = an_offered()
    arrival = arrival_of(offered)

    in_time = receiver.acknowledge(arrival, said=said(NOW), at=offered.expires_at)
    late = receiver.acknowledge(arrival, said=said(NOW), at=offered.expires_at + timedelta(seconds=1))

    assert (in_time.status, names(in_time)) == (Status.RECEIVED, ["Received"])
    assert (late.status, names(late)) == (Status.EXPIRED, ["Superseded", "Expired", "PurgeConfirmed"])
    assert late.purged_at is not None


def test_the_sender_judges_a_receipt_by_the_same_moment():
    offered = stored(an_offered())
    expired = stored(sender.expire(offered, at=offered.expires_at))

    revived = hearing.received(expired, said=said(offered.expires_at), at=offered.expires_at + timedelta(days=1))
    late = hearing.received(expired, said=said(offered.expires_at + timedelta(seconds=1)), at=LATER)

    assert (revived.status, names(revived)) == (Status.RECEIVED, ["Superseded", "Received"])
    assert (late.status, names(late)) == (Status.EXPIRED, ["Superseded"])
    assert late.news[0].answers
    assert hearing.received(stored(late), said=said(NOW), at=LATER).news == ()


def test_a_receipt_that_came_too_late_is_emptied_by_the_answer():
    theirs = hearing.superseded(a_received(), Step.RECEIVED, at=LATER)

    assert (theirs.status, names(theirs)) == (Status.EXPIRED, ["Superseded", "Expired", "PurgeConfirmed"])
    assert hearing.superseded(in_progress(), Step.RECEIVED, at=LATER).news == ()


def test_nothing_expires_before_its_time_or_once_received():
    ours, _ = both()

    with pytest.raises(Unmet, match="not_due"):
        sender.expire(stored(an_offered()), at=LATER)
    with pytest.raises(Unmet, match="invalid_transition"):
        sender.expire(ours, at=ours.expires_at)


@pytest.mark.parametrize(
    ("items", "faults"),
    [
        ((), [("items", "REQUIRED")]),
        (("",), [("items.0", "REQUIRED")]),
        (("what",) * 11, [("items", "OUT_OF_RANGE")]),
        (("what", " "), [("items.1", "REQUIRED")]),
    ],
)
def test_a_question_has_one_to_ten_parts(items, faults):
    with pytest.raises(Invalid) as refusal:
        receiver.ask(a_received(), items, detail_ref=REF, at=NOW)

    assert [(each.path, each.code) for each in refusal.value.fields] == faults


def test_a_second_round_is_not_answered_by_what_was_said_to_the_first():
    ours, theirs = both()
    theirs = stored(receiver.ask(theirs, ("one",), detail_ref=REF, at=NOW))
    ours = stored(hearing.information_requested(ours, 1, 1, REF, said=said(NOW), at=NOW))
    ours = stored(sender.supply(ours, "an answer", detail_ref=REF, at=LATER))
    theirs = stored(receiver.lapse(theirs, at=LATER))
    theirs = stored(receiver.ask(theirs, ("two",), detail_ref=REF, at=LATER))

    theirs = hearing.information_supplied(theirs, 1, REF, said=said(LATER), at=LATER)

    assert (theirs.status, names(theirs)) == (Status.INFO_REQUESTED, ["Superseded"])


def test_an_answer_has_words():
    ours, _ = both()
    ours = stored(hearing.information_requested(ours, 1, 1, REF, said=said(NOW), at=NOW))

    with pytest.raises(Invalid):
        sender.supply(ours, " \n", detail_ref=REF, at=LATER)


def test_a_decision_counts_once_the_receiver_has_bound_himself():
    for step in (
        lambda h: receiver.decline(h, Reason.NO_CAPACITY, note="", at=NOW),
        lambda h: receiver.waitlist(h, at=NOW),
        lambda h: receiver.ask(h, ("what",), detail_ref=REF, at=NOW),
    ):
        with pytest.raises(Unmet, match="invalid_transition"):
            step(in_progress())


@pytest.mark.parametrize(("days", "code"), [(1, "IN_FUTURE"), (-29, "IN_PAST")])
def test_work_begins_with_a_contact_that_was_made(days, code):
    taken = stored(receiver.accept(a_received(), worker="", at=NOW))

    with pytest.raises(Invalid) as refusal:
        receiver.start(taken, first_contact_on=NOW.date() + timedelta(days=days), worker="", at=NOW)

    assert [(each.path, each.code) for each in refusal.value.fields] == [("first_contact_on", code)]


def test_responsibility_moves_with_a_transfer_at_its_beginning_and_stays_moved():
    for kind in Kind:
        handoff = in_progress(kind=kind)
        failed = receiver.fail(handoff, Reason.MOVED_AWAY, note="", at=LATER)
        moved = Side.RECEIVER if kind is Kind.TRANSFER else Side.SENDER
        assert handoff.responsible is failed.responsible is moved
        assert handoff.responsible_on(NOW - timedelta(seconds=1)) is Side.SENDER


def test_what_was_delivered_is_said():
    with pytest.raises(Invalid):
        receiver.complete(in_progress(), Outcome.DELIVERED, delivered=" ", at=LATER)


def test_the_next_contact_is_told_openly_only_with_appointments():
    contact = Contact(aspect=Aspect.DEBT_ADVICE, step=None, starts_at=LATER, ends_at=LATER + timedelta(hours=1))

    openly = receiver.plan_contact(in_progress(), contact, at=NOW)
    bare = receiver.plan_contact(in_progress(categories=(Category.PLAN_GOALS,)), contact, at=NOW)

    assert (openly.news[0].open, bare.news[0].open) == (True, False)


def test_a_contact_is_no_further_than_half_a_year_and_no_longer_than_a_day():
    far = NOW + timedelta(days=184)
    contact = Contact(aspect=None, step=None, starts_at=far, ends_at=far + timedelta(days=2))

    with pytest.raises(Invalid) as refusal:
        receiver.plan_contact(in_progress(), contact, at=NOW)

    assert {each.path for each in refusal.value.fields} == {"starts_at", "ends_at"}


def test_a_purge_empties_what_was_kept():
    theirs = stored(receiver.ask(a_received(), ("what",), detail_ref=REF, at=NOW))
    asked = hearing.revoke_requested(theirs, said=said(NOW), at=LATER)

    purged = receiver.confirm_purge(asked, at=LATER)

    assert (purged.status, purged.written, purged.detail_ref) == (Status.REVOKED, (), "")
    with pytest.raises(Unmet):
        receiver.confirm_purge(stored(purged), at=LATER)


def test_a_declined_one_is_kept_ninety_days():
    declined = stored(receiver.decline(a_received(), Reason.NOT_ELIGIBLE, note="why", at=NOW))

    with pytest.raises(Unmet, match="not_due"):
        receiver.empty(declined, at=NOW + timedelta(days=89))
    emptied = receiver.empty(declined, at=NOW + timedelta(days=90))

    assert (emptied.note, emptied.reason_group) == ("", ReasonGroup.ELIGIBILITY)


def test_who_works_with_him_resumes_his_own_hold_and_no_other():
    rests = stored(holding.lose_basis(in_progress(), at=NOW))
    with pytest.raises(Unmet, match="basis_missing"):
        holding.resume(rests, at=LATER)

    both_held = stored(holding.lose_basis(stored(holding.hold(in_progress(), Reason.IN_HOSPITAL, at=NOW)), at=NOW))
    one_left = holding.resume(both_held, at=LATER)
    gone_on = holding.regain_basis(stored(one_left), at=LATER)

    assert (one_left.status, names(one_left)) == (Status.ON_HOLD, ["HoldLifted"])
    assert (gone_on.status, names(gone_on)) == (Status.IN_PROGRESS, ["Resumed"])


def test_held_by_both_it_goes_on_when_both_let_it():
    theirs = stored(holding.lose_basis(a_received(), at=NOW))
    theirs = stored(holding.hear_on_hold(theirs, ReasonGroup.ADMIN, said=said(NOW), at=NOW))

    still = holding.regain_basis(theirs, at=LATER)
    on = holding.hear_resumed(stored(still), said=said(LATER), at=LATER)

    assert (still.status, names(still)) == (Status.ON_HOLD, ["HoldEnded"])
    assert (on.status, names(on)) == (Status.RECEIVED, ["Resumed"])


def test_the_clock_of_a_decision_stands_still_while_it_rests_and_days_are_not_given_twice():
    monday = NOW
    stops = (
        Stop(what="INFORMATION_1", began=monday + timedelta(days=1), ended=monday + timedelta(days=3)),
        Stop(what="HOLD_SENDER", began=monday + timedelta(days=2), ended=monday + timedelta(days=4)),
        Stop(what="HOLD_RECEIVER", began=monday + timedelta(days=8)),
    )

    assert clocks.after(monday, 5) == end_of_day(date(2026, 3, 9))
    assert clocks.after(monday, 5, stops) == end_of_day(date(2026, 3, 12))


def test_a_miss_is_told_once_for_each_thing_that_is_waited_for():
    theirs = a_received()
    due_at = theirs.due_at
    with pytest.raises(Unmet, match="not_due"):
        theirs.miss("L7", due_at=due_at, policy_version="1", at=due_at - timedelta(seconds=1))

    missed = stored(theirs.miss("L7", due_at=due_at, policy_version="1", at=due_at))
    with pytest.raises(Unmet, match="not_due"):
        missed.miss("L7", due_at=due_at, policy_version="1", at=due_at)
    accepted = receiver.accept(missed, worker="", at=due_at)

    assert accepted.news[0].timers.l7 == accepted.due_at


@pytest.mark.parametrize(
    ("step", "facts", "state"),
    [
        (lambda h: hearing.accepted(h, said=said(LATER), at=LATER), ["Received", "Accepted"], Status.ACCEPTED),
        (
            lambda h: hearing.started(h, said=said(LATER), at=LATER),
            ["Received", "Accepted", "Started"],
            Status.IN_PROGRESS,
        ),
        (
            lambda h: hearing.completed(h, Outcome.DELIVERED, said=said(LATER), at=LATER),
            ["Received", "Accepted", "Started", "Completed"],
            Status.COMPLETED,
        ),
        (
            lambda h: hearing.declined(h, ReasonGroup.CAPACITY, said=said(LATER), at=LATER),
            ["Received", "Declined"],
            Status.DECLINED,
        ),
    ],
)
def test_steps_that_left_as_stubs_are_taken_as_said_with_the_next(step, facts, state):
    heard = step(stored(an_offered()))

    assert (names(heard), heard.status) == (facts, state)


def test_a_lapse_that_was_not_heard_is_taken_as_said_with_the_decision():
    ours, _ = both()
    ours = stored(hearing.information_requested(ours, 1, 1, REF, said=said(NOW), at=NOW))

    assert names(hearing.accepted(ours, said=said(LATER), at=LATER)) == ["InformationLapsed", "Accepted"]
    assert names(hearing.information_requested(ours, 2, 1, REF, said=said(LATER), at=LATER)) == [
        "InformationLapsed",
        "InformationRequested",
    ]


def test_what_has_expired_and_was_deleted_there_does_not_come_back():
    ours = stored(an_offered())
    gone = stored(hearing.purge_confirmed(ours, Status.EXPIRED, said=said(LATER), at=LATER))

    assert gone.status is Status.EXPIRED
    assert hearing.accepted(gone, said=said(LATER), at=LATER).news == ()
    assert hearing.purge_confirmed(gone, Status.EXPIRED, said=said(LATER), at=LATER).news == ()


def test_asked_back_while_it_expires_unheard_it_has_expired_on_both_sides():
    ours = stored(sender.revoke(stored(an_offered()), at=NOW))
    late = stored(receiver.acknowledge(arrival_of(ours), said=said(NOW), at=ours.expires_at + timedelta(days=1)))

    theirs = hearing.revoke_requested(late, said=said(NOW), at=LATER)
    ours = hearing.purge_confirmed(ours, Status.EXPIRED, said=said(LATER), at=LATER)

    assert (ours.status, theirs.status) == (Status.EXPIRED, Status.EXPIRED)
    assert names(ours) == ["Superseded", "Expired", "PurgeConfirmed"]
    assert names(theirs) == ["Superseded"]


def test_what_has_ended_is_not_held_and_says_so_once():
    declined = stored(receiver.decline(a_received(), Reason.NO_CAPACITY, note="", at=NOW))

    once = holding.hear_on_hold(declined, ReasonGroup.ADMIN, said=said(NOW), at=LATER)
    again = holding.hear_on_hold(stored(once), ReasonGroup.ADMIN, said=said(NOW), at=LATER)

    assert (once.status, names(once), again.news) == (Status.DECLINED, ["Superseded"], ())
