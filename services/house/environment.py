"""What the processes of a house and its command line are told: settings, from the folder and the plan."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from chassis.settings import PREFIX, ServiceSettings
from house import identity
from house.names import SERVICES
from house.ports import LOOPBACK
from house.postgres import database_of, named
from house.trouble import Trouble

if TYPE_CHECKING:
    from house.folder import Folder, Plan, Run

DATABASE_URL: Final = "database.url"
HOUSE: Final = "house"
# Of a given bus these come from the environment, as for a service run without a supervisor.
_OF_THE_BUS: Final = ("security", "username", "password_file", "ca_file", "certificate_file", "key_file")


def processes_of(plan: Plan) -> dict[str, tuple[str, ...]]:
    """Which services each process runs."""
    return {service: (service,) for service in SERVICES} if plan.split else {HOUSE: SERVICES}


def addresses(plan: Plan, kind: str) -> dict[str, str]:
    """Where each service answers: `kind` is rpc or ops."""
    return {
        service: f"{LOOPBACK}:{plan.ports[f'{process}.{kind}']}"
        for process, services in processes_of(plan).items()
        for service in services
    }


def bus_security() -> dict[str, str]:
    """How to speak to the bus, in the settings' own words."""
    found = {name: os.environ.get(f"{PREFIX}BUS_{name.upper()}", "") for name in _OF_THE_BUS}
    return {f"bus_{name}": value for name, value in found.items() if value}


def bus_password() -> str:
    """The password for the bus, from its file or the environment; empty where there is none."""
    if file := os.environ.get(f"{PREFIX}BUS_PASSWORD_FILE"):
        return Path(file).read_text().strip()
    return os.environ.get(f"{PREFIX}BUS_PASSWORD", "")


def of_process(folder: Folder, plan: Plan, process: str, bus_servers: str) -> dict[str, str]:
    """The environment of one process; what differs between services of one process is added in it."""
    peers = addresses(plan, "rpc")
    told = {
        "node_id": plan.node,
        "node_organisation": plan.organisation,
        "bus_kind": "embedded" if plan.bus == "embedded" else "kafka",
        "bus_servers": bus_servers,
        "bus_security": "PLAINTEXT",
        **bus_security(),
        "rpc_host": LOOPBACK,
        "rpc_port": str(plan.ports[f"{process}.rpc"]),
        "ops_port": str(plan.ports[f"{process}.ops"]),
        "peers": " ".join(f"{service}={address}" for service, address in peers.items()),
        "may_assert": " ".join(sorted(identity.may_assert(plan.node))),
        "wrapping_key_file": str(folder.secrets / "wrapping.key"),
        "house_key_file": str(folder.secrets / "house.key"),
        "embedded_profile": "true",
        "features": os.environ.get(f"{PREFIX}FEATURES", "hmpps"),
    }
    return {f"{PREFIX}{name.upper()}": value for name, value in told.items()} | {"PYTHONPATH": import_path()}


def import_path() -> str:
    """Where this process finds its packages, for its children to find the same."""
    return os.pathsep.join(filter(None, sys.path))


def of_service(folder: Folder, node: str, service: str) -> dict[str, str]:
    """What one service is told beyond its process: its own database and its own certificate."""
    found = identity.files(folder, node, service)
    return {
        f"{PREFIX}DATABASE_URL": named(read_url(folder), database_of(node, service)),
        f"{PREFIX}CA_FILE": str(found.ca),
        f"{PREFIX}CERTIFICATE_FILE": str(found.certificate),
        f"{PREFIX}KEY_FILE": str(found.key),
    }


def read_url(folder: Folder) -> str:
    """The address of the database server. Raises `Trouble` where no house was started in the folder."""
    path = folder.secrets / DATABASE_URL
    if not path.exists():
        raise Trouble(
            f"There is no house in {folder.path}.",
            mend="Start one with: throughcare up --example, or give its folder with --data.",
        )
    return path.read_text().strip()


def of_command_line(folder: Folder, run: Run, name: str = identity.OPERATOR, service: str = "") -> ServiceSettings:
    """Settings with which the command line calls the services, under its own certificate."""
    found = identity.files(folder, run.node, name)
    security: dict[str, Any] = {"bus_security": "PLAINTEXT", **bus_security()}
    return ServiceSettings(
        service=service,
        node_id=run.node,
        node_organisation=run.organisation,
        database_url=named(read_url(folder), database_of(run.node, service or SERVICES[0])),  # type: ignore[arg-type]
        bus_kind="embedded" if run.bus_kind == "embedded" else "kafka",
        bus_servers=run.bus_servers,
        peers=dict(run.addresses),
        ca_file=found.ca,
        certificate_file=found.certificate,
        key_file=found.key,
        wrapping_key_file=folder.secrets / "wrapping.key",
        house_key_file=folder.secrets / "house.key",
        embedded_profile=True,
        **security,
    )
