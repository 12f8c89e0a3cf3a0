"""A request to be certified says one name of a node and nothing else, and its key stays where it was made."""

from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from chassis.certificates import LOCAL, Authority, Request, ask, urn

AT = datetime.now(UTC)


@pytest.fixture
def authority(tmp_path):
    return Authority.make(tmp_path / "authority", "lead", at=AT)


def alternatives(certificate: x509.Certificate) -> set[str]:
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {str(each.value) for each in found}


def test_a_request_becomes_a_certificate_for_the_key_that_was_made_where_it_stays(tmp_path, authority):
    request = Request.read(ask(tmp_path, "women-in-prison", "partners", hosts=("house.example", "192.0.2.7")))
    assert (request.node, request.name) == ("women-in-prison", "partners")
    certificate = x509.load_pem_x509_certificate(authority.certify(request, at=AT).encode())
    certificate.verify_directly_issued_by(authority.certificate)
    assert alternatives(certificate) == {urn("women-in-prison", "partners"), "house.example", "192.0.2.7"}
    key = serialization.load_pem_private_key((tmp_path / "women-in-prison.partners.key").read_bytes(), None)
    assert key.public_key() == certificate.public_key()
    assert (tmp_path / "women-in-prison.partners.key").stat().st_mode & 0o777 == 0o600


def test_who_answers_nowhere_is_certified_to_call_and_not_to_serve(tmp_path, authority):
    usages = {}
    for name, hosts in {"operator": (), "partners": LOCAL}.items():
        text = authority.certify(Request.read(ask(tmp_path, "women-in-prison", name, hosts=hosts)), at=AT)
        certificate = x509.load_pem_x509_certificate(text.encode())
        usages[name] = len(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    assert usages == {"operator": 1, "partners": 2}


def test_asked_again_the_key_is_the_same(tmp_path):
    first = Request.read(ask(tmp_path, "women-in-prison", "partners"))
    assert Request.read(ask(tmp_path, "women-in-prison", "partners")).public_key == first.public_key


def requested(*names: x509.GeneralName, key=None) -> str:
    key = key or ec.generate_private_key(ec.SECP256R1())
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def a_uri(text: str) -> x509.GeneralName:
    return x509.UniformResourceIdentifier(text)


@pytest.mark.parametrize(
    "text",
    [
        "no request at all",
        requested(),
        requested(x509.DNSName("house.example")),
        requested(a_uri(urn("one", "partners")), a_uri(urn("two", "partners"))),
        requested(a_uri(urn("one", "partners")), a_uri("https://elsewhere.example")),
        requested(a_uri(urn("one", "partners") + ":more")),
        requested(a_uri(urn("one", "partners")), x509.RFC822Name("somebody@house.example")),
        requested(a_uri(urn("one", "partners")), key=rsa.generate_private_key(65537, 2048)),
    ],
    ids=["no PEM", "no name", "a host alone", "two nodes", "another address", "a longer name", "an e-mail", "RSA"],
)
def test_a_request_that_says_anything_else_is_refused(text):
    with pytest.raises(ValueError):
        Request.read(text)
