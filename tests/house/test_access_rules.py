"""X8: on a real broker every user may do what the topic registry says, and nothing else, whichever house it is of.

Who may is read from the registry's writers and readers, not from the rules that were made of them. Each user tries
everything on everything: write, read, describe, create and alter every topic, another house's included; use every
group; change rules and users.
"""

from __future__ import annotations

import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiokafka.protocol.fetch import FetchRequest
from confluent_kafka import (
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewTopic, ResourceType

from house import nodes
from house.buses import Allowed, allow, create_topics, disallow, quotas, set_user
from house.topics import apply, compare, registry
from tests.support.kafka import secured_kafka

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(180)]
HOUSES = ("together", "north-london-nhs", "women-in-prison", "sig-penrose")
UNLISTED = "nobody.knows.v1"
STRANGER = "stranger"
DENIED = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
}
WITHIN = 15
QUICKLY = {"socket.timeout.ms": 10_000, "log_level": 0}


def a_password(name: str) -> str:
    return f"password-of-{name}"


@pytest.fixture(scope="module")
def known():
    return registry(nodes.read_all(HOUSES))


@pytest.fixture(scope="module")
def broker(tmp_path_factory, known):
    found = secured_kafka(tmp_path_factory.mktemp("secured"))
    apply(found.client, known, password=lambda user: a_password(user.name))
    set_user(found.client, STRANGER, a_password(STRANGER))
    create_topics(found.client, {UNLISTED: {}}, partitions=1)
    fill(found, [*known.names, UNLISTED])
    yield found
    found.stop()


def fill(broker, topics) -> None:
    """One record in each topic, for those who may read."""
    producer = Producer({**broker.client, **QUICKLY})
    for topic in topics:
        producer.produce(topic, value=b"x", partition=0)
    assert producer.flush(WITHIN) == 0


@dataclass
class May:
    """What one user was let do: operation → topics or groups. `wrong` is what failed for another reason."""

    done: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    wrong: list[str] = field(default_factory=list)

    def note(self, operation: str, name: str, error: Any) -> None:
        code = error.code() if error is not None else None
        if code is None or code in {KafkaError.TOPIC_ALREADY_EXISTS, KafkaError._NOENT}:
            self.done[operation].add(name)
        elif code not in DENIED:
            self.wrong.append(f"{operation} {name}: {error}")


def writes(client, topics, may) -> None:
    """Not idempotent: who may write nothing is told so for each topic, not once for all."""
    producer = Producer({**client, "enable.idempotence": False, "message.timeout.ms": 8000})
    for topic in topics:
        producer.produce(topic, value=b"y", partition=0, on_delivery=lambda e, _, t=topic: may.note("write", t, e))
    assert producer.flush(WITHIN) == 0


def reads(client, topics, may) -> None:
    """Asked for by name, as a client does that was told nothing by the broker."""
    wanted = [(topic, [(0, 0, 1024)]) for topic in topics]
    answer = quotas._asked(client, FetchRequest(100, 0, 1 << 20, 0, wanted))
    for topic, partitions in answer.topics:
        code = partitions[0][1]
        may.note("read", topic, KafkaError(code) if code else None)
    may.wrong += [f"read {topic}: no answer" for topic in {*topics} - {topic for topic, _ in answer.topics}]


def administers(client, topics, may) -> None:
    admin = AdminClient(client)
    described = admin.list_topics(timeout=WITHIN).topics
    may.done["describe"] |= {name for name, found in described.items() if found.error is None}
    new = [NewTopic(name, 1, 1) for name in (*topics, *(f"{topic}.new" for topic in topics))]
    settle("create", admin.create_topics(new, validate_only=True), may, lambda name: name)
    entry = ConfigEntry("retention.ms", "1000", incremental_operation=AlterConfigOpType.SET)
    resources = [ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry]) for topic in topics]
    settle("alter", admin.incremental_alter_configs(resources, validate_only=True), may, lambda each: each.name)
    settle("delete", admin.delete_topics([f"{topic}.new" for topic in topics]), may, lambda name: name)


def groups(client, names, topic, may) -> None:
    admin = AdminClient(client)
    for name in names:
        place = ConsumerGroupTopicPartitions(name, [TopicPartition(topic, 0, 1)])
        settle("group", admin.alter_consumer_group_offsets([place]), may, str)


def settle(operation, futures, may, named) -> None:
    for what, future in futures.items():
        try:
            future.result(timeout=WITHIN)
        except KafkaException as refused:
            may.note(operation, named(what), refused.args[0])
        else:
            may.note(operation, named(what), None)


def rules_itself(client, may) -> None:
    """Nobody but the first user makes users and rules, or sees them."""
    own = [Allowed(user="stranger", kind="TOPIC", name="control.v1", operations=("READ",))]
    for what, attempt in {
        "rules": lambda: allow(client, own),
        "users": lambda: set_user(client, "stranger", "mine-now"),
        "no rules": lambda: disallow(client, own),
    }.items():
        try:
            attempt()
        except KafkaException as refused:
            may.note("cluster", what, refused.args[0])
        else:
            may.note("cluster", what, None)


