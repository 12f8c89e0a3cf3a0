"""Containers: skipped with the reason where no engine answers, unless one is required; images are built once a run."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

os.environ["TESTCONTAINERS_RYUK_DISABLED"] = "true"  # read when testcontainers is imported

from house.doctor import examine
from tests.architecture.source import ROOT
from tests.containers.operated import LEAD, Operated
from tests.containers.stage import Stage

REQUIRED = bool(os.environ.get("THROUGHCARE_REQUIRE_CONTAINERS"))
NEEDED = ("python", "postgres", "kafka", "prometheus", "collector", "mail")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.containers)
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def engine():
    """An engine that answers. Tests beside these would take the time that they measure and wait for."""
    if os.environ.get("PYTEST_XDIST_WORKER"):
        (pytest.fail if REQUIRED else pytest.skip)("containers are tried alone: make test-containers")
    found = next(check for check in examine() if check.name == "docker engine")
    if not found.present:
        (pytest.fail if REQUIRED else pytest.skip)("no container engine answers: make engine")


@pytest.fixture(scope="session")
def images(engine):
    """The public images or their stand-ins, and our own from the sources as they are."""
    for command in (["deploy/base-images", *NEEDED], ["deploy/images", "local"]):
        subprocess.run(command, cwd=ROOT, check=True)
    return "local"


@pytest.fixture(scope="session")
def stage(images):
    """One house for the whole run: each test plays men of its own and ends with the audit of all."""
    path = Path(tempfile.mkdtemp(prefix="tc-containers-", dir="/tmp"))
    with Stage(path, tag=images) as found:
        yield found
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def compose(images):
    """The lead house as its operator starts it, with the example's organisations and five men."""
    path = Path(tempfile.mkdtemp(prefix="tc-compose-", dir="/tmp"))
    found = Operated(path, f"tc{os.getpid()}")
    found.secrets()
    try:
        found.house("up")
        found.house("example")
        found.refer(0, 5)
        yield found
    finally:
        found.run("deploy/house", LEAD, "down")
        shutil.rmtree(path, ignore_errors=True)
