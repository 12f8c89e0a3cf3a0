"""`secrets`, `admit` and `cut`: what a house in containers is given, and what the bus's administrator does for it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from house import output
from house.names import NODE


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    for command in (secrets, admit, cut):
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
    node: Annotated[str, typer.Argument(help="Whose house.", metavar="NODE")],
    passwords: Annotated[Path, typer.Option("--passwords", help="A file for each user.", metavar="DIR")],
    brokers: Annotated[int, typer.Option("--brokers", help="Wait for so many brokers.", min=1)] = 1,
) -> None:
    """Make a house's users, topics and access rules on a bus with default deny, as the bus's administrator."""
    from house import admission  # noqa: PLC0415 - the command line starts quickly

    client = admission.client_of_environment()
    admission.until_there(client, brokers)
    users = admission.admit(client, node, passwords)
    output.line(f"On the bus as the registry says: {', '.join(users)}.")


def cut(*, node: Annotated[str, typer.Argument(help="Whose house.", metavar="NODE")] = NODE) -> None:
    """After a restore: cut off what a house's topics hold, as the bus's administrator; hearers read the journals."""
    from house import admission, cutting  # noqa: PLC0415 - the command line starts quickly

    records = cutting.cut(admission.client_of_environment(), node)
    output.line(f"{records} records of {node} are cut off. The services may start.")
