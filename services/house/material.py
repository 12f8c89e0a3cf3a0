"""`throughcare secrets`: the certificates, keys and passwords of a house in containers, a folder for each container.

For trying and for tests. In production the same files come from the organisation's own authority and vault; what each
container expects to find under `/run/secrets` is what is made here. What is there is replaced only when asked:
certificates (`renew`), passwords (`new_passwords`) and the wrapping key (`new_wrapping_key`).

bus/broker/              a broker: ca.pem broker.pem admin.password cluster.id
bus/admin/ bus/users/    whoever makes the users of the bus: his own password, and theirs
<node>/<service>/        a service: database.url bus.password bus-ca.pem ca.pem certificate.pem key.pem wrapping.key
                         house.key; partners also node.key
<node>/migrations/       the address by which each service's migrations come in: the owner of its tables
<node>/mail/             a mail catcher: certificate.pem key.pem
<node>/postgres/         the database server: a password for each role
<node>/operator/         the data folder of the command line, as `throughcare up` would have made it
<node>/authority/ bus/authority/   the authorities themselves; no container is given them
"""

from __future__ import annotations

import base64
import os
import secrets
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from chassis import nodekeys
from chassis.certificates import Authority
from house import bus_access, environment, identity
from house.folder import Doors, Folder, Plan, Run, Running
from house.postgres import database_of
from house.status import ELSEWHERE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from house.nodes import Node

BUS: Final = "kafka:9092"
RPC_PORT, OPS_PORT = 7000, 7001
UID: Final = 10001  # who runs in our images
MAIL, DOOR = "mail", "partners"  # a mail catcher; the one service that speaks with other houses
_BROKERS: Final = ("kafka", "kafka-1", "kafka-2", "kafka-3", "localhost", "127.0.0.1")


