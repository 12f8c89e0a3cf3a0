"""A whole house in containers on one network: PostgreSQL, three brokers, four services, and its operator."""

import json
import os
import subprocess
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from docker.models.containers import Container
from testcontainers.core.container import DockerContainer
from testcontainers.core.network import Network

from house import nodes
from house.material import Material
from house.names import SERVICES
from tests.architecture.source import ROOT
from tests.containers.composed import Composed

BROKERS = ("kafka-1", "kafka-2", "kafka-3")
VOTERS = ",".join(f"{number}@{name}:9093" for number, name in enumerate(BROKERS, 1))
PLAYER = ROOT / "tests" / "containers" / "player.py"


@dataclass
class Said:
    """What a command of the operator ended with."""

    code: int
    out: str
    err: str

    @property
    def facts(self) -> Any:
        return json.loads(self.out)


@dataclass
class Stage:
    """Use as a context manager; what was started is gone afterwards."""

    folder: Path
    node: str = "together"
    tag: str = "local"
    running: dict[str, DockerContainer] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self._stack = ExitStack()
        secrets, backups = self.folder / "secrets", self.folder / "backups"
        Material(secrets).make(nodes.read(self.node))
        (backups / self.node).mkdir(parents=True)
        (backups / self.node).chmod(0o777)
        variables = {"NODE_ID": self.node, "NODE_ORGANISATION": self.node, "SECRETS": str(secrets), "TAG": self.tag}
        variables |= {"BACKUPS": str(backups), "OPERATOR_UID": "10001" if os.geteuid() == 0 else str(os.geteuid())}
        # Invented practitioners write from a domain that nobody can have.
        self.composed = Composed({**variables, "OTLP_ENDPOINT": "", "EMAIL_DOMAINS": "probation.example"})
        try:
            self.network = self._stack.enter_context(Network())
            self._start_all()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _start_all(self) -> None:
        for number, name in enumerate(BROKERS, 1):
            kafka = self.composed.container("kafka", ID=str(number), HOST=name, VOTERS=VOTERS, COPIES="3")
            self._start(name, kafka, name, "kafka")
        self._start("postgres", self.composed.container("postgres"), f"postgres.{self.node}")
        self._start("mail", self.composed.container("mail"), f"mail.{self.node}")
        self._start("operator", self._waiting("operator"))
        self._start("admission", self._waiting("admission"))
        self._until("postgres", "pg_isready", "--quiet", "--host=127.0.0.1", "--username=postgres")
        self.must("admission", "house", "admit", "--passwords", "/run/users", "--brokers", str(len(BROKERS)))
        for service in SERVICES:
            self.migrate(service)
            self.serve(service)
        for service in SERVICES:
            self.until_ready(service)
        self.must("operator", "house.example", "/house", self.node)

    def _start(self, name: str, container: DockerContainer, *aliases: str) -> None:
        container.with_network(self.network).with_network_aliases(*(aliases or [name]))
        self.running[name] = self._stack.enter_context(container)

    def _waiting(self, name: str) -> DockerContainer:
        """A container of the command line that waits to be told: starting one anew for each command takes longer."""
        container = self.composed.container(name)
        container.with_kwargs(**{**container._kwargs, "entrypoint": ["dumb-init", "--"]})
        container.with_volume_mapping(str(PLAYER), "/app/player/player.py", "ro")
        container.with_env("PYTHONPATH", "/app/services:/app/contracts:/app/player")
        return container.with_command(["python3", "-c", "import signal; signal.pause()"])

    def of(self, name: str) -> Container:
        """The engine's own view of a container."""
        return self.running[name].get_wrapped_container()

    def say(self, name: str, module: str, *arguments: str, within: float = 150) -> Said:
        """Run a module inside a container of the command line."""
        command = ["docker", "exec", self.of(name).id, "python3", "-m", module, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=within, check=False)
        return Said(done.returncode, done.stdout, done.stderr)

    def must(self, name: str, module: str, *arguments: str, within: float = 150) -> Said:
        """The same for what may not fail."""
        said = self.say(name, module, *arguments, within=within)
        assert said.code == 0, f"{module} {arguments}: {said.out[-2000:]} {said.err[-2000:]}"
        return said

    def operator(self, *arguments: str, within: float = 150) -> Said:
        """A command of `throughcare`, as the house's operator."""
        return self.say("operator", "house", *arguments, "--data", "/house", within=within)

    def playing(self, first: int, last: int) -> subprocess.Popen[str]:
        """The story of these men, while something else happens."""
        command = ["python3", "-m", "player", "/house", str(first), str(last)]
        return subprocess.Popen(
            ["docker", "exec", self.of("operator").id, *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def migrate(self, service: str) -> None:
        """The migration job of a service."""
        job = self.composed.container(f"{service}-migrations").with_network(self.network)
        with job:
            ended = job.get_wrapped_container().wait(timeout=60)
            assert ended["StatusCode"] == 0, job.get_logs()

    def serve(self, service: str) -> None:
        """A service, as compose starts it."""
        self._start(service, self.composed.container(service), f"{service}.{self.node}")

    def until_ready(self, service: str, *, within: float = 60) -> float:
        """How long it took until the service answered that it is ready."""
        ask = 'import urllib.request as r; r.urlopen("http://127.0.0.1:7001/health/readiness", timeout=3)'
        return self._until(service, "python3", "-c", ask, within=within)

    def _until(self, name: str, *command: str, within: float = 60) -> float:
        began = time.monotonic()
        while self.of(name).exec_run([*command]).exit_code:
            assert time.monotonic() - began < within, self.logs(name)
            time.sleep(0.2)
        return time.monotonic() - began

    def logs(self, name: str) -> str:
        """The end of what a container wrote."""
        return self.of(name).logs(tail=30).decode(errors="replace")

    def audited(self) -> dict[str, Any]:
        """The product's own audit once the house is quiet; it must be clean."""
        quiet = self.operator("status", "--json", "--wait-quiet", "60")
        assert quiet.code == 0, quiet.out + quiet.err
        said = self.operator("doctor", "--audit", "--json")
        assert said.code == 0, said.out + said.err
        return said.facts


def played(process: subprocess.Popen[str], *, within: float = 150) -> dict[str, Any]:
    """What the player says when every command has been answered."""
    out, err = process.communicate(timeout=within)
    assert process.returncode == 0, err[-2000:]
    return json.loads(out)
