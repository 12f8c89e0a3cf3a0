"""Who the processes of a house are to each other: an authority for this machine, a certificate each, keys of its own.

`operator` is the command line: it may say for which member of staff it acts. `adapter-hmpps` may say the same and
is used for messages of other systems only.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from chassis import nodekeys
from chassis.certificates import Authority, Files, urn

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from house.folder import Folder
    from house.nodes import Node

OPERATOR = "operator"
ADAPTER = "adapter-hmpps"
_ASSERTING = (OPERATOR, ADAPTER)
_BUS = ("bus", "kafka")


def files(folder: Folder, node: str, name: str) -> Files:
    """Where the certificate of a service or client of this house is."""
    stem = f"{node}.{name}"
    return Files(folder.certs / "ca.pem", folder.certs / f"{stem}.pem", folder.certs / f"{stem}.key")


def may_assert(node: str) -> frozenset[str]:
    """The names in whose calls an actor is believed."""
    return frozenset(urn(node, name) for name in _ASSERTING)


def authority_file(folder: Folder) -> Path:
    """The certificate of the authority that signs this machine's certificates."""
    return folder.certs / "ca.pem"


def bus_files(folder: Folder) -> Files:
    """Where the certificate of a local broker is."""
    return files(folder, *_BUS)


def ensure(folder: Folder, houses: Sequence[Node]) -> None:
    """Make what is missing: the authority, the certificates, each house's keys. Never replaces what is there."""
    at = datetime.now(UTC)  # certificates are judged by the machine's clock, not by the house's
    whole = (folder.certs / "ca.pem").exists() and (folder.certs / "ca.key").exists()
    lead = houses[0].node
    authority = Authority.load(folder.certs) if whole else Authority.make(folder.certs, f"Throughcare {lead}", at=at)
    serving = [_BUS, *((house.node, service) for house in houses for service in house.services)]
    calling = [(house.node, name) for house in houses for name in _ASSERTING]
    for node, name in (*serving, *calling):
        found = files(folder, node, name)
        if whole and found.certificate.exists() and found.key.exists():
            continue
        issue = authority.service if (node, name) in serving else authority.client
        issue(node, name, at=at)
    for house in houses:
        own = folder.of(house.node)
        own.secret(house.wrapping_key)
        own.secret(house.house_key)
        if not (key := own.located(house.node_key)).exists():
            nodekeys.make(key)
