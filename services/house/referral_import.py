"""`throughcare import referrals`: rows go out in one stream, answers come back into a report of every row.

Memory is bounded: a window of rows is under way at any time. A service that goes away in between is waited for, and
the rows without an answer are sent again; killed, the next run finds taken rows as `SEEN_BEFORE`.
"""

from __future__ import annotations

import asyncio
import csv
from collections import Counter, deque
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, TextIO
from uuid import UUID, uuid4

from house.clients import Clients, Refusal
from house.referral_file import UNUSABLE, Line, read
from house.trouble import Trouble

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping
    from pathlib import Path

    from chassis.access import Actor

OUTCOMES: Final = ("SUBMITTED", "DRAFT", "SEEN_BEFORE", "REFUSED")
WINDOW: Final = 128
_PATIENCE: Final = 120.0
_PAUSE: Final = 0.5


@dataclass
class Imported:
    """What became of a file: rows by outcome, and how often each code was given."""

    outcomes: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)

    @property
    def rows(self) -> int:
        """How many rows the report has."""
        return sum(self.outcomes.values())

    @property
    def exit_code(self) -> int:
        """1 where a row was refused."""
        return 1 if self.outcomes["REFUSED"] else 0


@dataclass
class ReferralImport:
    """One run over one file. `progress` is told how many bytes of it were read."""

    clients: Clients
    actor: Actor
    file: Path
    report: Path
    drafts_only: bool = False
    progress: Callable[[int], None] = lambda _: None

    async def run(self) -> Imported:
        """Import every row and write the report. Raises `Trouble` (code 2) for a file that cannot be read on."""
        found = Imported()
        unfinished = self.report.with_name(f"{self.report.name}.unfinished")
        stands = True
        try:
            with self.file.open("rb") as source, unfinished.open("w", encoding="utf-8", newline="") as out:
                lines = read(source)
                stands = False
                first = next(lines, None)  # another first line: nothing is written, nobody is asked
                stands = True
                rows = _Rows(chain([first] if first else [], lines), _Report(out, found))
                await self._pump(rows, lambda: self.progress(source.tell()))
        except Trouble as trouble:
            stands = stands and trouble.code == UNUSABLE
            raise
        except BaseException:
            stands = False
            raise
        finally:
            if stands:
                unfinished.replace(self.report)
            unfinished.unlink(missing_ok=True)
        return found

    async def _pump(self, rows: _Rows, told: Callable[[], None]) -> None:
        """Stream after stream until every row is answered; gives up when nothing moves for two minutes."""
        key, loop = uuid4(), asyncio.get_running_loop()
        until = loop.time() + _PATIENCE
        while True:
            before = rows.answered
            try:
                await self._one_stream(rows, key, told)
            except Refusal:
                raise
            except Trouble:
                until = loop.time() + _PATIENCE if rows.answered > before else until
                if loop.time() > until:
                    raise
                await asyncio.sleep(_PAUSE)
                continue
            return rows.finish()

    async def _one_stream(self, rows: _Rows, key: UUID, told: Callable[[], None]) -> None:
        rows.begin()
        async for answer in self.clients.stream(self.actor, "ImportReferrals", self._requests(rows), key=key):
            rows.answer(answer)
            told()
        if rows.under_way:
            raise Trouble("The referral service ended the import before it had answered every row.")

    async def _requests(self, rows: _Rows) -> AsyncIterator[Mapping[str, Any]]:
        async for line in rows.going():
            yield {"row": line.number, "values": list(line.values), "drafts_only": self.drafts_only}


class _Rows:
    """Rows on their way and faulty lines between them, in the order of the file."""

    def __init__(self, lines: Iterator[Line], report: _Report) -> None:
        self._lines, self._report = lines, report
        self._waiting: deque[Line] = deque()  # sent and not answered, or faulty and not yet their turn
        self._room = asyncio.Event()
        self._ended: Trouble | None = None
        self.answered = 0

    @property
    def under_way(self) -> list[Line]:
        """Sent and not answered."""
        return [line for line in self._waiting if not line.fault]

    def begin(self) -> None:
        """A new stream."""
        self._room.set()

    async def going(self) -> AsyncIterator[Line]:
        """Unanswered rows again, then new ones, never more than the window ahead of the answers."""
        for again in self.under_way:
            yield again
        while (line := self._next()) is not None:
            self._waiting.append(line)
            self._settle()
            if not line.fault:
                yield line
            if len(self._waiting) >= WINDOW:
                self._room.clear()
            await self._room.wait()

    def answer(self, answer: Any) -> None:
        """The oldest row under way was answered."""
        line = next((each for each in self._waiting if not each.fault), None)
        if line is None or line.number != answer.row:
            raise Trouble("The referral service answered another row than the one that was next.")
        self._waiting.remove(line)
        self._report.row(answer.row, answer.external_reference, answer.outcome, tuple(answer.codes))
        self.answered += 1
        self._settle()
        self._room.set()

    def finish(self) -> None:
        """Every row is answered. Raises what ended the reading, where something did."""
        self._settle()
        if self._ended is not None:
            raise self._ended

    def _next(self) -> Line | None:
        if self._ended is None:
            try:
                return next(self._lines, None)
            except Trouble as trouble:  # the rows before it are answered first
                self._ended = trouble
        return None

    def _settle(self) -> None:
        """Report faulty lines whose turn it is."""
        while self._waiting and self._waiting[0].fault:
            line = self._waiting.popleft()
            self._report.row(line.number, "", "REFUSED", (line.fault,))


class _Report:
    """`row,external_reference,outcome,codes`, and its counts."""

    def __init__(self, out: TextIO, found: Imported) -> None:
        self._writer: Any = csv.writer(out, lineterminator="\n")
        self._found = found
        self._writer.writerow(("row", "external_reference", "outcome", "codes"))

    def row(self, number: int, reference: str, outcome: str, codes: tuple[str, ...]) -> None:
        """One row."""
        self._writer.writerow((number, reference, outcome, ";".join(codes)))
        self._found.outcomes[outcome] += 1
        self._found.codes.update(codes)
