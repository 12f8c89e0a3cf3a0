"""What a house is: one organisation's node, as its file `deploy/nodes/<node>.env` says.

The file holds environment variables and nothing else, so that a container reads it too. It is looked at whole before
anything starts; a wrong value names its variable and the file.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from house.names import NODE, SERVICES
from house.trouble import Trouble

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FOLDER: Final = Path(__file__).resolve().parents[2] / "deploy" / "nodes"
PREFIX: Final = "THROUGHCARE_"
_ID: Final = re.compile(r"[a-z0-9][a-z0-9-]{1,39}")
_NAME: Final = re.compile(r"[^\x00-\x1f]{1,120}")
_FILE: Final = re.compile(r"[A-Za-z0-9._/-]{1,200}")
_CODE: Final = re.compile(r"[A-Z][A-Z_]{1,39}")
_WORDS: Final = re.compile(r"[a-z0-9-]+")
_ADDRESS: Final = re.compile(r"[A-Za-z0-9.-]+:[0-9]{1,5}(,[A-Za-z0-9.-]+:[0-9]{1,5})*")
_LONGEST_RETENTION: Final = 30


@dataclass(frozen=True, kw_only=True)
class Node:
    """One organisation's node. `settings` is what its file says beyond that, for its services."""

    node: str
    organisation: str
    name: str
    sector: str
    services: tuple[str, ...]
    features: tuple[str, ...] = ()
    bus_servers: str = ""
    principal: str = ""
    wrapping_key: str = "wrapping.key"
    house_key: str = "house.key"
    node_key: str = "node.key"
    retention_days: int = _LONGEST_RETENTION
    settings: Mapping[str, str] = field(default_factory=dict)
    file: str = ""

    def user(self, service: str) -> str:
        """Who this service is to a bus with passwords."""
        return f"{self.principal or self.node}.{service}"


class _Wrong(ValueError):  # noqa: N818 - an answer to an operator
    """A value that cannot be; the text says what may."""


def _matching(pattern: re.Pattern[str], what: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        if not pattern.fullmatch(text):
            raise _Wrong(f"must be {what}")
        return text

    return check


def _or_empty(check: Callable[[str], str]) -> Callable[[str], str]:
    return lambda text: check(text) if text else ""


def _services(text: str) -> tuple[str, ...]:
    found = text.replace(",", " ").split()
    if strange := [each for each in found if each not in SERVICES]:
        raise _Wrong(f"names no service of ours with {strange[0]}; there are: {', '.join(SERVICES)}")
    if "partners" not in found:
        raise _Wrong("must name partners: it is the house's one door to other houses")
    return tuple(service for service in SERVICES if service in found)


def _features(text: str) -> tuple[str, ...]:
    found = text.replace(",", " ").split()
    if not all(_WORDS.fullmatch(each) for each in found):
        raise _Wrong("must be words of small letters, digits and hyphens")
    return tuple(found)


def _retention(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= _LONGEST_RETENTION:
        raise _Wrong(f"must be a number of days from 1 to {_LONGEST_RETENTION}")
    return int(text)


_AN_ID: Final = _matching(_ID, "2 to 40 small letters, digits and hyphens")
_A_FILE: Final = _matching(_FILE, "the name of a file")
# variable → member, how it is read, and whether the file must have it
_READ: Final[Mapping[str, tuple[str, Callable[[str], Any], bool]]] = {
    "NODE_ID": ("node", _AN_ID, True),
    "NODE_ORGANISATION": ("organisation", _AN_ID, True),
    "NODE_NAME": ("name", _matching(_NAME, "a name of at most 120 characters"), True),
    "NODE_SECTOR": ("sector", _matching(_CODE, "a sector, such as VOLUNTARY or SECONDARY_CARE"), True),
    "NODE_SERVICES": ("services", _services, True),
    "FEATURES": ("features", _features, False),
    "BUS_SERVERS": ("bus_servers", _or_empty(_matching(_ADDRESS, "host:port, or several with commas")), False),
    "BUS_PRINCIPAL": ("principal", _or_empty(_AN_ID), False),
    "WRAPPING_KEY_FILE": ("wrapping_key", _A_FILE, False),
    "HOUSE_KEY_FILE": ("house_key", _A_FILE, False),
    "NODE_KEY_FILE": ("node_key", _A_FILE, False),
    "RETENTION_DAYS": ("retention_days", _retention, False),
}


def read(name: str) -> Node:
    """A node by its name in `deploy/nodes`, or by the path of its file. Raises `Trouble` that names what is wrong."""
    path = Path(name) if name.endswith(".env") else FOLDER / f"{name}.env"
    try:
        variables = _variables(path)
    except OSError:
        raise Trouble(f"There is no node {name}: no file {path}.", mend=_known(), code=2) from None
    found: dict[str, Any] = {"file": str(path.resolve())}
    for variable, (member, check, needed) in _READ.items():
        text = variables.pop(PREFIX + variable, None)
        if text is None and not needed:
            continue
        try:
            found[member] = check(text or "")
        except _Wrong as wrong:
            raise Trouble(f"{PREFIX}{variable} in {path} {wrong}.", code=2) from None
    return Node(**found, settings=variables)


def read_all(names: Sequence[str]) -> tuple[Node, ...]:
    """Several nodes, in the order given; no two with one id."""
    found = tuple(read(name) for name in names)
    ids = [each.node for each in found]
    if twice := next((each for each in ids if ids.count(each) > 1), None):
        raise Trouble(f"The node {twice} is given twice.", code=2)
    return found


def lead() -> Node:
    """The house that is started where none is named."""
    return read(NODE)


def _variables(path: Path) -> dict[str, str]:
    found = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not (text := line.strip()) or text.startswith("#"):
            continue
        variable, separator, value = text.partition("=")
        if not separator or not variable.startswith(PREFIX):
            raise Trouble(f"Line {number} of {path} is no {PREFIX}… variable.", code=2)
        found[variable] = value.strip().strip('"')
    return found


def _known() -> str:
    names = sorted(path.stem for path in FOLDER.glob("*.env"))
    return f"There are: {', '.join(names)}. Or give the path of a file that ends in .env."
