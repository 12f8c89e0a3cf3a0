"""`node`: how a house becomes known to others, step by step (docs/joining.md)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from house import output
from house.commands.options import DEFAULT_DATA, Data, Json, Node, folder
from house.trouble import Trouble

CardFile = Annotated[Path, typer.Argument(help="A card, as `node export` prints it.", metavar="CARD.json")]


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    group = typer.Typer(help="How this house and others know each other.", no_args_is_help=True, rich_markup_mode=None)
    for command in (keys, export, register, join, rotate, status):
        group.command()(command)
    app.add_typer(group, name="node")


def keys(
    *,
    file: Annotated[str, typer.Argument(help="The house: a name, or its file that ends in .env.", metavar="NODE")],
    host: Annotated[list[str], typer.Option("--host", help="A name under which others reach it.")] = [],  # noqa: B006 - typer's form
    data: Data = DEFAULT_DATA,
) -> None:
    """Make the keys of a house that joins another's bus, and the requests for its certificates; again, new requests."""
    from house import joining, nodes  # noqa: PLC0415 - the command line starts quickly
    from house.folder import Plan  # noqa: PLC0415 - the command line starts quickly

    home, node = folder(data), nodes.read(file)
    if home.exists and home.plan().lead.node != node.node:
        raise Trouble(f"{home.path} holds the house {home.plan().lead.node}.", mend="Give another --data.", code=2)
    home.make()
    if not home.exists:
        home.keep(Plan(nodes=(node,)))
    made = joining.prepare(home, node, host)
    output.line(f"The keys of {node.node} are in {home.secrets}. They leave this machine in no file.")
    output.line(f"{len(made)} certificates are asked for in its card: throughcare node export > node.json")


def export(
    *,
    address: Annotated[
        str, typer.Option("--address", help="Where its partners service answers others.", metavar="HOST:PORT")
    ] = "",
    data: Data = DEFAULT_DATA,
    node: Node = "",
) -> None:
    """Print the card of this house: who it is, its public key, its address, the contracts it reads. Nothing secret."""
    from house import cards, joining  # noqa: PLC0415 - the command line starts quickly

    home = folder(data, node)
    home.must_exist()
    typer.echo(cards.of(home, address, joining.requests(home)).text, nl=False)


def register(
    *,
    card: CardFile,
    welcome: Annotated[
        Path | None,
        typer.Option(
            "--welcome", help="Write here what it needs to come to this bus; holds passwords.", metavar="FILE"
        ),
    ] = None,
    data: Data = DEFAULT_DATA,
    node: Node = "",
) -> None:
    """Believe the house of this card from now on, and make the bus fit for it."""
    from house import bus_access, cards, introducing, joining, topics  # noqa: PLC0415 - the command line starts quickly
    from house.status import registry, running  # noqa: PLC0415 - the command line starts quickly

    home, found = folder(data, node), cards.read(card)
    run = running(home)
    if welcome is not None or not found.authority_fingerprint:
        found = joining.signed_here(home, found)
    said = joining.welcome(home, found) if welcome is not None else None
    cards.keep(home, found)
    asyncio.run(introducing.register(home, [cards.of(home), found]))
    output.line(f"{found.name} ({found.node_id}) is registered, with the key {found.public_key[:16]}…")
    if run.bus == "kafka":
        client = bus_access.client(home, bus=run.bus, servers=run.bus_servers)
        topics.apply(client, registry(home), password=lambda user: bus_access.password(home, user))
        output.line("The bus has its topics, its users and what they may do.")
    elif run.bus != "embedded":
        output.line("The bus must know it too: throughcare topics apply (in containers: deploy/house together admit)")
    if welcome is not None and said is not None:
        joining.write(said, welcome)
        output.line(f"Its certificates are good for: {', '.join(joining.hosts_of(found)) or 'its own machine alone'}")
        output.line(f"{welcome} holds passwords: hand it over by a safe way, then delete it.")


def join(
    *,
    welcome: Annotated[Path, typer.Argument(help="What the other house's operator sent.", metavar="WELCOME.json")],
    data: Data = DEFAULT_DATA,
    node: Node = "",
) -> None:
    """Install what another house has answered to our card: certificates, access to the bus, its own card."""
    from house import joining  # noqa: PLC0415 - the command line starts quickly

    home = folder(data, node)
    home.must_exist()
    lines = joining.join(home, home.here, welcome)
    output.line("Installed. Now put these lines into the house's file, and start it with: throughcare up")
    for line in lines:
        output.line(f"  {line}")


def rotate(*, data: Data = DEFAULT_DATA, node: Node = "") -> None:
    """Sign with another key from now on; others take both for seven days. Run it again where it was interrupted."""
    from house import rotating  # noqa: PLC0415 - the command line starts quickly

    home = folder(data, node)
    made = asyncio.run(rotating.rotate(home))
    output.line(f"{home.node} signs with the key {made[:16]}… from now on. The old one is taken for seven days.")


def status(*, json: Json = False, data: Data = DEFAULT_DATA, node: Node = "") -> None:
    """Show the houses this one knows, how each stands and when it was last heard."""
    from house import introducing  # noqa: PLC0415 - the command line starts quickly

    found = asyncio.run(introducing.listed(folder(data, node)))
    if json:
        output.facts({"nodes": found})
        return
    output.table(
        ("node", "organisation", "state", "last heard", "key", "address"),
        [
            (e["node_id"], e["org_id"], e["state"], e["last_heard_at"] or "never", e["key_id"][:16], e["rpc_address"])
            for e in found
        ],
    )
