"""Apache Kafka as a plain JVM process on this machine: formatted, started, paused and killed."""

from __future__ import annotations

import base64
import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from cryptography import x509

from house.buses.ending import BusUnavailable, wait

if TYPE_CHECKING:
    from collections.abc import Mapping

_DEPLOY = Path(__file__).resolve().parents[3] / "deploy" / "kafka"
_JVM = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx512m")


def free_port() -> int:
    """A port of the loopback address that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def ensure_jars() -> Path:
    """The folder of the broker's jars, fetched by Maven where they are missing. Raises `BusUnavailable`."""
    if missing_for_kafka():
        raise BusUnavailable(missing_for_kafka())
    folder = _DEPLOY / "lib"
    if not any(folder.glob("kafka_*.jar")):
        maven = shutil.which("mvn")
        if maven is None:
            raise BusUnavailable("Fetching Kafka's jars needs Maven: make system-java, then make kafka.")
        command = [maven, "--batch-mode", "--quiet", "--file", str(_DEPLOY / "pom.xml"), "package"]
        if subprocess.run(command, check=False).returncode:  # noqa: S603 - Maven, as found
            raise BusUnavailable("Maven could not fetch Kafka's jars: its message is above.")
    return folder


def missing_for_kafka() -> str:
    """Why a local Kafka cannot run on this machine; empty where it can."""
    if shutil.which("java") is None:
        return "A local Kafka needs Java 17: make system-java."
    if not any((_DEPLOY / "lib").glob("kafka_*.jar")) and shutil.which("mvn") is None:
        return "Kafka's jars are not here: make system-java, then make kafka."
    return ""


@dataclass(frozen=True, kw_only=True)
class Secured:
    """What a secured broker needs: its certificate (server and client use, for 127.0.0.1) and the first user."""

    ca_file: Path
    certificate_file: Path
    key_file: Path
    username: str = "admin"
    password: str = field(repr=False)

    @property
    def subject(self) -> str:
        """The broker's name in its own certificate, as Kafka writes it."""
        certificate = x509.load_pem_x509_certificate(self.certificate_file.read_bytes())
        return certificate.subject.rfc4514_string()

    @property
    def client(self) -> dict[str, Any]:
        """Settings with which confluent-kafka's clients come in as the first user."""
        return {
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": self.username,
            "sasl.password": self.password,
            "ssl.ca.location": str(self.ca_file),
        }


@dataclass
class LocalKafka:
    """One Apache Kafka broker on the loopback address, in a folder; the same folder again has the same topics.

    A JVM of about 340 MB. It may be killed, paused and started again, which is what the fault tests are for.
    """

    folder: Path
    port: int = field(default_factory=free_port)
    controller_port: int = field(default_factory=free_port)
    secured: Secured | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def servers(self) -> str:
        """Where clients begin."""
        return f"127.0.0.1:{self.port}"

    @property
    def client(self) -> dict[str, Any]:
        """Settings of confluent-kafka's clients for an administrator of this broker."""
        return {"bootstrap.servers": self.servers, "log_level": 0} | (self.secured.client if self.secured else {})

    @property
    def command(self) -> list[str]:
        """The command line of the broker, for a supervisor that starts it itself (after `format`)."""
        return [*self._java(), "kafka.Kafka", str(self.folder / "broker.properties")]

    def format(self) -> None:
        """Write the settings, and prepare the folder where that has not been done; half a second."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        properties = self.folder / "broker.properties"
        properties.write_text(self._properties())
        properties.chmod(0o600)
        if (self.folder / "log" / "meta.properties").exists():
            return
        command = [*self._java(), "kafka.tools.StorageTool", "format", "--config", str(properties)]
        command += ["--cluster-id", _cluster_id()]
        if self.secured:
            name, password = self.secured.username, self.secured.password
            command += ["--add-scram", f"SCRAM-SHA-512=[name={name},password={password}]"]
        done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - Kafka's own tool
        if done.returncode:
            raise BusUnavailable("Kafka's folder could not be formatted:\n" + done.stdout.decode()[-2000:])

    def start(self, *, wait: float = 30) -> LocalKafka:
        """Format where needed, start, and wait until it answers (0: do not wait)."""
        self.format()
        with (self.folder / "broker.log").open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603 - Kafka's own class
                self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
        if wait:
            self._until_it_answers(wait)
        return self

    def stop(self) -> None:
        """Ask it to end, as at a shutdown; at most fifteen seconds."""
        self._end(signal.SIGTERM, seconds=15)

    def kill(self) -> None:
        """End it at once, as a power cut does."""
        self._end(signal.SIGKILL, seconds=5)

    def pause(self) -> None:
        """Stop its clock and everything else; clients see a broker that does not answer."""
        if self.process is not None:
            self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it run on."""
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)

    def _end(self, how: signal.Signals, *, seconds: float) -> None:
        if self.process is None:
            return
        self.resume()
        self.process.send_signal(how)
        wait(self.process, seconds=seconds)
        self.process = None

    def _java(self) -> list[str]:
        jars, java = ensure_jars(), shutil.which("java") or "java"
        logging = f"-Dlog4j2.configurationFile={_DEPLOY / 'log4j2.xml'}"
        return [java, *_JVM, logging, "-cp", f"{jars}/*"]

    def _properties(self) -> str:
        """The settings of this broker: what all share, what its kind needs, what differs from start to start."""
        kind = "secured" if self.secured else "plain"
        parts = [(_DEPLOY / f"{name}.properties").read_text() for name in ("broker", kind)]
        protocol = "SASL_SSL" if self.secured else "PLAINTEXT"
        own = {
            "listeners": f"{protocol}://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{self.controller_port}",
            "controller.quorum.voters": f"1@127.0.0.1:{self.controller_port}",
            "log.dirs": str(self.folder / "log"),
            **(self._security(self.secured) if self.secured else {}),
            **self.settings,
        }
        return "\n".join([*parts, *(f"{name}={value}" for name, value in own.items()), ""])

    def _security(self, secured: Secured) -> dict[str, str]:
        """Kafka reads key and certificate from one file, which is made here, readable by its owner alone."""
        both = self.folder / "broker.pem"
        both.touch(mode=0o600)
        both.write_bytes(secured.key_file.read_bytes() + secured.certificate_file.read_bytes())
        login = "org.apache.kafka.common.security.scram.ScramLoginModule required"
        return {
            "ssl.keystore.location": str(both),
            "ssl.truststore.location": str(secured.ca_file),
            "super.users": f"User:{secured.username};User:{secured.subject}",
            "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": (
                f'{login} username="{secured.username}" password="{secured.password}";'
            ),
        }

    def _until_it_answers(self, seconds: float) -> None:
        admin = AdminClient({**self.client, "socket.timeout.ms": 1000})
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self.process is None or self.process.poll() is not None:
                raise BusUnavailable(f"Kafka ended at once; what it said is in {self.folder / 'broker.log'}.")
            with suppress(KafkaException):
                if admin.list_topics(timeout=0.5).brokers:
                    return
            time.sleep(0.05)
        self.kill()
        raise BusUnavailable(f"Kafka did not answer; what it said is in {self.folder / 'broker.log'}.")


def _cluster_id() -> str:
    """A new cluster id: 16 random bytes as Kafka writes them, never beginning with a hyphen."""
    return "M" + base64.urlsafe_b64encode(os.urandom(16)).decode()[1:21] + "g"
