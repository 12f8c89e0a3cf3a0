"""A house in processes of its own, and the command line as a person runs it."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from house.folder import Folder


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


@dataclass
class Said:
    """What a command ended with."""

    code: int
    out: str
    err: str

    @property
    def facts(self) -> Any:
        return json.loads(self.out)


def command_line(path: Path, *arguments: str, within: float = 60) -> Said:
    """One command about the houses of this folder."""
    done = subprocess.run(
        [sys.executable, "-m", "house", *arguments, "--data", str(path)],
        env=environment(), capture_output=True, text=True, timeout=within, check=False,
    )  # fmt: skip
    return Said(done.returncode, done.stdout, done.stderr)


@dataclass
class RunningHouse:
    """A house that `throughcare up` keeps."""

    folder: Folder
    process: subprocess.Popen[bytes]

    def say(self, *arguments: str, within: float = 60) -> Said:
        return command_line(self.folder.path, *arguments, within=within)

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "house", *arguments, "--data", str(self.folder.path)]

    def pid(self, name: str) -> int:
        run = self.folder.run()
        assert run is not None
        return next(each.pid or 0 for each in run.everything if each.name == name)

    def quiet(self, within: float = 60) -> Said:
        return self.say("status", "--json", "--wait-quiet", str(within), within=within + 30)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


def start(path: Path, *arguments: str, within: float = 90) -> RunningHouse:
    """Start a house and return when it says that it is running."""
    path.mkdir(parents=True, exist_ok=True)
    out = path / "up.txt"
    with out.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "house", "up", *arguments, "--data", str(path)],
            env=environment(), stdout=log, stderr=log,
        )  # fmt: skip
    until = time.monotonic() + within
    while "stopped with Ctrl-C" not in out.read_text():
        if process.poll() is not None or time.monotonic() > until:
            process.kill()
            logs = "".join(each.read_text()[-2000:] for each in (path / "logs").glob("*.log"))
            raise AssertionError(out.read_text() + logs)
        time.sleep(0.1)
    return RunningHouse(Folder(path), process)
