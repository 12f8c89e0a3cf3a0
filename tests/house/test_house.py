"""One example house, and what the command line does with it."""

import asyncio
import csv
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from datetime import date
from pathlib import Path

import asyncpg
import pytest
from confluent_kafka import Producer

from house import clock
from house.demo.papers import hmpps_messages, referral_file
from house.demo.people import Person
from house.environment import read_url
from house.names import SERVICES
from house.postgres import database_of, named
from tests.house.messages import headers
from tests.house.running import RunningHouse, environment, start

pytestmark = [pytest.mark.wire, pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def house():
    path = Path(tempfile.mkdtemp(prefix="tc-house-"))
    found = start(path, "--example")
    yield found
    found.stop()
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="module")
def today(house) -> date:
    return asyncio.run(clock.now(house.folder, house.folder.run())).date()


@pytest.fixture(scope="module")
def referrals(house, today) -> Path:
    path = house.folder.path / "men.csv"
    path.write_text(referral_file(today), encoding="utf-8")
    return path


def ask(house: RunningHouse, service: str, statement: str, *values: object):
    async def one():
        conn = await asyncpg.connect(named(read_url(house.folder), database_of("together", service)))
        try:
            return await conn.fetchval(statement, *values)
        finally:
            await conn.close()

    return asyncio.run(one())


def a_reference(house: RunningHouse) -> str:
    """A case's reference as people write it."""
    found = ask(house, "partners", "select reference from picture.opened_case limit 1")
    plain = found.replace("-", "")
    return f"{plain[:4]}-{plain[4:]}"


