"""The story of the service, played by the command a newcomer types; and the same while processes are killed."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from house.buses import missing_for_kafka
from house.demo.people import PATHS
from house.folder import Folder
from tests.house.running import environment

pytestmark = [pytest.mark.wire, pytest.mark.slow, pytest.mark.timeout(400)]
WITHIN = 300


@pytest.fixture
def path():
    found = Path(tempfile.mkdtemp(prefix="tc-demo-", dir="/tmp"))
    yield found
    shutil.rmtree(found, ignore_errors=True)


def playing(path: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "house", "demo", "--once", "--json", "--data", str(path), *arguments],
        env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def ended(process: subprocess.Popen[str], within: float = WITHIN) -> dict:
    out, err = process.communicate(timeout=within)
    assert process.returncode == 0, err + out[-3000:]
    return json.loads(out)


def kill(path: Path, name: str, *, within: float = 60) -> None:
    """Kill this process as soon as it runs."""
    until = time.monotonic() + within
    while time.monotonic() < until:
        run = Folder(path).run()
        for each in run.everything if run else ():
            if each.name == name and each.pid and each.state == "running":
                os.kill(each.pid, signal.SIGKILL)
                return
        time.sleep(0.1)
    raise AssertionError(f"{name} never ran")


def steps(path: Path) -> int:
    """How much of the story has been answered."""
    played = path / "demo.jsonl"
    return sum('"answer"' in line for line in played.read_text().splitlines()) if played.exists() else 0


def until_steps(path: Path, process: subprocess.Popen[str], count: int) -> None:
    until = time.monotonic() + WITHIN
    while steps(path) < count:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.1)


def is_clean(audit: dict) -> bool:
    return audit["clean"] and not any(audit[name] for name in ("parked", "held", "pending"))


def test_the_story_shows_every_path_and_ends_in_a_clean_audit(path):
    told = ended(playing(path, "--people", str(len(PATHS))))
    assert is_clean(told["audit"])
    assert told["audit"]["records"] >= told["audit"]["facts"] > 300
    cases = {state.lower() for state in told["cases"]}
    assert {"submitted", "active", "closed"} <= cases
    assert all(told["counts"][service]["facts"] for service in told["counts"])
    assert told["counts"]["referral"]["missed"] > 0
    # Played again it is there at once, and changes nothing: what referral may add is that its feeds are confirmed.
    again = ended(playing(path, "--people", str(len(PATHS))))
    assert again["cases"] == told["cases"]
    assert again["counts"]["casework"]["facts"] == told["counts"]["casework"]["facts"]


@pytest.mark.kafka
def test_whatever_is_killed_while_it_is_played_the_audit_is_clean(path):
    if missing := missing_for_kafka():
        pytest.skip(missing)
    names = ["house", "postgres", "kafka", "supervisor", "house", "postgres"]
    random.Random(7).shuffle(names)
    process = playing(path, "--bus", "kafka", "--people", str(len(PATHS)))
    for number, name in enumerate(names):
        until_steps(path, process, 15 + 20 * number)
        kill(path, name)
    assert is_clean(ended(process)["audit"])


def test_a_demonstration_that_is_killed_itself_is_played_on(path):
    process = playing(path, "--people", "6")
    until_steps(path, process, 20)
    process.kill()
    process.communicate()
    assert is_clean(ended(playing(path, "--people", "6"))["audit"])
