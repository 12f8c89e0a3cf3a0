"""What a house says of itself to others: a card with its key and address. Nothing in it is secret.

Cards of other houses lie in the data folder, so that the bus is made fit for them too (`throughcare topics apply`).
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from cryptography import x509

from chassis import nodekeys
from chassis.certificates import fingerprint
from house import identity
from house.names import SERVICES
from house.nodes import Node
from house.trouble import Trouble

if TYPE_CHECKING:
    from pathlib import Path

    from house.folder import Folder, Plan

# The contracts that every service of this version reads.
SCHEMA_VERSIONS: Final = tuple(f"throughcare.{service}.v1" for service in SERVICES)
_ID: Final = re.compile(r"[a-z0-9][a-z0-9-]{1,39}")
_KEY: Final = re.compile(r"[0-9a-f]{64}")
_LARGEST: Final = 256 * 1024


@dataclass(frozen=True, kw_only=True)
class Card:
    """One node: who it is, how it is believed, where it answers, as whom it comes to a shared bus."""

    node_id: str
    org_id: str
    name: str
    sector: str
    services: tuple[str, ...]
    principal: str
    public_key: str
    rpc_address: str
    authority_fingerprint: str
    schema_versions: tuple[str, ...]
    requests: tuple[str, ...] = ()

    @property
    def node(self) -> Node:
        """The node as the topic registry needs it."""
        return Node(
            node=self.node_id,
            organisation=self.org_id,
            name=self.name,
            sector=self.sector,
            services=self.services,
            principal=self.principal,
        )

    @property
    def text(self) -> str:
        """The card as a file."""
        return json.dumps(asdict(self), indent=2) + "\n"


def of(folder: Folder, address: str = "", requests: tuple[str, ...] = ()) -> Card:
    """The card of a house of this folder; `address` is where its partners service answers others."""
    node = folder.here
    run = folder.run()
    answering = address or (run.addresses["partners"] if run is not None else "")
    if not answering:
        raise Trouble(
            "The card needs the address at which the partners service answers other houses.",
            mend="Give it with --address host:port, or start the house first.",
            code=2,
        )
    return Card(
        node_id=node.node,
        org_id=node.organisation,
        name=node.name,
        sector=node.sector,
        services=node.services,
        principal=node.principal or node.node,
        public_key=nodekeys.public_key(folder.located(node.node_key)).hex(),
        rpc_address=answering,
        authority_fingerprint=authority_fingerprint(identity.authority_file(folder)),
        schema_versions=SCHEMA_VERSIONS,
        requests=requests,
    )


def authority_fingerprint(path: Path) -> str:
    """The digest of an authority's certificate; empty where there is none yet."""
    return fingerprint(x509.load_pem_x509_certificate(path.read_bytes())) if path.exists() else ""


def read(path: Path) -> Card:
    """A card out of its file. Raises `Trouble` that names the member that is wrong."""
    try:
        if path.stat().st_size > _LARGEST:
            raise Trouble(f"{path} is too large for a card.", code=2)
        return parsed(json.loads(path.read_text(encoding="utf-8")), str(path))
    except FileNotFoundError:
        raise Trouble(f"There is no file {path}.", code=2) from None
    except ValueError:
        raise Trouble(f"{path} is no card: it is not JSON.", code=2) from None


def parsed(said: Any, where: str) -> Card:
    """A card out of what a file says."""
    members = Card.__dataclass_fields__
    if not isinstance(said, dict) or set(said) - set(members):
        raise Trouble(f"{where} is no card: it has {_beyond(said, members)}.", code=2)
    if missing := [name for name in members if name not in said and name != "requests"]:
        raise Trouble(f"{where} is no card: it says no {', '.join(missing)}.", code=2)
    lists = ("services", "schema_versions", "requests")
    texts = {name: said[name] for name in members if name not in lists}
    words = {name: said.get(name, []) for name in lists}
    if wrong := [name for name, text in texts.items() if not isinstance(text, str)]:
        raise Trouble(f"{wrong[0]} in {where} must be text.", code=2)
    if wrong := [
        n for n, held in words.items() if not isinstance(held, list) or not all(isinstance(w, str) for w in held)
    ]:
        raise Trouble(f"{wrong[0]} in {where} must be a list of texts.", code=2)
    given: dict[str, Any] = {**texts, **{name: tuple(held) for name, held in words.items()}}
    card = Card(**given)
    _check(card, where)
    return card


def _beyond(said: Any, members: Any) -> str:
    return ", ".join(sorted(set(said) - set(members))) if isinstance(said, dict) else "no members"


def _check(card: Card, where: str) -> None:
    for name in ("node_id", "org_id", "principal"):
        if not _ID.fullmatch(getattr(card, name)):
            raise Trouble(f"{name} in {where} must be 2 to 40 small letters, digits and hyphens.", code=2)
    if not _KEY.fullmatch(card.public_key):
        raise Trouble(f"public_key in {where} must be 32 bytes in hexadecimal.", code=2)
    if "partners" not in card.services or set(card.services) - set(SERVICES):
        raise Trouble(f"services in {where} must be of {', '.join(SERVICES)}, partners among them.", code=2)


def keep(folder: Folder, card: Card) -> None:
    """Remember another house's card."""
    folder.make()
    (folder.cards / f"{card.node_id}.json").write_text(card.text, encoding="utf-8")


def kept(folder: Folder) -> list[Card]:
    """The cards of other houses, by name."""
    return [read(path) for path in sorted(folder.cards.glob("*.json"))] if folder.cards.exists() else []


def known(folder: Folder, plan: Plan) -> tuple[Node, ...]:
    """Every node the bus is made for: the houses here, then those with a card."""
    here = {each.node for each in plan.nodes}
    return (*plan.nodes, *(card.node for card in kept(folder) if card.node_id not in here))
