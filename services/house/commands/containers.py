"""`secrets`, `admit` and `cut`: what a house in containers is given, and what the bus's administrator does for it."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from house import output
from house.names import NODE


class Wrapping(StrEnum):
    """What becomes of the wrapping key."""

    NEW = "new"
    FORGET = "forget"


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    for command in (secrets, admit, cut):
        app.command()(command)


def secrets(
    *,
    node: Annotated[str, typer.Option("--node", help="Whose house, as in deploy/nodes.", metavar="NODE")] = NODE,
    into: Annotated[Path, typer.Option("--into", help="The folder that holds them.", metavar="DIR")] = Path(".secrets"),
    renew: Annotated[bool, typer.Option("--renew", help="Issue the certificates anew.")] = False,
    passwords: Annotated[bool, typer.Option("--passwords", help="Change the passwords on bus and database.")] = False,
    wrapping_key: Annotated[
        Wrapping | None, typer.Option("--wrapping-key", help="A new one first; or forget those after the first.")
    ] = None,
) -> None:
    """Make certificates, keys and passwords of a house in containers; for trying and for tests.

    What is there stays, but for what an option changes; deploy/runbooks/rotation.md says in which order.
    """
    from house import nodes  # noqa: PLC0415 - the command line starts quickly
    from house.material import Material  # noqa: PLC0415 - the command line starts quickly

    material, whose = Material(into.resolve()), nodes.read(node)
    if passwords:
        material.new_passwords(whose)
    if wrapping_key is Wrapping.NEW:
        material.new_wrapping_key(whose)
    if wrapping_key is Wrapping.FORGET:
        material.forget_wrapping_keys(whose)
    material.make(whose, renew=renew)
    output.line(f"The secrets of {node} and of its bus are in {into}.")


def admit(
    *,
    passwords: Annotated[Path, typer.Option("--passwords", help="A file for each user.", metavar="DIR")],
    brokers: Annotated[int, typer.Option("--brokers", help="Wait for so many brokers.", min=1)] = 1,
    check: Annotated[bool, typer.Option("--check", help="Change nothing; exit code 1 where the bus differs.")] = False,
) -> None:
    """Make topics, users, rights and limits of every house with a password here, as the bus's administrator."""
    from house import admission  # noqa: PLC0415 - the command line starts quickly

    client = admission.client_of_environment()
    admission.until_there(client, brokers)
    houses = admission.known(passwords)
    if not check:
        admission.admit(client, houses, passwords)
    if found := admission.compare(client, houses):
        output.table(("of", "what", "wanted", "found"), [tuple(asdict(each).values()) for each in found])
        raise typer.Exit(1)
    output.line(f"The bus is as the registry says for {', '.join(house.node for house in houses)}.")


def cut(*, node: Annotated[str, typer.Argument(help="Whose house.", metavar="NODE")] = NODE) -> None:
    """After a restore: cut off what a house's topics hold, as the bus's administrator; hearers read the journals."""
    from house import admission, cutting, nodes  # noqa: PLC0415 - the command line starts quickly

    records = cutting.cut(admission.client_of_environment(), nodes.read(node))
    output.line(f"{records} records of {node} are cut off. The services may start.")
