"""The supervisor keeps its children, stops them in order, and does not outlive them nor they it."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from house.processes import alive, end_leftovers
from house.supervisor import Child, Supervisor
from house.trouble import Trouble

SLEEPER = (sys.executable, "-c", "import time; time.sleep(600)")


def sleeper(name: str, **differing) -> Child:
    async def ready() -> bool:
        return True

    return Child(**{"name": name, "command": lambda: SLEEPER, "ready": ready, **differing})


class Keeping:
    def __init__(self, *children: Child, logs: Path) -> None:
        self.said = []
        self.supervisor = Supervisor(children, logs=logs, changed=lambda now: self.said.append(list(now)))

    async def __aenter__(self) -> "Keeping":
        self.task = asyncio.create_task(self.supervisor.run())
        async with asyncio.timeout(10):
            await self.supervisor.until_ready()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.supervisor.stop()
        async with asyncio.timeout(20):
            await self.task

    def of(self, name: str):
        return next(each for each in self.supervisor.running if each.name == name)

    async def until(self, name: str, condition) -> None:
        async with asyncio.timeout(20):
            while not condition(self.of(name)):
                await asyncio.sleep(0.01)


async def test_a_child_that_is_killed_comes_back_and_is_counted(tmp_path):
    async with Keeping(sleeper("one"), sleeper("other"), logs=tmp_path) as keeping:
        first, other = keeping.of("one"), keeping.of("other")
        os.kill(first.pid, signal.SIGKILL)
        await keeping.until("one", lambda now: now.pid != first.pid and now.state == "running")
        assert keeping.of("one").restarts == 1
        assert keeping.of("other").pid == other.pid
        assert keeping.of("other").restarts == 0


async def test_a_child_that_dies_again_and_again_is_started_at_growing_intervals(tmp_path):
    async def never() -> bool:
        return False

    dying = sleeper("dying", command=lambda: (sys.executable, "-c", "raise SystemExit(3)"), ready=never)
    keeping = Keeping(dying, logs=tmp_path)
    task = asyncio.create_task(keeping.supervisor.run())
    await asyncio.sleep(2.5)
    keeping.supervisor.stop()
    await task
    assert 2 <= keeping.of("dying").restarts <= 5  # 0.2, 0.4, 0.8, 1.6 seconds: not a spin
    assert "dying ended with 3" in (tmp_path / "supervisor.log").read_text()


async def test_a_child_waits_for_those_it_needs_and_stops_before_them(tmp_path):
    open_now = asyncio.Event()

    async def ready() -> bool:
        return open_now.is_set()

    base = sleeper("base", ready=ready)
    keeping = Keeping(base, sleeper("upper", needs=("base",)), logs=tmp_path)
    task = asyncio.create_task(keeping.supervisor.run())
    await asyncio.sleep(0.3)
    assert keeping.of("upper").pid is None
    open_now.set()
    await keeping.supervisor.until_ready()
    keeping.supervisor.stop()
    await task
    stopped = [[each.state for each in now] for now in keeping.said]
    assert ["running", "stopped"] in stopped
    assert stopped[-1] == ["stopped", "stopped"]


async def test_what_was_told_an_address_is_started_again_when_the_address_changes(tmp_path):
    bus, house = sleeper("bus"), sleeper("house", needs=("bus",), ends_with=("bus",))
    async with Keeping(bus, house, logs=tmp_path) as keeping:
        first = keeping.of("house")
        os.kill(keeping.of("bus").pid, signal.SIGKILL)
        await keeping.until("house", lambda now: now.pid != first.pid and now.state == "running")
        assert keeping.of("bus").state == "running"


async def test_a_child_that_ignores_the_request_to_stop_is_killed(tmp_path):
    stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
    child = sleeper("stubborn", command=lambda: (sys.executable, "-c", stubborn), patience=0.5)
    async with Keeping(child, logs=tmp_path) as keeping:
        await asyncio.sleep(0.3)
        before = keeping.of("stubborn")
    assert not alive(before)


async def test_a_child_that_cannot_be_started_at_all_is_told_to_the_operator(tmp_path):
    def refuse() -> None:
        raise Trouble("There is no Java here.")

    keeping = Keeping(sleeper("bus", prepare=refuse), logs=tmp_path)
    with pytest.raises(Trouble, match="no Java"):
        await keeping.supervisor.run()


WITH_TWO_CHILDREN = """
import asyncio, json, sys
from pathlib import Path
from house.supervisor import Child, Supervisor

async def ready(): return True

def child(name):
    return Child(name=name, command=lambda: (sys.executable, "-c", "import time; time.sleep(600)"), ready=ready)

async def main():
    def say(now):
        pids = [each.pid for each in now if each.state == "running"]
        if len(pids) == 2:
            Path(sys.argv[1]).write_text(json.dumps(pids))
    await Supervisor([child("a"), child("b")], logs=Path(sys.argv[2]), changed=say).run()

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the signal on a parent's death is Linux's")
def test_children_end_with_a_supervisor_that_is_killed(tmp_path):
    said = tmp_path / "pids"
    process = subprocess.Popen(
        [sys.executable, "-c", WITH_TWO_CHILDREN, str(said), str(tmp_path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    try:
        pids = _until_said(said)
        assert all(psutil.pid_exists(pid) for pid in pids)
    finally:
        process.kill()
        process.wait()
    _, still = psutil.wait_procs([psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)], timeout=5)
    assert [each for each in still if each.status() != psutil.STATUS_ZOMBIE] == []


def _until_said(said: Path) -> list[int]:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        if said.exists() and (text := said.read_text()):
            return json.loads(text)
        time.sleep(0.02)
    raise AssertionError("the children did not start")


def test_what_an_older_supervisor_left_is_ended_but_never_a_stranger_with_the_same_id():
    from house.folder import Running

    left = subprocess.Popen(SLEEPER)
    stranger = subprocess.Popen(SLEEPER)
    try:
        created = psutil.Process(left.pid).create_time()
        ours = Running(name="house", pid=left.pid, started=created, restarts=0, state="running")
        older = Running(name="bus", pid=stranger.pid, started=created - 5000, restarts=0, state="running")
        assert end_leftovers([ours, older]) == ["house"]
        assert stranger.poll() is None
    finally:
        for each in (left, stranger):
            each.kill()
            each.wait()
