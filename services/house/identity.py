"""Who the processes of a house are to each other: an authority for this machine, a certificate each, keys of its own.

`operator` is the command line: it may say for which member of staff it acts. `adapter-hmpps` may say the same and
is used for messages of other systems only.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from chassis import nodekeys
from chassis.certificates import Authority, Files, Request, urn
from house.trouble import Trouble

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


def has_authority(folder: Folder) -> bool:
    """Whether it is this machine's own: its key is here."""
    return (folder.certs / "ca.key").exists()


def certify(folder: Folder, request: Request) -> str:
    """A certificate (PEM) of this machine's authority; whether the name may be had is the caller's question."""
    return Authority.load(folder.certs).certify(request, at=datetime.now(UTC))


def bus_files(folder: Folder) -> Files:
    """Where the certificate of a local broker is."""
    return files(folder, *_BUS)


def names(house: Node) -> tuple[list[str], list[str]]:
    """The names of a house that serve and call, and those that only call."""
    return [*house.services], [*_ASSERTING]


def ensure(folder: Folder, houses: Sequence[Node]) -> None:
    """Make what is missing: the authority, the certificates, each house's keys. Never replaces what is there."""
    for house in houses:
        ensure_keys(folder.of(house.node), house)
    serving = [_BUS, *((house.node, name) for house in houses for name in names(house)[0])]
    wanted = [*serving, *((house.node, name) for house in houses for name in names(house)[1])]
    missing = [each for each in wanted if not _is_there(files(folder, *each))]
    if _is_anothers(folder):
        _refuse([each for each in missing if each != _BUS])
        return
    at = datetime.now(UTC)  # certificates are judged by the machine's clock, not by the house's
    whole = authority_file(folder).exists()  # its key is written before it
    lead = houses[0].node
    authority = Authority.load(folder.certs) if whole else Authority.make(folder.certs, f"Throughcare {lead}", at=at)
    for node, name in missing if whole else wanted:
        issue = authority.service if (node, name) in serving else authority.client
        issue(node, name, at=at)


def ensure_keys(own: Folder, house: Node) -> None:
    """The keys that a house makes for itself and gives to nobody."""
    own.secret(house.wrapping_key)
    own.secret(house.house_key)
    if not (key := own.located(house.node_key)).exists():
        nodekeys.make(key)


def _is_there(found: Files) -> bool:
    return found.certificate.exists() and found.key.exists()


def _is_anothers(folder: Folder) -> bool:
    """Whether another house's authority signs for the houses here: its certificate is here, and its key is not."""
    asked = any(path.name != "ca.key" for path in folder.certs.glob("*.key"))
    return not has_authority(folder) and (authority_file(folder).exists() or asked)


def _refuse(missing: Sequence[tuple[str, str]]) -> None:
    if missing:
        raise Trouble(
            f"{missing[0][0]}.{missing[0][1]} has no certificate, and another house's authority signs here.",
            mend="Install what it sent with: throughcare node join WELCOME.json",
        )
