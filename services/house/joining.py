"""A house of another machine joins a bus that stands: what goes to and fro, as files that people hand over.

It makes its keys and asks for certificates (`prepare`); the house whose authority signs answers with a welcome
(`welcome`), which holds passwords; the new house installs it (`join`). Private keys never leave the house that made
them.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cryptography import x509

from chassis import certificates
from chassis.certificates import LOCAL, Request
from house import bus_access, cards, identity
from house.nodes import PREFIX
from house.trouble import Trouble

if TYPE_CHECKING:
    from collections.abc import Sequence

    from house.cards import Card
    from house.folder import Folder
    from house.nodes import Node

_BUS_CA: Final = "bus/ca.pem"
_NAME: Final = re.compile(r"[a-z][a-z-]{1,39}")
_PASSWORD: Final = re.compile(r"[!-~]{16,200}")
_MEMBERS: Final = frozenset({"card", "authority", "certificates", "bus"})


def prepare(folder: Folder, node: Node, hosts: Sequence[str]) -> list[str]:
    """Make what a house needs before it joins: keys of its own, and a request for each certificate. Keys that are there
    stay: done again, it asks for new certificates in the place of old ones.
    """
    if identity.has_authority(folder):
        raise Trouble(
            f"The houses in {folder.path} have an authority of their own.",
            mend="Give another folder with --data.",
            code=2,
        )
    own = folder.of(node.node)
    identity.ensure_keys(own, node)
    serving, calling = identity.names(node)
    found = [certificates.ask(folder.certs, node.node, name, hosts=(*LOCAL, *hosts)) for name in serving]
    found += [certificates.ask(folder.certs, node.node, name) for name in calling]
    _requests(own).write_text(json.dumps(found), encoding="utf-8")
    return found


def requests(own: Folder) -> tuple[str, ...]:
    """The requests that `prepare` made; none where another authority is not needed."""
    path = _requests(own)
    return tuple(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else ()


def _requests(own: Folder) -> Path:
    return own.secrets / "certificate-requests.json"


def signed_here(folder: Folder, card: Card) -> Card:
    """The card of a house whose certificates this house's authority signs."""
    return replace(card, authority_fingerprint=cards.authority_fingerprint(identity.authority_file(folder)))


def welcome(folder: Folder, card: Card) -> dict[str, Any]:
    """What a house needs to come to the bus of this one: certificates, and its users' passwords.

    Raises `Trouble` for a request that is not about the card's own node.
    """
    if not identity.has_authority(folder):
        raise Trouble("Another house's authority signs here: let that one welcome it.")
    return {
        "card": asdict(cards.of(folder)),
        "authority": identity.authority_file(folder).read_text(),
        "certificates": _certified(folder, card),
        "bus": _bus(folder, card),
    }


def write(said: dict[str, Any], path: Path) -> None:
    """A welcome as a file that its owner alone can read; never over one that is there."""
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
            out.write(json.dumps(said, indent=2) + "\n")
    except FileExistsError:
        raise Trouble(f"{path} is there already.", mend="Give another name with --welcome.", code=2) from None


def hosts_of(card: Card) -> list[str]:
    """The hosts that its certificates name beside the machine itself: whoever signs should know them."""
    return sorted({host for text in card.requests for host in Request.read(text).hosts} - set(LOCAL))


def _certified(folder: Folder, card: Card) -> dict[str, str]:
    serving, calling = identity.names(card.node)
    found: dict[str, str] = {}
    for text in card.requests:
        try:
            request = Request.read(text)
        except ValueError as wrong:
            raise Trouble(f"A request in the card cannot be signed: {wrong}.", code=2) from None
        allowed = request.name in serving or (request.name in calling and not request.hosts)
        if request.node != card.node_id or not allowed or request.name in found:
            raise Trouble(
                f"The card of {card.node_id} asks for a certificate in the name {request.node}:{request.name}.",
                mend="Sign nothing. Ask its operator, by a way other than the one the card came.",
            )
        found[request.name] = identity.certify(folder, request)
    return found


def _bus(folder: Folder, card: Card) -> dict[str, Any]:
    run = folder.run()
    if run is None or run.bus == "embedded":
        raise Trouble(
            "The bus here ends with its process, and no other machine reaches it.",
            mend="Start the house with --bus kafka, or on a bus of your own.",
        )
    users = [user for user in _registry(folder, card).users if user.house == card.node_id]
    ca = bus_access.authority(folder)
    return {
        "servers": run.bus_servers,
        "authority": ca.read_text() if ca is not None else "",
        "passwords": {user.service: bus_access.password(folder, user) for user in users},
    }


def _registry(folder: Folder, card: Card) -> Any:
    from house import topics  # noqa: PLC0415 - it brings the clients of the bus

    return topics.registry((*folder.plan().nodes, card.node))


def join(folder: Folder, node: Node, path: Path) -> list[str]:
    """Install a welcome; returns the lines that the house's file then needs. Raises `Trouble` where it does not fit."""
    said = _read(path)
    own = folder.of(node.node)
    serving, calling = identity.names(node)
    given = said["certificates"]
    if missing := [name for name in (*serving, *calling) if name not in given]:
        raise Trouble(f"{path} has no certificate for {', '.join(missing)}.", code=2)
    for name in (*serving, *calling):
        _check(given[name], identity.files(folder, node.node, name).key, f"{node.node}.{name}")
    card = cards.parsed(said["card"], str(path))
    for name in (*serving, *calling):
        identity.files(folder, node.node, name).certificate.write_text(given[name])
    identity.authority_file(folder).write_text(said["authority"])
    cards.keep(folder, card)
    folder.write_secret(f"{node.node}/{_BUS_CA}", said["bus"]["authority"])
    for service, password in said["bus"]["passwords"].items():
        bus_access.keep_password(own, service, password)
    return [
        f"{PREFIX}BUS_SERVERS={said['bus']['servers']}",
        f"{PREFIX}BUS_SECURITY=SASL_SSL",
        f"{PREFIX}BUS_CA_FILE={_BUS_CA}",
    ]


def _read(path: Path) -> dict[str, Any]:
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Trouble(f"There is no file {path}.", code=2) from None
    except ValueError:
        raise Trouble(f"{path} is no welcome: it is not JSON.", code=2) from None
    if not isinstance(said, dict) or set(said) != _MEMBERS or not _is_whole(said):
        raise Trouble(f"{path} is no welcome.", mend=f"It has the members {', '.join(sorted(_MEMBERS))}.", code=2)
    return said


def _is_whole(said: dict[str, Any]) -> bool:
    bus = said["bus"]
    texts = isinstance(bus, dict) and all(isinstance(bus.get(name), str) for name in ("servers", "authority"))
    passwords = bus.get("passwords") if isinstance(bus, dict) else None
    known = isinstance(passwords, dict) and all(
        isinstance(p, str) and _NAME.fullmatch(name) and _PASSWORD.fullmatch(p) for name, p in passwords.items()
    )
    return texts and known and isinstance(said["certificates"], dict) and isinstance(said["authority"], str)


def _check(certificate: Any, key: Path, name: str) -> None:
    """A certificate must be for the key that was made here."""
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415 - used here alone

    try:
        found = x509.load_pem_x509_certificate(str(certificate).encode()).public_key()
        own = load_pem_private_key(key.read_bytes(), None).public_key()
    except (ValueError, FileNotFoundError):
        raise Trouble(f"The certificate for {name} cannot be read, or its key was not made here.", code=2) from None
    if found != own:
        raise Trouble(f"The certificate for {name} is for another key than the one made here.", code=2)
