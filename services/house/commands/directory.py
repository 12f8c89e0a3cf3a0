"""`directory` and `offers`: what is on offer, ours and others', searched, said, brought in and handed on."""

from __future__ import annotations

import asyncio
import json as jsons
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from house import output
from house.commands.options import DEFAULT_DATA, As, Data, Json, Node, folder
from house.names import MANAGER
from house.trouble import Trouble

if TYPE_CHECKING:
    from chassis.access import Actor
    from house.clients import Clients
    from house.folder import Folder

T = TypeVar("T")
Codes = Annotated[list[str] | None, typer.Option(help="A code; may be given several times.")]
OfferId = Annotated[str, typer.Argument(help="The offer's id, as `offers list` shows it.", metavar="OFFER")]


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    found = typer.Typer(help="What is on offer anywhere.", no_args_is_help=True, rich_markup_mode=None)
    found.command()(search)
    found.command("import")(import_)
    found.command()(export)
    app.add_typer(found, name="directory")
    ours = typer.Typer(help="Our own offers.", no_args_is_help=True, rich_markup_mode=None)
    ours.command("list")(list_)
    ours.command()(publish)
    ours.command()(pause)
    ours.command()(capacity)
    ours.command()(retire)
    app.add_typer(ours, name="offers")


def _run(home: Folder, as_: str, ask: Callable[[Clients, Actor], Awaitable[T]]) -> T:
    from chassis.access import Purpose  # noqa: PLC0415 - the command line starts quickly
    from house import staff  # noqa: PLC0415 - the command line starts quickly
    from house.clients import Clients  # noqa: PLC0415 - the command line starts quickly

    async def asked() -> T:
        async with Clients(home) as clients:
            who = staff.acting(as_, organisation=clients.run_now().organisation, purpose=Purpose.DELIVER_SUPPORT)
            return await ask(clients, who)

    return asyncio.run(asked())


def search(
    *,
    aspect: Codes = None,
    borough: Annotated[str, typer.Option(help="A borough's code, such as E09000007.")] = "",
    age: Annotated[int | None, typer.Option(help="His age.")] = None,
    gender: Annotated[str, typer.Option(help="A code, such as MALE.")] = "",
    licence_months: Annotated[int | None, typer.Option(help="Months of licence he has left.")] = None,
    capacity: Codes = None,
    words: Annotated[str, typer.Option(help="Words of its name, summary or organisation.")] = "",
    fitting: Annotated[bool, typer.Option("--fitting", help="Only what fits.")] = False,
    most: Annotated[int, typer.Option(help="At most so many.", min=1)] = 20,
    json: Json = False,
    as_: As = MANAGER,
    data: Data = DEFAULT_DATA,
    node: Node = "",
) -> None:
    """Look for an offer: the best first, with why it fits or not. Nothing asked here names a person."""
    from house import directory  # noqa: PLC0415 - the command line starts quickly

    wanted: dict[str, Any] = {
        "aspect_codes": aspect or [], "borough": borough, "gender": gender, "capacities": capacity or [],
        "words": words, "fitting_only": fitting,
    }  # fmt: skip
    wanted |= {name: n for name, n in (("age", age), ("licence_months", licence_months)) if n is not None}
    found = _run(folder(data, node), as_, lambda clients, who: directory.searched(clients, who, wanted, most))
    if json:
        output.facts(found)
        return
    for each in found:
        for line in directory.in_words(each):
            output.line(line)
    if not found:
        output.line("Nothing on offer is known for that.")


def import_(
    *,
    file: Annotated[Path, typer.Argument(help="JSON, a zip of tables, or a folder of CSV tables.", metavar="FILE")],
    source: Annotated[str, typer.Option(help="Where it comes from, such as CITY_DIRECTORY.")],
    aspect: Codes = None,
    json: Json = False,
    as_: As = MANAGER,
    data: Data = DEFAULT_DATA,
    node: Node = "",
) -> None:
    """Take a file of Open Referral UK or HSDS 3 into the directory; again, it changes nothing."""
    from house import directory  # noqa: PLC0415 - the command line starts quickly

    answers = _run(
        folder(data, node),
        as_,
        lambda clients, who: directory.imported(clients, who, file, source=source, aspects=aspect or ()),
    )
    counts = directory.counted(answers)
    if json:
        output.facts({"records": len(answers), "outcomes": counts, "answers": answers})
    else:
        output.line(f"{len(answers)} records: " + ", ".join(f"{n} {outcome}" for outcome, n in counts.items()))
        for line in directory.faults_of(answers):
            output.line(line)
    raise typer.Exit(1 if counts["REFUSED"] else 0)


