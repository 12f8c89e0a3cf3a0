"""What `throughcare secrets` makes: a folder for each container, with what is its own and nothing of another's."""

import os

import pytest
from cryptography import x509

from house import nodes
from house.folder import Folder
from house.material import Material

OWN = {
    "database.url", "bus.password", "bus-ca.pem", "ca.pem", "certificate.pem", "key.pem", "wrapping.key", "house.key",
}  # fmt: skip


@pytest.fixture
def made(tmp_path):
    material = Material(tmp_path / "secrets")
    material.make(nodes.read("together"))
    return material


def everything(material):
    return {path: path.read_bytes() for path in material.folder.rglob("*") if path.is_file()}


def test_a_service_is_given_what_it_needs_and_nothing_of_another(made):
    for service in ("referral", "casework", "partners", "notifications"):
        folder = made.folder / "together" / service
        assert {path.name for path in folder.iterdir()} - {"node.key"} == OWN
        assert (folder / "node.key").exists() == (service == "partners")
        assert f"together_{service}" in (folder / "database.url").read_text()
    passwords = [(made.folder / "together" / each / "bus.password").read_text() for each in ("referral", "casework")]
    assert len(set(passwords)) == 2


def test_nobody_else_on_this_machine_may_look(made):
    assert made.folder.stat().st_mode & 0o077 == 0
    assert made.folder.stat().st_uid == os.geteuid()


def test_a_certificate_bears_the_name_of_its_service_and_of_its_house(made):
    pem = (made.folder / "together" / "referral" / "certificate.pem").read_bytes()
    names = x509.load_pem_x509_certificate(pem).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == ["urn:throughcare:together:referral"]
    assert "referral.together" in names.get_values_for_type(x509.DNSName)


def test_the_doors_of_two_houses_trust_the_authority_of_each_other_and_no_other_service_does(made):
    def trusted(node, service):
        return set(x509.load_pem_x509_certificates((made.folder / node / service / "ca.pem").read_bytes()))

    made.make(nodes.read("women-in-prison"))

    lead, partner = trusted("together", "referral"), trusted("women-in-prison", "notifications")
    assert len(lead) == len(partner) == 1
    assert lead != partner
    assert trusted("together", "partners") == trusted("women-in-prison", "partners") == lead | partner


def test_made_again_nothing_changes(made):
    before = everything(made)
    made.make(nodes.read("together"))
    assert everything(made) == before


def test_renewed_only_certificates_change(made):
    before = everything(made)
    made.make(nodes.read("together"), renew=True)
    changed = {path.name for path, text in everything(made).items() if before[path] != text}
    assert {"certificate.pem", "key.pem", "broker.pem"} <= changed
    assert not {"bus.password", "wrapping.key", "house.key", "database.url", "ca.pem", "cluster.id"} & changed


def test_new_passwords_are_known_to_each_side_and_nothing_else_changes(made):
    node = nodes.read("together")
    before = everything(made)
    made.new_passwords(node)
    made.make(node)
    changed = {path.relative_to(made.folder) for path, text in everything(made).items() if before[path] != text}
    assert {path.name for path in changed if path.suffix in {".pem", ".key"}} == set()
    own = made.folder / "together" / "referral"
    assert (own / "bus.password").read_bytes() == (made.folder / "bus" / "users" / "together.referral").read_bytes()
    password = (made.folder / "together" / "postgres" / "referral.password").read_text()
    assert f":{password}@" in (own / "database.url").read_text()
    assert {"bus.password", "database.url", "referral.password", "together.referral"} <= {each.name for each in changed}


def test_a_new_wrapping_key_comes_first_and_the_old_one_is_forgotten_when_told(made):
    node, own = nodes.read("together"), made.folder / "together" / "casework" / "wrapping.key"
    old = own.read_text().split()
    made.new_wrapping_key(node)
    made.make(node)
    new, *others = own.read_text().split()
    assert others == old
    assert new not in old
    made.forget_wrapping_keys(node)
    made.make(node)
    assert own.read_text().split() == [new]


def test_a_second_house_shares_the_bus_and_nothing_else(made):
    before = everything(made)
    made.make(nodes.read("women-in-prison"))
    kept = {path: text for path, text in everything(made).items() if path in before}
    door = made.folder / "together" / "partners" / "ca.pem"
    assert kept.pop(door).startswith(before.pop(door))
    assert kept == before
    partner = made.folder / "women-in-prison"
    assert sorted(path.name for path in partner.iterdir() if (path / "database.url").exists()) == [
        "notifications", "partners",
    ]  # fmt: skip
    assert (partner / "partners" / "wrapping.key").read_text() not in {text.decode() for text in before.values()}


def test_the_command_line_finds_the_house_in_its_folder(made):
    run = Folder(made.folder / "together" / "operator").run()
    assert run is not None
    assert run.addresses["casework"] == "casework.together:7000"
