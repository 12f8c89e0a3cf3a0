"""P1: command throughput of the service layer against PostgreSQL alone: pgbench with the very statements of a command.

They are taken from a command as it runs, so that the two never part: a command that sends fewer is measured against
a PostgreSQL that has fewer to do.
"""

from __future__ import annotations

import asyncio
import json
import re
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from benchmarks.measure import Run, Table, timed
from tests.chassis.toy import begin, calling

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.stage import Stage


async def _sent(stage: Stage) -> list[tuple[str, tuple[object, ...]]]:
    """What one command sends, statement by statement, with its values."""
    sent: list[tuple[str, tuple[object, ...]]] = []
    async with stage.database.connection() as conn:
        conn.add_query_logger(note := lambda record: sent.append((record.query, record.args or ())))
    await stage.toy.do(begin, calling(), note="a note")
    async with stage.database.connection() as conn:
        conn.remove_query_logger(note)
    return sent


def _literal(value: object, ids: dict[UUID, int]) -> str:
    """A value as pgbench writes it; an id of the command is another one each time, the same throughout a command."""
    if isinstance(value, UUID):
        return f"md5(:n || '{ids.setdefault(UUID(int=value.int), len(ids))}')::uuid"
    if isinstance(value, list | tuple):
        return f"array[{', '.join(_literal(each, ids) for each in value)}]"
    known = [each for each in ids if str(each) == value]
    return f"{_literal(known[0], ids)}::text" if known else _plain(value)


def _plain(value: object) -> str:
    match value:
        case None:
            return "null"
        case int():
            return str(value)
        case bytes():
            return f"'\\x{value.hex()}'::bytea"
        case dict():
            return f"'{json.dumps(value)}'::jsonb"
        case datetime():
            return f"'{value.isoformat()}'::timestamptz"
    return f"'{value}'"


def script(sent: Sequence[tuple[str, Sequence[object]]]) -> str:
    """The same for pgbench."""
    ids: dict[UUID, int] = {}
    lines = [r"\set n random(1, 1000000000000)"]
    for sql, arguments in sent:
        given = [_literal(value, ids) for value in arguments]
        filled = re.sub(r"\$(\d+)", lambda found, given=given: given[int(found[1]) - 1], re.sub(r"--.*", "", sql))  # type: ignore[misc]
        lines.append(" ".join(filled.split()).rstrip(";") + ";")
    return "\n".join(lines) + "\n"


async def _pgbench(stage: Stage, file: Path, clients: int, seconds: int) -> Run:
    process = await asyncio.create_subprocess_exec(
        str(stage.bin / "pgbench"), "-n", "-M", "prepared", "-c", str(clients), "-j", str(min(clients, 2)),
        "-T", str(seconds), "-f", str(file), stage.url,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    out, _ = await process.communicate()
    found = re.search(r"tps = ([0-9.]+)", out.decode())
    if found is None:
        raise RuntimeError(out.decode()[-800:])
    return Run(rate=float(found[1]), cpu=0.0)


async def measure(stage: Stage, *, rounds: int, seconds: int = 4) -> list[Table]:
    """At 1, 4 and 8 clients."""
    tables = []
    await stage.toy.do(begin, calling(), note="a note")  # statements are prepared once: not what is counted
    file = stage.folder / "command.sql"
    file.write_text(script(await _sent(stage)))
    for clients in (1, 4, 8):
        table = Table(f"P1-{clients}", f"commands at {clients} clients: ours against pgbench")

        async def ours(clients: int = clients) -> int:
            until = asyncio.get_running_loop().time() + seconds

            async def one() -> int:
                done = 0
                while asyncio.get_running_loop().time() < until:
                    await stage.toy.do(begin, calling(), note="a note")
                    done += 1
                return done

            return sum(await asyncio.gather(*(one() for _ in range(clients))))

        for number in range(rounds + 1):
            a, b = await timed(ours), await _pgbench(stage, file, clients, seconds)
            if number:
                table.runs.setdefault("works.do", []).append(a)
                table.runs.setdefault("pgbench, the same statements", []).append(b)
        ratio = table.ratio("works.do", "pgbench, the same statements")
        table.notes.append(f"ratio {ratio:.2f}; goal at least 0.6")
        tables.append(table)
    return tables
