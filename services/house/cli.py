"""`throughcare`: the one command of operators. Each command is one function elsewhere; here they are joined.

What is foreseen ends in a sentence and how to mend it, and in an exit code; never in a traceback.
"""

from __future__ import annotations

import os
import sys

import typer

from house import output
from house.commands import (
    agreements,
    board,
    containers,
    directory,
    imports,
    keeping,
    node,
    operating,
    running,
    topics,
)
from house.trouble import Trouble


def app() -> typer.Typer:
    """The whole command line."""
    whole = typer.Typer(
        name="throughcare",
        help="Houses of Throughcare on this machine: start them, look at them, bring data in, mend them.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    running.add_to(whole)
    board.add_to(whole)
    agreements.add_to(whole)
    imports.add_to(whole)
    directory.add_to(whole)
    operating.add_to(whole)
    topics.add_to(whole)
    node.add_to(whole)
    containers.add_to(whole)
    keeping.add_to(whole)
    return whole


def main(arguments: list[str] | None = None) -> None:
    """Run one command and end with its exit code."""
    # gRPC's C core writes to stderr by itself, and would handle forks that start nothing but programs.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
    try:
        ended = app()(args=arguments, standalone_mode=False)
        code = ended if isinstance(ended, int) else 0  # what `typer.Exit` carried
    except Trouble as trouble:
        output.trouble(trouble)
        code = trouble.code
    except (KeyboardInterrupt, typer.Abort):
        code = 130
    except Exception as fault:
        said = _said_by_typer(fault)
        if said is None:
            raise
        code = said
    sys.exit(code)


def _said_by_typer(fault: Exception) -> int | None:
    """A wrong option or argument, which knows how to say so itself."""
    show = getattr(fault, "show", None)
    if show is None:
        return None
    show()
    return int(getattr(fault, "exit_code", 2))
