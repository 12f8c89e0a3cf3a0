"""The command line says what is wrong and how to mend it, in an exit code and never in a traceback."""

import json
import threading

import pytest

from house import cli
from house.folder import Doors, Folder, Plan, Run, Running
from house.staff import acting
from house.trouble import Trouble


def run(capsys, *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        cli.main(list(arguments))
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


@pytest.mark.parametrize(
    "command",
    [
        ["status"],
        ["case", "7KQ2-M9RJ"],
        ["doctor", "--audit"],
        ["parked", "list"],
        ["rebuild", "partners"],
        ["topics", "check"],
    ],
    ids=" ".join,
)
def test_without_a_house_every_command_says_how_to_start_one(capsys, tmp_path, command):
    code, out, err = run(capsys, *command, "--data", str(tmp_path))
    assert code == 1
    assert out == ""
    assert "No house is running" in err
    assert "throughcare up --example" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["import", "referrals", "nowhere.csv"], "no file nowhere.csv"),
        (["import", "hmpps", "nowhere"], "no file or folder nowhere"),
        (["rebuild", "nothing"], "no service nothing"),
        (["up", "--bus", "carrier-pigeon"], "no bus carrier-pigeon"),
        (["nonsense"], "nonsense"),
        (["status", "--wait-quiet", "soon"], "soon"),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, list) else None,
)
def test_a_wrong_call_is_exit_code_2_and_says_what_is_wrong(capsys, tmp_path, command, said):
    data = [] if command == ["nonsense"] else ["--data", str(tmp_path)]
    code, _, err = run(capsys, *command, *data)
    assert code == 2
    assert said in err
    assert "Traceback" not in err


def test_doctor_lists_what_is_there_and_how_to_get_the_rest(capsys):
    code, out, _ = run(capsys, "doctor", "--json")
    checks = {check["name"]: check for check in json.loads(out)["checks"]}
    assert code == 0
    assert set(checks) == {
        "python", "packages", "postgresql", "java", "maven", "broker jars", "chromium", "docker engine",
    }  # fmt: skip
    assert checks["python"]["present"]
    assert all(check["how"] and check["needed_for"] for check in checks.values())


def test_a_table_that_is_piped_is_cut_nowhere(capsys):
    code, out, _ = run(capsys, "doctor")
    assert code == 0
    assert "throughcare up --bus kafka" in out
    assert "…" not in out
    assert "\x1b" not in out


def test_topics_are_listed_without_a_house(capsys, tmp_path):
    code, out, _ = run(capsys, "topics", "list", "--json", "--data", str(tmp_path))
    assert code == 0
    assert json.loads(out)["topics"][0]["name"] == "together.referral.v1"


def test_down_deletes_a_house_and_refuses_a_folder_that_holds_none(capsys, tmp_path):
    mine = tmp_path / "holidays"
    mine.mkdir()
    (mine / "photo.jpg").write_text("beach")
    code, _, err = run(capsys, "down", "--data", str(mine))
    assert code == 1
    assert "no house" in err
    assert [path.name for path in mine.iterdir()] == ["photo.jpg"]
    folder = Folder(tmp_path / "house")
    folder.make()
    folder.keep(Plan())
    code, out, _ = run(capsys, "down", "--data", str(folder.path))
    assert code == 0
    assert "deleted" in out
    assert not folder.path.exists()


def test_secrets_are_readable_by_their_owner_alone(tmp_path):
    folder = Folder(tmp_path / "house")
    folder.make()
    path = folder.secret("house.key")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert len(bytes.fromhex(path.read_text())) == 32
    assert folder.secret("house.key").read_text() == path.read_text()


@pytest.mark.parametrize("staff", ["", "nobody", "staff-xx-1", "pp-short", "STAFF-SM-1"])
def test_nobody_acts_under_an_id_that_says_no_role(staff):
    with pytest.raises(Trouble) as refused:
        acting(staff, organisation="together", purpose="OPERATE")
    assert refused.value.code == 2
    assert "staff-sm-1" in refused.value.mend


def test_a_practitioner_is_a_guest_employed_by_probation():
    found = acting("pp-" + "a" * 26, organisation="together", purpose="OPERATE")
    assert (found.role.value, found.organisation) == ("PP", "probation")


def test_a_second_supervisor_is_refused_but_waits_for_one_that_is_stopping(tmp_path):
    folder = Folder(tmp_path / "house")
    with folder.held():
        folder.say(a_run("running"))
        with pytest.raises(Trouble, match="running in"), Folder(folder.path).held():
            pass
    holder = folder.held()
    holder.__enter__()
    folder.say(a_run("stopping"))
    threading.Timer(2.5, holder.__exit__, (None, None, None)).start()
    with Folder(folder.path).held():
        pass


def a_run(state: str) -> Run:
    process = Running(name="house", pid=None, started=0, restarts=0, state=state)
    doors = Doors(organisation="together", addresses={}, ops={})
    return Run(
        supervisor=process, bus="embedded", bus_servers="", houses={"together": doors}, processes=(process,),
        node="together",
    )  # fmt: skip
