"""What the terminal says of one case and of all: plain words, no colour, nothing that is not there."""

from __future__ import annotations

from typing import Any

import pytest

from house import boarding, picture
from house.wording import Names, handoff, joined, moment, service

ORGANISATIONS = {
    "together": "Together",
    "sig-penrose": "SIG Penrose",
    "north-london-nhs": "North London NHS Foundation Trust",
}
NAMES = Names(ORGANISATIONS)
AT, LATER = "2026-11-24T14:00:00Z", "2026-11-24T15:00:00Z"


def a_case(**given: Any) -> dict[str, Any]:
    return {"case_reference": "7KQ2-M9RJ", "case_id": "c", "state": "ACTIVE", "submitted_at": AT, **given}


def a_handoff(**given: Any) -> dict[str, Any]:
    fitting = {"side": "SENDER", "org_id": "sig-penrose", "aspect_codes": ["SUPPORTED_HOUSING"], "state": "RECEIVED"}
    return {**fitting, "since": AT, **given}


def a_delivery(**given: Any) -> dict[str, Any]:
    return {"org_id": "together", "aspect_code": "ONE_TO_ONE", "state": "IN_PROGRESS", "since": AT, **given}


def said(*cases: dict[str, Any], **given: Any) -> str:
    found = {"pictures": list(cases), "counts": {}, "sources": [], "organisations": ORGANISATIONS, **given}
    return "\n".join(boarding.in_words(found, organisation="together"))


def case_said(**given: Any) -> str:
    return "\n".join(picture.in_words({"picture": a_case(**given), "sources": [], "organisations": ORGANISATIONS}))


GAP = {"aspect_code": "GP_REGISTRATION", "needed_since": "2026-11-03"}
CLASH = {"starts_at": AT, "ends_at": LATER, "org_ids": ["north-london-nhs", "sig-penrose"]}


def test_an_instant_is_said_as_london_reads_it() -> None:
    assert moment("2026-11-24T14:00:00Z") == "24 November 2026 at 2:00pm"
    assert moment("2026-07-24T11:00:00Z") == "24 July 2026 at midday"


def test_services_go_by_their_plain_names() -> None:
    assert [service(code) for code in ("ONE_TO_ONE", "GP_REGISTRATION", "WOMENS_SERVICE")] == [
        "one to one",
        "GP registration",
        "a women's service",
    ]


@pytest.mark.parametrize(("parts", "sentence"), [([], ""), (["a"], "a"), (["a", "b"], "a and b")])
def test_several_are_joined_as_in_a_sentence(parts: list[str], sentence: str) -> None:
    assert joined(parts) == sentence
    assert joined(["a", "b", "c"]) == "a, b and c"


def test_a_case_says_who_does_what_what_is_next_and_what_needs_somebody() -> None:
    text = case_said(
        deliveries=[a_delivery(ends_on="2027-03-02"), a_delivery(org_id="sig-penrose", state="ACCEPTED")],
        contacts=[{"org_id": "sig-penrose", "starts_at": AT, "ends_at": LATER}],
        handoffs=[a_handoff()],
        gaps=[{**GAP, "asked_org_ids": ["sig-penrose"]}, {**GAP, "after": "2027-03-02"}],
        clashes=[CLASH],
    )

    for sentence in (
        "Together: one to one, since 24 November 2026 at 2:00pm, planned until 2 March 2027",
        "SIG Penrose: one to one, taken on, not yet begun",
        "Tuesday 24 November 2026, 2:00pm to 3:00pm: SIG Penrose, busy",
        "supported housing: waits for SIG Penrose to decide, since 24 November 2026 at 2:00pm",
        "Nobody holds GP registration, needed since 3 November 2026; asked of SIG Penrose",
        "Nobody holds GP registration after 2 March 2027",
        "Clash on Tuesday 24 November 2026, 2:00pm to 3:00pm: North London NHS Foundation Trust and SIG Penrose",
        "What you may not see is not listed here.",
    ):
        assert sentence in text


def test_what_is_not_there_has_no_heading() -> None:
    text = case_said()

    for heading in ("Who does what", "What is next", "Between organisations", "What needs somebody", "LATE"):
        assert heading not in text


