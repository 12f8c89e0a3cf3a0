"""`import referrals` and `import hmpps`: real input by real doors."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from house import output
from house.commands.options import DEFAULT_DATA, As, Data, Json, Node, folder
from house.names import MANAGER
from house.trouble import Trouble

if TYPE_CHECKING:
    from house.folder import Folder
    from house.hmpps_import import Counted
    from house.referral_import import Imported

_OWN_SUFFIX = ".report.csv"


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    group = typer.Typer(help="Bring referrals and messages in.", no_args_is_help=True, rich_markup_mode=None)
    group.command()(referrals)
    group.command()(hmpps)
    app.add_typer(group, name="import")


def referrals(
    *,
    file: Annotated[Path, typer.Argument(help="A CSV file.", metavar="FILE.csv")],
    drafts_only: Annotated[bool, typer.Option("--drafts-only", help="Submit nothing.")] = False,
    report: Annotated[Path | None, typer.Option("--report", help="Where the report goes.", metavar="PATH")] = None,
    json: Json = False,
    as_: As = MANAGER,
    data: Data = DEFAULT_DATA,
    node: Node = "",
) -> None:
    """Import a file of referrals; run again after a kill, rows that were taken are not taken twice."""
    from house.referral_import import OUTCOMES  # noqa: PLC0415 - the command line starts quickly

    if not file.is_file():
        raise Trouble(f"There is no file {file}.", code=2)
    target = report or file.with_name(file.name + _OWN_SUFFIX)
    found = asyncio.run(_referrals(file, target, as_, folder(data, node), drafts_only=drafts_only))
    if json:
        counts = {outcome: found.outcomes[outcome] for outcome in OUTCOMES}
        output.facts({"rows": found.rows, "outcomes": counts, "codes": dict(found.codes), "report": str(target)})
    else:
        output.line(f"{found.rows} rows: " + ", ".join(f"{found.outcomes[o]} {o}" for o in OUTCOMES))
        output.line(f"Report: {target}")
    raise typer.Exit(found.exit_code)


async def _referrals(file: Path, report: Path, as_: str, home: Folder, *, drafts_only: bool) -> Imported:
    from chassis.access import Purpose  # noqa: PLC0415 - the command line starts quickly
    from house import staff  # noqa: PLC0415 - the command line starts quickly
    from house.clients import Clients  # noqa: PLC0415 - the command line starts quickly
    from house.referral_import import ReferralImport  # noqa: PLC0415 - the command line starts quickly

    async with Clients(home) as clients:
        who = staff.acting(as_, organisation=clients.run_now().organisation, purpose=Purpose.REFERRAL_TRIAGE)
        size = file.stat().st_size // 1024  # noqa: ASYNC240 - one look before anything runs
        with output.progress("Importing", size) as show:
            importing = ReferralImport(
                clients, who, file, report, drafts_only, lambda read: show(read // 1024, "KiB read")
            )
            return await importing.run()


def hmpps(
    *,
    path: Annotated[Path, typer.Argument(help="A file, or a folder of .json and .jsonl files.")],
    json: Json = False,
    data: Data = DEFAULT_DATA,
    node: Node = "",
) -> None:
    """Import messages of HMPPS; what they suggest becomes evidence or a prompt, unknown people leave nothing."""
    from house import hmpps_import  # noqa: PLC0415 - the command line starts quickly

    found = asyncio.run(_hmpps(path, folder(data, node)))
    if json:
        answers = {answer: found.of(answer) for answer in hmpps_import.ANSWERS}
        output.facts({"messages": found.messages, "answers": answers, "codes": dict(found.codes)})
    else:
        rows = [(answer, kind, count) for (answer, kind), count in sorted(found.answers.items())]
        output.table(("answer", "type", "messages"), rows)
    raise typer.Exit(found.exit_code)


async def _hmpps(path: Path, home: Folder) -> Counted:
    from house import hmpps_import, identity, staff  # noqa: PLC0415 - the command line starts quickly
    from house.clients import Clients  # noqa: PLC0415 - the command line starts quickly

    paths = hmpps_import.files(path)
    async with Clients(home, name=identity.ADAPTER) as clients:
        who = staff.adapter(clients.run_now().organisation)
        with output.progress("Importing") as show:
            done = 0

            def one_more() -> None:
                nonlocal done
                done += 1
                show(done, "messages")

            return await hmpps_import.run(clients, who, paths, progress=one_more)
