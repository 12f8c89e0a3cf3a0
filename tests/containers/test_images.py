"""Each image holds exactly what it should: the chassis, the contracts and its service; no tool, no test, no secret."""

import json
import subprocess

import pytest
import yaml

from house.names import SERVICES
from tests.architecture.source import ROOT

LOOK = """
import importlib.metadata, json, os, pathlib
tops = [f"/{each}" for each in os.listdir("/") if each not in ("proc", "sys", "dev")]
found = [str(p) for top in tops for p in pathlib.Path(top).rglob("*") if p.is_file() and not p.is_symlink()]
of_us = [p for p in found if not p.startswith("/usr/")]
readable = [p for p in of_us if os.access(p, os.R_OK)]
print(json.dumps({
    "ours": sorted(os.listdir("/app/services")), "app": [p for p in found if p.startswith("/app/")],
    "programs": [p for p in found if os.access(p, os.X_OK) and p.split("/")[-2] in ("bin", "sbin")],
    "suid": [p for p in found if os.stat(p).st_mode & 0o6000],
    "writable": [p for p in found if os.access(p, os.W_OK)],
    "keys": [p for p in readable if b"-----BEGIN PRIVATE KEY" in open(p, "rb").read(65536)],
    "tests": [p for p in found if p.endswith(("conftest.py", "_test.py")) or "/test_" in p or "/tests/" in p],
    "packages": sorted({d.metadata["Name"].lower().replace("_", "-") for d in importlib.metadata.distributions()}),
    "uid": os.getuid(),
}))
"""
NAMED = (*SERVICES, "house")


@pytest.fixture(scope="module")
def looks(images):
    found = {}
    locked = ("--network", "none", "--read-only", "--cap-drop", "ALL", "--entrypoint", "python3")
    for name in NAMED:
        command = ["docker", "run", "--rm", *locked, f"throughcare/{name}:{images}", "-c", LOOK]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        found[name] = json.loads(done.stdout)
    return found


def told(look):
    return [each for each in look["ours"] if not each.endswith(".dist-info")]


@pytest.mark.parametrize("service", SERVICES)
def test_a_services_image_holds_the_chassis_and_that_service(looks, service):
    assert told(looks[service]) == sorted(["chassis", service])


def test_the_house_image_holds_every_service_and_the_registry_of_topics(looks):
    assert told(looks["house"]) == sorted(["chassis", "house", *SERVICES])
    assert "/app/deploy/bus/topics.yaml" in looks["house"]["app"]


@pytest.mark.parametrize("name", NAMED)
def test_nothing_can_be_started_but_python_and_what_its_packages_bring(looks, name):
    programs = {path.rpartition("/")[2] for path in looks[name]["programs"]}
    assert "dumb-init" in programs
    assert not programs & {
        "sh",
        "bash",
        "dash",
        "busybox",
        "gcc",
        "cc",
        "ld",
        "perl",
        "apt",
        "dpkg",
        "pip",
        "curl",
        "wget",
    }
    assert not [path for path in looks[name]["programs"] if not path.startswith("/opt/venv/") and "python" not in path]


@pytest.mark.parametrize("name", NAMED)
def test_it_runs_as_nobody_and_owns_nothing(looks, name):
    assert looks[name]["uid"] == 10001
    assert looks[name]["suid"] == []
    assert looks[name]["writable"] == []


@pytest.mark.parametrize("name", NAMED)
def test_it_holds_no_secret_and_no_test(looks, name):
    assert looks[name]["keys"] == []
    assert looks[name]["tests"] == []


def test_it_holds_the_pinned_packages_and_no_other(looks):
    lines = [*(ROOT / "requirements" / "main.txt").open(), *(ROOT / "requirements" / "image.txt").open()]
    pinned = {line.split("==")[0].lower() for line in lines if "==" in line and not line.startswith(" ")}
    for name in NAMED:
        assert set(looks[name]["packages"]) - {"throughcare"} <= pinned, name


@pytest.mark.parametrize("service", SERVICES)
def test_another_services_code_does_not_even_start(images, service):
    other = next(each for each in SERVICES if each != service)
    done = subprocess.run(
        ["docker", "run", "--rm", f"throughcare/{service}:{images}", other, "serve"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert f"No module named {other}" in done.stderr


def test_stand_ins_bear_the_names_that_recipes_and_compose_files_ask_for():
    named = set()
    for file in (ROOT / "deploy").glob("compose*.yaml"):
        services = yaml.safe_load(file.read_text())["services"].values()
        images = [each["image"] for each in services if "image" in each]
        named |= {image for image in images if not image.startswith("throughcare/")}
    named |= {
        line.split("=", 1)[1].strip()
        for line in (ROOT / "deploy" / "Dockerfile").read_text().splitlines()
        if line.startswith("ARG PYTHON=")
    }
    script = (ROOT / "deploy" / "base-images").read_text()
    offered = {line.split("=", 1)[1] for line in script.splitlines() if line.startswith("\t[") and "]=" in line}
    assert named == offered