def test_a_rest_by_choice_says_that_and_no_more_and_to_probation_only_that_it_rests() -> None:
    own = handoff(a_handoff(state="ON_HOLD", reason_group="PERSON_CHOICE"), NAMES)
    probation = handoff(a_handoff(state="ON_HOLD"), NAMES)

    assert own == "supported housing: on hold with SIG Penrose, by his choice, since 24 November 2026 at 2:00pm"
    assert probation == "supported housing: on hold with SIG Penrose, since 24 November 2026 at 2:00pm"


@pytest.mark.parametrize(
    "state",
    ["RECEIVED", "INFO_REQUESTED", "WAITLISTED", "ACCEPTED", "IN_PROGRESS", "ON_HOLD", "REVOKE_PENDING", "COMPLETED"],
)
@pytest.mark.parametrize("side", ["SENDER", "RECEIVER"])
def test_every_state_of_a_handoff_has_words_on_both_sides(side: str, state: str) -> None:
    text = handoff(a_handoff(side=side, state=state), NAMES)

    assert "SIG Penrose" in text
    assert state not in text


def test_the_board_puts_first_who_needs_somebody() -> None:
    calm, late = a_case(case_reference="2222-2222"), a_case(late=[{"promise": "L21", "since": AT}])
    found = {"pictures": sorted([calm, late], key=lambda each: not boarding.waits_for_somebody(each))}

    text = said(*found["pictures"], counts={"ACTIVE": 2})

    assert "2 people are on it. 1 of them need somebody now." in text
    assert "By state: 2 active" in text
    assert text.index("Needs somebody now") < text.index("7KQ2-M9RJ") < text.index("Goes on") < text.index("2222-2222")
    assert "Late: a review since 24 November 2026 at 2:00pm" in text


@pytest.mark.parametrize(
    ("given", "needs"),
    [
        ({}, False),
        ({"gaps": [GAP]}, True),
        ({"gaps": [{**GAP, "after": "2027-03-02"}]}, False),
        ({"clashes": [CLASH]}, True),
        ({"late": [{"promise": "L1", "since": AT}]}, True),
        ({"handoffs": [a_handoff()]}, False),
        ({"handoffs": [a_handoff(late_since=AT)]}, True),
    ],
)
def test_what_needs_somebody_is_a_gap_now_a_clash_or_a_late_promise(given: dict[str, Any], needs: bool) -> None:
    assert ("Needs somebody now" in said(a_case(**given))) == needs


def test_the_board_says_what_is_covered_what_waits_and_what_is_next() -> None:
    text = said(
        a_case(
            deliveries=[a_delivery(), a_delivery(org_id="sig-penrose", aspect_code="SUPPORTED_HOUSING")],
            handoffs=[a_handoff(state="IN_PROGRESS"), a_handoff(org_id="north-london-nhs", state="OFFERED")],
            contacts=[{"org_id": "sig-penrose", "aspect_code": "FAMILY", "starts_at": AT, "ends_at": LATER}],
        )
    )

    assert "Covered: one to one by Together; supported housing by SIG Penrose" in text
    assert text.count("Between organisations:") == 1
    assert "offered to North London NHS Foundation Trust, not yet received" in text
    assert "Next: Tuesday 24 November 2026, 2:00pm to 3:00pm: SIG Penrose, family" in text


def test_whoever_is_known_by_a_handoff_alone_stands_under_the_id_he_is_asked_for_by() -> None:
    text = said({"case_id": "0195569a-0000-7000-8000-00000000d003", "state": "SHARED", "submitted_at": AT})

    assert "0195569a-0000-7000-8000-00000000d003  shared" in text


def test_an_empty_board_says_so() -> None:
    assert "Nobody is on it. Nothing needs anybody now." in said()


def test_a_house_that_is_silent_says_since_when() -> None:
    sources = [
        {"service": "referral", "last_heard_at": AT, "fresh_as_of": LATER},
        {"node_id": "sig-penrose", "last_heard_at": AT, "fresh_as_of": AT, "unheard_since": AT},
    ]

    text = said(sources=sources)

    assert "referral       last heard 24 November 2026 at 2:00pm, complete as of 24 November 2026 at 3:00pm" in text
    assert "SIG Penrose    cannot be heard since 24 November 2026 at 2:00pm" in text


def test_an_organisation_whose_name_is_not_at_hand_goes_by_its_id() -> None:
    found = {"pictures": [a_case(gaps=[{**GAP, "asked_org_ids": ["sig-penrose"]}])], "sources": []}

    assert "asked of sig-penrose" in "\n".join(boarding.in_words(found, organisation="together"))
