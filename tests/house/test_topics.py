"""The topic registry is read as it is written, for some houses; a wrong entry names itself."""

import pytest

from house import nodes
from house.topics import registry
from house.topics.looking import single
from house.trouble import Trouble

ENTRY = """
defaults: {partitions: 4, retention_days: 30, replicas: 3}
users:
  - {name: <node>.referral, produce_bytes_per_second: 10, consume_bytes_per_second: 20}
  - {name: <node>.casework, produce_bytes_per_second: 10, consume_bytes_per_second: 20}
  - {name: <node>.partners, produce_bytes_per_second: 1, consume_bytes_per_second: 2}
  - {name: <node>.notifications, produce_bytes_per_second: 10, consume_bytes_per_second: 20}
  - {name: <node>.operator, produce_bytes_per_second: 1, consume_bytes_per_second: 2}
topics:
  - name: <node>.referral.v1
    package: throughcare.referral.v1
    reach: NODE
    key: [case, person]
    writers: [referral]
    readers: [casework, partners.picture]
    why: because
  - name: share.<node>.in.v1
    package: throughcare.partners.v1
    reach: SHARE
    key: [subject, aggregate]
    writers: [others.partners]
    readers: [partners.gate]
    why: because
  - name: control.v1
    package: throughcare.partners.v1
    reach: SHARE
    key: [aggregate]
    writers: [partners]
    readers: [partners.gate]
    why: because
"""
TOGETHER, WOMEN = nodes.read("together"), nodes.read("women-in-prison")


def written(tmp_path, text):
    path = tmp_path / "topics.yaml"
    path.write_text(text)
    return path


def test_the_registry_of_the_product_names_what_a_house_has_and_the_two_between_houses():
    names = registry([nodes.read("north-london-nhs")]).names
    of_services = [f"north-london-nhs.{s}.v1" for s in ("referral", "casework", "partners", "notifications")]
    assert names == [*of_services, "share.north-london-nhs.in.v1", "control.v1"]


def test_a_house_has_topics_for_the_services_it_runs_and_no_others():
    names = registry([WOMEN]).names
    assert names[:2] == ["women-in-prison.partners.v1", "women-in-prison.notifications.v1"]
    assert not any("referral" in name for name in names)


def test_an_entry_takes_what_it_does_not_say_from_the_defaults(tmp_path):
    topic, *_ = registry([TOGETHER], written(tmp_path, ENTRY)).topics
    assert (topic.name, topic.partitions) == ("together.referral.v1", 4)
    assert topic.config["retention.ms"] == str(30 * 86_400_000)


def test_a_house_may_let_its_bus_forget_sooner_and_never_later(tmp_path):
    file = tmp_path / "short.env"
    file.write_text((nodes.FOLDER / "together.env").read_text().replace("RETENTION_DAYS=30", "RETENTION_DAYS=3"))
    kept = {topic.name: topic.retention_days for topic in registry([nodes.read(str(file)), WOMEN]).topics}
    assert kept["together.referral.v1"] == 3
    assert kept["women-in-prison.partners.v1"] == 30
    assert kept["control.v1"] == 30


@pytest.mark.parametrize(
    ("was", "now", "said"),
    [
        ("    why: because\n", "", "says no why for <node>.referral.v1"),
        ("    why: because\n", "    why: because\n    colour: red\n", "unknown member for <node>.referral.v1: colour"),
        ("[case, person]", "[case, shoe]", "unknown key for <node>.referral.v1: shoe"),
        ("topics:", "topics: [", "is not YAML"),
        ("  - {name: <node>.operator,", "  - {name: <node>.somebody,", "has no user <node>.operator"),
        ("produce_bytes_per_second: 10,", "", "says no produce_bytes_per_second for <node>.referral"),
    ],
    ids=["a member missing", "a member too many", "an unknown key", "no YAML", "no operator", "no limit"],
)
def test_a_wrong_registry_says_what_is_wrong_and_where(tmp_path, was, now, said):
    with pytest.raises(Trouble, match=said):
        registry([TOGETHER], written(tmp_path, ENTRY.replace(was, now, 1)))


def test_a_user_may_write_what_it_tells_and_read_what_it_hears_in_its_own_groups(tmp_path):
    rules = single(registry([TOGETHER, WOMEN], written(tmp_path, ENTRY)).rules)
    found = {(rule.user, rule.kind, rule.name, rule.operations[0]) for rule in rules}
    assert not any(rule.prefixed or "*" in rule.name for rule in rules)
    without_description = {each for each in found if each[3] != "DESCRIBE" and "operator" not in each[0]}
    assert without_description == {
        ("together.referral", "TOPIC", "together.referral.v1", "WRITE"),
        ("together.casework", "TOPIC", "together.referral.v1", "READ"),
        ("together.partners", "TOPIC", "together.referral.v1", "READ"),
        ("together.casework", "GROUP", "together.casework", "READ"),
        ("together.partners", "GROUP", "together.picture", "READ"),
        ("together.partners", "TOPIC", "share.women-in-prison.in.v1", "WRITE"),
        ("women-in-prison.partners", "TOPIC", "share.together.in.v1", "WRITE"),
        ("together.partners", "TOPIC", "share.together.in.v1", "READ"),
        ("women-in-prison.partners", "TOPIC", "share.women-in-prison.in.v1", "READ"),
        ("together.partners", "GROUP", "together.gate", "READ"),
        ("women-in-prison.partners", "GROUP", "women-in-prison.gate", "READ"),
        *((f"{house}.partners", "TOPIC", "control.v1", what)
          for house in ("together", "women-in-prison") for what in ("READ", "WRITE")),
    }  # fmt: skip


def test_the_operator_of_a_house_reads_what_is_its_own_and_writes_nothing():
    rules = [rule for rule in registry([TOGETHER, WOMEN]).rules if rule.user == "women-in-prison.operator"]
    assert {rule.name for rule in rules if rule.kind == "TOPIC"} == {
        "women-in-prison.partners.v1", "women-in-prison.notifications.v1", "share.women-in-prison.in.v1", "control.v1",
    }  # fmt: skip
    assert {rule.name for rule in rules if rule.kind == "GROUP"} == {"women-in-prison.look"}
    assert {operation for rule in rules for operation in rule.operations} == {"READ", "DESCRIBE"}
