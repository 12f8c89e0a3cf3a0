"""Every service has the same file names: knowing one is knowing all."""

import ast
import re

import pytest

from tests.architecture.source import OF_THE_CARD, PACKAGES, ROOT, SERVICES, files, kept, shown, tree

# A name stands for a module or, past 300 lines, for a package of the same name.
ALWAYS = {
    "__init__", "__main__", "app", "settings", "domain", "commands", "queries", "storage", "migrations",
    "subscriptions", "projections", "publications", "deadlines", "rpc",
}  # fmt: skip
WHERE_NEEDED = {"gateways", "pages", "templates"}
TOP = {
    ".ci", ".dockerignore", ".editorconfig", ".gitattributes", ".gitignore", ".pre-commit-config.yaml", "CHANGELOG.md",
    "CONTRIBUTING.md", "LICENSE", "Makefile", "NOTICE", "README.md", "SECURITY.md", "benchmarks", "buf.yaml",
    "deploy", "docs", "proto", "pyproject.toml", "requirements", "services", "tests",
}  # fmt: skip
ODDS_AND_ENDS = {"utils", "util", "helpers", "helper", "common", "misc", "shared", "lib", "base", "core", "manager"}
BUILT = [service for service in OF_THE_CARD if (SERVICES / service / "app.py").exists()]


def names_in(service):
    return {
        entry.stem if entry.suffix == ".py" else entry.name
        for entry in (SERVICES / service).iterdir()
        if (entry.suffix == ".py" or entry.is_dir()) and entry.name != "__pycache__"
    }


def test_the_services_of_the_card_are_there():
    assert {entry.name for entry in SERVICES.iterdir() if entry.is_dir()} - {"__pycache__"} == set(PACKAGES)


def test_the_top_level_is_what_the_readme_says():
    assert {path.relative_to(ROOT).parts[0] for path in kept()} <= TOP


@pytest.mark.parametrize("service", OF_THE_CARD)
def test_a_service_holds_no_other_names(service):
    assert names_in(service) <= ALWAYS | WHERE_NEEDED


@pytest.mark.parametrize("service", BUILT)
def test_a_service_holds_every_name(service):
    assert names_in(service) >= ALWAYS
    assert (SERVICES / service / "README.md").exists()


@pytest.mark.parametrize("package", PACKAGES)
def test_the_package_itself_is_empty(package):
    assert (SERVICES / package / "__init__.py").read_text().strip() == ""


@pytest.mark.parametrize("service", BUILT)
def test_the_start_of_a_service_is_three_lines(service):
    start = tree(SERVICES / service / "__main__.py").body
    assert len([node for node in start if not isinstance(node, ast.Expr) or isinstance(node.value, ast.Call)]) <= 4


@pytest.mark.parametrize("service", BUILT)
def test_migrations_are_numbered_files_and_no_package(service):
    found = sorted((SERVICES / service / "migrations").rglob("*.py"))

    assert found
    for number, file in enumerate(found, start=1):
        assert re.fullmatch(rf"{number:04d}_[a-z0-9_]+\.py", file.name), shown(file)
        given = {
            target.id: ast.literal_eval(node.value)
            for node in ast.parse(file.read_text()).body
            if isinstance(node, ast.Assign | ast.AnnAssign)
            for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
            if target.id in {"revision", "down_revision"}
        }
        before = f"{number - 1:04d}" if number > 1 else None
        assert given == {"revision": f"{number:04d}", "down_revision": before}, shown(file)


def test_there_is_no_place_for_odds_and_ends():
    named = [file for package in PACKAGES for file in files(package) if file.stem in ODDS_AND_ENDS]
    named += [file for file in (ROOT / "tests").rglob("*.py") if file.stem in ODDS_AND_ENDS]
    folders = [f for f in SERVICES.rglob("*") if f.is_dir() and f.name in ODDS_AND_ENDS]
    assert [shown(file) for file in named + folders] == []
