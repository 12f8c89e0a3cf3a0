"""`secrets` and `admit`: what a house in containers is given, and its users on the bus."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from house import output
from house.commands.options import DEFAULT_DATA, Data, folder
from house.names import NODE


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    for command in (secrets, admit):
        app.command()(command)


def secrets(
    *,
    node: Annotated[str, typer.Option("--node", help="Whose house, as in deploy/nodes.", metavar="NODE")] = NODE,
    into: Annotated[Path, typer.Option("--into", help="The folder that holds them.", metavar="DIR")] = Path(".secrets"),
    renew: Annotated[bool, typer.Option("--renew", help="Issue the certificates anew.")] = False,
) -> None:
    """Make certificates, keys and passwords of a house in containers; for trying and for tests."""
    from house.material import Material, node_of  # noqa: PLC0415 - the command line starts quickly

    Material(into.resolve()).make(node_of(node), renew=renew)
    output.line(f"The secrets of {node} and of its bus are in {into}.")


def admit(
    *,
    passwords: Annotated[Path, typer.Option("--passwords", help="A file for each user.", metavar="DIR")],
    data: Data = DEFAULT_DATA,
) -> None:
    """Make this house's users, topics and access rules on a bus with default deny, as the bus's administrator."""
    from house.admission import admit as admitted  # noqa: PLC0415 - the command line starts quickly
    from house.composition import client_of  # noqa: PLC0415 - the command line starts quickly
    from house.status import running  # noqa: PLC0415 - the command line starts quickly

    run = running(folder(data))
    users = admitted(client_of(run.bus_servers), run.node, passwords)
    output.line(f"On the bus as the registry says: {', '.join(users)}.")
