"""`rebuild`, `parked`, `doctor`: looking after a house."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from house import doctor as examining
from house import output
from house.commands.options import DEFAULT_DATA, As, Data, Json, Node, folder
from house.names import MANAGER, SERVICES
from house.trouble import Trouble

if TYPE_CHECKING:
    from house.audit import Audit

Name = Annotated[str, typer.Argument(help="service:number, as `parked list` shows it.")]


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    for command in (rebuild, doctor):
        app.command()(command)
    group = typer.Typer(help="Messages that wait for a person.", no_args_is_help=True, rich_markup_mode=None)
    for each in (parked_list, parked_show, parked_retry, parked_drop):
        group.command(name=each.__name__.removeprefix("parked_"))(each)
    app.add_typer(group, name="parked")


def rebuild(
    *,
    service: Annotated[str, typer.Argument(help="A service, or service.group.")],
    group: Annotated[str, typer.Argument(help="One of its groups; all where left out.")] = "",
    json: Json = False,
    data: Data = DEFAULT_DATA,
    node: Node = "",
) -> None:
    """Build projections again from the journals and put them in the place of the live ones."""
    from house import digests  # noqa: PLC0415 - the command line starts quickly
    from house.status import running  # noqa: PLC0415 - the command line starts quickly

    owner, _, named = service.partition(".")
    if owner not in SERVICES:
        raise Trouble(f"There is no service {owner}.", mend=f"There are: {', '.join(SERVICES)}.", code=2)
    home = folder(data, node)
    with output.progress("Rebuilding") as show:
        done = asyncio.run(
            digests.rebuild(home, running(home), owner, group or named, progress=lambda n: show(n, "messages"))
        )
    facts = {name: {**asdict(each), "equal": each.equal} for name, each in done.items()}
    if json:
        output.facts({"service": owner, "groups": facts})
        return
    for name, each in done.items():
        was = "as it was" if each.equal else "different from what it was: something had been lost or doubled"
        output.line(f"{owner} {name}: rebuilt from {each.messages} messages, {was}.")


def doctor(
    *,
    audit: Annotated[bool, typer.Option("--audit", help="Compare journals, topics and projections.")] = False,
    json: Json = False,
    data: Data = DEFAULT_DATA,
    node: Node = "",
) -> None:
    """Say what this machine has and lacks; with --audit, whether anything was lost, doubled or changed."""
    if audit:
        from house import audit as auditing  # noqa: PLC0415 - the command line starts quickly

        found = asyncio.run(auditing.audit(folder(data, node)))
        show_audit(found, as_json=json)
        raise typer.Exit(0 if found.clean else 1)
    checks = examining.examine()
    if json:
        output.facts({"checks": [asdict(check) for check in checks]})
    else:
        output.table(
            ("what", "", "found", "needed for", "how to get it"),
            [(c.name, c.verdict, c.found, c.needed_for, "" if c.present else c.how) for c in checks],
        )
    raise typer.Exit(0 if all(check.present for check in checks if check.required) else 1)


def show_audit(found: Audit, *, as_json: bool) -> None:
    """Print an audit."""
    if as_json:
        output.facts(found.as_json())
        return
    output.line(f"{found.facts} facts in the journals, {found.records} records on the bus.")
    names = ("lost", "ghost", "doubled", "out_of_order", "parked", "held", "quarantined", "pending", "unknown_notices")
    output.line(", ".join(f"{name} {getattr(found, name)}" for name in names))
    output.line("Projections equal the journals." if found.digest_equal else "A projection differs from the journals.")
    for each in found.findings:
        output.line(f"  {each}")
    output.line("Clean." if found.clean else "NOT clean.")


def parked_list(*, json: Json = False, data: Data = DEFAULT_DATA, node: Node = "") -> None:
    """List what is parked and held: ids, reason and age, never content."""
    from house import parked as waiting  # noqa: PLC0415 - the command line starts quickly
    from house.status import running  # noqa: PLC0415 - the command line starts quickly

    home = folder(data, node)
    found = asyncio.run(waiting.listed(home, running(home)))
    if json:
        output.facts({"parked": found})
        return
    output.table(
        ("id", "state", "type", "key", "reason", "minutes", "tries", "what to know"),
        [
            (
                each["id"], each["state"], each["type"].rpartition(".")[2], each["key"], each["reason"],
                each["age_seconds"] // 60, each["attempts"], each["sentence"],
            )
            for each in found
        ],
    )  # fmt: skip


def parked_show(*, name: Name, json: Json = False, data: Data = DEFAULT_DATA, node: Node = "") -> None:
    """Show one of them."""
    from house import parked as waiting  # noqa: PLC0415 - the command line starts quickly
    from house.status import running  # noqa: PLC0415 - the command line starts quickly

    home = folder(data, node)
    found = asyncio.run(waiting.shown(home, running(home), name))
    if json:
        output.facts(found)
        return
    for member, value in found.items():
        output.line(f"{member:<18} {'' if value is None else value}")


def parked_retry(*, name: Name, data: Data = DEFAULT_DATA, node: Node = "") -> None:
    """Try it again now, with everything of its case that waits behind it."""
    from house import parked as waiting  # noqa: PLC0415 - the command line starts quickly
    from house.status import running  # noqa: PLC0415 - the command line starts quickly

    home = folder(data, node)
    asyncio.run(waiting.retry(home, running(home), name))
    output.line("It is tried again now, oldest first.")


def parked_drop(
    *,
    name: Name,
    reason: Annotated[str, typer.Option("--reason", help="Why; asked of the first person.")] = "",
    as_: As = MANAGER,
    data: Data = DEFAULT_DATA,
    node: Node = "",
) -> None:
    """Propose to drop it or, as a second person, confirm."""
    from house import parked as waiting  # noqa: PLC0415 - the command line starts quickly
    from house import staff  # noqa: PLC0415 - the command line starts quickly
    from house.status import running  # noqa: PLC0415 - the command line starts quickly

    home = folder(data, node)
    who = staff.acting(as_, organisation=running(home).organisation, purpose=staff.OPERATE)
    if who.role.value not in ("SM", "OPS"):
        raise Trouble("Service managers and operators may drop a message, nobody else.", mend="Say who with --as.")
    gone = asyncio.run(waiting.drop(home, running(home), name, by=who.id, reason=reason))
    output.line("It is dropped." if gone else "Proposed. A second person confirms with: throughcare parked drop --as …")