def report_of(path: Path) -> list[dict[str, str]]:
    with path.with_name(path.name + ".report.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_file_is_imported_and_its_report_names_every_row(house, referrals):
    said = house.say("import", "referrals", str(referrals), "--json")
    assert said.code == 1, said.err  # one row is refused
    assert said.facts["outcomes"] == {"SUBMITTED": 8, "DRAFT": 1, "SEEN_BEFORE": 1, "REFUSED": 1}
    rows = report_of(referrals)
    assert [int(row["row"]) for row in rows] == list(range(2, 13))
    assert {row["outcome"]: row["codes"] for row in rows} == {
        "SUBMITTED": "", "DRAFT": "not_told", "REFUSED": "crn:INVALID_FORMAT", "SEEN_BEFORE": "",
    }  # fmt: skip
    assert "NOT-A-CRN" not in str(rows)


def test_a_second_run_changes_nothing(house, referrals):
    # That its feeds are whole the house says every 15 seconds, whatever is imported.
    told = "select max(position) from journal where fact_type <> 'FeedsConfirmed'"
    before = ask(house, "referral", told)
    said = house.say("import", "referrals", str(referrals), "--json")
    assert said.facts["outcomes"] == {"SUBMITTED": 0, "DRAFT": 0, "SEEN_BEFORE": 10, "REFUSED": 1}
    assert ask(house, "referral", told) == before


def test_a_line_at_fault_is_refused_and_the_import_goes_on(house, today):
    path = house.folder.path / "faulty.csv"
    lines = referral_file(today).splitlines()
    faulty = [lines[0], 'DEMO,"never closed', "too,few", "x" * 70_000, lines[1]]
    path.write_text("\n".join(faulty), encoding="utf-8")
    assert house.say("import", "referrals", str(path)).code == 1
    assert [(row["row"], row["outcome"], row["codes"]) for row in report_of(path)] == [
        ("2", "REFUSED", "line:INVALID_FORMAT"),
        ("3", "REFUSED", "line:INVALID_FORMAT"),
        ("4", "REFUSED", "line:TOO_LONG"),
        ("5", "SEEN_BEFORE", ""),
    ]


def test_a_line_that_is_not_utf_8_stops_the_import_and_the_rows_before_it_stand(house, today):
    path = house.folder.path / "bytes.csv"
    lines = referral_file(today).encode().splitlines()
    path.write_bytes(b"\n".join([*lines[:2], b"\xff", lines[2]]))
    said = house.say("import", "referrals", str(path))
    assert said.code == 2
    assert "Line 3 is not UTF-8" in said.err
    assert [row["outcome"] for row in report_of(path)] == ["SEEN_BEFORE"]


def test_another_first_line_refuses_the_file_and_writes_no_report(house):
    path = house.folder.path / "other.csv"
    path.write_text("name,age\nSam,40\n")
    said = house.say("import", "referrals", str(path))
    assert said.code == 2
    assert "unknown_column" in said.err
    assert not path.with_name("other.csv.report.csv").exists()


def test_an_import_that_is_killed_goes_on_with_the_next_run(house, today):
    path = house.folder.path / "many.csv"
    first, *_ = referral_file(today, rows=1).splitlines()
    rows = [line.replace("demo-9", "killed-9") for line in referral_file(today, rows=120).splitlines()[1:-3]]
    path.write_text("\n".join([first, *(re.sub(r"Z9(\d{5})", r"Z8\1", row) for row in rows)]), encoding="utf-8")
    importing = subprocess.Popen(
        house.command("import", "referrals", str(path)),
        env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    taken = "select count(*) from journal where fact_type like '%Submitted'"
    before, until = ask(house, "referral", taken), time.monotonic() + 60
    while ask(house, "referral", taken) < before + 10 and time.monotonic() < until:
        time.sleep(0.05)
    importing.send_signal(signal.SIGKILL)
    importing.wait()
    said = house.say("import", "referrals", str(path), "--json", within=120)
    assert said.code == 0, said.err
    outcomes = said.facts["outcomes"]
    assert outcomes["SUBMITTED"] + outcomes["SEEN_BEFORE"] == 120
    assert outcomes["SEEN_BEFORE"] >= 10
    assert ask(house, "referral", taken) == before + 120


def test_messages_of_hmpps_are_counted_by_answer_and_type(house, today):
    path = house.folder.path / "hmpps"
    path.mkdir()
    for number, message in enumerate(hmpps_messages(Person(9001), today)):
        (path / f"{number}.json").write_text(json.dumps(message))
    said = house.say("import", "hmpps", str(path), "--json")
    assert said.code == 0, said.err
    assert said.facts["answers"]["TAKEN"] == {"opd.produced": 1, "prison-offender-events.prisoner.released": 1}
    assert said.facts["answers"]["IGNORED"] == {"demo.nothing.of.ours": 1, "person.community.manager.allocated": 1}
    (path / "broken.json").write_text("{")
    again = house.say("import", "hmpps", str(path), "--json")
    assert again.code == 1
    assert sum(again.facts["answers"]["REFUSED"].values()) == 1


def test_the_house_comes_to_rest_and_says_how_it_stands(house):
    said = house.quiet()
    assert said.code == 0, said.out
    facts = said.facts
    assert facts["quiet"] is True
    assert facts["bus"]["kind"] == "embedded"
    assert {each["name"] for each in facts["processes"]} == {"supervisor", "postgres", "bus", "house"}
    assert all(set(each) == {"name", "pid", "restarts", "state"} and each["pid"] for each in facts["processes"])
    assert set(facts["services"]) == set(facts["addresses"]) == set(SERVICES)
    for standing in facts["services"].values():
        assert standing == {"pending": 0, "lag": 0, "parked": 0, "held": 0, "quarantined": 0}


def test_a_case_is_told_in_plain_words_without_colour_and_as_facts(house):
    house.quiet()
    reference = a_reference(house)
    said = house.say("case", reference.lower())
    assert said.code == 0, said.err
    assert f"Case {reference}" in said.out
    assert "submitted" in said.out.lower()
    assert "How fresh this is" in said.out
    assert "\x1b" not in said.out
    assert house.say("case", reference, "--json").facts["picture"]["case_reference"] == reference


def test_the_board_shows_every_open_case_a_viewer_may_see_and_nothing_to_others(house):
    house.quiet()
    reference = a_reference(house)

    said, facts = house.say("board"), house.say("board", "--json").facts

    assert said.code == 0, said.err
    assert said.out.startswith("The board of Together\n")
    assert f"  {reference}  " in said.out
    assert "\x1b" not in said.out
    assert reference in {each["case_reference"] for each in facts["pictures"]}
    assert sum(facts["counts"].values()) >= len(facts["pictures"])
    nothing = house.say("board", "--as", "staff-pw-9")
    assert "Nobody is on it" in nothing.out
    assert reference not in nothing.out


def test_a_case_that_is_not_there_and_one_that_is_hidden_look_alike(house):
    house.quiet()
    reference = a_reference(house)
    missing = house.say("case", "2222-2222")
    hidden = house.say("case", reference, "--as", "pp-" + "a" * 26)
    assert (missing.code, missing.err) == (hidden.code, hidden.err)
    assert missing.code != 0
    assert missing.out == ""


def test_the_audit_of_a_house_at_rest_is_clean(house):
    house.quiet()
    said = house.say("doctor", "--audit", "--json")
    assert said.code == 0, said.out
    facts = said.facts
    for name in ("lost", "ghost", "doubled", "out_of_order", "parked", "held", "pending", "unknown_notices"):
        assert facts[name] == 0, name
    assert facts["digest_equal"] is True
    assert facts["facts"] > 100
    assert facts["positions"]["referral"] > 0
    assert facts["records"] >= facts["facts"]


def test_the_audit_finds_an_effect_that_is_missing(house):
    house.quiet()
    one = "grp like '%.picture' and topic like '%.referral.v1'"
    key = ask(house, "partners", f"select key from watermark where seq > 1 and {one} order by key limit 1")
    ask(house, "partners", f"update watermark set seq = seq - 1 where key = $1 and {one}", key)
    try:
        said = house.say("doctor", "--audit", "--json")
    finally:
        ask(house, "partners", f"update watermark set seq = seq + 1 where key = $1 and {one}", key)
    assert said.code == 1
    assert said.facts["lost"] == 1
    assert house.say("doctor", "--audit").code == 0


def test_the_audit_finds_a_projection_that_differs_and_a_rebuild_mends_it(house):
    house.quiet()
    ask(
        house,
        "partners",
        "update picture.opened_case set kind = 'CHANGED'"
        " where case_id = (select min(case_id::text)::uuid from picture.opened_case)",
    )
    assert house.say("doctor", "--audit", "--json").facts["digest_equal"] is False
    rebuilt = house.say("rebuild", "partners", "picture", "--json")
    assert rebuilt.facts["groups"]["picture"]["equal"] is False
    assert house.say("doctor", "--audit").code == 0
    assert house.say("rebuild", "partners.picture", "--json").facts["groups"]["picture"]["equal"] is True


def test_a_process_that_is_killed_comes_back_and_is_counted(house):
    os.kill(house.pid("house"), signal.SIGKILL)
    said = house.quiet(90)
    assert said.code == 0, said.out
    counted = {each["name"]: each["restarts"] for each in said.facts["processes"]}
    assert counted["house"] == 1
    assert house.say("doctor", "--audit").code == 0


def test_a_message_nobody_told_is_found_waits_parked_and_leaves_by_two_people(house):
    """Last: what it leaves on the bus stays there."""
    run = house.folder.run()
    producer = Producer({"bootstrap.servers": run.bus_servers, "log_level": 0})
    forged = [(name, value if name != "ce_sourcenode" else b"elsewhere") for name, value in headers(1)]
    producer.produce("together.referral.v1", key=b"a-forged-case", value=b"\xff\xff", headers=forged)
    producer.flush(10)
    until = time.monotonic() + 30
    while not (waiting := house.say("parked", "list", "--json").facts["parked"]) and time.monotonic() < until:
        time.sleep(0.2)
    assert {each["key"] for each in waiting} == {"a-forged-case"}
    assert house.quiet(1).code == 1
    assert house.say("doctor", "--audit", "--json").facts["ghost"] >= 1
    name = waiting[0]["id"]
    assert "headers" not in house.say("parked", "show", name).out
    first = house.say("parked", "drop", name, "--reason", "Forged.")
    assert (first.code, "second person" in first.out) == (0, True), first.err
    assert "Another person" in house.say("parked", "drop", name).err
    assert "dropped" in house.say("parked", "drop", name, "--as", "staff-sm-2").out
    assert house.say("parked", "show", name).code == 3
