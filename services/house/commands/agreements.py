"""`agreement` and `consent`: what houses have agreed on, and how far a man's answers reach."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from house import output
from house.commands.options import DEFAULT_DATA, As, Data, Json, Node, folder
from house.names import MANAGER

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from chassis.access import Actor
    from house.clients import Clients
    from house.folder import Folder

GUARDIAN = "staff-ig-1"
Isa = Annotated[str, typer.Argument(help="The agreement, as `agreement list` shows it.")]
Party = Annotated[
    str,
    typer.Option("--party", help="As a guest: the guardian of this organisation, which has no house.", metavar="ORG"),
]


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    group = typer.Typer(help="Sharing agreements.", no_args_is_help=True, rich_markup_mode=None)
    for each in (agreement_draft, agreement_list, agreement_show, agreement_sign):
        group.command(name=each.__name__.removeprefix("agreement_"))(each)
    for each in (agreement_suspend, agreement_resume, agreement_end):
        group.command(name=each.__name__.removeprefix("agreement_"))(each)
    app.add_typer(group, name="agreement")
    app.command()(consent)


def agreement_draft(
    *,
    file: Annotated[Path, typer.Argument(help="The terms, as YAML.")],
    json: Json = False,
    as_: As = MANAGER,
    data: Data = DEFAULT_DATA,
    node: Node = "",
) -> None:
    """Put terms on the table; the houses of the other parties hear of them."""
    from house import agreements  # noqa: PLC0415 - the command line starts quickly

    terms = agreements.read(file)

    async def drafted(clients: Clients, who: Actor) -> dict[str, Any]:
        return agreements.plain(await clients.call(who, "DraftIsa", terms=terms))

    found = _asked(drafted, folder(data, node), as_)
    _said(found, json, f"Agreement {found['isa_id']} is drafted. Digest of its terms: {found['terms_hash']}")


def agreement_list(
    *, json: Json = False, as_: As = MANAGER, data: Data = DEFAULT_DATA, node: Node = "", party: Party = ""
) -> None:
    """List the agreements of this house, newest first."""
    from house import agreements  # noqa: PLC0415 - the command line starts quickly

    found = _asked(agreements.listed, folder(data, node), as_, party)
    if json:
        output.facts({"isas": found})
        return
    output.table(("agreement", "state", "parties", "from", "to"), map(agreements.one_line, found))


def agreement_show(
    isa: Isa, *, json: Json = False, as_: As = MANAGER, data: Data = DEFAULT_DATA, node: Node = "", party: Party = ""
) -> None:
    """Show all terms of one agreement, and who has signed."""
    from house import agreements  # noqa: PLC0415 - the command line starts quickly

    found = _asked(lambda c, who: agreements.fetched(c, who, isa), folder(data, node), as_, party)
    if json:
        output.facts(found)
        return
    for line in agreements.in_words(found):
        output.line(line)


def agreement_sign(
    isa: Isa,
    terms: Annotated[str, typer.Argument(help="The digest of the terms, or its first eight digits.")],
    *,
    json: Json = False,
    as_: As = GUARDIAN,
    data: Data = DEFAULT_DATA,
    node: Node = "",
    party: Party = "",
) -> None:
    """Sign the terms that were read, for one party."""
    _acted("ActivateIsa", isa, as_, folder(data, node), party, terms=terms, as_json=json)


def agreement_suspend(
    isa: Isa, *, json: Json = False, as_: As = GUARDIAN, data: Data = DEFAULT_DATA, node: Node = "", party: Party = ""
) -> None:
    """Let an agreement rest, at once and everywhere."""
    _acted("SuspendIsa", isa, as_, folder(data, node), party, as_json=json)


def agreement_resume(
    isa: Isa, *, json: Json = False, as_: As = GUARDIAN, data: Data = DEFAULT_DATA, node: Node = "", party: Party = ""
) -> None:
    """Let it go on; it does once the guardian of each party has said so."""
    _acted("ResumeIsa", isa, as_, folder(data, node), party, as_json=json)


def agreement_end(
    isa: Isa, *, json: Json = False, as_: As = GUARDIAN, data: Data = DEFAULT_DATA, node: Node = "", party: Party = ""
) -> None:
    """End an agreement for good, at once and everywhere."""
    _acted("EndIsa", isa, as_, folder(data, node), party, as_json=json)


def consent(
    reference: Annotated[str, typer.Argument(help="The case reference, such as 7KQ2-M9RJ.")],
    *,
    json: Json = False,
    as_: As = MANAGER,
    data: Data = DEFAULT_DATA,
    node: Node = "",
) -> None:
    """Show what he has agreed to, who holds to it, and since when it is in force everywhere."""
    from house import agreements  # noqa: PLC0415 - the command line starts quickly

    async def reached(clients: Clients, who: Actor) -> dict[str, Any]:
        return agreements.plain(await clients.call(who, "GetConsentReach", case_reference=reference))

    found = _asked(reached, folder(data, node), as_)
    if json:
        output.facts(found)
        return
    for line in agreements.reach_in_words(found):
        output.line(line)


def _acted(name: str, isa: str, as_: str, home: Folder, party: str, *, terms: str = "", as_json: bool) -> None:
    from house import agreements  # noqa: PLC0415 - the command line starts quickly

    found = _asked(lambda c, who: agreements.act(c, who, name, isa, terms), home, as_, party)
    _said(found, as_json, f"Agreement {isa}: {found['state']}")


def _said(found: dict[str, Any], as_json: bool, sentence: str) -> None:  # noqa: FBT001 - how it is printed
    if as_json:
        output.facts(found)
    else:
        output.line(sentence)


def _asked(ask: Callable[[Clients, Actor], Awaitable[Any]], home: Folder, as_: str, party: str = "") -> Any:
    """What a member of staff, or a guest of that organisation, is answered."""
    from chassis.access import Purpose  # noqa: PLC0415 - the command line starts quickly
    from house import staff  # noqa: PLC0415 - the command line starts quickly
    from house.clients import Clients as Calling  # noqa: PLC0415 - the command line starts quickly

    async def answered() -> Any:
        async with Calling(home) as clients:
            employer = party or clients.run_now().organisation
            return await ask(clients, staff.acting(as_, organisation=employer, purpose=Purpose.HANDOFF))

    return asyncio.run(answered())
