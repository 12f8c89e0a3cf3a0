"""The one folder that holds the houses of a machine: database, bus, certificates, secrets, and what runs now.

postgres/  kafka/     the embedded PostgreSQL and a local Kafka
certs/                certificates of this machine, of every house
secrets/              what all share: the database's address, the bus's first user; readable by their owner alone
secrets/<node>/       the keys and passwords of one house
cards/                what other houses have said of themselves (`throughcare node register`)
logs/                 what each process writes
house.json            what stays from start to start: nodes, bus, ports
run.json              what runs now: processes, addresses; written by the supervisor alone
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import time
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from house import nodes
from house.nodes import Node
from house.trouble import Trouble

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


_STOPS_WITHIN: Final = 60.0
_SAYS_SO_WITHIN: Final = 2.0


def _lead_alone() -> tuple[Node, ...]:
    return (nodes.lead(),)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What the houses are from start to start, whatever is killed in between. The first leads."""

    nodes: tuple[Node, ...] = field(default_factory=_lead_alone)
    bus: str = "embedded"
    postgres: str = "embedded"
    split: bool = False
    ports: Mapping[str, int] = field(default_factory=dict)

    @property
    def lead(self) -> Node:
        """The house that a command is about where none is named."""
        return self.nodes[0]

    def of(self, node: str) -> Node:
        """One of the houses. Raises `Trouble` where it is not among them."""
        for each in self.nodes:
            if each.node == node:
                return each
        known = ", ".join(each.node for each in self.nodes)
        raise Trouble(f"There is no house {node} here.", mend=f"There are: {known}.", code=2)


@dataclass(frozen=True, kw_only=True)
class Running:
    """One process of the house, as its supervisor sees it."""

    name: str
    pid: int | None
    started: float
    restarts: int
    state: str


@dataclass(frozen=True, kw_only=True)
class Doors:
    """Where the services of one house answer: their own doors, and what operators look at."""

    organisation: str
    addresses: Mapping[str, str]
    ops: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Run:
    """The houses as they run, looked at from one of them: `supervisor` with the processes it keeps, and every door."""

    supervisor: Running
    bus: str
    bus_servers: str
    houses: Mapping[str, Doors]
    processes: tuple[Running, ...]
    node: str

    @property
    def organisation(self) -> str:
        """Whose house it is."""
        return self.houses[self.node].organisation

    @property
    def addresses(self) -> Mapping[str, str]:
        """Where each of its services takes calls."""
        return self.houses[self.node].addresses

    @property
    def ops(self) -> Mapping[str, str]:
        """Where each of its services says how it is."""
        return self.houses[self.node].ops

    @property
    def services(self) -> tuple[str, ...]:
        """What the house runs."""
        return tuple(self.addresses)

    @property
    def bus_kind(self) -> str:
        """`embedded`, or `kafka` for a local broker and a given address alike."""
        return "embedded" if self.bus == "embedded" else "kafka"

    @property
    def everything(self) -> tuple[Running, ...]:
        """The supervisor and all it keeps."""
        return (self.supervisor, *self.processes)


