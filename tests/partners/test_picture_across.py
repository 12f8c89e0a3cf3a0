"""Who does what for him, what is next, what is missing and what clashes, told as stories."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from partners.projections.picture import handoffs, heard
from partners.projections.picture.across import Clash, Gap, NextContact
from partners.projections.picture.registers import Holder
from partners.projections.picture.shapes import Picture, State
from partners.projections.picture.viewers import for_partner, for_practitioner
from tests.partners.histories import PARTNERS, START, TOGETHER, case_of, handoff_of
from tests.partners.story import Story

DUE = {"due_at": START + timedelta(days=9)}
SOON = START + timedelta(days=30)
HOUR = timedelta(hours=1)
HOUSING = "SUPPORTED_HOUSING"


def contact(starts_at: datetime = SOON, *, aspect: str = HOUSING, step: str = "VIEWING") -> dict[str, Any]:
    return {"aspect": aspect, "step": step, "starts_at": starts_at, "ends_at": starts_at + HOUR}


def received(story: Story) -> Story:
    return story.of_handoff(handoffs.received, kind="REFERRAL_ON", aspects=[HOUSING], **DUE)


def accepted(story: Story | None = None) -> Story:
    """Offered to SIG Penrose, received and accepted."""
    return received((story or Story().opened()).offered()).of_handoff(handoffs.accepted, **DUE)


def needing(story: Story, aspect: str = HOUSING, *, needed: bool = True) -> Story:
    return story.of_work(heard.need, aspect=aspect, needed=needed, on="2026-03-02")


def gaps(story: Story) -> list[tuple[str, tuple[str, ...]]]:
    return [(gap.aspect, gap.asked) for gap in story.picture.gaps or ()]


def state(story: Story) -> str:
    (handoff,) = story.picture.handoffs or ()
    return handoff.state


# Who delivers what.


def test_the_house_delivers_one_to_one_from_the_day_a_worker_is_named() -> None:
    story = Story().accepted().of_work(heard.worker, ref="staff-ew-1", role="EW")
    (named,) = story.picture.deliveries or ()
    story.of_work(heard.opened, planned_end_on="2027-03-02", review_due_on="2026-06-02").of_work(heard.tried)
    (begun,) = story.picture.deliveries or ()

    assert (named.org_id, named.aspect, named.state, named.ends_on) == ("together", "ONE_TO_ONE", "ACCEPTED", None)
    assert (begun.state, begun.ends_on) == ("IN_PROGRESS", date(2027, 3, 2))


def test_another_house_delivers_what_it_has_taken_on_until_it_is_done() -> None:
    story = accepted()
    taken = [d for d in story.picture.deliveries or () if d.org_id == "sig-penrose"]
    story.of_handoff(handoffs.started)
    begun = [d.state for d in story.picture.deliveries or () if d.org_id == "sig-penrose"]
    story.of_handoff(handoffs.completed, **DUE)

    assert [(d.aspect, d.state, d.handoff_id) for d in taken] == [(HOUSING, "ACCEPTED", handoff_of(0))]
    assert begun == ["IN_PROGRESS"]
    assert [d.org_id for d in story.picture.deliveries or ()] == ["together"]


def test_what_this_house_received_it_delivers_itself() -> None:
    story = Story().opened()
    of = {"side": "RECEIVER", "partner": "north-london-nhs"}
    story.of_handoff(handoffs.received, kind="SHARED_CARE", aspects=["FAMILY"], **DUE, **of)
    story.of_handoff(handoffs.accepted, **DUE, **of)

    assert [(d.aspect, d.org_id) for d in story.picture.deliveries or ()] == [
        ("FAMILY", "together"),
        ("ONE_TO_ONE", "together"),
    ]
    assert [h.org_id for h in story.picture.handoffs or ()] == ["north-london-nhs"]


# Handoffs.


def test_an_open_handoff_says_where_it_stands_since_when_and_what_is_due() -> None:
    story = Story().opened().offered()
    at = story.at

    (handoff,) = story.picture.handoffs or ()

    assert (handoff.state, handoff.since, handoff.due_at) == ("OFFERED", at, START + timedelta(days=9))
    assert (handoff.side, handoff.org_id, handoff.kind, handoff.aspects) == (
        "SENDER",
        "sig-penrose",
        "REFERRAL_ON",
        (HOUSING,),
    )


@pytest.mark.parametrize(
    ("fact", "given", "stands"),
    [
        (handoffs.information_requested, DUE, "INFO_REQUESTED"),
        (handoffs.information_over, DUE, "RECEIVED"),
        (handoffs.waitlisted, {}, "WAITLISTED"),
        (handoffs.accepted, DUE, "ACCEPTED"),
        (handoffs.started, {}, "IN_PROGRESS"),
        (handoffs.completed, DUE, "COMPLETED"),
        (handoffs.revoke_requested, DUE, "REVOKE_PENDING"),
        (handoffs.on_hold, {"reason_group": "ADMIN"}, "ON_HOLD"),
    ],
)
def test_each_step_is_shown(fact: Any, given: dict[str, Any], stands: str) -> None:
    assert state(received(Story().opened().offered()).of_handoff(fact, **given)) == stands


@pytest.mark.parametrize("end", ["DECLINED", "REVOKED", "EXPIRED", "FAILED", "LOOP_CLOSED"])
def test_what_has_ended_is_open_no_more(end: str) -> None:
    assert received(Story().opened().offered()).of_handoff(handoffs.ended, state=end).picture.handoffs == ()


def test_a_late_receipt_opens_what_had_run_out() -> None:
    story = Story().opened().offered().of_handoff(handoffs.ended, state="EXPIRED")

    assert state(received(story)) == "RECEIVED"


def test_an_acceptance_that_crossed_a_request_to_have_it_back_stands() -> None:
    story = received(Story().opened().offered()).of_handoff(handoffs.revoke_requested, **DUE)
    story.of_handoff(handoffs.late, promise="L22", due_at=START)

    assert state(story) == "REVOKE_PENDING"
    (handoff,) = story.of_handoff(handoffs.accepted, **DUE).picture.handoffs or ()
    assert (handoff.state, handoff.late_since) == ("ACCEPTED", None)


def test_a_waitlisting_or_a_question_meanwhile_changes_nothing() -> None:
    story = received(Story().opened().offered()).of_handoff(handoffs.revoke_requested, **DUE)

    assert state(story.of_handoff(handoffs.waitlisted)) == "REVOKE_PENDING"
    assert state(story.of_handoff(handoffs.information_requested, **DUE)) == "REVOKE_PENDING"


def test_what_rests_goes_on_where_it_was_and_a_resting_one_is_not_at_work() -> None:
    story = accepted().of_handoff(handoffs.started).of_handoff(handoffs.on_hold, reason_group="PERSON_CHOICE")
    resting = story.picture
    story.of_handoff(handoffs.resumed)

    assert [(h.state, h.reason_group) for h in resting.handoffs or ()] == [("ON_HOLD", "PERSON_CHOICE")]
    assert [d.org_id for d in resting.deliveries or ()] == ["together"]
    assert state(story) == "IN_PROGRESS"


def test_an_acceptance_that_crossed_a_hold_is_kept_beneath_it() -> None:
    story = received(Story().opened().offered()).of_handoff(handoffs.on_hold, reason_group="ADMIN")

    story.of_handoff(handoffs.accepted, **DUE)

    assert state(story) == "ON_HOLD"
    assert state(story.of_handoff(handoffs.resumed)) == "ACCEPTED"


def test_a_late_side_is_late_until_it_acts() -> None:
    story = received(Story().opened().offered()).of_handoff(handoffs.late, promise="L7", due_at=START)
    (late,) = story.picture.handoffs or ()
    (kept,) = story.of_handoff(handoffs.accepted, **DUE).picture.handoffs or ()

    assert (late.late_since, kept.late_since) == (START, None)


# Next contacts and clashes.


def test_the_next_contact_of_each_is_shown_until_it_is_over() -> None:
    story = accepted().of_handoff(handoffs.contact_planned, **contact())
    story.of_work(heard.appointment, record=case_of(9), **_elsewhere(SOON + 3 * HOUR))

    before, after = story.seen_at(SOON + HOUR / 2), story.seen_at(SOON + HOUR)

    assert before is not None
    assert after is not None
    assert [(c.org_id, c.aspect, c.step) for c in before.contacts or ()] == [
        ("sig-penrose", HOUSING, "VIEWING"),
        ("camden-gp", "GP_REGISTRATION", ""),
    ]
    assert [c.org_id for c in after.contacts or ()] == ["camden-gp"]


def _elsewhere(starts_at: datetime, *, stands: bool = True, org_id: str = "camden-gp") -> dict[str, Any]:
    hour = {"starts_at": starts_at, "ends_at": starts_at + HOUR}
    return {"org_id": org_id, "aspect": "GP_REGISTRATION", "stands": stands, **hour}


def test_a_contact_planned_anew_takes_the_place_of_the_one_before() -> None:
    story = accepted().of_handoff(handoffs.contact_planned, **contact())

    story.of_handoff(handoffs.contact_planned, **contact(SOON + 2 * HOUR))

    assert [c.starts_at for c in story.picture.contacts or ()] == [SOON + 2 * HOUR]


def test_an_appointment_that_is_off_and_a_contact_of_what_has_ended_are_not_shown() -> None:
    story = accepted().of_handoff(handoffs.contact_planned, **contact())
    story.of_work(heard.appointment, record=case_of(9), **_elsewhere(SOON))
    story.of_work(heard.appointment, record=case_of(9), **_elsewhere(SOON, stands=False))

    assert [c.org_id for c in story.picture.contacts or ()] == ["sig-penrose"]
    assert story.of_handoff(handoffs.ended, state="FAILED").picture.contacts == ()


def bare(story: Story, number: int = 1, *, partner: str = "north-london-nhs", starts_at: datetime = SOON) -> Story:
    """Another partner, of whom the hour alone was told."""
    story.offered(number, "PSYCHOLOGY", partner=partner)
    hour = contact(starts_at, aspect="", step="")
    return story.of_handoff(handoffs.contact_planned, number, partner=partner, **hour)


def test_where_only_the_hour_was_told_only_the_hour_is_shown() -> None:
    story = bare(Story().opened(), partner="penrose-house")

    assert story.picture.contacts == (NextContact(org_id="sig-penrose", starts_at=SOON, ends_at=SOON + HOUR),)


@pytest.mark.parametrize(("after", "clashes"), [(0, True), (59, True), (60, False), (-59, True), (-60, False)])
def test_two_organisations_at_one_hour_clash(after: int, clashes: bool) -> None:
    story = accepted().of_handoff(handoffs.contact_planned, **contact())
    elsewhere = SOON + timedelta(minutes=after)
    story.of_work(heard.appointment, record=case_of(9), **_elsewhere(elsewhere))

    both = Clash(
        starts_at=max(SOON, elsewhere), ends_at=min(SOON, elsewhere) + HOUR, org_ids=("camden-gp", "sig-penrose")
    )
    assert story.picture.clashes == ((both,) if clashes else ())


def test_one_organisation_does_not_clash_with_itself() -> None:
    story = accepted().of_handoff(handoffs.contact_planned, **contact())

    bare(story, partner="penrose-house", starts_at=SOON + HOUR / 2)

    assert len(story.picture.contacts or ()) == 2
    assert story.picture.clashes == ()


def test_a_bare_hour_clashes_as_any_other() -> None:
    story = bare(accepted().of_handoff(handoffs.contact_planned, **contact()))

    assert [clash.org_ids for clash in story.picture.clashes or ()] == [("north-london-nhs", "sig-penrose")]


def told_busy(story: Story, starts_at: datetime = SOON, *, off: bool = False) -> Story:
    """Penrose, at work with him too, says that he is busy then."""
    hours = {"starts_at": starts_at, "ends_at": starts_at + HOUR, "off": off}
    return story.of_handoff(handoffs.busy, **hours)


def test_an_hour_that_a_house_told_of_other_work_is_shown_as_its_hour_and_clashes() -> None:
    story = told_busy(accepted())
    story.of_work(heard.appointment, record=case_of(9), **_elsewhere(SOON))

    assert NextContact(org_id="sig-penrose", starts_at=SOON, ends_at=SOON + HOUR) in (story.picture.contacts or ())
    assert [clash.org_ids for clash in story.picture.clashes or ()] == [("camden-gp", "sig-penrose")]
    assert told_busy(story, off=True).picture.clashes == ()


@pytest.mark.parametrize(
    ("fact", "given"),
    [(handoffs.on_hold, {"reason_group": "ADMIN"}), (handoffs.ended, {"state": "FAILED"})],
    ids=["rests", "ended"],
)
def test_it_is_not_shown_while_that_house_is_not_at_work_with_him(fact: Any, given: dict[str, Any]) -> None:
    story = told_busy(accepted())

    assert story.of_handoff(fact, **given).picture.contacts == ()


def test_it_stays_while_another_handoff_with_that_house_goes_on() -> None:
    story = told_busy(accepted()).offered(1, "GRANTS").of_handoff(handoffs.accepted, 1, due_at=None)

    story.of_handoff(handoffs.ended, state="FAILED")

    assert len(story.picture.contacts or ()) == 1


# Gaps.


def test_a_need_that_nobody_works_on_is_a_gap_until_it_is_met_or_taken_on() -> None:
    story = needing(Story().opened(), "GP_REGISTRATION")
    missing = story.picture.gaps

    assert missing == (Gap(aspect="GP_REGISTRATION", needed_since=date(2026, 3, 2)),)
    assert gaps(needing(story, "GP_REGISTRATION", needed=False)) == []


def test_who_was_asked_and_has_not_taken_it_on_stands_beside_the_gap() -> None:
    story = needing(Story().opened())
    asked = gaps(received(story.offered()))
    taken = gaps(story.of_handoff(handoffs.accepted, **DUE))
    resting = gaps(story.of_handoff(handoffs.on_hold, reason_group="ADMIN"))
    done = gaps(story.of_handoff(handoffs.resumed).of_handoff(handoffs.completed, **DUE))

    assert asked == [(HOUSING, ("sig-penrose",))]
    assert taken == []
    assert resting == [(HOUSING, ("sig-penrose",))]
    assert done == [(HOUSING, ())]


def test_after_the_end_of_the_only_one_at_work_there_is_nobody_either() -> None:
    story = needing(Story().opened(), "ONE_TO_ONE")
    (gap,) = story.picture.gaps or ()
    another = story.offered(1, "ONE_TO_ONE").of_handoff(handoffs.accepted, 1, **DUE)

    assert (gap.aspect, gap.after) == ("ONE_TO_ONE", date(2027, 3, 2))
    assert another.picture.gaps == ()


def test_once_he_is_not_with_us_nothing_is_missing_here() -> None:
    story = needing(Story().opened(), "FAMILY").of_work(heard.closed)

    assert story.picture.state is State.CLOSED
    assert story.picture.gaps == ()


# Whoever is known through a handoff alone.


class Arrived(Story):
    """Somebody offered to this house by another: there is no referral and no case here."""

    def __init__(self) -> None:
        super().__init__(3)
        self.case = self.person

    def tell(self, function: Any, topic: str = PARTNERS, *, of_person: bool = True, **given: Any) -> Story:
        return super().tell(function, topic, of_person=of_person, **given)

    def arrived(self, number: int = 0) -> Story:
        of = {"side": "RECEIVER", "partner": "north-london-nhs"}
        return self.of_handoff(handoffs.received, number, kind="REFERRAL_ON", aspects=[HOUSING], **DUE, **of)

    def goes_on(self, fact: Any, number: int = 0, **given: Any) -> Story:
        return self.of_handoff(fact, number, side="RECEIVER", partner="north-london-nhs", **given)


def test_whoever_arrives_by_a_handoff_has_a_picture_of_it_and_of_nothing_else() -> None:
    picture = Arrived().arrived().picture

    assert (picture.state, picture.reference, picture.programme_id) == (State.SHARED, "", "")
    assert [(h.side, h.org_id, h.state) for h in picture.handoffs or ()] == [
        ("RECEIVER", "north-london-nhs", "RECEIVED")
    ]


@pytest.mark.parametrize("end", ["REVOKED", "EXPIRED"])
def test_once_all_was_taken_back_he_is_not_known_here(end: str) -> None:
    story = Arrived()
    story.arrived()
    story.goes_on(handoffs.ended, state=end)

    assert story.seen_at(story.at) is None


def test_once_what_came_with_it_is_deleted_he_is_not_known_here_but_by_another_handoff_he_is() -> None:
    story = Arrived()
    story.arrived()
    story.goes_on(handoffs.purge_confirmed)
    gone = story.seen_at(story.at)
    story.arrived(1)

    assert gone is None
    assert [handoff.handoff_id for handoff in story.picture.handoffs or ()] == [handoff_of(1)]


def test_a_link_shows_it_with_the_man_it_is_and_undone_by_itself_again() -> None:
    arrived, known = Arrived(), Story().opened()
    arrived.arrived()
    linking = {"person_id": str(arrived.person), "known_as": str(known.person), "record": case_of(77)}
    arrived.tell(handoffs.linked, **linking, holds=True)
    both = known.held | arrived.held
    known.held = arrived.held = both

    assert arrived.seen_at(arrived.at) is None
    assert [h.handoff_id for h in known.picture.handoffs or ()] == [handoff_of(0)]

    arrived.tell(handoffs.linked, **linking, holds=False)
    known.held = arrived.held
    assert arrived.picture.state is State.SHARED
    assert known.picture.handoffs == ()


def test_somebody_with_a_case_here_has_one_picture() -> None:
    story = Story().opened()
    of = {"side": "RECEIVER", "partner": "north-london-nhs"}
    story.of_handoff(handoffs.received, kind="REFERRAL_ON", aspects=[HOUSING], **DUE, **of)
    known = (Holder.CASE, story.person)

    assert known in story.held
    story.case = story.person
    assert story.seen_at(story.at) is None


# What each sees of it.


def shared() -> Story:
    """Two partners on one case, a gap, one that rests: for that nobody is expected, so it clashes with nothing."""
    story = needing(accepted().of_handoff(handoffs.contact_planned, **contact()), "FAMILY")
    resting = {"partner": "north-london-nhs", "reason_group": "PERSON_CHOICE"}
    return bare(story).of_handoff(handoffs.on_hold, 1, **resting)


def test_probation_sees_handoffs_without_group_or_lateness_and_contacts_without_step() -> None:
    story = shared().of_handoff(handoffs.late, 0, promise="L7", due_at=START)

    seen = for_practitioner(story.picture)

    assert {h.state for h in seen.handoffs or ()} == {"ACCEPTED", "ON_HOLD"}
    assert {(h.reason_group, h.late_since) for h in seen.handoffs or ()} == {("", None)}
    assert {c.step for c in seen.contacts or ()} == {""}
    assert (seen.gaps, seen.clashes, seen.deliveries) == (
        story.picture.gaps,
        story.picture.clashes,
        story.picture.deliveries,
    )


def of_case(picture: Picture) -> set[str]:
    """The fields that hold anything."""
    return {name for name in picture.__dataclass_fields__ if getattr(picture, name) not in (None, (), "")}


def test_a_partner_sees_his_own_part_and_nothing_of_the_case() -> None:
    story = bare(shared(), 2)
    seen = for_partner(story.picture, organisation="sig-penrose", house=TOGETHER)

    own = {"case_id", "person_id", "kind", "state", "submitted_at", "deliveries", "handoffs", "contacts", "clashes"}
    assert of_case(seen) == own
    assert seen.state is State.SHARED
    assert {d.org_id for d in seen.deliveries or ()} == {h.org_id for h in seen.handoffs or ()} == {"sig-penrose"}
    assert [clash.org_ids for clash in seen.clashes or ()] == [("sig-penrose",)]
    assert {c.org_id for c in seen.contacts or ()} == {"sig-penrose"}


def test_when_the_case_began_is_not_a_partners_to_know() -> None:
    story = shared()
    (own,) = [h for h in story.picture.handoffs or () if h.org_id == "sig-penrose"]

    seen = for_partner(story.picture, organisation="sig-penrose", house=TOGETHER)

    assert seen.submitted_at == own.since != story.picture.submitted_at


def test_at_home_he_sees_every_handoff_of_the_house_and_its_parties() -> None:
    seen = for_partner(shared().picture, organisation="together", house=TOGETHER)

    assert {h.org_id for h in seen.handoffs or ()} == {"sig-penrose", "north-london-nhs"}
    assert {d.org_id for d in seen.deliveries or ()} == {"together"}
    assert (seen.gaps, seen.worker, seen.engagement, seen.reference) == (None, None, None, "")
