"""`up`, `down`, `status`, `demo`: houses from their start to their end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import typer

from house import output
from house.commands.options import DEFAULT_DATA, Data, Json, Node, folder
from house.names import FOUR
from house.trouble import Trouble

if TYPE_CHECKING:
    from house.folder import Run

Bus = Annotated[str | None, typer.Option("--bus", help="embedded, kafka, or host:port.", metavar="BUS")]
Split = Annotated[bool, typer.Option("--split", help="One process per service instead of one for the house.")]
Postgres = Annotated[str | None, typer.Option("--postgres", help="A server of your own instead.", metavar="URL")]
Nodes = Annotated[
    str, typer.Option("--nodes", help="Houses by name, or files that end in .env; with commas.", metavar="NODES")
]
Port = Annotated[int | None, typer.Option(help="A port instead of a free one; not with --split.", metavar="PORT")]


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    for command in (up, down, status, demo):
        app.command()(command)


def up(
    *,
    nodes: Nodes = "",
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
    """Start houses and stay with them; Ctrl-C stops them, their data stay."""
    from house import up as starting  # noqa: PLC0415 - the command line starts quickly

    given = {name: port for name, port in (("house.rpc", rpc_port), ("house.ops", ops_port)) if port is not None}
    home = folder(data)
    houses = nodes.replace(",", " ").split()
    plan = starting.wanted(home, houses=houses, bus=bus, split=split, postgres=postgres, ports=given)
    what = "the house" if len(plan.nodes) == 1 else f"{len(plan.nodes)} houses"
    output.line(f"Starting {what} in {home.path} on the {plan.bus} bus.")
    raise typer.Exit(asyncio.run(starting.up(home, plan, ready=_introduce, example=example)))


def _introduce(run: Run) -> None:
    single = len(run.houses) == 1
    names = ", ".join(run.houses)
    said = f"The house {names} is running. It is" if single else f"The houses {names} are running. They are"
    output.line(f"{said} stopped with Ctrl-C.")
    for node, doors in run.houses.items():
        for service, address in doors.addresses.items():
            name = service if single else f"{node}.{service}"
            output.line(f"  {name:<32} {address:<22} http://{doors.ops[service]}/health")
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
    node: Node = "",
) -> None:
    """Show processes and addresses, and what has not left, not been applied, or waits for a person.

    Every house of the folder, or one of them.
    """
    from house import status as standing  # noqa: PLC0415 - the command line starts quickly

    home = folder(data, node)
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
    houses = found["houses"]
    away = "" if bus["answers"] else ": AWAY"
    what = "House" if len(houses) == 1 else "Houses"
    output.line(f"{what} {', '.join(houses)}, {bus['kind']} bus at {bus['servers']}{away}")
    output.table(
        ("process", "pid", "restarts", "state"),
        [(each["name"], each["pid"], each["restarts"], each["state"]) for each in found["processes"]],
    )
    output.line()
    output.table(
        ("service", "gRPC", "operations", "pending", "lag", "parked", "held", "quarantined"),
        [
            (
                service if len(houses) == 1 else f"{node}.{service}",
                where["rpc"],
                where["ops"],
                *("?" if v is None else v for v in house["services"][service].values()),
            )
            for node, house in houses.items()
            for service, where in house["addresses"].items()
        ],
    )


def demo(
    *,
    once: Annotated[bool, typer.Option("--once", help="Play, audit and stop, with the audit's exit code.")] = False,
    nodes: Nodes = "",
    bus: Bus = None,
    people: Annotated[int, typer.Option("--people", help="How many invented people.", min=1, max=1000)] = 40,
    split: Split = False,
    json: Json = False,
    data: Data = DEFAULT_DATA,
) -> None:
    """Start four houses and play the story of the service through their doors, with a wound clock.

    A folder in which houses were started before keeps those.
    """
    from house.demo import play  # noqa: PLC0415 - the command line starts quickly

    home = folder(data)
    houses = nodes or ("" if home.exists else ",".join(FOUR))
    playing = play.run(home, nodes=houses, bus=bus, people=people, split=split, once=once, as_json=json)
    raise typer.Exit(asyncio.run(playing))