def export(
    *,
    file: Annotated[Path, typer.Argument(help="The file to write.", metavar="FILE")],
    as_: As = MANAGER,
    data: Data = DEFAULT_DATA,
    node: Node = "",
) -> None:
    """Write our offers as Open Referral UK."""
    from house import directory  # noqa: PLC0415 - the command line starts quickly

    if not file.resolve().parent.is_dir():
        raise Trouble(f"There is no folder {file.parent}.", code=2)
    written = _run(folder(data, node), as_, lambda clients, who: directory.exported(clients, who, file))
    output.line(f"{written} offers in {file}")


def list_(
    *,
    state: Codes = None,
    json: Json = False,
    as_: As = MANAGER,
    data: Data = DEFAULT_DATA,
    node: Node = "",
) -> None:
    """List our own offers."""
    from house import directory  # noqa: PLC0415 - the command line starts quickly

    found = _run(folder(data, node), as_, lambda clients, who: directory.listed(clients, who, state or ()))
    if json:
        output.facts(found)
        return
    rows = [
        (
            each["offer_id"],
            each["state"],
            directory.named(each),
            each["organisation"],
            directory.room_of(each),
            "check before you send" if each.get("stale") else "",
            each["version"],
        )
        for each in found
    ]
    output.table(("offer", "state", "name", "organisation", "room", "", "version"), rows)


def publish(
    *,
    file: Annotated[Path, typer.Argument(help="A request PublishOffer as JSON.", metavar="FILE.json")],
    as_: As = MANAGER,
    data: Data = DEFAULT_DATA,
    node: Node = "",
) -> None:
    """Publish an offer: a new one, a draft, one with new terms, or one that was paused."""
    try:
        fields = jsons.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise Trouble(f"{file} cannot be read as JSON.", code=2) from None
    answer = _changed(folder(data, node), as_, "PublishOffer", fields)
    output.line(f"Published: {answer.offer_id}, version {answer.version}")


def pause(*, offer: OfferId, as_: As = MANAGER, data: Data = DEFAULT_DATA, node: Node = "") -> None:
    """Say that an offer takes nobody for now; publishing it again ends that."""
    output.line(f"Paused, version {_changed_at(folder(data, node), as_, 'PauseOffer', offer).version}")


def capacity(
    *,
    offer: OfferId,
    room: Annotated[str, typer.Argument(help="HAS_CAPACITY, WAITLIST, NO_CAPACITY or ASSESSMENT_FIRST.")],
    wait_days: Annotated[int | None, typer.Option(help="How long one waits.", min=0)] = None,
    as_: As = MANAGER,
    data: Data = DEFAULT_DATA,
    node: Node = "",
) -> None:
    """Say whether an offer has room now."""
    said = {"capacity": room.upper()} | ({} if wait_days is None else {"wait_days": wait_days})
    output.line(f"Said, version {_changed_at(folder(data, node), as_, 'UpdateCapacity', offer, room=said).version}")


def retire(*, offer: OfferId, as_: As = MANAGER, data: Data = DEFAULT_DATA, node: Node = "") -> None:
    """End an offer."""
    output.line(f"Retired, version {_changed_at(folder(data, node), as_, 'RetireOffer', offer).version}")


def _changed(home: Folder, as_: str, name: str, fields: dict[str, Any]) -> Any:
    try:
        return _run(home, as_, lambda clients, who: clients.call(who, name, **fields))
    except TypeError:
        raise Trouble(f"The file is no request {name}: a member of it is not known.", code=2) from None


def _changed_at(home: Folder, as_: str, name: str, offer: str, **fields: Any) -> Any:
    """Change an offer at the version it has now."""

    async def ask(clients: Clients, who: Actor) -> Any:
        held = (await clients.call(who, "GetOffer", offer_id=offer)).offer
        return await clients.call(who, name, offer_id=offer, expected_version=held.version, **fields)

    return _run(home, as_, ask)
