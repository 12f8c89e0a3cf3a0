"""`deploy/bus/topics.yaml` is what a partner's operator signs: it equals what the code tells and hears."""

import pytest
import yaml

from tests.architecture.declared import hears, says
from tests.architecture.source import OF_THE_CARD, ROOT, module
from tests.contracts.messages import events, key_of, reach_of, topic_of
from throughcare.options.v1 import options_pb2

FILE = ROOT / "deploy" / "bus" / "topics.yaml"
REGISTRY = yaml.safe_load(FILE.read_text()) if FILE.exists() else {"topics": [], "defaults": {}, "users": []}
TOPICS = {topic["name"]: topic for topic in REGISTRY["topics"]}
ORDER = {options_pb2.KEY_CASE: "case", options_pb2.KEY_PERSON: "person", options_pb2.KEY_AGGREGATE: "aggregate"}
BETWEEN = {"share": "share.<node>.in.v1", "control": "control.v1"}
ON = {each.DESCRIPTOR.name: topic_of(each.DESCRIPTOR) for each in events()}
TELLING = [service for service in OF_THE_CARD if any(ON[name] == service for name in says(service))]
KINDS = [*TELLING, *BETWEEN]


def entry_of(kind):
    return TOPICS[BETWEEN.get(kind, f"<node>.{kind}.v1")]


def messages_on(kind):
    return [each.DESCRIPTOR for each in events() if topic_of(each.DESCRIPTOR) == kind]


def groups_that_hear(kind):
    return {
        each.group if each.group == hearer else f"{hearer}.{each.group.removeprefix(f'{hearer}.')}"
        for hearer in OF_THE_CARD
        for each in hears(hearer)
        if ON[each.event] == kind
    }


def test_there_is_one_topic_for_each_service_that_tells_one_inbox_for_each_house_and_one_for_control():
    kinds = set(ON.values())
    assert kinds >= set(BETWEEN)
    assert set(TOPICS) == {BETWEEN.get(kind, f"<node>.{kind}.v1") for kind in kinds}


@pytest.mark.parametrize("service", TELLING)
def test_a_topic_of_a_house_is_written_by_its_service_alone(service):
    assert entry_of(service)["writers"] == [service]
    assert entry_of(service)["package"] == f"throughcare.{service}.v1"


@pytest.mark.parametrize("kind", KINDS)
def test_a_topic_is_read_by_those_who_hear_something_of_it(kind):
    declared = {name for name in entry_of(kind)["readers"] if module(name.partition(".")[0], "subscriptions")}
    heard = groups_that_hear(kind)
    assert declared == (heard or set(entry_of(kind)["readers"]) & {"partners.gate"})


@pytest.mark.parametrize("kind", list(BETWEEN))
def test_between_houses_nobody_but_the_gates_writes_or_reads(kind):
    entry = entry_of(kind)
    assert entry["package"] == "throughcare.partners.v1"
    assert entry["readers"] == ["partners.gate"]
    assert entry["writers"] == (["others.partners"] if kind == "share" else ["partners"])
    tellers = {service for service in OF_THE_CARD if any(ON[name] == kind for name in says(service))}
    assert tellers <= {"partners"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_topic_has_the_reach_and_the_key_of_its_messages(kind):
    found = messages_on(kind)
    between = kind in BETWEEN
    allowed = {options_pb2.REACH_SHARE} if between else {options_pb2.REACH_NODE}

    assert entry_of(kind)["reach"] == ("SHARE" if between else "NODE")
    assert {reach_of(each) for each in found} <= allowed | {options_pb2.REACH_AGGREGATE}
    # Between houses a person has no id, but a reference that two houses share.
    keys = (
        ["case", "person", "aggregate"]
        if not between
        else ["subject", "aggregate"]
        if kind == "share"
        else ["aggregate"]
    )
    assert entry_of(kind)["key"] == keys
    used = {ORDER[key_of(each)] for each in found if key_of(each) in ORDER}
    assert {"subject" if between and key == "person" else key for key in used} <= set(keys)


@pytest.mark.parametrize("name", sorted(TOPICS))
def test_a_topic_says_why_it_is_there(name):
    assert len(TOPICS[name]["why"].split()) > 5


def test_there_is_one_user_for_each_service_and_one_for_the_operator_each_with_a_limit():
    users = {user["name"]: user for user in REGISTRY["users"]}
    assert set(users) == {f"<node>.{name}" for name in (*OF_THE_CARD, "operator")}
    assert len(users) == len(REGISTRY["users"])
    for user in users.values():
        assert user["produce_bytes_per_second"] > 0
        assert user["consume_bytes_per_second"] > 0
    # What a partner can flood is what its gate may write.
    writes = {name: user["produce_bytes_per_second"] for name, user in users.items()}
    assert writes["<node>.partners"] < min(writes[f"<node>.{name}"] for name in OF_THE_CARD if name != "partners")


def test_what_is_on_the_bus_is_forgotten_in_time():
    assert REGISTRY["defaults"]["retention_days"] <= 30
    assert REGISTRY["defaults"]["partitions"] >= 1
