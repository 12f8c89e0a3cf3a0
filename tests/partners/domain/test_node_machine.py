"""Any order of what may happen to a node: a refusal changes nothing, the facts told lead to where it stands."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from chassis.aggregate import Refused
from partners.domain import node_facts as facts
from partners.domain.node import SILENCE, Card, Node, Status
from partners.domain.signing_key import a_key

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
READS = ("throughcare.partners.v1",)
AFTER = {
    facts.HeartbeatMissed: Status.DEGRADED,
    facts.Suspended: Status.SUSPENDED,
    facts.Retired: Status.RETIRED,
    facts.Heard: Status.ACTIVE,
    facts.HeardAgain: Status.ACTIVE,
}
keys = st.integers(1, 5).map(lambda n: f"{n:064x}")
spans = st.integers(0, 40).map(lambda days: timedelta(days=days))


class NodeMachine(RuleBasedStateMachine):
    """One node, its last heartbeat, and the clock."""

    def __init__(self) -> None:
        super().__init__()
        card = Card(
            node_id="women-in-prison", org_id="women-in-prison", public_key=f"{1:064x}", rpc_address="a.example:1",
            authority="d" * 64, schema_versions=READS,
        )  # fmt: skip
        self.at, self.last_heard_at = AT, None
        self.node = Node.register(uuid4(), card, at=AT)
        self.expected = Status.REGISTERED

    def does(self, change) -> None:
        before = self.node
        try:
            self.node = change(before)
        except Refused:
            assert self.node is before
            return
        for fact in self.node.news[len(before.news) :]:
            if isinstance(fact, facts.Resumed):
                self.expected = self.node.status
                assert before.status is Status.SUSPENDED
                assert self.node.status is not Status.SUSPENDED
            self.expected = AFTER.get(type(fact), self.expected)

    @rule(seconds=st.sampled_from([1, 15, 61, 3600, 90_000]))
    def time_passes(self, seconds):
        self.at += timedelta(seconds=seconds)

    @rule()
    def is_heard(self):
        self.last_heard_at = self.at
        self.does(lambda node: node.hear(READS, at=self.at))

    @rule()
    def is_missed(self):
        if self.last_heard_at and self.at - self.last_heard_at > SILENCE:
            self.does(lambda node: node.miss(last_heard_at=self.last_heard_at, at=self.at))

    @rule()
    def is_suspended(self):
        self.does(lambda node: node.suspend(at=self.at))

    @rule()
    def is_resumed(self):
        self.does(lambda node: node.resume(last_heard_at=self.last_heard_at, at=self.at))

    @rule(key=keys, overlap=spans)
    def rotates(self, key, overlap):
        self.does(lambda node: node.rotate(key, overlap_until=self.at + overlap, at=self.at))

    @rule(key=keys, overlap=spans)
    def announces(self, key, overlap):
        key_id = a_key(key, since=self.at).key_id
        self.does(lambda node: node.hear_key(key, key_id=key_id, overlap_until=self.at + overlap, at=self.at))

    @rule(chance=st.integers(0, 9))
    def is_retired(self, chance):
        if chance == 0:
            self.does(lambda node: node.retire(at=self.at))

    @invariant()
    def it_stands_where_its_facts_lead(self):
        assert self.node.status is self.expected

    @invariant()
    def one_key_is_in_use_and_no_other_is_taken_for_more_than_thirty_days(self):
        assert [key.taken_until for key in self.node.keys].count(None) == 1
        assert self.node.key.taken_until is None
        for key in self.node.keys[:-1]:
            assert key.taken_until is not None
            assert key.taken_until <= self.at + timedelta(days=30)
        assert len({key.key_id for key in self.node.keys}) == len(self.node.keys)


TestNodeMachine = NodeMachine.TestCase
