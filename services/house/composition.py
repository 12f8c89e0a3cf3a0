"""What the houses of a machine are made of: PostgreSQL, a bus, and their processes, as children of one supervisor."""

from __future__ import annotations

import asyncio
import signal
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from house import bus_access, cards, environment, identity, ports, topics
from house.buses import BusUnavailable, LocalKafka, embedded_command
from house.postgres import EmbeddedPostgres, answers
from house.supervisor import Child
from house.trouble import Trouble

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from house.folder import Folder, Plan

POSTGRES, BUS, KAFKA = "postgres", "bus", "kafka"
_HOUSE_PATIENCE: Final = 15.0
_KAFKA_PATIENCE: Final = 20.0


def planned(folder: Folder, plan: Plan, given_ports: Mapping[str, int] | None = None) -> Plan:
    """The plan with a port for everything that needs one: kept ones where they are free, given ones always."""
    wanted = [f"{process}.{kind}" for process in environment.processes_of(plan) for kind in ("rpc", "ops")]
    if plan.bus == KAFKA:
        wanted += ["kafka", "kafka.controller"]
    given = given_ports or {}
    for name, port in given.items():
        if not ports.is_free(port):
            raise Trouble(f"Port {port} for {name} is taken.", mend="Give another, or none to have one chosen.")
    chosen = ports.choose([name for name in wanted if name not in given], plan.ports)
    return replace(plan, ports={**chosen, **given})


@dataclass
class Houses:
    """The houses in one folder. `children` is what their supervisor keeps."""

    folder: Folder
    plan: Plan

    def prepare(self) -> None:
        """Make certificates, keys and settings; nothing is started."""
        self.folder.make()
        self.folder.keep(self.plan)
        identity.ensure(self.folder, self.plan.nodes)
        self.folder.write_secret(environment.DATABASE_URL, self.database_url)
        if self.plan.bus == KAFKA:
            for user in self.registry.users:
                bus_access.password(self.folder, user)
        for node in self.plan.nodes:
            for service in node.services:
                bus_access.of_service(self.folder.of(node.node), service)  # says what is missing before anything starts

    @property
    def database_url(self) -> str:
        """The address of the database server."""
        return self._postgres.url if self.plan.postgres == "embedded" else self.plan.postgres

    @property
    def bus_servers(self) -> str:
        """Where the bus is; of the embedded one empty until it runs."""
        if self.plan.bus == "embedded":
            return self._port_file.read_text().strip() if self._port_file.exists() else ""
        return self._kafka.servers if self.plan.bus == KAFKA else self.plan.bus

    @property
    def registry(self) -> topics.Registry:
        """What the bus must have: for the houses here, and for those that were registered with a card."""
        return topics.registry(cards.known(self.folder, self.plan))

    def children(self) -> Sequence[Child]:
        """Everything to keep, in the order in which it is needed."""
        return [*self._databases(), *self._buses(), *self._processes()]

    async def make_topics(self) -> None:
        """Make what the registry names on a bus that is ours, or open to anybody. Raises `Trouble` while it is away."""
        client = bus_access.client(self.folder, bus=self.plan.bus, servers=self.bus_servers)
        password = (lambda user: bus_access.password(self.folder, user)) if self.plan.bus == KAFKA else None
        await asyncio.to_thread(topics.apply, client, self.registry, password=password)

    @property
    def _postgres(self) -> EmbeddedPostgres:
        return EmbeddedPostgres(self.folder.postgres)

    @property
    def _port_file(self) -> Any:
        return self.folder.path / "bus.port"

    @property
    def _kafka(self) -> LocalKafka:
        return LocalKafka(
            self.folder.kafka,
            port=self.plan.ports["kafka"],
            controller_port=self.plan.ports["kafka.controller"],
            secured=bus_access.first_user(self.folder),
        )

    def _databases(self) -> list[Child]:
        if self.plan.postgres != "embedded":
            return []
        server = self._postgres

        async def ready() -> bool:
            return await answers(server.url)

        return [
            Child(
                name=POSTGRES,
                command=server.command,
                prepare=server.prepare,
                ready=ready,
                stop=signal.SIGINT,  # PostgreSQL's fast shutdown
                orphaned=signal.SIGINT,
                user=server.user,
            )
        ]

    def _buses(self) -> list[Child]:
        if self.plan.bus == "embedded":
            return [self._embedded()]
        return [self._local_kafka()] if self.plan.bus == KAFKA else []

    def _embedded(self) -> Child:
        names = topics.registry(self.plan.nodes).names

        async def ready() -> bool:
            return bool(self.bus_servers)

        return Child(
            name=BUS,
            command=lambda: embedded_command(self._port_file, names),
            environment=lambda: {"PYTHONPATH": environment.import_path()},
            prepare=lambda: self._port_file.unlink(missing_ok=True),
            ready=ready,
        )

    def _local_kafka(self) -> Child:
        kafka = self._kafka

        def prepare() -> None:
            try:
                kafka.format()
            except BusUnavailable as why:
                raise Trouble(str(why), mend="Or use the embedded bus: --bus embedded") from None

        async def ready() -> bool:
            if not await _listens(kafka.servers):
                return False
            try:
                await self.make_topics()
            except Trouble:
                return False
            return True

        return Child(
            name=KAFKA,
            command=lambda: kafka.command,
            prepare=prepare,
            ready=ready,
            patience=_KAFKA_PATIENCE,
        )

    def _processes(self) -> list[Child]:
        return [self._process(name, runs) for name, runs in environment.processes_of(self.plan).items()]

    def _process(self, name: str, runs: environment.Runs) -> Child:
        async def ready() -> bool:
            return await asyncio.to_thread(_is_up, self.plan.ports[f"{name}.ops"])

        needs = (POSTGRES,) if self.plan.postgres == "embedded" else ()
        # The embedded bus has a new address at each start; a broker keeps its own and is waited for by the services.
        tied = (BUS,) if self.plan.bus == "embedded" else ()
        first = (KAFKA,) if self.plan.bus == KAFKA else ()
        return Child(
            name=name,
            command=lambda: [
                sys.executable,
                "-m",
                "house.process",
                str(self.folder.path),
                runs.node.node,
                *runs.services,
            ],
            environment=lambda: environment.of_process(self.folder, self.plan, name, self.bus_servers),
            ready=ready,
            needs=(*needs, *tied),
            needs_first=first,
            ends_with=tied,
            patience=_HOUSE_PATIENCE,
        )


async def _listens(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        async with asyncio.timeout(1):
            _, writer = await asyncio.open_connection(host, int(port))
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


def _is_up(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://{ports.LOOPBACK}:{port}/health/readiness", timeout=3) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError, ValueError):
        return False
