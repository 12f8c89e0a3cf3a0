"""The embedded bus: librdkafka's mock cluster in a process of its own. It keeps nothing when that process ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from confluent_kafka import Producer

from house.buses.ending import BusUnavailable, wait

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


@dataclass
class Embedded:
    """An embedded bus in a child process. It ends when its standard input closes, so never outlives its parent."""

    servers: str
    process: subprocess.Popen[bytes]

    def create_topics(self, topics: Iterable[str]) -> None:
        """Make these topics, four partitions each. Returns at once; they are there some milliseconds later."""
        if self.process.stdin is not None:
            self.process.stdin.write("".join(f"{topic}\n" for topic in topics).encode())
            self.process.stdin.flush()

    def stop(self) -> None:
        """End it; everything on it is gone."""
        with suppress(OSError):
            if self.process.stdin is not None:
                self.process.stdin.close()
        wait(self.process, seconds=5)


def embedded_command(port_file: Path, topics: Iterable[str]) -> list[str]:
    """The command line of a child that is an embedded bus and writes its address into `port_file`."""
    return [sys.executable, "-m", "house.buses", "embedded", "--port-file", str(port_file), *topics]


def start_embedded(topics: Iterable[str], *, folder: Path) -> Embedded:
    """Start an embedded bus with these topics as a child process; its address is in `folder`/bus.port."""
    port_file = folder / "bus.port"
    port_file.unlink(missing_ok=True)
    process = subprocess.Popen(  # noqa: S603 - our own module
        embedded_command(port_file, topics), stdin=subprocess.PIPE, env=_importable(os.environ)
    )
    return Embedded(_address(port_file, process), process)


def _importable(environment: Mapping[str, str]) -> dict[str, str]:
    root = str(Path(__file__).resolve().parents[2])
    path = environment.get("PYTHONPATH", "")
    return {**environment, "PYTHONPATH": f"{root}{os.pathsep}{path}" if path else root}


def _address(port_file: Path, process: subprocess.Popen[bytes], *, seconds: float = 15) -> str:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if port_file.exists() and (text := port_file.read_text().strip()):
            return text
        if process.poll() is not None:
            raise BusUnavailable(f"The embedded bus ended at once, with {process.returncode}.")
        time.sleep(0.01)
    process.kill()
    raise BusUnavailable("The embedded bus did not say its address in time.")


def serve_embedded(topics: Sequence[str], port_file: Path) -> None:
    """Be an embedded bus until standard input closes; each line of it is one more topic to make."""
    bus = Producer({"bootstrap.servers": "unused", "test.mock.num.brokers": 1, "log_level": 0})
    found = bus.list_topics(timeout=10)
    for topic in topics:
        bus.list_topics(topic, timeout=10)
    broker = next(iter(found.brokers.values()))
    waiting = port_file.with_suffix(".tmp")
    waiting.write_text(f"{broker.host}:{broker.port}")
    waiting.replace(port_file)
    for line in sys.stdin:
        if topic := line.strip():
            bus.list_topics(topic, timeout=10)


def main(arguments: Sequence[str]) -> None:
    """`python -m house.buses embedded --port-file F [topic …]`: be an embedded bus until standard input closes."""
    match arguments:
        case ["embedded", "--port-file", port_file, *topics]:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when it ends
            serve_embedded(topics, Path(port_file))
        case _:
            raise SystemExit("usage: python -m house.buses embedded --port-file FILE [TOPIC …]")
