"""Options that many commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from house.folder import Folder

Data = Annotated[Path, typer.Option("--data", help="The folder that holds the house.", metavar="DIR")]
Node = Annotated[str, typer.Option("--node", help="Which house; the one that leads if left out.", metavar="NODE")]
Json = Annotated[bool, typer.Option("--json", help="Print facts as JSON.")]
As = Annotated[str, typer.Option("--as", help="For which member of staff.", metavar="STAFF")]
DEFAULT_DATA = Path(".data")


def folder(data: Path, node: str = "") -> Folder:
    """The data folder, looked at from one of its houses."""
    return Folder(data, node)
