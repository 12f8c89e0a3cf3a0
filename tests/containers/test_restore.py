"""R36: yesterday's backup is put back while the bus is newer."""

import re

import pytest

from house.names import SERVICES
from tests.containers.stage import played

pytestmark = pytest.mark.timeout(300)


def test_a_backup_put_back_under_a_newer_bus_is_noticed_and_the_house_goes_on_from_it(stage):
    played(stage.playing(401, 410))
    before = stage.audited()
    assert stage.operator("backup", "/backups/yesterday").code == 0
    played(stage.playing(411, 420))
    newer = stage.audited()["facts"] - before["facts"]
    assert newer > 50

    refused = stage.operator("restore", "/backups/yesterday")
    assert refused.code == 1
    assert "service is running" in refused.err

    for service in SERVICES:
        stage.of(service).stop(timeout=30)
    restored = stage.operator("restore", "/backups/yesterday")
    assert restored.code == 1, "the bus is newer, and that must not be passed over"
    found = re.search(r"The bus holds (\d+) records that this house no longer knows", restored.out)
    assert found, restored.out
    # Between looking and the backup, and before it was stopped, the house itself may have told a thing or two.
    unknown = int(found[1])
    assert abs(unknown - newer) <= 5

    noticed = stage.operator("doctor", "--audit", "--json")
    assert noticed.code == 1
    assert noticed.facts["ghost"] >= unknown

    stage.must("admission", "house", "cut", stage.node)
    for service in SERVICES:
        stage.of(service).start()
    for service in SERVICES:
        stage.until_ready(service)

    played(stage.playing(421, 430))
    after = stage.audited()
    assert after["clean"]
    assert after["facts"] > before["facts"]


def test_a_damaged_backup_is_refused_before_anything_is_touched(stage):
    assert stage.operator("backup", "/backups/damaged").code == 0
    damage = "import pathlib; p = next(pathlib.Path('/backups/damaged/data/referral').glob('public.journal.gz'))"
    damage += "; p.write_bytes(p.read_bytes()[:-9])"
    assert stage.of("operator").exec_run(["python3", "-c", damage]).exit_code == 0

    said = stage.operator("restore", "/backups/damaged")

    assert said.code == 1
    assert "public.journal.gz is missing or damaged" in said.err
    assert stage.audited()["clean"]
