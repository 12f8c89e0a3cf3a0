"""`backup`, `restore`, `accept-bus`: keeping a house, and bringing it back."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from house import output
from house.commands.options import DEFAULT_DATA, Data, Node, folder

Set = Annotated[Path, typer.Argument(help="The folder of the backup.", metavar="DIR")]


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    for command in (backup, restore):
        app.command()(command)
    app.command(name="accept-bus")(accept_bus)


def backup(*, into: Set, data: Data = DEFAULT_DATA, node: Node = "") -> None:
    """Write one consistent set of the whole house while it runs."""
    from house import backup as keeping  # noqa: PLC0415 - the command line starts quickly
    from house.status import running  # noqa: PLC0415 - the command line starts quickly

    home = folder(data, node)
    run = running(home)
    done = asyncio.run(keeping.backup(home, run, run.services, into.resolve()))
    rows = sum(each.rows for each in done.files)
    output.line(f"{rows} rows in {len(done.files)} tables of {', '.join(done.migrations)}, as of {done.made_at}.")
    output.line("Keep the folder keys for a shorter time than the rest, and the wrapping key in neither.")


def restore(*, source: Set, data: Data = DEFAULT_DATA, node: Node = "") -> None:
    """Put a set in the place of everything the house has; its services must be stopped, its database must run."""
    from house import backup as keeping  # noqa: PLC0415 - the command line starts quickly
    from house import bus_access, bus_reading, cutting  # noqa: PLC0415 - the command line starts quickly
    from house.status import running  # noqa: PLC0415 - the command line starts quickly

    home = folder(data, node)
    run = running(home)
    done = asyncio.run(keeping.restore(home, run, source.resolve()))
    output.line(f"The house is as it was at {done.made_at}: {sum(each.rows for each in done.files)} rows.")
    try:
        client = bus_access.reader(home, bus=run.bus, servers=run.bus_servers)
        newer = asyncio.run(cutting.newer(client, home, run))
    except bus_reading.BusAway:
        output.line("The bus does not answer: before the services start, see whether it is newer than the backup.")
        raise typer.Exit(1) from None
    if newer:
        output.line(f"The bus holds {newer} records that this house no longer knows: they happened after the backup.")
        output.line(f"Before the services start, cut them off, as the bus's administrator: throughcare cut {run.node}")
        raise typer.Exit(1)
    output.line("The bus holds nothing that the house does not know: the services may start.")


def accept_bus(*, data: Data = DEFAULT_DATA, node: Node = "") -> None:
    """Say that the bus was replaced and that this is right; every group reads the journals and goes on."""
    from house import cutting  # noqa: PLC0415 - the command line starts quickly
    from house.status import running  # noqa: PLC0415 - the command line starts quickly

    home = folder(data, node)
    run = running(home)
    groups = asyncio.run(cutting.accept(home, run))
    output.line(f"These groups read the journals and go on: {', '.join(groups)}.")
