"""A node: registered by its card, believed by its keys, heard or missed, suspended and back, retired for good."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from chassis.aggregate import Fault, Invalid, Unmet
from partners.domain import node_facts as facts
from partners.domain.node import Card, Node, Status
from partners.domain.signing_key import LONGEST_OVERLAP, a_key

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
WEEK = timedelta(days=7)
READS = ("throughcare.partners.v1",)
FIRST, SECOND, THIRD = (digit * 64 for digit in "abc")


def a_card(**given: Any) -> Card:
    fitting = {
        "node_id": "women-in-prison",
        "org_id": "women-in-prison",
        "public_key": FIRST,
        "rpc_address": "partners.wip.example:8443",
        "authority": "d" * 64,
        "schema_versions": READS,
    }
    return Card(**fitting | given)


def a_node(**given: Any) -> Node:
    return Node.register(uuid4(), a_card(**given), at=AT)


def an_active_node() -> Node:
    return a_node().hear(READS, at=AT)


def hear_key(node: Node, public_key: str, overlap_until: datetime = AT) -> Node:
    key_id = a_key(public_key, since=AT).key_id
    return node.hear_key(public_key, key_id=key_id, overlap_until=overlap_until, at=AT)


def told(node: Node) -> list[type]:
    return [type(fact) for fact in node.news]


def test_a_node_is_registered_under_the_digest_of_its_key() -> None:
    node = a_node()

    assert node.status is Status.REGISTERED
    assert told(node) == [facts.Registered]
    assert node.key.key_id == "e0e77a507412b120f6ede61f62295b1a7b2ff19d3dcc8f7253e51663470c888e"
    assert node.key.taken_until is None


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ("node_id", "Women", "INVALID_FORMAT"),
        ("node_id", "a.b", "INVALID_FORMAT"),
        ("public_key", "", "REQUIRED"),
        ("public_key", "ab" * 31, "INVALID_FORMAT"),
        ("public_key", "AB" * 32, "INVALID_FORMAT"),
        ("authority", "xy" * 32, "INVALID_FORMAT"),
        ("rpc_address", "partners.wip.example", "INVALID_FORMAT"),
        ("rpc_address", "partners.wip.example:70000", "INVALID_FORMAT"),
        ("rpc_address", "https://wip.example:1", "INVALID_FORMAT"),
        ("schema_versions", (), "REQUIRED"),
        ("schema_versions", ("throughcare.referral.v1",), "REQUIRED"),
        ("schema_versions", ("throughcare.partners.v1", "he lives here"), "INVALID_FORMAT"),
        ("schema_versions", tuple(f"throughcare.partners.v{n}" for n in range(1, 60)), "OUT_OF_RANGE"),
    ],
)
def test_a_card_with_a_wrong_field_is_refused(path: str, value: Any, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        a_node(**{path: value})

    assert refused.value.fields == (Fault(path, code),)


@pytest.mark.parametrize("address", ["127.0.0.1:8443", "[::1]:8443", "a.example:1", "localhost:65535"])
def test_an_address_is_a_host_and_a_port(address: str) -> None:
    assert a_node(rpc_address=address).rpc_address == address


def test_every_wrong_field_of_a_card_is_named_at_once() -> None:
    with pytest.raises(Invalid) as refused:
        a_node(node_id="A", public_key="", rpc_address="", authority="", schema_versions=())

    assert [fault.path for fault in refused.value.fields] == [
        "node_id", "public_key", "authority", "rpc_address", "schema_versions",
    ]  # fmt: skip


def test_the_same_card_again_changes_nothing_and_a_new_address_is_told() -> None:
    node = an_active_node()

    assert node.register_again(a_card(), at=AT) is node
    moved = node.register_again(a_card(rpc_address="new.example:1"), at=AT)
    assert (moved.rpc_address, moved.status) == ("new.example:1", Status.ACTIVE)
    assert told(moved)[-1] is facts.Registered


def test_a_card_changes_neither_the_key_nor_the_organisation() -> None:
    with pytest.raises(Unmet, match="key_differs"):
        a_node().register_again(a_card(public_key=SECOND), at=AT)
    with pytest.raises(Invalid) as refused:
        a_node().register_again(a_card(org_id="sig-penrose"), at=AT)

    assert refused.value.fields == (Fault("org_id", "IMMUTABLE"),)


def test_after_a_rotation_both_keys_are_taken_and_then_the_new_one_alone() -> None:
    rotated = a_node().rotate(SECOND, overlap_until=AT + WEEK, at=AT)

    assert [(key.public_key, key.taken_until) for key in rotated.keys] == [(FIRST, AT + WEEK), (SECOND, None)]
    later = rotated.rotate(THIRD, overlap_until=AT + 3 * WEEK, at=AT + 2 * WEEK)
    assert [key.public_key for key in later.keys] == [SECOND, THIRD]


def test_two_rotations_within_one_overlap_keep_each_keys_own_end() -> None:
    soon = AT + timedelta(days=1)
    rotated = a_node().rotate(SECOND, overlap_until=AT + WEEK, at=AT).rotate(THIRD, overlap_until=soon + WEEK, at=soon)

    assert [key.taken_until for key in rotated.keys] == [AT + WEEK, soon + WEEK, None]


def test_without_an_overlap_the_old_key_is_not_taken_any_more() -> None:
    assert [key.public_key for key in a_node().rotate(SECOND, overlap_until=AT, at=AT).keys] == [SECOND]


@pytest.mark.parametrize(
    ("public_key", "until", "fault"),
    [
        (FIRST, AT + WEEK, Fault("public_key", "CONFLICTS_WITH(keys)")),
        ("nonsense", AT + WEEK, Fault("public_key", "INVALID_FORMAT")),
        (SECOND, AT - timedelta(seconds=1), Fault("overlap_until", "IN_PAST")),
        (SECOND, AT + timedelta(days=31), Fault("overlap_until", "OUT_OF_RANGE")),
    ],
)
def test_a_rotation_that_cannot_be_is_refused(public_key: str, until: datetime, fault: Fault) -> None:
    with pytest.raises(Invalid) as refused:
        a_node().rotate(public_key, overlap_until=until, at=AT)

    assert refused.value.fields == (fault,)


def test_an_announced_key_is_taken_once_and_never_overlaps_for_ever() -> None:
    heard = hear_key(a_node(), SECOND, AT + timedelta(days=3650))

    assert heard.keys[0].taken_until == AT + LONGEST_OVERLAP
    assert hear_key(heard, SECOND) is heard
    assert hear_key(heard, FIRST) is heard


@pytest.mark.parametrize(
    ("public_key", "key_id", "fault"),
    [
        ("nonsense", "e" * 64, Fault("public_key", "INVALID_FORMAT")),
        (SECOND, "e" * 64, Fault("key_id", "CONFLICTS_WITH(public_key)")),
    ],
)
def test_an_announced_key_that_is_none_is_refused(public_key: str, key_id: str, fault: Fault) -> None:
    with pytest.raises(Invalid) as refused:
        a_node().hear_key(public_key, key_id=key_id, overlap_until=AT, at=AT)

    assert refused.value.fields == (fault,)


def test_an_announcement_read_late_ends_the_old_key_at_once() -> None:
    assert len(hear_key(a_node(), SECOND, AT - WEEK).keys) == 1


def test_the_first_heartbeat_makes_it_active_and_the_next_tells_nothing() -> None:
    heard = a_node().hear(READS, at=AT)

    assert (heard.status, told(heard)[-1]) == (Status.ACTIVE, facts.Heard)
    assert heard.hear(READS, at=AT) is heard


def test_missed_it_is_degraded_and_heard_again_it_is_active() -> None:
    missed = an_active_node().miss(last_heard_at=AT, at=AT + timedelta(seconds=61))

    assert (missed.status, told(missed)[-1]) == (Status.DEGRADED, facts.HeartbeatMissed)
    assert missed.hear(READS, at=AT).status is Status.ACTIVE


def test_it_is_missed_once_and_a_node_never_heard_is_not_missed() -> None:
    for node in (a_node(), an_active_node().miss(last_heard_at=AT, at=AT)):
        with pytest.raises(Unmet, match="invalid_transition"):
            node.miss(last_heard_at=AT, at=AT)


def test_other_contracts_are_taken_over_and_nonsense_is_not() -> None:
    upgraded = an_active_node().hear((*READS, "throughcare.partners.v2"), at=AT)

    assert upgraded.schema_versions == ("throughcare.partners.v1", "throughcare.partners.v2")
    assert told(upgraded)[-1] is facts.Upgraded
    with pytest.raises(Invalid):
        an_active_node().hear(("he lives at 1 Example Street",), at=AT)


@pytest.mark.parametrize(
    ("last_heard_at", "status"),
    [
        (None, Status.REGISTERED),
        (AT - timedelta(seconds=60), Status.ACTIVE),
        (AT - timedelta(seconds=61), Status.DEGRADED),
    ],
)
def test_resumed_it_stands_as_it_was_last_heard(last_heard_at: datetime | None, status: Status) -> None:
    suspended = an_active_node().suspend(at=AT)

    assert suspended.status is Status.SUSPENDED
    assert suspended.hear(READS, at=AT).status is Status.SUSPENDED
    resumed = suspended.resume(last_heard_at=last_heard_at, at=AT)
    assert resumed.status is status
    assert (told(resumed)[-1] is facts.HeartbeatMissed) is (status is Status.DEGRADED)


def test_a_silent_node_that_is_heard_again_is_told() -> None:
    silent = an_active_node().miss(last_heard_at=AT, at=AT)

    heard = silent.hear(READS, at=AT)

    assert (heard.status, told(heard)[-1]) == (Status.ACTIVE, facts.HeardAgain)
    assert told(an_active_node().hear(READS, at=AT)).count(facts.HeardAgain) == 0


def test_what_is_not_suspended_is_not_resumed_and_nothing_is_suspended_twice() -> None:
    with pytest.raises(Unmet, match="invalid_transition"):
        an_active_node().resume(last_heard_at=AT, at=AT)
    with pytest.raises(Unmet, match="invalid_transition"):
        an_active_node().suspend(at=AT).suspend(at=AT)


def test_a_retired_node_does_nothing_more() -> None:
    retired = an_active_node().retire(at=AT)

    for change in (
        lambda: retired.retire(at=AT),
        lambda: retired.suspend(at=AT),
        lambda: retired.hear(READS, at=AT),
        lambda: retired.rotate(SECOND, overlap_until=AT, at=AT),
        lambda: hear_key(retired, SECOND),
        lambda: retired.register_again(a_card(), at=AT),
    ):
        with pytest.raises(Unmet, match="invalid_transition"):
            change()


def test_an_announcement_names_the_key_that_is_next() -> None:
    announced = a_node().rotate(SECOND, overlap_until=AT + WEEK, at=AT).announce(overlap_until=AT + WEEK, at=AT)

    fact = announced.news[-1]
    assert isinstance(fact, facts.KeyAnnounced)
    assert (fact.public_key, fact.node) == (SECOND, announced.id)
