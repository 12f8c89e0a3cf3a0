"""Several houses under one supervisor, as `throughcare up --nodes` runs them; what is said of them."""

import os
import shutil
import signal
import tempfile
import time
from pathlib import Path

import psutil
import pytest

from tests.house.running import RunningHouse, start

pytestmark = [pytest.mark.wire, pytest.mark.slow, pytest.mark.timeout(300)]
FOUR = ("together", "north-london-nhs", "women-in-prison", "sig-penrose")
OF = {name: {"partners", "notifications"} for name in FOUR}
for each in FOUR[:2]:
    OF[each] |= {"referral", "casework"}
MOST = 1536 * 1024 * 1024


@pytest.fixture(scope="module")
def houses():
    path = Path(tempfile.mkdtemp(prefix="tc-houses-"))
    found = start(path, "--nodes", ",".join(FOUR), within=150)
    yield found
    found.stop()
    shutil.rmtree(path, ignore_errors=True)


def known(houses: RunningHouse, node: str) -> dict[str, str]:
    found = houses.say("node", "status", "--json", "--node", node)
    assert found.code == 0, found.err
    return {each["node_id"]: each["state"] for each in found.facts["nodes"]}


def key_of(houses: RunningHouse, node: str, at: str) -> str:
    found = houses.say("node", "status", "--json", "--node", at).facts["nodes"]
    return next(each["key_id"] for each in found if each["node_id"] == node)


def until_all_hear_all(houses: RunningHouse, within: float = 60) -> None:
    until, states = time.monotonic() + within, {}
    while time.monotonic() < until:
        states = {node: known(houses, node) for node in FOUR}
        if all(state == dict.fromkeys(FOUR, "ACTIVE") for state in states.values()):
            return
        time.sleep(0.5)
    raise AssertionError(states)


def clean(houses: RunningHouse, *arguments: str) -> dict:
    said = houses.say("doctor", "--audit", "--json", *arguments, within=90)
    assert said.code == 0, said.out + said.err
    return said.facts


def test_four_houses_stand_under_one_supervisor_each_with_its_own_services(houses):
    facts = houses.quiet().facts
    assert {node: set(house["services"]) for node, house in facts["houses"].items()} == OF
    assert {each["name"] for each in facts["processes"]} == {
        "supervisor", "postgres", "bus", "house", *(f"{name}.house" for name in FOUR[1:]),
    }  # fmt: skip
    single = houses.say("status", "--json", "--node", "sig-penrose").facts
    assert set(single["services"]) == OF["sig-penrose"]
    assert list(single["houses"]) == ["sig-penrose"]


def test_every_house_hears_every_other_and_nothing_is_lost_between_them(houses):
    until_all_hear_all(houses)
    whole = clean(houses)
    assert whole["facts"] > 0
    assert "women-in-prison.partners" in whole["positions"]
    own = clean(houses, "--node", "women-in-prison")
    assert set(own["positions"]) == OF["women-in-prison"]


def test_they_are_known_by_their_own_names_keys_and_certificates(houses):
    folder = houses.folder
    names = {path.stem for path in folder.certs.glob("*.pem")}
    assert {f"{node}.{service}" for node, services in OF.items() for service in services} <= names
    keys = [(folder.of(node).secrets / f"{name}.key").read_text() for node in FOUR for name in ("house", "node")]
    assert len(set(keys)) == len(keys)
    assert houses.say("case", "2222-2222", "--node", "nobody").code == 2


def test_a_house_signs_with_another_key_and_is_believed_by_all(houses):
    until_all_hear_all(houses)
    before = key_of(houses, "sig-penrose", "together")
    said = houses.say("node", "rotate", "--node", "sig-penrose", within=90)
    assert said.code == 0, said.err
    until, found = time.monotonic() + 60, {before}
    while before in found and time.monotonic() < until:
        time.sleep(0.5)
        found = {key_of(houses, "sig-penrose", node) for node in FOUR}
    assert before not in found
    assert len(found) == 1
    assert houses.quiet(90).code == 0
    until_all_hear_all(houses)
    clean(houses)


def test_whatever_is_killed_the_houses_come_back_and_the_audit_is_clean(houses):
    for name in ("bus", "women-in-prison.house", "postgres"):
        os.kill(houses.pid(name), signal.SIGKILL)
        said = houses.quiet(90)
        assert said.code == 0, said.out
    until_all_hear_all(houses)
    assert houses.quiet(90).code == 0
    clean(houses)


def test_four_houses_need_less_than_one_and_a_half_gigabytes(houses):
    """What is shared between processes (PostgreSQL's buffers, the interpreter) is counted once."""
    run = houses.folder.run()
    every = [psutil.Process(each.pid) for each in run.everything if each.pid]
    every += [child for each in every if each.name() == "postgres" for child in each.children(recursive=True)]
    used = {each.pid: each.memory_full_info().pss for each in every}
    print(f"four houses: {sum(used.values()) >> 20} MiB in {len(used)} processes")
    assert sum(used.values()) < MOST