def tried(broker, known, user: str) -> May:
    client = {**broker.client, **QUICKLY, "sasl.username": user, "sasl.password": a_password(user)}
    may, topics = May(), [*known.names, UNLISTED]
    administers(client, topics, may)
    writes(client, topics, may)
    reads(client, topics, may)
    groups(client, every_group(known), "control.v1", may)
    rules_itself(client, may)
    return may


def every_group(known) -> list[str]:
    return sorted({reader.group for topic in known.topics for reader in (*topic.readers, *topic.lookers)})


def expected(known, user: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for topic in known.topics:
        if user in topic.writers:
            found["write"].add(topic.name)
        for reader in (*topic.readers, *topic.lookers):
            if reader.user == user:
                found["read"].add(topic.name)
                found["group"].add(reader.group)
    found["describe"] = found["write"] | found["read"]
    return found


def test_every_user_may_do_what_the_registry_says_and_nothing_else_on_every_topic(broker, known):
    users = [*(user.name for user in known.users), STRANGER]
    began = time.monotonic()
    with ThreadPoolExecutor(4) as at_once:
        found = list(at_once.map(lambda user: tried(broker, known, user), users))
    for user, may in zip(users, found, strict=True):
        assert may.wrong == [], user
        assert {what: names for what, names in may.done.items() if names} == {
            what: names for what, names in expected(known, user).items() if names
        }, user
    cells = len(users) * (len(known.names) + 1) * 5 + len(users) * len(every_group(known))
    print(f"X8: {cells} cells in {time.monotonic() - began:.1f} s, 0 but the registry's")


def test_what_the_registry_says_of_the_inbox_of_a_house(known):
    """In words, for those who review it: the same in every house."""
    for topic in known.topics:
        if topic.name.startswith("share."):
            assert topic.writers == tuple(f"{house}.partners" for house in HOUSES if house != topic.house)
            assert [reader.user for reader in topic.readers] == [f"{topic.house}.partners"]
            assert [looker.user for looker in topic.lookers] == [f"{topic.house}.operator"]


def test_a_bus_that_was_made_from_the_registry_is_as_it_says_and_drift_is_told(broker, known):
    assert compare(broker.client, known, settings=True, secured=True) == []
    beyond = Allowed(user="together.casework", kind="TOPIC", name="share.sig-penrose.in.v1", operations=("READ",))
    whoever = Allowed(user="*", kind="TOPIC", name="share.", operations=("READ",), prefixed=True)
    gone = Allowed(user="together.referral", kind="TOPIC", name="together.referral.v1", operations=("WRITE",))
    allow(broker.client, [beyond, whoever])
    disallow(broker.client, [gone])
    quotas.set_limits(broker.client, {"sig-penrose.partners": quotas.Limit(1e9, 1e9)})
    told = {(each.name, each.what, each.found) for each in compare(broker.client, known, settings=True, secured=True)}
    assert told == {
        ("together.casework", "READ share.sig-penrose.in.v1", "allowed"),
        ("*", "READ share.*", "allowed"),
        ("together.referral", "WRITE together.referral.v1", "denied"),
        ("sig-penrose.partners", "bytes a second, sent and read", "1000000000 and 1000000000"),
    }
    apply(broker.client, known, password=lambda user: a_password(user.name))
    left = {each.name for each in compare(broker.client, known, settings=True, secured=True)}
    assert left == {"*"}  # whose rule that is, a person must say
    disallow(broker.client, [whoever])


def test_who_sends_more_than_his_limit_is_slowed_down(broker, known):
    """A user's own limit, seen from his side: what he sends beyond it is held back by the broker."""
    quotas.set_limits(broker.client, {"sig-penrose.partners": quotas.Limit(100_000, 1e8)})
    own = {"sasl.username": "sig-penrose.partners", "sasl.password": a_password("sig-penrose.partners")}
    held: list[float] = []
    producer = Producer({
        **broker.client, **QUICKLY, **own, "linger.ms": 0, "batch.num.messages": 1, "message.timeout.ms": 60_000,
        "throttle_cb": lambda event: held.append(event.throttle_time),
    })  # fmt: skip
    try:
        until = time.monotonic() + WITHIN
        while not held and time.monotonic() < until:
            producer.produce("share.together.in.v1", value=b"z" * 50_000, partition=0)
            producer.poll(0.05)
        assert held
        assert max(held) > 0
    finally:
        producer.purge()
        producer.flush(WITHIN)
        apply(broker.client, known, password=lambda user: a_password(user.name))
    assert quotas.limits(broker.client)["sig-penrose.partners"] == next(
        user.limit for user in known.users if user.name == "sig-penrose.partners"
    )
