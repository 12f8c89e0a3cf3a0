"""The rules for tests are seen to bite: each planted test below breaks one, and the run says so."""

import os
import subprocess
import sys
from xml.etree import ElementTree as ET

import pytest

from tests.architecture.source import ROOT

PREFIX = "import logging, socket, warnings\nimport pytest\n"
PLANTED = {
    "an error is logged": ("def test_x():\n    logging.getLogger('a').error('It broke')\n", "errors were logged"),
    "an expected error does not come": (
        "@pytest.mark.logs_errors('It broke')\ndef test_x():\n    pass\n",
        "errors were expected and did not come",
    ),
    "an error is logged after the log was set up anew": (
        "def test_x():\n    logging.getLogger().handlers[:] = []\n    logging.getLogger('a').error('It broke')\n",
        "errors were logged",
    ),
    "a warning is given": ("def test_x():\n    warnings.warn('old', DeprecationWarning)\n", "DeprecationWarning: old"),
    "the network is reached": (
        "def test_x():\n    socket.create_connection(('192.0.2.1', 80), timeout=1)\n",
        "loopback only",
    ),
    "a name is looked up": (
        "def test_x():\n    socket.getaddrinfo('example.org', 80)\n",
        "a test may not look up example.org",
    ),
    "a test of Kafka skips where one is required": (
        "@pytest.mark.kafka\ndef test_x():\n    pytest.skip('no Java')\n",
        "may not skip",
    ),
    "a fixture of Kafka skips where one is required": (
        "@pytest.fixture\ndef kafka():\n    pytest.skip('no Java')\ndef test_x(kafka):\n    pass\n",
        "may not skip",
    ),
}
FINE = {
    "an expected error is logged": (
        "@pytest.mark.logs_errors('broke')\ndef test_x():\n    logging.getLogger('a').error('It broke')\n"
    ),
    "the bus client complains": "def test_x():\n    logging.getLogger('aiokafka.conn').error('no broker')\n",
    "loopback is reached": (
        "def test_x():\n    with socket.create_server(('127.0.0.1', 0)) as server:\n"
        "        socket.create_connection(server.getsockname()).close()\n"
    ),
    "another test skips": "def test_x():\n    pytest.skip('no engine')\n",
}


def run(folder, name, text):
    """Runs a file of planted tests by the rules of `tests/conftest.py`: (what each test said, the whole output)."""
    file, report = folder / name, folder / f"{name}.xml"
    file.write_text(PREFIX + text)
    path = os.pathsep.join([str(ROOT), str(ROOT / "services"), str(ROOT / "proto" / "gen")])
    answer = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-c", ROOT / "pyproject.toml", "--rootdir", folder,
         "-p", "tests.conftest", "-p", "no:cacheprovider", f"--junitxml={report}", file],
        cwd=folder, env=os.environ | {"PYTHONPATH": path, "THROUGHCARE_REQUIRE_KAFKA": "1"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    said: dict[str, str] = {}
    for case in ET.parse(report).getroot().iter("testcase"):  # noqa: S314 - our own file
        for verdict in case:
            if verdict.tag in {"failure", "error"}:
                name = case.get("name", "")
                said[name] = f"{said.get(name, '')}{verdict.get('message')}{verdict.text}"
    return said, answer.stdout + answer.stderr


def together(planted):
    return "".join(f"{text}\n".replace("test_x", f"test_{n}") for n, text in enumerate(planted))


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    """What was said of each planted test that breaks a rule."""
    said, _ = run(tmp_path_factory.mktemp("broken"), "test_broken.py", together(text for text, _ in PLANTED.values()))
    return said


@pytest.mark.parametrize(("number", "what"), list(enumerate(PLANTED)))
def test_a_test_fails_when(number, what, broken):
    assert PLANTED[what][1] in broken.get(f"test_{number}", "it passed")


def test_a_test_passes_that_breaks_no_rule(tmp_path):
    said, output = run(tmp_path, "test_fine.py", together(FINE.values()))

    assert said == {}
    assert "failed" not in output


def test_a_misspelt_mark_fails_the_run(tmp_path):
    _, output = run(tmp_path, "test_misspelt.py", "@pytest.mark.kafak\ndef test_x():\n    pass\n")

    assert "'kafak' not found in `markers`" in output