@dataclass(frozen=True)
class Material:
    """Everything secret of the houses on one bus, in one folder."""

    folder: Path

    def make(self, node: Node, *, renew: bool = False) -> None:
        """Make what is missing for the bus and for this house; `renew` issues its certificates anew."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        at = datetime.now(UTC)  # certificates are judged by the machines' clocks, not by the house's
        self._bus(at, renew=renew)
        self._house(node, at, renew=renew)
        self._trust()
        self._hand_over(node)

    def new_passwords(self, node: Node) -> None:
        """Forget the passwords of this house's users, on the bus and in its database: `make` then makes others. Until
        the bus and the database know them too, and a service was started again, it goes on with what it has."""
        home = self.folder / node.node
        operator = bus_access.password_file(Folder(home / bus_access.OPERATOR), bus_access.OPERATOR)
        for path in (*home.glob("postgres/*.password"), *home.glob("*/bus.password"), operator):
            path.unlink(missing_ok=True)

    def new_wrapping_key(self, node: Node) -> None:
        """Put a new wrapping key before those there are, which go on unwrapping what they have wrapped; `make` gives
        it to the services."""
        path = self._wrapping(node)
        _write(path, "\n".join((secrets.token_hex(32), *_once(path).split())))

    def forget_wrapping_keys(self, node: Node) -> None:
        """Keep the first wrapping key alone: nothing may be wrapped under another any more."""
        path = self._wrapping(node)
        _write(path, _once(path).split()[0])

    def _wrapping(self, node: Node) -> Path:
        return self.folder / node.node / "authority" / "wrapping.key"

    def _bus(self, at: datetime, *, renew: bool) -> None:
        authority = _authority(self.folder / "bus" / "authority", "Throughcare bus", at)
        home, admin = self.folder / "bus" / "broker", self.folder / "bus" / "admin"
        _write(admin / "bus.password", _once(home / "admin.password"))
        _once(home / "cluster.id", base64.urlsafe_b64encode(b"\x34" + os.urandom(15)).decode().rstrip("="))
        if renew or not (home / "broker.pem").exists():
            files = authority.service("bus", "broker", at=at, hosts=_BROKERS)
            _write(home / "broker.pem", files.key.read_text() + files.certificate.read_text())
            for path in (home / "ca.pem", admin / "bus-ca.pem"):
                _write(path, authority.file.read_text())

    def _house(self, node: Node, at: datetime, *, renew: bool) -> None:
        home = self.folder / node.node
        authority = _authority(home / "authority", f"Throughcare {node.node}", at)
        passwords = {role: _once(home / "postgres" / f"{role}.password") for role in _roles(node)}
        wrapping, shared = _once(self._wrapping(node)), _once(home / "authority" / "house.key")
        self._certified(node, MAIL, authority, at, renew=renew)
        for service in node.services:
            own = home / service
            self._certified(node, service, authority, at, renew=renew)
            self._user(node, service, own / "bus.password")
            _write(own / "database.url", _url(node, service, service, passwords[service]))
            owner = f"{service}_owner"
            _write(home / "migrations" / f"{service}.url", _url(node, service, owner, passwords[owner]))
            _write(own / "wrapping.key", wrapping)
            _write(own / "house.key", shared)
            if service == DOOR:
                _write(own / "node.key", _signing(home / "authority" / "node.key"))
            _write(own / "bus-ca.pem", (self.folder / "bus" / "broker" / "ca.pem").read_text())
        keys = {node.wrapping_key: wrapping, node.house_key: shared}
        if DOOR in node.services:
            keys[node.node_key] = _signing(home / "authority" / "node.key")
        self._operator(node, authority, at, keys, passwords, renew=renew)

    def _trust(self) -> None:
        """Every house has an authority of its own; its door, and no other service, must trust those of the others whose
        secrets lie here. A service reads the file when it starts."""
        files = {path.parent.parent.name: path.read_text() for path in self.folder.glob("*/authority/ca.pem")}
        del files["bus"]
        for node, own in files.items():
            if (door := self.folder / node / DOOR).is_dir():
                others = [text for other, text in sorted(files.items()) if other != node]
                _write(door / "ca.pem", "".join((own, *others)))

    def _certified(self, node: Node, name: str, authority: Authority, at: datetime, *, renew: bool) -> None:
        own = self.folder / node.node / name
        if (own / "certificate.pem").exists() and not renew:
            return
        files = authority.service(node.node, name, at=at, hosts=(f"{name}.{node.node}", "localhost"))
        _write(own / "ca.pem", authority.file.read_text())
        _write(own / "certificate.pem", files.certificate.read_text())
        _write(own / "key.pem", files.key.read_text())

    def _operator(
        self,
        node: Node,
        authority: Authority,
        at: datetime,
        keys: Mapping[str, str],
        passwords: Mapping[str, str],
        *,
        renew: bool,
    ) -> None:
        """A data folder in which nothing runs: it says where the house does."""
        folder = Folder(self.folder / node.node / bus_access.OPERATOR)
        folder.make()
        for name in (bus_access.OPERATOR, identity.ADAPTER):
            found = identity.files(folder, node.node, name)
            if renew or not found.certificate.exists():
                made = authority.client(node.node, name, at=at)
                shutil.copy(made.certificate, found.certificate)
                shutil.copy(made.key, found.key)
                shutil.copy(authority.file, found.ca)
        url = f"postgresql://postgres:{passwords['postgres']}@postgres.{node.node}:5432/postgres"
        folder.keep(Plan(nodes=(node,), bus=BUS, postgres=url, split=True))
        folder.say(_run(node))
        for name, text in keys.items():
            folder.write_secret(f"{node.node}/{name}", text)
        self._user(node, bus_access.OPERATOR, bus_access.password_file(folder, bus_access.OPERATOR))
        folder.write_secret("bus-ca.pem", (self.folder / "bus" / "broker" / "ca.pem").read_text())
        folder.write_secret(environment.DATABASE_URL, url)

    def _user(self, node: Node, name: str, path: Path) -> None:
        """A user of the bus: the service knows the password, and so does whoever makes the bus's users."""
        _write(self.folder / "bus" / "users" / node.user(name), _once(path))

    def _hand_over(self, node: Node) -> None:
        """Started by root, the command line's container runs as nobody in particular and owns its own folder."""
        if os.geteuid() != 0:
            return
        operator = self.folder / node.node / bus_access.OPERATOR
        for path in (operator, *operator.rglob("*")):
            os.chown(path, UID, UID)


def _run(node: Node) -> Run:
    return Run(
        supervisor=Running(name="supervisor", pid=None, started=0, restarts=0, state=ELSEWHERE),
        bus=BUS,
        bus_servers=BUS,
        houses={
            node.node: Doors(
                organisation=node.organisation,
                addresses={service: f"{service}.{node.node}:{RPC_PORT}" for service in node.services},
                ops={service: f"{service}.{node.node}:{OPS_PORT}" for service in node.services},
            )
        },
        processes=(),
        node=node.node,
    )


def _roles(node: Node) -> tuple[str, ...]:
    return ("postgres", *node.services, *(f"{service}_owner" for service in node.services))


def _url(node: Node, service: str, role: str, password: str) -> str:
    return f"postgresql://{role}:{password}@postgres.{node.node}:5432/{database_of(node.node, service)}"


def _authority(folder: Path, name: str, at: datetime) -> Authority:
    return Authority.load(folder) if (folder / "ca.key").exists() else Authority.make(folder, name, at=at)


def _signing(path: Path) -> str:
    """The key with which this house signs what leaves it, made once."""
    if not path.exists():
        nodekeys.make(path)
    return path.read_text()


def _once(path: Path, text: str = "") -> str:
    """A secret made once: what the file says, or 32 random bytes in hexadecimal."""
    if not path.exists():
        _write(path, text or secrets.token_hex(32))
    return path.read_text().strip()


def _write(path: Path, text: str) -> None:
    """Readable inside a container, whoever runs there; on this machine the folder above lets nobody through."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o644)
