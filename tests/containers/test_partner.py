"""Two houses in containers on one bus, each with an authority, databases and users of its own."""

import json
import time
from functools import partial

import pytest

from tests.containers.operated import LEAD

pytestmark = pytest.mark.timeout(400)
PARTNER = "women-in-prison"


@pytest.fixture(scope="module")
def houses(compose):
    """The lead house, and a partner's beside it: what `make compose-up NODE=women-in-prison` does."""
    compose.secrets(PARTNER)
    try:
        compose.house("admit")
        compose.house("up", node=PARTNER)
        compose.house("meet", LEAD, node=PARTNER)
        yield compose
    finally:
        compose.run("deploy/house", PARTNER, "down")


def eventually(found, *, within=90):
    """The first that is not empty; the houses say every quarter of a minute that they are there."""
    until = time.monotonic() + within
    while not (value := found()):
        assert time.monotonic() < until
        time.sleep(1)
    return value


def offers(houses, aspect):
    """What the lead's people find in their directory; names are read where an offer is kept, and do not travel."""
    found = houses.facts("directory", "search", "--aspect", aspect)
    return [each for each in found if each["offer"]["terms"]["aspect_codes"] == [aspect]]


def publishes(houses, aspect):
    offer = {"org_id": PARTNER, "terms": {"name": "An offer", "aspect_codes": [aspect]}}
    offer["room"] = {"capacity": "HAS_CAPACITY"}
    file = houses.given("offer.json", json.dumps(offer), PARTNER)
    houses.house("run", "offers", "publish", file, node=PARTNER)


def test_each_hears_the_other_and_both_are_clean(houses):
    def heard(node):
        return {each["state"] for each in houses.facts("node", "status", node=node)["nodes"]} == {"ACTIVE"}

    for node in (LEAD, PARTNER):
        eventually(partial(heard, node))
        assert houses.audited(node)["clean"]
    assert set(houses.facts("status", node=PARTNER)["services"]) == {"partners", "notifications"}


def test_the_bus_lets_each_do_what_the_registry_says_and_nothing_else(houses):
    said = houses.house("admit", "--check")
    assert "The bus is as the registry says for" in said
    assert LEAD in said
    assert PARTNER in said


def test_what_one_house_offers_is_found_in_the_other(houses):
    publishes(houses, "DEBT_ADVICE")
    assert eventually(lambda: offers(houses, "DEBT_ADVICE"))


@pytest.mark.parametrize(
    ("node", "service", "aspect"),
    [
        (PARTNER, "partners", "BENEFITS_ADVICE"),
        (PARTNER, "postgres", "WORK_AND_LEARNING"),
        (LEAD, "partners", "PEER_SUPPORT"),
    ],
)
def test_whatever_is_killed_nothing_between_them_is_lost(houses, node, service, aspect):
    container = houses.container(service, node)
    if node == LEAD:
        houses.must("docker", "kill", container)
    publishes(houses, aspect)
    if node == PARTNER:
        houses.must("docker", "kill", container)
    houses.must("docker", "start", container)
    houses.house("ready", "partners", node=node)

    assert eventually(lambda: offers(houses, aspect))
    assert houses.audited(LEAD)["clean"]
    assert houses.audited(PARTNER)["clean"]


def test_what_was_lost_with_the_bus_is_read_from_the_others_journal(houses):
    houses.must("docker", "stop", houses.container("partners"))
    publishes(houses, "ADVOCACY")
    houses.facts("status", "--wait-quiet", "120", node=PARTNER)
    houses.replace_the_bus()
    houses.house("up", "kafka")
    houses.must("docker", "start", houses.container("partners"))
    houses.house("ready", "partners")

    houses.runbook("bus-replaced")
    houses.house("run", "accept-bus", node=PARTNER)

    assert eventually(lambda: offers(houses, "ADVOCACY"))
    assert houses.audited(LEAD)["clean"]
    assert houses.audited(PARTNER)["clean"]
