"""`topics`: what the bus must have for the houses of this folder, made on it and compared with it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

from house import output
from house.commands.options import DEFAULT_DATA, Data, Json, Node, folder

if TYPE_CHECKING:
    from house.folder import Folder
    from house.topics import User


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    bus = typer.Typer(help="The topics of these houses.", invoke_without_command=True, rich_markup_mode=None)
    bus.callback()(default)
    bus.command(name="list")(listed)
    bus.command()(apply)
    bus.command()(check)
    app.add_typer(bus, name="topics")


def default(*, context: typer.Context, data: Data = DEFAULT_DATA) -> None:
    """The topics of these houses; without a command, compare them with the bus."""
    if context.invoked_subcommand is None:
        check(json=False, data=data)


def listed(*, json: Json = False, data: Data = DEFAULT_DATA, node: Node = "") -> None:
    """List what the registry says; of one house, or of all."""
    from house.status import registry  # noqa: PLC0415 - the command line starts quickly

    known = registry(folder(data))
    found = [topic for topic in known.topics if topic.house in (node, "") or not node]
    if json:
        users = [{"name": user.name, **user.limit._asdict()} for user in known.users if user.house == node or not node]
        output.facts({"topics": [_shown(each) for each in found], "users": users})
        return
    for topic in found:
        groups = ", ".join(reader.group for reader in topic.readers)
        output.line(f"{topic.name}  written by {', '.join(topic.writers)}; read by {groups or 'nobody'}")
        output.line(f"  {topic.partitions} partitions, {topic.retention_days} days, key: {', else '.join(topic.key)}")
        output.line(f"  {topic.why}")


def _shown(topic: Any) -> dict[str, Any]:
    readers = [reader._asdict() for reader in topic.readers]
    return {**asdict(topic), "readers": readers, "lookers": [each._asdict() for each in topic.lookers]}


def apply(*, json: Json = False, data: Data = DEFAULT_DATA) -> None:
    """Make the topics, users, access rules and limits that are missing on the bus, and end what is allowed beyond."""
    from house import bus_access, topics  # noqa: PLC0415 - the command line starts quickly
    from house.status import registry, running  # noqa: PLC0415 - the command line starts quickly

    home = folder(data)
    run = running(home)
    made: dict[str, list[str]] = {}
    if run.bus != "embedded":
        client = bus_access.client(home, bus=run.bus, servers=run.bus_servers)
        secured = bus_access.is_secured(home)
        made = topics.apply(client, registry(home), password=_passwords(home) if secured else None)
    if json:
        output.facts({"made": made.get("topics", []), **{kind: made.get(kind, []) for kind in _BESIDE}})
        return
    for kind, names in made.items():
        if names:
            output.line(f"{kind}: {', '.join(names)}")
    if not any(made.values()):
        output.line("Everything is there.")


_BESIDE = ("users", "rules", "limits")


def _passwords(home: Folder) -> Any:
    from house import bus_access  # noqa: PLC0415 - the command line starts quickly

    def password(user: User) -> str:
        return bus_access.password(home, user)

    return password


def check(*, json: Json = False, data: Data = DEFAULT_DATA, node: Node = "") -> None:
    """Compare the bus with the registry, for one house or for all; exit code 1 where they differ."""
    from house import bus_access, topics  # noqa: PLC0415 - the command line starts quickly
    from house.status import registry, running  # noqa: PLC0415 - the command line starts quickly

    home = folder(data)
    run = running(home)
    client = bus_access.client(home, bus=run.bus, servers=run.bus_servers)
    kept, secured = run.bus != "embedded", bus_access.is_secured(home)
    known = _made_by_the_embedded(home) if not kept else registry(home)
    of = {each.name for each in (*known.topics, *known.users) if each.house == node or not node}
    found = [
        each for each in topics.compare(client, known, settings=kept, secured=secured) if not node or each.name in of
    ]
    if json:
        output.facts({"differences": [asdict(each) for each in found]})
    elif not found:
        output.line("The bus is as the registry says.")
    else:
        output.table(("of", "what", "wanted", "found"), [tuple(asdict(each).values()) for each in found])
    raise typer.Exit(1 if found else 0)


def _made_by_the_embedded(home: Folder) -> Any:
    """The embedded bus is for the houses of its own folder alone."""
    from house import topics  # noqa: PLC0415 - the command line starts quickly

    return topics.registry(home.plan().nodes)
