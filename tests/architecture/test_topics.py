"""`deploy/bus/topics.yaml` is what a partner's operator signs: it equals what the code tells and hears."""

import pytest
import yaml

from tests.architecture.declared import hears, says
from tests.architecture.source import OF_THE_CARD, ROOT, module
from tests.contracts.messages import events, key_of, reach_of
from tests.contracts.messages import topic_of as events_topic
from throughcare.options.v1 import options_pb2

FILE = ROOT / "deploy" / "bus" / "topics.yaml"
REGISTRY = yaml.safe_load(FILE.read_text()) if FILE.exists() else {"topics": [], "defaults": {}}
TOPICS = {topic["name"]: topic for topic in REGISTRY["topics"]}
ORDER = {options_pb2.KEY_CASE: "case", options_pb2.KEY_PERSON: "person", options_pb2.KEY_AGGREGATE: "aggregate"}
TOPIC_OF = {each.DESCRIPTOR.name: events_topic(each.DESCRIPTOR) for each in events()}
BETWEEN_HOUSES = {"share": "share.<node>.in.v1", "control": "control.v1"}
TELLING = [service for service in OF_THE_CARD if says(service)]


def name_of(topic):
    return BETWEEN_HOUSES.get(topic, f"<node>.{topic}.v1")


def topic_of(service):
    return TOPICS[name_of(service)]


def readers_of(topic):
    """Who hears something of it, as the code says."""
    return {
        each.group if each.group == hearer else f"{hearer}.{each.group.removeprefix(f'{hearer}.')}"
        for hearer in OF_THE_CARD
        for each in hears(hearer)
        if TOPIC_OF[each.event] == topic
    }


def test_there_is_one_topic_for_each_service_that_tells():
    assert set(TOPICS) == {name_of(topic) for topic in TOPIC_OF.values()}


@pytest.mark.parametrize("service", TELLING)
def test_a_topic_is_written_by_its_service_alone(service):
    assert topic_of(service)["writers"] == [service]
    assert topic_of(service)["package"] == f"throughcare.{service}.v1"


@pytest.mark.parametrize("service", TELLING)
def test_a_topic_is_read_by_those_who_hear_something_of_it(service):
    of_built = {name for name in topic_of(service)["readers"] if module(name.partition(".")[0], "subscriptions")}
    assert of_built == readers_of(service)


@pytest.mark.parametrize("topic", sorted(BETWEEN_HOUSES))
def test_what_goes_between_houses_is_told_and_heard_by_the_gate_alone(topic):
    assert topic_of(topic)["reach"] == "SHARE"
    assert [writer.removeprefix("others.") for writer in topic_of(topic)["writers"]] == ["partners"]
    assert topic_of(topic)["readers"] == ["partners.gate"]
    assert readers_of(topic) <= {"partners.gate"}


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
