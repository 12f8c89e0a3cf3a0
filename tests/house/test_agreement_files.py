"""Agreements on the command line: terms in a file, every fault named, and what a guardian reads before he signs."""

import re
from pathlib import Path

import pytest
import yaml
from google.protobuf.json_format import ParseDict

from house import agreements, cli
from house.trouble import Trouble
from throughcare.partners.v1 import agreements_pb2 as said

DOCUMENT = Path(__file__).parents[2] / "docs" / "agreements.md"


def run(capsys, *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        cli.main(list(arguments))
    heard = capsys.readouterr()
    return int(ended.value.code or 0), heard.out, heard.err


def example() -> str:
    """The file as the document shows it."""
    found = re.search(r"```yaml\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert found
    return found[1]


def written(tmp_path, **changes) -> Path:
    file = tmp_path / "terms.yaml"
    file.write_text(yaml.safe_dump({**yaml.safe_load(example()), **changes}))
    return file


def test_the_example_in_the_document_is_read_and_is_what_the_contract_takes(tmp_path):
    terms = agreements.read(written(tmp_path))

    message = ParseDict(terms, said.IsaTerms())
    assert [party.org_id for party in message.parties] == ["together", "north-london-nhs"]
    assert (message.valid_from, message.retention_days) == ("2026-12-01", 365)


@pytest.mark.parametrize(
    ("changes", "said_of_it"),
    [
        ({"categorys": []}, "categorys"),
        ({"parties": [{"org_id": "together", "shoe_size": 9}]}, "shoe_size"),
        ({"parties": "together"}, "list of mappings"),
        ({"recipients": "together"}, "recipients is a list"),
    ],
)
def test_a_member_that_is_none_is_named(tmp_path, changes, said_of_it):
    with pytest.raises(Trouble, match=said_of_it) as trouble:
        agreements.read(written(tmp_path, **changes))
    assert trouble.value.code == 2


@pytest.mark.parametrize("text", ["", "- a list", "{", "just words"])
def test_what_is_no_file_of_terms_is_said_so(tmp_path, text):
    file = tmp_path / "terms.yaml"
    file.write_text(text)

    with pytest.raises(Trouble, match=r"is not YAML|holds no terms"):
        agreements.read(file)


@pytest.mark.parametrize(
    "command",
    [
        ["agreement", "list"],
        ["agreement", "show", "0195b3f0-0000-7000-8000-000000000001"],
        ["agreement", "sign", "0195b3f0-0000-7000-8000-000000000001", "0" * 64],
        ["agreement", "end", "0195b3f0-0000-7000-8000-000000000001"],
        ["consent", "7KQ2-M9RJ"],
    ],
    ids=" ".join,
)
def test_without_a_house_each_says_how_to_start_one(capsys, tmp_path, command):
    code, out, err = run(capsys, *command, "--data", str(tmp_path))

    assert (code, out) == (1, "")
    assert "No house is running" in err


def test_a_file_that_is_not_there_is_exit_code_2(capsys, tmp_path):
    code, _, err = run(capsys, "agreement", "draft", str(tmp_path / "nowhere.yaml"), "--data", str(tmp_path))

    assert code == 2
    assert "cannot be read" in err


ISA = {
    "isa_id": "0195b3f0-0000-7000-8000-000000000001",
    "state": "SUSPENDED",
    "terms_hash": "ab" * 32,
    "proposed_by": "together",
    "version": "7",
    "signed": [{"party": "together", "at": "2026-11-24T10:43:00Z"}],
    "suspended_at": "2026-11-25T10:43:00Z",
}


def test_a_guardian_reads_every_term_before_he_signs(tmp_path):
    terms = agreements.read(
        written(
            tmp_path,
            standing_basis="STATUTE",
            standing_reference="OMA_2007_S14",
            standing_recipients=["north-london-nhs"],
            statutes=["OMA_2007_S14"],
            associates=["north-london-nhs"],
        )
    )

    text = "\n".join(agreements.in_words({**ISA, "terms": terms}))

    for value in _values(terms):
        plain = value.replace("_", " ").lower()
        assert value in text or plain in text, value
    assert "Signed for together 24 November 2026 at 10:43am" in text
    assert "Rests since 25 November 2026 at 10:43am; lets it go on: nobody yet" in text


def _values(terms):
    days = {"valid_from": "1 December 2026", "valid_to": "30 November 2027", "review_on": "1 June 2027"}
    for name, held in terms.items():
        if name in days:
            yield days[name]
        elif isinstance(held, list):
            yield from (text for each in held for text in (each.values() if isinstance(each, dict) else [each]))
        else:
            yield str(held)


class Door:
    """Answers GetIsa and takes the signature."""

    def __init__(self):
        self.given = []

    async def call(self, who, name, **fields):
        self.given.append((name, fields))
        if name == "GetIsa":
            return said.GetIsaResponse(isa=ParseDict(ISA, said.Isa()))
        return said.ActivateIsaResponse(state="ACTIVE", version=8)


async def test_the_digest_of_other_terms_signs_nothing():
    door = Door()

    for wrong in ("", "ab", "cd" * 32):
        with pytest.raises(Trouble, match="not the terms"):
            await agreements.act(door, None, "ActivateIsa", ISA["isa_id"], wrong)
    assert {name for name, _ in door.given} == {"GetIsa"}

    assert (await agreements.act(door, None, "ActivateIsa", ISA["isa_id"], "ab" * 4))["state"] == "ACTIVE"
    assert door.given[-1] == (
        "ActivateIsa", {"isa_id": ISA["isa_id"], "expected_version": 7, "terms_hash": "ab" * 32},
    )  # fmt: skip


def test_how_far_an_answer_reaches_is_said_in_words():
    node = {"node_id": "north-london-nhs", "told_version": "2"}
    answer = {
        "purpose": "SHARE", "recipient": "north-london-nhs", "scope_codes": ["APPOINTMENTS"], "state": "WITHDRAWN",
        "since": "2026-11-24T10:42:00Z",
    }  # fmt: skip
    there = {**node, "applied_version": "2", "applied_at": "2026-11-24T10:43:00Z"}

    def shown(**changes):
        return "\n".join(agreements.reach_in_words({"answers": [{**answer, **changes}]}))

    waiting = shown(nodes=[{**node, "fails_closed": True}])
    assert "Share, north-london-nhs (appointments)" in waiting
    assert "Withdrawn here since 24 November 2026 at 10:42am" in waiting
    assert "was told, and has not answered yet; it is not heard, and fails closed" in waiting
    assert "Not yet in force everywhere" in waiting
    everywhere = shown(nodes=[there], in_force_everywhere_since="2026-11-24T10:43:00Z")
    assert "holds to it since 24 November 2026 at 10:43am" in everywhere
    assert "In force everywhere since 24 November 2026 at 10:43am" in everywhere
    assert "not been asked" in "\n".join(agreements.reach_in_words({}))
