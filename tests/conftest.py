"""What holds for every test: no unexpected error in the log, no network but loopback, profiles, and the rule
that a test of a real Kafka may not skip where one is required."""

from __future__ import annotations

import ipaddress
import logging
import os
import re
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

from tests.support import scratch

if TYPE_CHECKING:
    from collections.abc import Iterator

scratch.choose()
SUPPORT = Path(__file__).parent / "support"
pytest_plugins = [
    f"tests.support.{name}"
    for name in ("postgres", "bus", "clock", "house", "houses", "faults")
    if (SUPPORT / f"{name}.py").exists() or (SUPPORT / name / "__init__.py").exists()
]

KAFKA_IS_REQUIRED = bool(os.environ.get("THROUGHCARE_REQUIRE_KAFKA"))

settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("default"), derandomize=True, print_blob=True)
settings.register_profile("thorough", settings.get_profile("default"), max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


# A log of errors nobody expected is a failure, however green the assertions are. What a client of the bus says while
# brokers come and go is weather: ours is what the chassis makes of it. Uvicorn repeats what `chassis.ops` has said.
# What the collector finds of aiokafka is of an earlier test, or of a bus that was cut off on purpose.
# So is what asyncpg's pool does with a connection whose database went away while it was given back, or that a work cut
# off at its very beginning gives back in the middle: the pool rolls it back.
WEATHER = re.compile(
    r"aiokafka|uvicorn\.error|asyncio: Unclosed AIOKafka|asyncio: Resetting connection with an active transaction"
    r"|asyncio: Task exception was never retrieved\nfuture: <Task finished .* "
    r"coro=<(PoolConnectionHolder\.release|GroupCoordinator\._do_commit_offsets)\(\)"
)


@pytest.fixture(autouse=True)
def no_unexpected_error_is_logged(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fails a test that logged an error, unless `@pytest.mark.logs_errors("pattern")` says which it expects.
    An expected error that did not come fails as well.

    Taken where every record passes, not by a handler: what is tested may set up the log anew.
    """
    seen: list[str] = []
    passing = logging.Logger.callHandlers

    def noticed(logger: logging.Logger, record: logging.LogRecord) -> None:
        if record.levelno >= logging.ERROR:
            seen.append(f"{record.name}: {record.getMessage()}")
        passing(logger, record)

    monkeypatch.setattr(logging.Logger, "callHandlers", noticed)
    yield
    mark = request.node.get_closest_marker("logs_errors")
    expected = [re.compile(pattern) for pattern in (mark.args if mark else ())]
    ours = [each for each in seen if not WEATHER.match(each)]
    unexpected = [each for each in ours if not any(pattern.search(each) for pattern in expected)]
    missing = [pattern.pattern for pattern in expected if not any(pattern.search(each) for each in seen)]
    assert not unexpected, f"errors were logged that this test does not expect: {unexpected}"
    assert not missing, f"errors were expected and did not come: {missing}"


# No network but loopback. What a container engine or a given server needs is named by the environment.


# Where the bridges of a container engine on this machine are.
BRIDGES = [ipaddress.ip_network(each) for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")]


def _may_be_reached(host: str) -> bool:
    given = " ".join(os.environ.get(name, "") for name in ("BUS_SERVERS", "THROUGHCARE_TEST_POSTGRES", "DOCKER_HOST"))
    if host in {"", "localhost"} or host in given:
        return True
    try:
        address = ipaddress.ip_address(host.split("%", maxsplit=1)[0])
    except ValueError:
        return host == socket.gethostname()
    return address.is_loopback or address.is_unspecified or any(address in bridge for bridge in BRIDGES)


def _refuse_the_network(event: str, args: tuple[Any, ...]) -> None:
    if event == "socket.connect" and isinstance(args[1], tuple) and not _may_be_reached(str(args[1][0])):
        raise RuntimeError(f"a test may not reach {args[1][0]}: loopback only")
    if event == "socket.getaddrinfo" and isinstance(args[0], str) and not _may_be_reached(args[0]):
        raise RuntimeError(f"a test may not look up {args[0]}: loopback only")


sys.addaudithook(_refuse_the_network)


# Where a real Kafka is required, a skip of its tests is a failure. What a test needs is seen from its fixtures, so that
# a forgotten mark hides nothing.
OF_KAFKA, OF_A_BUS = {"kafka", "kafka_bus", "broker"}, {"bus", "embedded_bus"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what needs a bus, before `-m` chooses. Files with slow tests come first: where files run side by side, the
    last to begin should be a short one."""
    for item in items:
        needs = set(getattr(item, "fixturenames", ()))
        if needs & OF_KAFKA:
            item.add_marker(pytest.mark.kafka)
        if needs & (OF_KAFKA | OF_A_BUS):
            item.add_marker(pytest.mark.wire)
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    outcome: Any = yield
    report = outcome.get_result()
    if KAFKA_IS_REQUIRED and report.skipped and not hasattr(report, "wasxfail") and item.get_closest_marker("kafka"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} may not skip: THROUGHCARE_REQUIRE_KAFKA is set ({reason})"


def pytest_report_header() -> str:
    """Which examples Hypothesis tries, and whether a real Kafka is a must."""
    profile = os.environ.get("HYPOTHESIS_PROFILE", "default")
    kafka = "required" if KAFKA_IS_REQUIRED else "optional"
    return f"throughcare: hypothesis profile {profile}; a real Kafka is {kafka}"
