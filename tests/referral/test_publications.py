"""Every fact survives the journal, and what is told of it holds nothing but ids, codes, days and counts."""

from dataclasses import fields
from datetime import UTC, date, datetime
from enum import Enum
from typing import Literal, get_args, get_origin, get_type_hints
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from chassis.aggregate import Event
from chassis.envelope import check
from chassis.shares import Fed
from referral.domain import (
    access_list,
    consent,
    equality,
    feeds,
    merge,
    person,
    practitioner,
    programme,
    prompt,
    referral_facts,
    rollout,
    screening,
)
from referral.publications import PUBLICATIONS

MODULES = (
    access_list,
    consent,
    equality,
    feeds,
    merge,
    person,
    practitioner,
    programme,
    prompt,
    referral_facts,
    rollout,
    screening,
)
ABSTRACT = {"Event", "Sent", "Ended", "Named", "PolicyPublished"}
FACTS = sorted(
    {
        held
        for module in MODULES
        for held in vars(module).values()
        if isinstance(held, type) and issubclass(held, Event) and held.__name__ not in ABSTRACT
    },
    key=lambda held: f"{held.__module__}.{held.__name__}",
)
# None told (events.md 2): what stays in the house.
KEPT = {
    "Allocated",
    "Asked",
    "Converted",
    "DraftUpdated",
    "EqualityAnswered",
    "JoinedTo",
    "MergeReviewClosed",
    "MergeReviewOpened",
    "PolicyDrafted",
    "PolicySuperseded",
    "PrerequisiteCompleted",
    "Replaced",
    "StoodAlone",
    "UnmergeAsked",
}
PLAIN = {
    str: st.from_regex(r"[A-Za-z0-9][A-Za-z0-9-]{0,20}", fullmatch=True),
    date: st.dates(date(2020, 1, 1), date(2028, 12, 31)),
    datetime: st.datetimes(datetime(2020, 1, 1), datetime(2028, 12, 31), timezones=st.just(UTC)),
    int: st.integers(0, 10_000),
    bool: st.booleans(),
    UUID: st.uuids(version=4),
    type(None): st.none(),
}


def of(kind):
    """Values of a type as facts hold them."""
    if kind in PLAIN:
        return PLAIN[kind]
    if get_origin(kind) is Literal:
        return st.sampled_from(get_args(kind))
    if get_origin(kind) is tuple:
        return st.lists(of(get_args(kind)[0]), max_size=3).map(tuple)
    if get_args(kind):
        return st.one_of([of(each) for each in get_args(kind)])
    if issubclass(kind, Enum):
        return st.sampled_from(kind)
    hints = get_type_hints(kind)
    return st.builds(kind, **{field.name: of(hints[field.name]) for field in fields(kind)})


@pytest.mark.parametrize("kind", FACTS, ids=lambda kind: kind.__name__)
def test_a_fact_survives_the_journal_and_its_message_the_contract(kind):
    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def holds(data):
        fact = data.draw(of(kind))
        adapter = TypeAdapter(kind)
        assert adapter.validate_json(adapter.dump_json(fact)) == fact
        for told in PUBLICATIONS.messages(fact):
            message = told.message if isinstance(told, Fed) else told
            check(message)
            assert message.ByteSize() >= 0

    holds()


def test_what_is_not_told_is_what_stays_in_the_house():
    assert {kind.__name__ for kind in FACTS} - {kind.__name__ for kind in PUBLICATIONS.facts} == KEPT


def test_no_reason_but_its_group_is_told():
    fact = referral_facts.Withdrawn(
        at=datetime(2026, 1, 1, tzinfo=UTC),
        reason_group="PERSON_CHOICE",
        by_party=referral_facts.Party.PERSON,
        reason=referral_facts.EndReason.NO_CONSENT,
    )
    told = PUBLICATIONS.messages(
        referral_facts.Withdrawn(at=fact.at, reason_group=fact.reason.group, by_party=fact.by_party, reason=fact.reason)
    )

    assert "NO_CONSENT" not in str(told[0])
    assert told[0].reason_group == "PERSON_CHOICE"


@pytest.mark.parametrize(("pdu", "code"), [("N07CTI", "N07CTI"), ("Camden, ask for Sam", ""), ("SAM", "")])
def test_a_delivery_unit_is_told_by_its_code_alone(pdu, code):
    at, day = datetime(2026, 1, 1, tzinfo=UTC), date(2026, 1, 1)
    fact = practitioner.Assigned(at=at, ref="pp-1", pdu=pdu, reason_code="", starts_on=day, ends_on=None)

    assert PUBLICATIONS.messages(fact)[0].pdu_code == code
