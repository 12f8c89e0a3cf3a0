"""The repository works anywhere: it names no package index, no machine's path, and nothing in it is unpinned."""

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from packaging.requirements import Requirement

from tests.architecture.source import ROOT, SERVICES, kept, shown

# Written in parts, or this file would find itself.
HOSTS = [
    "pypi." + "org", "python" + "hosted.org", "registry.npm" + "js.org", "repo.maven." + "apache.org",
    "repo1." + "maven.org", "proxy.go" + "lang.org", "deb." + "debian.org", "artifact" + "ory", "nexus" + ".",
    "gar." + "dev", "pkg." + "dev",
]  # fmt: skip
PATHS = re.compile(r"(?<![\w.$}/-])/(?:work|root|home|Users|mnt)/(?!\.)[\w.-]*")
OPTIONS = re.compile(r"--(?:extra-)?index-url|--find-links|--trusted-host|PIP_INDEX_URL|UV_INDEX|<repository>")
TEXT = {
    "", ".cfg", ".conf", ".csv", ".editorconfig", ".env", ".gitignore", ".html", ".ini", ".json", ".md", ".properties",
    ".proto", ".py", ".sh", ".sql", ".toml", ".txt", ".xml", ".yaml", ".yml",
}  # fmt: skip
GROUPS = ("main", "embedded", "image", "mail", "test", "lint", "build", "bench")
HERE = ROOT / "tests" / "architecture" / "test_repository.py"


def lines():
    for file in kept():
        if file.suffix in TEXT and file != HERE:
            for number, line in enumerate(file.read_text(errors="replace").splitlines(), start=1):
                yield f"{shown(file)}:{number}", line


def test_nothing_names_a_package_index():
    found = [where for where, line in lines() if any(host in line.lower() for host in HOSTS) or OPTIONS.search(line)]
    assert found == []


def test_nothing_names_a_path_of_a_machine():
    found = [f"{where} {match.group()}" for where, line in lines() for match in PATHS.finditer(line)]
    assert found == []


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(group):
    text = (ROOT / "requirements" / f"{group}.txt").read_text().replace("\\\n", " ")
    return [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]


@pytest.mark.parametrize("group", GROUPS)
def test_every_requirement_is_pinned_with_its_hashes(group):
    for line in pins(group):
        named, _, hashes = line.partition("--hash=")
        requirement = Requirement(named.strip())
        assert [each.operator for each in requirement.specifier] == ["=="], line[:60]
        assert hashes.startswith("sha256:"), line[:60]
        assert requirement.url is None, line[:60]


def test_groups_agree_on_every_version():
    versions: dict[str, set[str]] = {}
    for group in GROUPS:
        for line in pins(group):
            requirement = Requirement(line.partition("--hash=")[0].strip())
            versions.setdefault(normal(requirement.name), set()).add(str(requirement.specifier))
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}


def test_everything_the_project_asks_for_is_pinned_in_its_group():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = {"main": project["project"]["dependencies"], **project["dependency-groups"]}
    assert set(wanted) == set(GROUPS)
    for group, names in wanted.items():
        pinned = {normal(Requirement(line.partition("--hash=")[0].strip()).name) for line in pins(group)}
        assert {normal(Requirement(name).name) for name in names} <= pinned, group


def test_the_jars_of_the_broker_are_pinned():
    pom = ET.parse(ROOT / "deploy" / "kafka" / "pom.xml").getroot()  # noqa: S314 - our own file
    space = {"m": "http://maven.apache.org/POM/4.0.0"}
    properties = {each.tag.partition("}")[2]: each.text for each in pom.findall("m:properties/*", space)}
    versioned = [*pom.iterfind(".//m:dependency", space), *pom.iterfind(".//m:plugin", space)]

    assert versioned
    for each in versioned:
        version = each.findtext("m:version", "", space)
        version = properties.get(version.strip("${}"), version) or ""
        assert re.fullmatch(r"\d+(\.\d+)+", version), each.findtext("m:artifactId", "", space)


def test_the_doors_of_the_makefile_are_all_shown():
    text = (ROOT / "Makefile").read_text()
    targets = {name for line in re.findall(r"^\.PHONY: (.+)$", text, re.MULTILINE) for name in line.split()}
    shown_in_help = set(re.findall(r"^([a-z][a-z-]*):.*?## ", text, re.MULTILINE))
    assert {name for name in targets if not name.startswith("$")} - shown_in_help <= {"architecture"}


def test_what_the_readme_tells_people_to_make_exists():
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    documents = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "proto" / "README.md", *ROOT.glob("docs/**/*.md")]
    for document in documents:
        told = set(re.findall(r"`make ([a-z][a-z-]*)", document.read_text()))
        told |= set(re.findall(r"^make ([a-z][a-z-]*)", document.read_text(), re.MULTILINE))
        assert told <= targets, f"{shown(document)} {told - targets}"


def test_links_between_documents_lead_somewhere():
    for document in (file for file in kept() if file.suffix == ".md"):
        for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", document.read_text()):
            if "://" not in target and not target.startswith("mailto:"):
                assert (document.parent / target).exists(), f"{shown(document)} → {target}"


def test_the_wheel_holds_code_contracts_and_migrations(tmp_path):
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    names = set(zipfile.ZipFile(next(tmp_path.glob("*.whl"))).namelist())

    generated = {str(file.relative_to(ROOT / "proto" / "gen")) for file in (ROOT / "proto" / "gen").rglob("*.py")}
    ours = {
        str(file.relative_to(SERVICES))
        for file in kept()
        if SERVICES in file.parents and file.suffix in {".py", ".sql"}
    }
    assert generated | ours <= names


@pytest.mark.parametrize("word", ["off" + "ender", "in" + "mates", "organ" + "ization", "reci" + "eve"])
def test_a_word_that_hurts_or_is_misspelt_is_found(word, tmp_path):
    (tmp_path / "text.md").write_text(f"A line with the word {word} in it.\n")

    answer = subprocess.run(
        [Path(sys.executable).parent / "codespell", tmp_path / "text.md"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert answer.returncode != 0
    assert word in answer.stdout
