"""What the processes of a house and its command line are told: settings, from the folder and the plan."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from chassis.settings import PREFIX, ServiceSettings
from house import bus_access, identity
from house.ports import LOOPBACK
from house.postgres import database_of, named
from house.trouble import Trouble

if TYPE_CHECKING:
    from house.folder import Folder, Plan, Run
    from house.nodes import Node

DATABASE_URL: Final = "database.url"
HOUSE: Final = "house"
_POOL_OF_SEVERAL: Final = "4"


class Runs(NamedTuple):
    """What one process runs."""

    node: Node
    services: tuple[str, ...]


def processes_of(plan: Plan) -> dict[str, Runs]:
    """Every process: `house`, or one a service; those of a house that does not lead have its node before the name."""
    found: dict[str, Runs] = {}
    for node in plan.nodes:
        own = "" if node is plan.lead else f"{node.node}."
        if plan.split:
            found |= {f"{own}{service}": Runs(node, (service,)) for service in node.services}
        else:
            found[f"{own}{HOUSE}"] = Runs(node, node.services)
    return found


def addresses(plan: Plan, node: Node, kind: str) -> dict[str, str]:
    """Where each service of one house answers: `kind` is rpc or ops."""
    return {
        service: f"{LOOPBACK}:{plan.ports[f'{process}.{kind}']}"
        for process, runs in processes_of(plan).items()
        if runs.node is node
        for service in runs.services
    }


def of_process(folder: Folder, plan: Plan, process: str, bus_servers: str) -> dict[str, str]:
    """The environment of one process; what differs between services of one process is added in it."""
    node = processes_of(plan)[process].node
    peers, own = addresses(plan, node, "rpc"), folder.of(node.node)
    told = {
        "node_id": node.node,
        "node_organisation": node.organisation,
        "bus_kind": "embedded" if plan.bus == "embedded" else "kafka",
        "bus_servers": bus_servers,
        "rpc_host": LOOPBACK,
        "rpc_port": str(plan.ports[f"{process}.rpc"]),
        "ops_port": str(plan.ports[f"{process}.ops"]),
        "peers": " ".join(f"{service}={address}" for service, address in peers.items()),
        "may_assert": " ".join(sorted(identity.may_assert(node.node))),
        "wrapping_key_file": str(own.located(node.wrapping_key)),
        "house_key_file": str(own.located(node.house_key)),
        "node_key_file": str(own.located(node.node_key)),
        "embedded_profile": "true",
        "features": os.environ.get(f"{PREFIX}FEATURES", " ".join(node.features)),
    }
    own_words = {f"{PREFIX}{name.upper()}": value for name, value in told.items()}
    beyond = {name: value for name, value in node.settings.items() if name not in bus_access.VARIABLES}
    # Houses of one folder share one server, of whose memory each connection takes a part.
    fewer = {f"{PREFIX}DATABASE_POOL": _POOL_OF_SEVERAL} if len(plan.nodes) > 1 else {}
    return {**fewer, **beyond, **own_words, "PYTHONPATH": import_path()}


def import_path() -> str:
    """Where this process finds its packages, for its children to find the same."""
    return os.pathsep.join(filter(None, sys.path))


def of_service(folder: Folder, service: str) -> dict[str, str]:
    """What one service is told beyond its process: its own database, its own certificate, itself as the bus's user."""
    node, found = folder.node, identity.files(folder, folder.node, service)
    told = {
        "database_url": named(read_url(folder), database_of(node, service)),
        "ca_file": str(found.ca),
        "certificate_file": str(found.certificate),
        "key_file": str(found.key),
        **bus_access.of_service(folder, service),
    }
    return {f"{PREFIX}{name.upper()}": value for name, value in told.items()}


def read_url(folder: Folder) -> str:
    """The address of the database server. Raises `Trouble` where no house was started in the folder."""
    path = folder.shared / DATABASE_URL
    if not path.exists():
        raise Trouble(
            f"There is no house in {folder.path}.",
            mend="Start one with: throughcare up --example, or give its folder with --data.",
        )
    return path.read_text().strip()


def of_command_line(folder: Folder, run: Run, name: str = identity.OPERATOR, service: str = "") -> ServiceSettings:
    """Settings with which the command line calls the services of a house, under its own certificate."""
    found, own = identity.files(folder, run.node, name), folder.of(run.node)
    node = own.here
    told: dict[str, Any] = {"bus_security": "PLAINTEXT"}  # it never comes to the bus as a service does
    return ServiceSettings(
        service=service,
        node_id=run.node,
        node_organisation=run.organisation,
        database_url=named(read_url(folder), database_of(run.node, service or run.services[0])),  # type: ignore[arg-type]
        bus_kind="embedded" if run.bus_kind == "embedded" else "kafka",
        bus_servers=run.bus_servers,
        peers=dict(run.addresses),
        ca_file=found.ca,
        certificate_file=found.certificate,
        key_file=found.key,
        wrapping_key_file=own.located(node.wrapping_key),
        house_key_file=own.located(node.house_key),
        embedded_profile=True,
        **told,
    )
