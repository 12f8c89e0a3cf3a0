"""How the command line speaks: rich on a terminal, plain lines where it is piped, JSON where it is asked."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from house.trouble import Trouble


def console() -> Console:
    """Where facts go. Without a terminal: no colour, no wrapping, no markup in values."""
    return Console(highlight=False, soft_wrap=not sys.stdout.isatty())


def beside() -> Console:
    """Where progress and troubles go, so that facts can be piped."""
    return Console(stderr=True, highlight=False, soft_wrap=not sys.stderr.isatty())


def facts(value: Any) -> None:
    """Print as JSON."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def line(text: str = "") -> None:
    """Print one line."""
    console().print(text, markup=False)


def table(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Print a table; figures stand right. Piped, nothing is cut off."""
    held = [[str("" if cell is None else cell) for cell in row] for row in rows]
    if not held:
        line("Nothing to show.")
        return
    names = list(columns)
    figures = [all(row[n].isdigit() or not row[n] for row in held) for n in range(len(names))]
    if sys.stdout.isatty():
        shown = Table(box=None, pad_edge=False, header_style="bold")
        for name, right in zip(names, figures, strict=True):
            shown.add_column(name, justify="right" if right else "left")
        for row in held:
            shown.add_row(*(Text(cell) for cell in row))
        console().print(shown)
        return
    widths = [max(len(row[n]) for row in [names, *held]) for n in range(len(names))]
    for row in [names, *held]:
        cells = zip(row, widths, figures, strict=True)
        line("  ".join(cell.rjust(width) if right else cell.ljust(width) for cell, width, right in cells).rstrip())


def trouble(what: Trouble) -> None:
    """Say what stands in the way and how to mend it."""
    out = beside()
    out.print(what.sentence, markup=False, style="red" if out.is_terminal else "")
    if what.mend:
        out.print(what.mend, markup=False)


@contextmanager
def progress(title: str, total: int | None = None) -> Iterator[Callable[[int, str], None]]:
    """A progress bar on a terminal, its last line alone where piped. Called with how much is done, and with what."""
    out = beside()
    if not out.is_terminal:
        last = [title]

        def note(done: int, what: str) -> None:
            last[0] = f"{title}: {done}{f' of {total}' if total is not None else ''} {what}".rstrip()

        try:
            yield note
        finally:
            out.print(last[0], markup=False)
        return
    columns = [SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()]
    with Progress(*columns, TimeRemainingColumn(), console=out) as bar:
        task = bar.add_task(title, total=total)

        def show(done: int, what: str) -> None:
            bar.update(task, completed=done, description=f"{title} {what}".rstrip())

        yield show
