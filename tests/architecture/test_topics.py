"""`deploy/bus/topics.yaml` is what a partner's operator signs: it equals what the code tells and hears."""

import pytest
import yaml

from tests.architecture.declared import hears, known_events, says
from tests.architecture.source import OF_THE_CARD, ROOT, module
from tests.contracts.messages import events, key_of, reach_of
from tests.contracts.messages import topic_of as events_topic
from throughcare.options.v1 import options_pb2

FILE = ROOT / "deploy" / "bus" / "topics.yaml"
REGISTRY = yaml.safe_load(FILE.read_text()) if FILE.exists() else {"topics": [], "defaults": {}}
TOPICS = {topic["name"]: topic for topic in REGISTRY["topics"]}
ORDER = {options_pb2.KEY_CASE: "case", options_pb2.KEY_PERSON: "person", options_pb2.KEY_AGGREGATE: "aggregate"}
TELLING = [service for service in OF_THE_CARD if says(service)]


def topic_of(service):
    return TOPICS[f"<node>.{service}.v1"]


def test_there_is_one_topic_for_each_service_that_tells():
    owners = {each.DESCRIPTOR.file.package.split(".")[1] for each in events()}
    assert set(TOPICS) == {f"<node>.{service}.v1" for service in owners}


@pytest.mark.parametrize("service", TELLING)
def test_a_topic_is_written_by_its_service_alone(service):
    assert topic_of(service)["writers"] == [service]
    assert topic_of(service)["package"] == f"throughcare.{service}.v1"


@pytest.mark.parametrize("service", TELLING)
def test_a_topic_is_read_by_those_who_hear_something_of_it(service):
    readers = {
        each.group if each.group == hearer else f"{hearer}.{each.group.removeprefix(f'{hearer}.')}"
        for hearer in OF_THE_CARD
        for each in hears(hearer)
        if known_events()[each.event] == service
    }
    of_built = {name for name in topic_of(service)["readers"] if module(name.partition(".")[0], "subscriptions")}
    assert of_built == readers


@pytest.mark.parametrize("service", TELLING)
def test_a_topic_has_the_reach_and_the_key_of_its_messages(service):
    of_service = [each.DESCRIPTOR for each in events() if events_topic(each.DESCRIPTOR) == service]
    in_house = {options_pb2.REACH_NODE, options_pb2.REACH_AGGREGATE}

    assert topic_of(service)["reach"] == "NODE"
    assert {reach_of(each) for each in of_service} <= in_house
    assert topic_of(service)["key"] == ["case", "person", "aggregate"]
    assert {ORDER[key_of(each)] for each in of_service if key_of(each) in ORDER} <= set(topic_of(service)["key"])


@pytest.mark.parametrize("name", sorted(TOPICS))
def test_a_topic_says_why_it_is_there(name):
    assert len(TOPICS[name]["why"].split()) > 5


def test_what_is_on_the_bus_is_forgotten_in_time():
    assert REGISTRY["defaults"]["retention_days"] <= 30
    assert REGISTRY["defaults"]["partitions"] >= 1