class Folder:
    """The data folder, looked at from one of its houses: the named one, or the one that leads.

    Nothing is made before `make`.
    """

    def __init__(self, path: Path, node: str = "") -> None:
        self.path = path.expanduser().resolve()
        self.named = node
        self.postgres = self.path / "postgres"
        self.kafka = self.path / "kafka"
        self.certs = self.path / "certs"
        self.shared = self.path / "secrets"
        self.cards = self.path / "cards"
        self.logs = self.path / "logs"
        self.plan_file = self.path / "house.json"
        self.run_file = self.path / "run.json"

    @property
    def node(self) -> str:
        """The house it is looked at from. Raises `Trouble` where the named one is not here."""
        return self.here.node

    @property
    def here(self) -> Node:
        """The same with all that its file says."""
        plan = self.plan()
        return plan.of(self.named) if self.named else plan.lead

    @property
    def secrets(self) -> Path:
        """The keys and passwords of this house."""
        return self.shared / (self.named or self.node)

    def located(self, name: str) -> Path:
        """A file that the house's configuration names: among its secrets, where no folder is said."""
        return self.secrets / name

    def of(self, node: str) -> Folder:
        """The same folder looked at from another house."""
        return Folder(self.path, node)

    def houses(self) -> tuple[Folder, ...]:
        """From the named house; from each in turn where none was named."""
        return (self,) if self.named else tuple(self.of(each.node) for each in self.plan().nodes)

    @property
    def exists(self) -> bool:
        """Whether a house was ever started here."""
        return self.plan_file.exists()

    def must_exist(self) -> None:
        """Raises `Trouble` where no house was ever started here."""
        if not self.exists:
            raise Trouble(f"There is no house in {self.path}.", mend="Give the folder with --data.")

    def make(self) -> None:
        """Make what is missing. Another user may pass through (PostgreSQL has its own), but read nothing."""
        self.path.mkdir(parents=True, exist_ok=True)
        self.path.chmod(0o711)
        for private in (self.certs, self.shared, self.cards, self.logs):
            private.mkdir(exist_ok=True)
            private.chmod(0o700)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the folder for one supervisor; the lock ends with the process, however it ends.

        One that is stopping is waited for. Raises `Trouble` where one is running.
        """
        self.make()
        with (self.path / ".lock").open("w") as lock:
            until, soon = time.monotonic() + _STOPS_WITHIN, time.monotonic() + _SAYS_SO_WITHIN
            while not _locked(lock):
                if time.monotonic() > (until if self._is_stopping() else soon):
                    raise Trouble(
                        f"A house is running in {self.path} already.",
                        mend=f"Look at it with: throughcare status --data {self.path}. "
                        "Or stop it with Ctrl-C where it was started.",
                    )
                time.sleep(0.1)
            yield

    def _is_stopping(self) -> bool:
        run = self.run()
        return run is None or any(each.state in ("stopping", "stopped") for each in run.processes)

    def secret(self, name: str) -> Path:
        """A file of this house with 32 random bytes in hexadecimal, made once, readable by its owner alone."""
        return self._random(self.secrets / name)

    def shared_secret(self, name: str) -> Path:
        """The same for what all houses of the folder share."""
        return self._random(self.shared / name)

    def write_secret(self, name: str, text: str) -> Path:
        """Write a secret file that all houses share, whole or not at all."""
        path = self.shared / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(path, text, mode=0o600)
        return path

    def _random(self, path: Path) -> Path:
        if not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write(path, secrets.token_hex(32), mode=0o600)
        return path

    def plan(self) -> Plan:
        """What the houses here are; the lead house alone where nothing is written yet."""
        try:
            read: dict[str, Any] = json.loads(self.plan_file.read_text())
            return Plan(**{**read, "nodes": tuple(_node(each) for each in read["nodes"])})
        except FileNotFoundError:
            return Plan()
        except (KeyError, TypeError, ValueError):
            raise Trouble(
                f"What {self.plan_file} says cannot be read: another version made it, or somebody changed it.",
                mend="Start in a new folder with --data, or use the version that made this one.",
            ) from None

    def keep(self, plan: Plan) -> None:
        """Remember what the houses are."""
        _write(self.plan_file, json.dumps(asdict(plan), indent=2), mode=0o600)

    def run(self) -> Run | None:
        """What runs now by the supervisor's last word; it may be dead since (see `house.processes.alive`)."""
        with suppress(FileNotFoundError):
            read: dict[str, Any] = json.loads(self.run_file.read_text())
            read["supervisor"] = Running(**read["supervisor"])
            read["processes"] = tuple(Running(**each) for each in read["processes"])
            read["houses"] = {node: Doors(**doors) for node, doors in read["houses"].items()}
            run = Run(**read)
            return replace(run, node=self._among(run)) if self.named else run
        return None

    def _among(self, run: Run) -> str:
        if self.named not in run.houses:
            known = ", ".join(run.houses)
            raise Trouble(f"No house {self.named} is running here.", mend=f"There run: {known}.", code=2)
        return self.named

    def say(self, run: Run) -> None:
        """Write what runs now, whole or not at all."""
        _write(self.run_file, json.dumps(asdict(run), indent=2), mode=0o600)

    def remove(self) -> None:
        """Delete the house with all its data. Refuses a folder that holds no house."""
        self.must_exist()
        for path in (self.postgres, self.kafka, self.certs, self.shared, self.cards, self.logs):
            shutil.rmtree(path, ignore_errors=True)
        for left in self.path.iterdir():
            if left.is_file() or left.is_socket():
                left.unlink(missing_ok=True)
            else:
                shutil.rmtree(left, ignore_errors=True)
        self.path.rmdir()


def _node(read: dict[str, Any]) -> Node:
    words = {name: tuple(read[name]) for name in ("services", "features")}
    return Node(**{**read, **words})


def _locked(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _write(path: Path, text: str, *, mode: int) -> None:
    waiting = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(waiting, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    waiting.replace(path)
