"""The audit finds what is lost, invented, doubled and out of order, and nothing where all is well."""

import pytest

from chassis.envelope import Envelope
from house import streams
from house.bus_reading import Place, Record
from house.streams import Applied, Event, OnBus
from tests.house.messages import a_record

TOPIC = "together.referral.v1"
STREAM = (TOPIC, "case-1")
PLACE = Place(TOPIC, 0)


def told(*waiting: bool) -> streams.Journals:
    """A journal with one stream of so many facts, each waiting or not."""
    return {STREAM: {n: Event(f"event-{n}", waits) for n, waits in enumerate(waiting, start=1)}}


def held(*sequences: int, other: int = 0) -> OnBus:
    """A bus that holds these facts of the stream; `other` is there with another id."""
    events = {n: f"event-{n}" if n != other else "another" for n in sequences}
    return OnBus(streams={STREAM: streams.Held(PLACE, events, max(sequences, default=0))})


def applied(mark: int, *, waiting: bool = False, behind: bool = False) -> Applied:
    return Applied(
        group="together.picture",
        topics=[TOPIC],
        marks={STREAM: mark} if mark else {},
        waiting=frozenset({STREAM} if waiting else ()),
        doubted=frozenset(),
        behind=frozenset({PLACE} if behind else ()),
        lag=0,
    )


def kinds(findings) -> list[str]:
    return [what for what, _ in findings]


def test_nothing_is_found_where_all_was_sent_and_applied():
    journal, bus = told(False, False, False), held(1, 2, 3)
    assert kinds(streams.numbered(journal)) == []
    assert kinds(streams.sent(journal, bus, keeps_all=True)) == []
    assert kinds(streams.effective(journal, bus, applied(3), {STREAM: 3})) == []


def test_a_fact_that_never_reached_the_bus_is_lost():
    assert kinds(streams.sent(told(False, False, False), held(1, 3), keeps_all=True)) == ["lost"]
    assert kinds(streams.sent(told(False), OnBus(), keeps_all=True)) == ["lost"]


def test_a_fact_that_waits_to_leave_is_not_lost():
    assert kinds(streams.sent(told(False, True), held(1), keeps_all=True)) == []


def test_what_the_bus_no_longer_keeps_is_not_lost_but_a_hole_in_what_it_keeps_is():
    assert kinds(streams.sent(told(False, False, False), held(2, 3), keeps_all=False)) == []
    assert kinds(streams.sent(told(False, False, False), OnBus(), keeps_all=False)) == []
    assert kinds(streams.sent(told(False, False, False), held(1, 3), keeps_all=False)) == ["lost"]


def test_another_fact_in_the_place_of_ours_is_a_ghost():
    assert kinds(streams.sent(told(False, False), held(1, 2, other=2), keeps_all=True)) == ["ghost"]


def test_a_fact_a_group_has_read_past_without_applying_it_is_lost():
    assert kinds(streams.effective(told(False, False), held(1, 2), applied(1), {STREAM: 2})) == ["lost"]


@pytest.mark.parametrize("state", [{"waiting": True}, {"behind": True}], ids=["parked", "not yet read"])
def test_a_fact_that_is_parked_or_not_yet_read_is_not_lost(state):
    assert kinds(streams.effective(told(False, False), held(1, 2), applied(1, **state), {STREAM: 2})) == []


def test_what_a_group_has_applied_and_nobody_told_is_a_ghost():
    assert kinds(streams.effective(told(False), held(1), applied(2), {STREAM: 1})) == ["ghost"]
    assert kinds(streams.effective(told(False), held(1), applied(2), {STREAM: 2})) == []  # told since the first look


def test_a_journal_numbered_with_a_gap_is_out_of_order():
    journal = told(False, False, False)
    del journal[STREAM][2]
    assert kinds(streams.numbered(journal)) == ["out_of_order"]


def taken(*records: Record) -> OnBus:
    found = OnBus()
    for record in records:
        envelope = streams.from_headers(record.headers)
        assert isinstance(envelope, Envelope)
        streams._take(found, record, envelope)
    return found


def test_records_in_order_and_records_sent_again_are_well():
    one, two = a_record(1), a_record(2)
    found = taken(one, two, one, two)
    assert found.findings == []
    assert found.repeated == 2


def test_records_whose_first_occurrences_are_not_in_order_are_found():
    assert kinds(taken(a_record(1), a_record(3), a_record(2)).findings) == ["out_of_order", "out_of_order"]


def test_two_facts_with_one_number_are_doubled():
    assert kinds(taken(a_record(1), a_record(1)).findings) == ["doubled"]


def test_a_stream_whose_beginning_has_expired_starts_where_it_is_met():
    assert taken(a_record(7), a_record(8)).findings == []
