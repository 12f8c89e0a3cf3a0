"""What an offer may say, and when two offers are one told twice."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from chassis.aggregate import Fault, Invalid
from partners.domain.codes import BOROUGHS, Aspect, Gender
from partners.domain.terms import Terms
from tests.partners.domain.offers import CAMDEN, HACKNEY, ISLINGTON, any_terms, terms


def faults(**said: Any) -> set[tuple[str, str]]:
    with pytest.raises(Invalid) as refused:
        terms(**said).tidied()
    return {(fault.path, fault.code) for fault in refused.value.fields}


def test_there_are_thirty_three_boroughs_each_once() -> None:
    assert len(BOROUGHS) == len(set(BOROUGHS.values())) == 33
    assert (BOROUGHS[CAMDEN], BOROUGHS[ISLINGTON], BOROUGHS["E09000033"]) == ("Camden", "Islington", "Westminster")


def test_they_are_kept_tidy() -> None:
    said = terms(
        name="  Flats ",
        aspects=(Aspect.SUPPORTED_HOUSING, Aspect.ADVOCACY, Aspect.SUPPORTED_HOUSING),
        areas=(ISLINGTON, CAMDEN, ISLINGTON),
        summary="one\r\ntwo ",
    )

    kept = said.tidied()

    assert (kept.name, kept.summary) == ("Flats", "one\ntwo")
    assert kept.aspects == (Aspect.ADVOCACY, Aspect.SUPPORTED_HOUSING)
    assert kept.areas == (CAMDEN, ISLINGTON)


def test_every_fault_comes_at_once() -> None:
    assert faults(
        name=" ", aspects=(), areas=(CAMDEN, "E09000034", "Camden"), minimum_age=121, places=-1, url="example/flats",
        email="flats-example_com", phone="ring us", summary="x" * 10_001, area_note="a\u202eb",
    ) == {
        ("name", "REQUIRED"), ("aspect_codes", "REQUIRED"), ("area_codes.1", "UNKNOWN_CODE"),
        ("area_codes.2", "INVALID_FORMAT"), ("minimum_age", "OUT_OF_RANGE"), ("places", "OUT_OF_RANGE"),
        ("url", "INVALID_FORMAT"), ("email", "INVALID_FORMAT"), ("phone", "INVALID_FORMAT"), ("summary", "TOO_LONG"),
        ("area_note", "INVALID_FORMAT"),
    }  # fmt: skip


def test_the_oldest_age_is_not_under_the_youngest() -> None:
    assert faults(minimum_age=65, maximum_age=18) == {("maximum_age", "CONFLICTS_WITH(minimum_age)")}
    assert terms(minimum_age=18, maximum_age=18).tidied().minimum_age == 18


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({}, {}, True),
        ({}, {"aspects": (Aspect.HOUSING_ADVICE,)}, False),
        ({}, {"genders": (Gender.FEMALE,)}, False),
        ({}, {"genders": ()}, True),
        ({"areas": (CAMDEN,)}, {"areas": (HACKNEY,)}, False),
        ({"areas": (CAMDEN,)}, {"areas": (HACKNEY, CAMDEN)}, True),
        ({"areas": (CAMDEN,)}, {}, True),
        ({"maximum_age": 24}, {"minimum_age": 25}, False),
        ({"maximum_age": 25}, {"minimum_age": 25}, True),
        ({"maximum_age": 0}, {"minimum_age": 1}, False),
        ({"minimum_licence_months": 12}, {"minimum_licence_months": 6}, True),
    ],
)
def test_two_offers_are_one_where_somebody_could_be_sent_to_either(
    one: dict[str, Any], other: dict[str, Any], same: bool
) -> None:
    assert terms(**one).overlaps(terms(**other)) is same
    assert terms(**other).overlaps(terms(**one)) is same


@given(any_terms(), any_terms())
def test_to_overlap_is_mutual_and_every_offer_overlaps_itself(one: Terms, other: Terms) -> None:
    assert one.overlaps(one)
    assert one.overlaps(other) is other.overlaps(one)


@given(any_terms())
def test_what_is_tidy_stays_as_it_is(sound: Terms) -> None:
    assert sound.tidied() == sound


def test_a_fault_names_the_field_of_the_contract() -> None:
    with pytest.raises(Invalid) as refused:
        terms(aspects=()).tidied()

    assert refused.value.fields == (Fault("aspect_codes", "REQUIRED"),)
