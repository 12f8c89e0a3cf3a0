"""`case` and `board`: the shared picture of one case, and of every open one, in plain words."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import typer

from house import output
from house.commands.options import DEFAULT_DATA, As, Data, Json, Node, folder
from house.names import MANAGER

if TYPE_CHECKING:
    from house.folder import Folder


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command()(case)
    app.command()(board)


def case(
    *,
    reference: Annotated[str, typer.Argument(help="The case reference, such as 7KQ2-M9RJ; or the id a board shows.")],
    json: Json = False,
    as_: As = MANAGER,
    data: Data = DEFAULT_DATA,
    node: Node = "",
) -> None:
    """Show who does what for one man, what is next, what is late, and how fresh that is."""
    from house import picture  # noqa: PLC0415 - the command line starts quickly

    found = asyncio.run(_picture(reference, as_, folder(data, node)))
    if json:
        output.facts(found)
        return
    for line in picture.in_words(found):
        output.line(line)


async def _picture(reference: str, as_: str, home: Folder) -> dict[str, Any]:
    from chassis.access import Purpose  # noqa: PLC0415 - the command line starts quickly
    from house import picture, staff  # noqa: PLC0415 - the command line starts quickly
    from house.clients import Clients  # noqa: PLC0415 - the command line starts quickly

    async with Clients(home) as clients:
        who = staff.acting(as_, organisation=clients.run_now().organisation, purpose=Purpose.DELIVER_SUPPORT)
        return await picture.fetched(clients, who, reference)


def board(
    *,
    json: Json = False,
    as_: As = MANAGER,
    data: Data = DEFAULT_DATA,
    node: Node = "",
) -> None:
    """Show every open case: what needs somebody first, then what goes on, and how fresh that is."""
    from house import boarding  # noqa: PLC0415 - the command line starts quickly

    organisation, found = asyncio.run(_board(as_, folder(data, node)))
    if json:
        output.facts(found)
        return
    for line in boarding.in_words(found, organisation=organisation):
        output.line(line)


async def _board(as_: str, home: Folder) -> tuple[str, dict[str, Any]]:
    from chassis.access import Purpose  # noqa: PLC0415 - the command line starts quickly
    from house import boarding, staff  # noqa: PLC0415 - the command line starts quickly
    from house.clients import Clients  # noqa: PLC0415 - the command line starts quickly

    async with Clients(home) as clients:
        organisation = clients.run_now().organisation
        who = staff.acting(as_, organisation=organisation, purpose=Purpose.CO_ORDINATION)
        return organisation, await boarding.fetched(clients, who)
