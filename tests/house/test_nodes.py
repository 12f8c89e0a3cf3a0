"""A house is its file: what it says is taken whole, and what is wrong in it names its variable."""

import pytest

from house import nodes
from house.folder import Folder, Plan
from house.nodes import FOLDER, read
from house.trouble import Trouble

FOUR = {
    "together": ("referral", "casework", "partners", "notifications"),
    "north-london-nhs": ("referral", "casework", "partners", "notifications"),
    "women-in-prison": ("partners", "notifications"),
    "sig-penrose": ("partners", "notifications"),
}
TEXT = (FOLDER / "women-in-prison.env").read_text()


def changed(tmp_path, was: str, now: str) -> str:
    assert was in TEXT
    file = tmp_path / "changed.env"
    file.write_text(TEXT.replace(was, now))
    return str(file)


def test_the_four_houses_of_the_product_run_what_they_are_said_to_run():
    assert {path.stem for path in FOLDER.glob("*.env")} == set(FOUR)
    for name, services in FOUR.items():
        node = read(name)
        assert (node.node, node.organisation, node.services) == (name, name, services)
        assert node.user("partners") == f"{name}.partners"


@pytest.mark.parametrize(
    ("was", "now", "variable"),
    [
        ("NODE_ID=women-in-prison", "NODE_ID=Women In Prison", "THROUGHCARE_NODE_ID"),
        ("THROUGHCARE_NODE_ORGANISATION=women-in-prison\n", "", "THROUGHCARE_NODE_ORGANISATION"),
        ("NODE_NAME=Women in Prison", "NODE_NAME=", "THROUGHCARE_NODE_NAME"),
        ("NODE_SERVICES=partners notifications", "NODE_SERVICES=partners shoes", "THROUGHCARE_NODE_SERVICES"),
        ("NODE_SERVICES=partners notifications", "NODE_SERVICES=notifications", "THROUGHCARE_NODE_SERVICES"),
        ("BUS_SERVERS=", "BUS_SERVERS=somewhere", "THROUGHCARE_BUS_SERVERS"),
        ("BUS_PRINCIPAL=women-in-prison", "BUS_PRINCIPAL=*", "THROUGHCARE_BUS_PRINCIPAL"),
        ("RETENTION_DAYS=30", "RETENTION_DAYS=400", "THROUGHCARE_RETENTION_DAYS"),
        ("RETENTION_DAYS=30", "RETENTION_DAYS=soon", "THROUGHCARE_RETENTION_DAYS"),
        ("FEATURES=", "FEATURES=Hmpps!", "THROUGHCARE_FEATURES"),
        ("NODE_KEY_FILE=node.key", "NODE_KEY_FILE=", "THROUGHCARE_NODE_KEY_FILE"),
    ],
    ids=lambda given: given.strip(),
)
def test_a_wrong_value_names_its_variable_and_the_file(tmp_path, was, now, variable):
    file = changed(tmp_path, was, now)
    with pytest.raises(Trouble) as wrong:
        read(file)
    assert f"{variable} in {file} " in wrong.value.sentence
    assert wrong.value.code == 2


def test_a_line_that_is_no_variable_of_ours_is_told_by_its_number(tmp_path):
    file = changed(tmp_path, "THROUGHCARE_FEATURES=", "PATH=/tmp")
    with pytest.raises(Trouble, match=r"Line \d+ of .*changed.env is no THROUGHCARE_"):
        read(file)


def test_what_the_file_says_beyond_a_node_reaches_its_services(tmp_path):
    file = changed(tmp_path, "THROUGHCARE_FEATURES=", "THROUGHCARE_EMAIL_HOST=mail.example\nTHROUGHCARE_FEATURES=")
    assert read(file).settings == {"THROUGHCARE_EMAIL_HOST": "mail.example"}


def test_a_house_that_is_not_there_is_told_with_those_that_are():
    with pytest.raises(Trouble) as unknown:
        read("nowhere")
    assert all(name in unknown.value.mend for name in FOUR)


def test_one_house_is_not_given_twice():
    with pytest.raises(Trouble, match="together is given twice"):
        nodes.read_all(["together", "sig-penrose", "together"])


def test_a_folder_remembers_its_houses_and_keeps_their_secrets_apart(tmp_path):
    folder = Folder(tmp_path / "houses")
    folder.make()
    plan = Plan(nodes=nodes.read_all(list(FOUR)))
    folder.keep(plan)
    again = Folder(folder.path)
    assert again.plan() == plan
    assert again.node == "together"
    assert [each.node for each in again.houses()] == list(FOUR)
    assert again.of("sig-penrose").houses()[0].node == "sig-penrose"
    keys = {each.secret("house.key").read_text() for each in again.houses()}
    assert len(keys) == 4
    assert again.of("sig-penrose").secrets == folder.path / "secrets" / "sig-penrose"
    with pytest.raises(Trouble, match="no house nobody"):
        _ = again.of("nobody").node


def test_a_folder_of_another_version_is_refused_in_words(tmp_path):
    folder = Folder(tmp_path / "old")
    folder.make()
    folder.plan_file.write_text('{"node": "together", "organisation": "together"}')
    with pytest.raises(Trouble, match="another version made it"):
        folder.plan()
