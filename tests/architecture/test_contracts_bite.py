"""Each import contract is seen to fail: a copy of the code, one planted import each, and `lint-imports` names the line.

A contract that cannot fail holds nothing; one that names no line helps nobody.
"""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.architecture.source import ROOT, SERVICES

LINT = Path(sys.executable).parent / "lint-imports"
# Contract: where the import is planted, what is imported.
PLANTED = {
    "independence": ("referral/commands.py", "casework.storage"),
    "chassis-knows-no-service": ("chassis/journal/lines.py", "notifications.storage"),
    "inside-a-service": ("casework/storage.py", "casework.commands"),
    "plain-domain": ("referral/domain/planted.py", "sqlalchemy"),
    "only-the-doors-speak-protobuf": ("partners/queries/organisations.py", "throughcare.partners.v1.events_pb2"),
    "the-picture-stands-alone": ("partners/projections/picture.py", "partners.domain.planted"),
    "the-house-stands-on-top": ("notifications/queries.py", "house.cli"),
    "one-way-to-the-bus": ("chassis/relay.py", "aiokafka"),
    "inside-the-chassis": ("chassis/settings.py", "chassis.database"),
}
CONTRACTS = {
    each["id"] for each in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
}


def module_file(copy: Path, name: str) -> Path:
    """The file of a module in the copy; made where the code has none yet."""
    path = copy / Path(*name.split("."))
    for found in (path.with_suffix(".py"), path / "__init__.py"):
        if found.exists():
            return found
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.parent.parent != copy or path.parent.name not in {"chassis", "house"}:
        (path.parent / "__init__.py").touch()
    path.with_suffix(".py").touch()
    return path.with_suffix(".py")


def linted(copy: Path, contract: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(copy), str(ROOT / "proto" / "gen")])}
    return subprocess.run(
        [LINT, "--config", ROOT / "pyproject.toml", "--no-cache", "--no-logo", "--contract", contract],
        cwd=copy.parent, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture
def copy(tmp_path):
    """The services as they stand, to be broken."""
    shutil.copytree(SERVICES, tmp_path / "services", ignore=shutil.ignore_patterns("__pycache__", "migrations"))
    return tmp_path / "services"


def test_every_contract_is_seen_to_fail():
    assert set(PLANTED) == CONTRACTS


@pytest.mark.parametrize("contract", sorted(set(PLANTED) & CONTRACTS))
def test_a_contract_names_the_line_that_breaks_it(contract, copy):
    place, imported = PLANTED[contract]
    importer = place.removesuffix(".py").replace("/", ".")
    if not imported.startswith(("throughcare", "sqlalchemy", "aiokafka")):
        module_file(copy, imported)
    file = module_file(copy, importer)
    text = file.read_text()
    file.write_text(f"{text}\nimport {imported}\n")
    line = len(text.splitlines()) + (2 if text.endswith("\n") or not text else 1)

    answer = linted(copy, contract)

    named = imported.split(".")[0] if imported in {"sqlalchemy", "aiokafka"} else imported
    assert answer.returncode == 1, answer.stdout + answer.stderr
    assert f"{importer} -> {named} (l.{line})" in " ".join(answer.stdout.split()), answer.stdout


@pytest.mark.parametrize(("where", "contract"), [("casework", "inside-a-service"), ("chassis", "inside-the-chassis")])
def test_a_module_without_a_place_fails_the_build(where, contract, copy):
    module_file(copy, f"{where}.odds_and_ends")

    answer = linted(copy, contract)

    assert answer.returncode == 1
    assert "odds_and_ends" in answer.stdout


def test_the_domain_may_not_reach_the_chassis_beyond_its_pure_modules(copy):
    file = module_file(copy, "referral.domain.planted")
    file.write_text("import chassis.aggregate\nimport chassis.calendar\nimport chassis.database\n")

    answer = linted(copy, "plain-domain")

    assert answer.returncode == 1
    assert "referral.domain.planted -> chassis.database (l.3)" in " ".join(answer.stdout.split())
    assert "planted -> chassis.aggregate" not in answer.stdout
