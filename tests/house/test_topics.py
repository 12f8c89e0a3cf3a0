"""The topic registry is read as it is written, and a wrong entry names itself."""

import pytest

from house.topics import access_rules, registry
from house.trouble import Trouble

ENTRY = """
defaults: {partitions: 4, retention_days: 30, replicas: 3}
topics:
  - name: <node>.referral.v1
    package: throughcare.referral.v1
    reach: NODE
    key: [case, person]
    writers: [referral]
    readers: [casework, partners.picture]
    why: because
"""


def written(tmp_path, text):
    path = tmp_path / "topics.yaml"
    path.write_text(text)
    return path


def test_the_registry_of_the_product_names_the_four_topics_of_a_house():
    names = [topic.name for topic in registry("north-london-nhs")]
    assert names == [f"north-london-nhs.{s}.v1" for s in ("referral", "casework", "partners", "notifications")]


def test_an_entry_takes_what_it_does_not_say_from_the_defaults(tmp_path):
    (topic,) = registry("together", written(tmp_path, ENTRY))
    assert (topic.name, topic.partitions) == ("together.referral.v1", 4)
    assert topic.config["retention.ms"] == str(30 * 86_400_000)


@pytest.mark.parametrize(
    ("was", "now", "said"),
    [
        ("    why: because\n", "", "says no why for <node>.referral.v1"),
        ("    why: because\n", "    why: because\n    colour: red\n", "unknown member for <node>.referral.v1: colour"),
        ("[case, person]", "[case, shoe]", "unknown key for <node>.referral.v1: shoe"),
        ("topics:", "topics: [", "is not YAML"),
    ],
    ids=["a member missing", "a member too many", "an unknown key", "no YAML"],
)
def test_a_wrong_registry_says_what_is_wrong_and_where(tmp_path, was, now, said):
    with pytest.raises(Trouble, match=said):
        registry("together", written(tmp_path, ENTRY.replace(was, now)))


def test_a_user_may_write_its_own_topic_read_what_it_hears_and_use_groups_of_its_own_name(tmp_path):
    rules = access_rules(registry("together", written(tmp_path, ENTRY)), node="together")
    assert {(rule.user, rule.kind, rule.name, rule.operations[0]) for rule in rules} == {
        ("together.referral", "TOPIC", "together.referral.v1", "WRITE"),
        ("together.casework", "TOPIC", "together.referral.v1", "READ"),
        ("together.partners", "TOPIC", "together.referral.v1", "READ"),
        ("together.referral", "GROUP", "together.referral", "READ"),
        ("together.casework", "GROUP", "together.casework", "READ"),
        ("together.partners", "GROUP", "together.partners", "READ"),
    }
