"""How a house comes to its bus: in clear on the embedded one, else over TLS as a user for each of its services.

The local Kafka's certificate, first user and passwords are made here. To a given bus a service comes as its operator
says in the environment or in the node's file; where neither names a user, as `<principal>.<service>` with the password
in `secrets/<node>/bus/<service>.password`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from house import identity
from house.buses import Secured
from house.nodes import PREFIX
from house.trouble import Trouble

if TYPE_CHECKING:
    from collections.abc import Mapping

    from house.folder import Folder
    from house.nodes import Node
    from house.topics import User

FIRST_USER: Final = "admin"
_FIRST_PASSWORD: Final = "bus-admin.password"  # noqa: S105 - the name of a file
OPERATOR: Final = "operator"
_OF_A_GIVEN_BUS: Final = ("security", "username", "password_file", "ca_file", "certificate_file", "key_file")
# Each service is told these for itself, with the files where they lie.
VARIABLES: Final = frozenset(f"{PREFIX}BUS_{word.upper()}" for word in _OF_A_GIVEN_BUS)
_FILES: Final = ("password_file", "ca_file", "certificate_file", "key_file")
_CLIENT: Final[Mapping[str, str]] = {
    "bus_security": "security.protocol",
    "bus_username": "sasl.username",
    "bus_ca_file": "ssl.ca.location",
    "bus_certificate_file": "ssl.certificate.location",
    "bus_key_file": "ssl.key.location",
}


def password_file(folder: Folder, service: str) -> Path:
    """Where the password of one service, or of the operator, of this house is."""
    return folder.secrets / "bus" / f"{service}.password"


def password(folder: Folder, user: User) -> str:
    """The password of a user whom this folder makes: for its own houses, and to be handed over to another."""
    return folder.of(user.house).secret(f"bus/{user.service}.password").read_text().strip()


def keep_password(folder: Folder, service: str, password: str) -> None:
    """Take a password that the operator of another bus has made for a user of this house."""
    folder.write_secret(f"{folder.node}/bus/{service}.password", password)


def authority(folder: Folder) -> Path | None:
    """The certificate by which a bus of this folder's is known; none where the machine's own authorities do."""
    told = of_service(folder, OPERATOR)
    return Path(told["bus_ca_file"]) if "bus_ca_file" in told else None


def of_service(folder: Folder, service: str) -> dict[str, str]:
    """How one service speaks to the bus, in the words of its settings. Raises `Trouble` where a password is missing."""
    plan, node = folder.plan(), folder.here
    if plan.bus == "embedded":
        return {"bus_security": "PLAINTEXT"}
    if plan.bus == "kafka":
        own = {"bus_security": "SASL_SSL", "bus_ca_file": str(folder.certs / "ca.pem")}
        return {**own, **_as_user(folder, node, service)}
    given = _given(folder, node)
    if given.get("bus_security") == "SASL_SSL" and "bus_username" not in given:
        given |= _as_user(folder, node, service)
        if not Path(given["bus_password_file"]).exists():
            raise Trouble(
                f"{given['bus_username']} has no password for the bus: no file {given['bus_password_file']}.",
                mend="The bus's operator makes it with `throughcare topics apply` and hands it over.",
            )
    if missing := next((value for name, value in given.items() if _is_missing(name, value)), None):
        raise Trouble(f"There is no file {missing}, with which {folder.node} is to come to its bus.")
    return {"bus_security": "PLAINTEXT", **given}


def _is_missing(name: str, value: str) -> bool:
    return name.removeprefix("bus_") in _FILES and not Path(value).exists()


def _as_user(folder: Folder, node: Node, service: str) -> dict[str, str]:
    return {"bus_username": node.user(service), "bus_password_file": str(password_file(folder, service))}


def _given(folder: Folder, node: Node) -> dict[str, str]:
    """What environment and node file say of a given bus; a file without a folder lies among the house's secrets."""
    found = {}
    for word in _OF_A_GIVEN_BUS:
        variable = f"{PREFIX}BUS_{word.upper()}"
        if value := os.environ.get(variable):
            found[f"bus_{word}"] = value
        elif value := node.settings.get(variable):
            found[f"bus_{word}"] = str(folder.located(value)) if word in _FILES else value
    return found


def first_user(folder: Folder) -> Secured:
    """A local broker's certificate and its first user, who may do everything and makes the others."""
    files = identity.bus_files(folder)
    password = folder.shared_secret(_FIRST_PASSWORD).read_text().strip()
    return Secured(
        ca_file=files.ca,
        certificate_file=files.certificate,
        key_file=files.key,
        username=FIRST_USER,
        password=password,
    )


def client(folder: Folder, *, bus: str, servers: str) -> dict[str, Any]:
    """How the command line reaches the bus: as its first user where it is ours, else as the house's operator."""
    basis = {"bootstrap.servers": servers, "log_level": 0}
    if bus == "embedded":
        return basis
    if bus == "kafka":
        return {**basis, **first_user(folder).client}
    told = of_service(folder, OPERATOR)
    found = {_CLIENT[name]: value for name, value in told.items() if name in _CLIENT}
    if "bus_username" in told:
        found["sasl.mechanism"] = "SCRAM-SHA-512"
        found["sasl.password"] = _password(told)
    return {**basis, **found}


def reader(folder: Folder, *, bus: str, servers: str) -> dict[str, Any]:
    """The same for looking at records, in the group into which the house's operator is let."""
    return {**client(folder, bus=bus, servers=servers), "group.id": f"{folder.node}.look"}


def is_secured(folder: Folder) -> bool:
    """Whether the bus has users and rules that are made from the registry."""
    return of_service(folder, OPERATOR).get("bus_security") == "SASL_SSL"


def _password(told: Mapping[str, str]) -> str:
    if file := told.get("bus_password_file"):
        return Path(file).read_text().strip()
    return os.environ.get(f"{PREFIX}BUS_PASSWORD", "")
