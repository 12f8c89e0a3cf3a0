"""A certificate authority for one machine, and the certificates of its services and clients.

For trying, tests and a house on one machine; a house in production brings certificates of its own authority with
the same names: `urn:throughcare:<node>:<service or client>` as a URI in the subject alternative name. Times are
arguments, since certificates are judged by the machines' clocks, never by the house's. Keys are readable by their
owner alone.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from ipaddress import ip_address
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

LOCAL = ("localhost", "127.0.0.1", "::1")
_URN = "urn:throughcare:"
_CALLERS = 1024  # more certificates than call one door
_EARLY = timedelta(minutes=5)  # clocks of two machines differ


def urn(node: str, name: str) -> str:
    """How a service or client of a node is called in its certificate."""
    return f"{_URN}{node}:{name}"


@dataclass(frozen=True)
class Files:
    """Where a certificate, its key and its authority's certificate are."""

    ca: Path
    certificate: Path
    key: Path


@dataclass(frozen=True)
class Authority:
    """One authority: its certificate and its key in a folder."""

    folder: Path
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def file(self) -> Path:
        """The authority's certificate, to be trusted."""
        return self.folder / "ca.pem"

    @classmethod
    def make(cls, folder: Path, name: str, *, at: datetime, days: int = 825) -> Authority:
        """A new authority in this folder."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = (
            _builder(subject, subject, key.public_key(), at=at, days=days)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(authority=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_key(folder / "ca.key", key)
        (folder / "ca.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return cls(folder, certificate, key)

    @classmethod
    def load(cls, folder: Path) -> Authority:
        """The authority that `make` put into this folder."""
        key = _elliptic(folder / "ca.key")
        return cls(folder, x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes()), key)

    def service(self, node: str, name: str, *, at: datetime, days: int = 365, hosts: Sequence[str] = LOCAL) -> Files:
        """A certificate for a service: it answers at these hosts and calls its peers."""
        usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        return self._issue(urn(node, name), hosts, usages, at=at, days=days)

    def client(self, node: str, name: str, *, at: datetime, days: int = 365) -> Files:
        """A certificate for somebody who only calls: the pages, the operator, a partner's system."""
        return self._issue(urn(node, name), (), [ExtendedKeyUsageOID.CLIENT_AUTH], at=at, days=days)

    def _issue(
        self,
        uri: str,
        hosts: Sequence[str],
        usages: list[x509.ObjectIdentifier],
        *,
        at: datetime,
        days: int,
    ) -> Files:
        key, name = ec.generate_private_key(ec.SECP256R1()), _file_name(uri)
        names = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(uri), *(_host(host) for host in hosts)])
        certificate = self._signed(_subject(uri), key.public_key(), names, usages, at=at, days=days)
        files = Files(self.file, self.folder / f"{name}.pem", self.folder / f"{name}.key")
        _write_key(files.key, key)
        files.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return files

    def certify(self, request: Request, *, at: datetime, days: int = 365) -> str:
        """A certificate (PEM) for who has asked with this request; whether he may have that name is the caller's
        question."""
        usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        given = usages if request.hosts else usages[1:]
        subject = _subject(urn(request.node, request.name))
        certificate = self._signed(subject, request.public_key, request.names, given, at=at, days=days)
        return certificate.public_bytes(serialization.Encoding.PEM).decode()

    def _signed(
        self,
        subject: x509.Name,
        public_key: ec.EllipticCurvePublicKey,
        names: x509.SubjectAlternativeName,
        usages: list[x509.ObjectIdentifier],
        *,
        at: datetime,
        days: int,
    ) -> x509.Certificate:
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        return (
            _builder(subject, self.certificate.subject, public_key, at=at, days=days)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(authority=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
            .add_extension(names, critical=False)
            .add_extension(issuer, critical=False)
            .sign(self.key, hashes.SHA256())
        )


@dataclass(frozen=True)
class Request:
    """What somebody asks to be certified: a name of a node, the hosts at which it answers, and the key it holds."""

    node: str
    name: str
    hosts: tuple[str, ...]
    public_key: ec.EllipticCurvePublicKey
    names: x509.SubjectAlternativeName

    @classmethod
    def read(cls, text: str) -> Request:
        """Raises ValueError where it is no request of ours: another kind of key, no name of a node, or two."""
        request = x509.load_pem_x509_csr(text.encode())
        key = request.public_key()
        if not isinstance(key, ec.EllipticCurvePublicKey) or not request.is_signature_valid:
            raise ValueError("it is not signed with an elliptic curve key")
        try:
            names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except x509.ExtensionNotFound:
            raise ValueError("it has no name") from None
        urns = [each for each in names.get_values_for_type(x509.UniformResourceIdentifier) if each.startswith(_URN)]
        hosts = [str(each) for kind in (x509.DNSName, x509.IPAddress) for each in names.get_values_for_type(kind)]
        if len(urns) != 1 or len(names) != 1 + len(hosts) or urns[0].count(":") != 3:
            raise ValueError("it must have one name of a node, and hosts, and nothing else")
        _, _, node, name = urns[0].split(":")
        return cls(node, name, tuple(hosts), key, names)


def ask(folder: Path, node: str, name: str, *, hosts: Sequence[str] = ()) -> str:
    """A request (PEM) to certify this name, for the key in this folder: made where there is none, and it stays."""
    uri = urn(node, name)
    file = folder / f"{_file_name(uri)}.key"
    if not file.exists():
        _write_key(file, ec.generate_private_key(ec.SECP256R1()))
    key = _elliptic(file)
    names = [x509.UniformResourceIdentifier(uri), *(_host(host) for host in hosts)]
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(_subject(uri))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    return request.public_bytes(serialization.Encoding.PEM).decode()


def _elliptic(file: Path) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(file.read_bytes(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError(f"{file.name} holds no elliptic curve key")
    return key


def _file_name(uri: str) -> str:
    return uri.removeprefix(_URN).replace(":", ".")


def _subject(uri: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, _file_name(uri)[:64])])


class Authorities:
    """The authorities a house trusts, from one file of certificates, and which of them has issued a certificate.

    Any of them could issue any name, so nobody is believed for being trusted: a name of the house itself counts from
    the authority that has issued the house's own certificates, a node's from the one it is registered with.
    """

    def __init__(self, file: Path | None) -> None:
        held = x509.load_pem_x509_certificates(file.read_bytes()) if file else []
        self._by_digest = {fingerprint(each): each for each in held}
        self.issuer = lru_cache(maxsize=_CALLERS)(self._issuer)

    def _issuer(self, certificate: bytes) -> str:
        """The digest of the one that has signed this certificate (PEM); empty where none has, or it is none."""
        try:
            leaf = x509.load_pem_x509_certificate(certificate)
        except ValueError:
            return ""
        return next((digest for digest, each in self._by_digest.items() if _has_issued(each, leaf)), "")

    def own(self, certificate: Path | None) -> str:
        """The digest of the one that has issued the house's own certificate. Raises ValueError where none has."""
        if found := self.issuer(certificate.read_bytes() if certificate else b""):
            return found
        raise ValueError("The service's certificate must be issued by an authority that stands in its ca_file.")

    def trusted(self, digest: str) -> bytes:
        """The certificate (PEM) of this one alone. Raises ValueError where it is not trusted here."""
        if digest not in self._by_digest:
            raise ValueError("This authority does not stand in ca_file.")
        return self._by_digest[digest].public_bytes(serialization.Encoding.PEM)


def fingerprint(certificate: x509.Certificate) -> str:
    """How a certificate is called: its SHA-256 digest, in hexadecimal."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def _has_issued(authority: x509.Certificate, leaf: x509.Certificate) -> bool:
    try:
        leaf.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, *, at: datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - _EARLY)
        .not_valid_after(at + timedelta(days=days))
    )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    """Readable by its owner from the first moment; an older file of that name is replaced."""
    path.unlink(missing_ok=True)
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(text)
