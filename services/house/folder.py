"""The one folder that holds a house: its database, its bus, its certificates, its secrets, and what runs now.

postgres/  kafka/     the embedded PostgreSQL and a local Kafka
certs/     secrets/   certificates of this machine; keys, readable by their owner alone
logs/                 what each process writes
house.json            what stays from start to start: node, bus, ports
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
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from house.names import NODE
from house.trouble import Trouble

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


_STOPS_WITHIN: Final = 60.0
_SAYS_SO_WITHIN: Final = 2.0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a house is from start to start, whatever is killed in between."""

    node: str = NODE
    organisation: str = NODE
    bus: str = "embedded"
    postgres: str = "embedded"
    split: bool = False
    ports: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Running:
    """One process of the house, as its supervisor sees it."""

    name: str
    pid: int | None
    started: float
    restarts: int
    state: str


@dataclass(frozen=True, kw_only=True)
class Run:
    """The house as it runs: `supervisor` with the processes it keeps, and where everything answers."""

    supervisor: Running
    node: str
    organisation: str
    bus: str
    bus_servers: str
    addresses: Mapping[str, str]
    ops: Mapping[str, str]
    processes: tuple[Running, ...]

    @property
    def bus_kind(self) -> str:
        """`embedded`, or `kafka` for a local broker and a given address alike."""
        return "embedded" if self.bus == "embedded" else "kafka"

    @property
    def everything(self) -> tuple[Running, ...]:
        """The supervisor and all it keeps."""
        return (self.supervisor, *self.processes)


class Folder:
    """The data folder; nothing is made before `make`."""

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().resolve()
        self.postgres = self.path / "postgres"
        self.kafka = self.path / "kafka"
        self.certs = self.path / "certs"
        self.secrets = self.path / "secrets"
        self.logs = self.path / "logs"
        self.plan_file = self.path / "house.json"
        self.run_file = self.path / "run.json"

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
        for private in (self.certs, self.secrets, self.logs):
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
        """A file with 32 random bytes in hexadecimal, made once, readable by its owner alone."""
        path = self.secrets / name
        if not path.exists():
            self.write_secret(name, secrets.token_hex(32))
        return path

    def write_secret(self, name: str, text: str) -> Path:
        """Write a secret file whole or not at all."""
        path = self.secrets / name
        _write(path, text, mode=0o600)
        return path

    def plan(self) -> Plan:
        """What this house is; a new one where nothing is written yet."""
        with suppress(FileNotFoundError):
            return Plan(**json.loads(self.plan_file.read_text()))
        return Plan()

    def keep(self, plan: Plan) -> None:
        """Remember what this house is."""
        _write(self.plan_file, json.dumps(asdict(plan), indent=2), mode=0o600)

    def run(self) -> Run | None:
        """What runs now by the supervisor's last word; it may be dead since (see `house.processes.alive`)."""
        with suppress(FileNotFoundError):
            read: dict[str, Any] = json.loads(self.run_file.read_text())
            read["supervisor"] = Running(**read["supervisor"])
            read["processes"] = tuple(Running(**each) for each in read["processes"])
            return Run(**read)
        return None

    def say(self, run: Run) -> None:
        """Write what runs now, whole or not at all."""
        _write(self.run_file, json.dumps(asdict(run), indent=2), mode=0o600)

    def remove(self) -> None:
        """Delete the house with all its data. Refuses a folder that holds no house."""
        self.must_exist()
        for path in (self.postgres, self.kafka, self.certs, self.secrets, self.logs):
            shutil.rmtree(path, ignore_errors=True)
        for left in self.path.iterdir():
            if left.is_file() or left.is_socket():
                left.unlink(missing_ok=True)
            else:
                shutil.rmtree(left, ignore_errors=True)
        self.path.rmdir()


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
