"""The house's own pulse, and whom it may call silent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from partners.domain.heartbeat import Beaten, Heartbeat

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
READS = ("throughcare.partners.v1",)
NODE = uuid4()


def after(**given: float) -> datetime:
    return AT + timedelta(**given)


def a_heartbeat() -> Heartbeat:
    return Heartbeat.begin(uuid4(), node=NODE, node_id="together", key_id="k", reads=READS, at=AT)


def beating(until: int) -> Heartbeat:
    """Every fifteen seconds for so many seconds."""
    heartbeat = a_heartbeat()
    for seconds in range(15, until + 1, 15):
        heartbeat = heartbeat.beat(node=NODE, key_id="k", reads=READS, at=after(seconds=seconds))
    return heartbeat


def test_each_beat_is_told_and_two_processes_do_not_beat_twice() -> None:
    heartbeat = a_heartbeat()

    assert heartbeat.beat(node=NODE, key_id="k", reads=READS, at=after(seconds=6)) is heartbeat
    again = heartbeat.beat(node=NODE, key_id="k", reads=READS, at=after(seconds=15))
    assert [type(fact) for fact in again.news] == [Beaten, Beaten]


def test_a_node_is_silent_after_sixty_seconds() -> None:
    heartbeat = beating(300)

    assert not heartbeat.is_silent(after(seconds=240), at=after(seconds=300))
    assert heartbeat.is_silent(after(seconds=239), at=after(seconds=300))


def test_a_house_that_was_away_itself_calls_nobody_silent_for_what_it_did_not_hear() -> None:
    heartbeat = beating(300)
    back = after(hours=3)

    assert not heartbeat.is_silent(after(seconds=300), at=back)
    awake = heartbeat.beat(node=NODE, key_id="k", reads=READS, at=back)
    assert not awake.is_silent(after(seconds=300), at=back + timedelta(seconds=15))
    for seconds in range(15, 61, 15):
        awake = awake.beat(node=NODE, key_id="k", reads=READS, at=back + timedelta(seconds=seconds))
    assert awake.is_silent(after(seconds=300), at=back + timedelta(seconds=61))
