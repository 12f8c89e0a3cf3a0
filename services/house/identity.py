"""Who the processes of this house are to each other: an authority for this machine, a certificate each.

`operator` is the command line: it may say for which member of staff it acts. `adapter-hmpps` may say the same and
is used for messages of other systems only.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from chassis.certificates import Authority, Files, urn
from house.names import SERVICES

if TYPE_CHECKING:
    from house.folder import Folder

OPERATOR = "operator"
ADAPTER = "adapter-hmpps"
_ASSERTING = (OPERATOR, ADAPTER)


def files(folder: Folder, node: str, name: str) -> Files:
    """Where the certificate of a service or client of this house is."""
    stem = f"{node}.{name}"
    return Files(folder.certs / "ca.pem", folder.certs / f"{stem}.pem", folder.certs / f"{stem}.key")


def may_assert(node: str) -> frozenset[str]:
    """The names in whose calls an actor is believed."""
    return frozenset(urn(node, name) for name in _ASSERTING)


def ensure(folder: Folder, node: str) -> None:
    """Make what is missing: the authority, the certificates, the house's keys. Never replaces what is there."""
    at = datetime.now(UTC)  # certificates are judged by the machine's clock, not by the house's
    whole = (folder.certs / "ca.pem").exists() and (folder.certs / "ca.key").exists()
    authority = Authority.load(folder.certs) if whole else Authority.make(folder.certs, f"Throughcare {node}", at=at)
    for name in (*SERVICES, *_ASSERTING):
        found = files(folder, node, name)
        if whole and found.certificate.exists() and found.key.exists():
            continue
        issue = authority.service if name in SERVICES else authority.client
        issue(node, name, at=at)
    folder.secret("wrapping.key")
    folder.secret("house.key")
