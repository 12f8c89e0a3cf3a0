"""`up`, `down`, `status`, `demo`: a house from its start to its end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import typer

from house import output
from house.commands.options import DEFAULT_DATA, Data, Json, folder
from house.trouble import Trouble

if TYPE_CHECKING:
    from house.folder import Run

Bus = Annotated[str | None, typer.Option("--bus", help="embedded, kafka, or host:port.", metavar="BUS")]
Split = Annotated[bool, typer.Option("--split", help="One process per service instead of one for the house.")]
Postgres = Annotated[str | None, typer.Option("--postgres", help="A server of your own instead.", metavar="URL")]
Port = Annotated[int | None, typer.Option(help="A port instead of a free one; not with --split.", metavar="PORT")]


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    for command in (up, down, status, demo):
        app.command()(command)


def up(
    *,
    bus: Bus = None,
    split: Split = False,
    example: Annotated[
        bool, typer.Option("--example", help="Programmes, organisations and staff to try with.")
    ] = False,
    postgres: Postgres = None,
    rpc_port: Port = None,
    ops_port: Port = None,
    data: Data = DEFAULT_DATA,
) -> None:
    """Start a house and stay with it; Ctrl-C stops it, its data stay."""
    from house import up as starting  # noqa: PLC0415 - the command line starts quickly

    given = {name: port for name, port in (("house.rpc", rpc_port), ("house.ops", ops_port)) if port is not None}
    home = folder(data)
    plan = starting.wanted(home, bus=bus, split=split, postgres=postgres, ports=given)
    output.line(f"Starting the house in {home.path} on the {plan.bus} bus.")
    raise typer.Exit(asyncio.run(starting.up(home, plan, ready=_introduce, example=example)))


def _introduce(run: Run) -> None:
    output.line(f"The house {run.node} is running. It is stopped with Ctrl-C.")
    for service, address in run.addresses.items():
        output.line(f"  {service:<14} {address:<22} http://{run.ops[service]}/health")
    output.line("Look at it with: throughcare status")


def down(
    *,
    keep: Annotated[bool, typer.Option("--keep", help="Keep its data.")] = False,
    data: Data = DEFAULT_DATA,
) -> None:
    """Stop a house and delete its data."""
    from house import up as starting  # noqa: PLC0415 - the command line starts quickly

    for done in starting.down(folder(data), keep=keep):
        output.line(done)


def status(
    *,
    json: Json = False,
    wait_quiet: Annotated[
        float | None, typer.Option("--wait-quiet", help="Wait until nothing is under way.", metavar="SECONDS")
    ] = None,
    data: Data = DEFAULT_DATA,
) -> None:
    """Show processes and addresses, and what has not left, not been applied, or waits for a person."""
    from house import status as standing  # noqa: PLC0415 - the command line starts quickly

    home = folder(data)
    quiet = True
    if wait_quiet is not None:
        quiet = asyncio.run(standing.until_quiet(home, wait_quiet))
    found = asyncio.run(standing.look(home)).as_json()
    if json:
        output.facts(found)
    else:
        _show(found)
    if not quiet:
        raise Trouble(
            f"The house was not quiet within {wait_quiet:g} seconds.",
            mend="Parked messages wait for a person: throughcare parked list. Anything else takes time or is down.",
        )


def _show(found: dict[str, Any]) -> None:
    bus = found["bus"]
    output.line(f"House {found['node']}, {bus['kind']} bus at {bus['servers']}" + ("" if bus["answers"] else ": AWAY"))
    output.table(
        ("process", "pid", "restarts", "state"),
        [(each["name"], each["pid"], each["restarts"], each["state"]) for each in found["processes"]],
    )
    output.line()
    output.table(
        ("service", "gRPC", "operations", "pending", "lag", "parked", "held"),
        [
            (
                service,
                where["rpc"],
                where["ops"],
                *("?" if v is None else v for v in found["services"][service].values()),
            )
            for service, where in found["addresses"].items()
        ],
    )


def demo(
    *,
    once: Annotated[bool, typer.Option("--once", help="Play, audit and stop, with the audit's exit code.")] = False,
    bus: Bus = None,
    people: Annotated[int, typer.Option("--people", help="How many invented men.", min=1, max=1000)] = 40,
    split: Split = False,
    json: Json = False,
    data: Data = DEFAULT_DATA,
) -> None:
    """Start a house and play the story of the service through its doors, with a wound clock."""
    from house.demo import play  # noqa: PLC0415 - the command line starts quickly

    home = folder(data)
    raise typer.Exit(asyncio.run(play.run(home, bus=bus, people=people, split=split, once=once, as_json=json)))
