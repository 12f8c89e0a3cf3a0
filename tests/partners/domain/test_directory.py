"""What is found for somebody, in which order, and why."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partners.domain.codes import BOROUGHS, Aspect, Condition, Gender
from partners.domain.directory import Candidate, Point, ToCheck, Wanted, judge, search
from partners.domain.offer import Capacity, Status
from tests.partners.domain.offers import AT, CAMDEN, HACKNEY, ISLINGTON, a_candidate, any_id, any_room, any_terms, room

PENROSE = a_candidate(name="OPD supported housing", minimum_licence_months=12, conditions=(Condition.PANEL_DECIDES,))
SPECIALIST = a_candidate(
    name="Specialist service",
    aspects=(Aspect.PSYCHOLOGY,),
    genders=(),
    minimum_age=18,
    maximum_age=65,
    areas=(CAMDEN, ISLINGTON),
    org_id="north-london-nhs",
    organisation="North London NHS FT",
)


def named(wanted: Wanted, *candidates: Candidate) -> list[str]:
    return [each.candidate.terms.name for each in search(wanted, candidates, at=AT)]


def test_who_fits_and_why() -> None:
    wanted = Wanted(borough=CAMDEN, age=40, gender=Gender.MALE, licence_months=14)

    housing, psychology = judge(wanted, PENROSE, at=AT), judge(wanted, SPECIALIST, at=AT)

    assert (housing.fits, housing.fits_by) == (True, (Point.GENDER, Point.LICENCE))
    assert housing.to_check == (ToCheck.CONDITIONS,)
    assert (psychology.fits, psychology.fits_by) == (True, (Point.AREA, Point.AGE))


@pytest.mark.parametrize(
    ("wanted", "candidate", "misfit"),
    [
        (Wanted(licence_months=11), PENROSE, Point.LICENCE),
        (Wanted(gender=Gender.FEMALE), PENROSE, Point.GENDER),
        (Wanted(age=17), SPECIALIST, Point.AGE),
        (Wanted(age=66), SPECIALIST, Point.AGE),
        (Wanted(borough=HACKNEY), SPECIALIST, Point.AREA),
        (Wanted(capacities=(Capacity.WAITLIST,)), PENROSE, Point.CAPACITY),
        (Wanted(), a_candidate(status=Status.PAUSED), Point.STATE),
    ],
)
def test_what_speaks_against_it_is_said(wanted: Wanted, candidate: Candidate, misfit: Point) -> None:
    assert judge(wanted, candidate, at=AT).misfits == (misfit,)


@pytest.mark.parametrize(
    "wanted", [Wanted(licence_months=12), Wanted(gender=Gender.MALE), Wanted(capacities=tuple(Capacity))]
)
def test_the_edge_is_within(wanted: Wanted) -> None:
    assert judge(wanted, PENROSE, at=AT).fits
    assert judge(Wanted(age=18), SPECIALIST, at=AT).fits
    assert judge(Wanted(age=65), SPECIALIST, at=AT).fits


def test_what_nobody_has_said_is_not_judged_but_asked() -> None:
    unsaid = a_candidate(room=None, genders=(), area_note="All of the city")

    found = judge(Wanted(borough=CAMDEN, age=40, capacities=(Capacity.HAS_CAPACITY,)), unsaid, at=AT)

    assert (found.fits, found.fits_by) == (True, ())
    assert found.to_check == (ToCheck.AREA, ToCheck.ROOM)


def test_what_is_old_is_to_be_checked() -> None:
    old = a_candidate(room=room(as_at=AT - timedelta(days=30)))

    assert judge(Wanted(), old, at=AT).to_check == (ToCheck.FRESHNESS,)
    assert judge(Wanted(), old, at=AT - timedelta(seconds=1)).to_check == ()


def test_a_service_and_words_choose_what_is_looked_at() -> None:
    assert named(Wanted(aspects=(Aspect.PSYCHOLOGY, Aspect.FAMILY)), PENROSE, SPECIALIST) == ["Specialist service"]
    assert named(Wanted(words="penrose HOUSING"), PENROSE, SPECIALIST) == ["OPD supported housing"]
    assert named(Wanted(words="penrose therapy"), PENROSE, SPECIALIST) == []


def test_drafts_and_what_is_retired_are_not_found() -> None:
    assert named(Wanted(), a_candidate(status=Status.DRAFT), a_candidate(status=Status.RETIRED)) == []


def test_what_does_not_fit_comes_after_or_not_at_all() -> None:
    wanted = Wanted(gender=Gender.FEMALE)

    assert named(wanted, PENROSE, SPECIALIST) == ["Specialist service", "OPD supported housing"]
    assert named(Wanted(gender=Gender.FEMALE, fitting_only=True), PENROSE, SPECIALIST) == ["Specialist service"]


def test_the_order_is_room_then_freshness_then_wait_then_name() -> None:
    candidates = (
        a_candidate(name="none", room=room(Capacity.NO_CAPACITY)),
        a_candidate(name="unsaid", room=None),
        a_candidate(name="queue", room=room(Capacity.WAITLIST)),
        a_candidate(name="assessed", room=room(Capacity.ASSESSMENT_FIRST)),
        a_candidate(name="old", room=room(as_at=AT - timedelta(days=31))),
        a_candidate(name="later", room=room(wait_days=7)),
        a_candidate(name="B now"),
        a_candidate(name="a now"),
    )

    assert named(Wanted(), *candidates) == ["a now", "B now", "later", "old", "assessed", "queue", "unsaid", "none"]


_CANDIDATES = st.lists(
    st.builds(
        lambda id, terms, room, status: a_candidate(id=id, terms=terms, room=room, status=status),
        any_id(),
        any_terms(),
        st.none() | any_room(),
        st.sampled_from(Status),
    ),
    max_size=6,
    unique_by=lambda each: each.id,
)
_WANTED = st.builds(
    Wanted,
    aspects=st.sets(st.sampled_from(Aspect), max_size=2).map(tuple),
    borough=st.none() | st.sampled_from(sorted(BOROUGHS)),
    age=st.none() | st.integers(0, 120),
    gender=st.none() | st.sampled_from(Gender),
    licence_months=st.none() | st.integers(0, 1200),
    capacities=st.sets(st.sampled_from(Capacity), max_size=2).map(tuple),
)


@given(_WANTED, _CANDIDATES, st.randoms())
def test_the_order_does_not_depend_on_how_offers_came(
    wanted: Wanted, candidates: list[Candidate], chance: Random
) -> None:
    shuffled = chance.sample(candidates, len(candidates))

    assert search(wanted, shuffled, at=AT) == search(wanted, candidates, at=AT)


@given(_WANTED, _CANDIDATES)
def test_each_point_is_for_or_against_and_never_both(wanted: Wanted, candidates: list[Candidate]) -> None:
    for found in search(wanted, candidates, at=AT):
        assert not set(found.fits_by) & set(found.misfits)
        assert found.fits is (found.misfits == ())
