"""A house of our images on PostgreSQL and three brokers: a journey, and what may be killed under load."""

import subprocess
import time

import pytest

from house.names import SERVICES
from tests.containers.stage import BROKERS, played

pytestmark = pytest.mark.timeout(300)


def test_a_journey_through_all_services_leaves_nothing_to_find(stage):
    told = played(stage.playing(1, 10))

    audit = stage.audited()

    assert told["commands"] > 60
    assert audit["clean"]
    assert audit["facts"] > 100
    assert audit["pending"] == audit["lag"] == audit["parked"] == 0


def test_a_broker_that_is_killed_under_load_loses_nothing(stage):
    broker = BROKERS[0]
    playing = stage.playing(101, 130)
    time.sleep(2)
    stage.of(broker).kill()
    time.sleep(4)
    assert playing.poll() is None, "the load was over before the broker was missed"
    stage.of(broker).start()

    told = played(playing)

    assert told["men"] == 30
    assert stage.audited()["clean"]


def test_every_service_is_rolled_under_load_and_no_command_fails(stage):
    playing = stage.playing(201, 340)
    stopped, ready = [], []
    for service in SERVICES:
        began = time.monotonic()
        stage.of(service).stop(timeout=30)
        stopped.append(time.monotonic() - began)
        assert stage.of(service).wait()["StatusCode"] == 0
        stage.of(service).start()
        ready.append(stage.until_ready(service))
    assert playing.poll() is None, "the load was over before the last service was rolled"

    told = played(playing)

    assert told["men"] == 140
    assert max(stopped) < 10, f"draining took {stopped}"
    audit = stage.audited()
    assert audit["clean"]
    assert audit["doubled"] == 0


def test_a_killed_service_comes_back_to_where_it_was(stage):
    playing = stage.playing(351, 370)
    for service in ("casework", "partners"):
        time.sleep(1)
        stage.of(service).kill()
        stage.of(service).start()
        stage.until_ready(service)
    played(playing)
    assert stage.audited()["clean"]


def test_services_run_as_nobody_and_can_write_nowhere_but_in_their_own_tmp(stage):
    for service in SERVICES:
        tries = "import os, pathlib; print(os.getuid(), flush=True); pathlib.Path('/tmp/x').touch()"
        tries += "; pathlib.Path('/app/x').touch()"
        said = stage.of(service).exec_run(["python3", "-c", tries])
        assert said.exit_code != 0
        assert b"10001" in said.output
        assert b"Read-only file system: '/app/x'" in said.output


def test_no_secret_stands_in_the_environment_or_the_logs(stage):
    secrets = stage.folder / "secrets"
    files = [path for path in secrets.rglob("*") if path.suffix in {".password", ".key"} or path.name == "bus.password"]
    texts = {path.read_text().strip() for path in files if path.stat().st_size < 200}
    assert len(texts) > 10
    for name in stage.running:
        environment = str(stage.of(name).attrs["Config"])
        said = subprocess.run(["docker", "logs", stage.of(name).id], capture_output=True, text=True, check=True)
        assert not [text for text in texts if text in environment + said.stdout + said.stderr], name
