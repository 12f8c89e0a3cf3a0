"""How the command line speaks: rich on a terminal, plain lines where it is piped, JSON where it is asked."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

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


def table(columns: Iterable[str], rows: Iterable[Iterable[object]], *, title: str = "") -> None:
    """Print a table; numbers stand right."""
    held = [[str("" if cell is None else cell) for cell in row] for row in rows]
    shown = Table(title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for number, name in enumerate(columns):
        figures = bool(held) and all(row[number].replace(".", "").isdigit() or not row[number] for row in held)
        shown.add_column(name, justify="right" if figures else "left", no_wrap=not sys.stdout.isatty())
    for row in held:
        shown.add_row(*row)
    console().print(shown, markup=False) if held else line("Nothing to show.")


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
