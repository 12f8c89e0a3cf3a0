"""Options that many commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from house.folder import Folder

Data = Annotated[Path, typer.Option("--data", help="The folder that holds the house.", metavar="DIR")]
Json = Annotated[bool, typer.Option("--json", help="Print facts as JSON.")]
As = Annotated[str, typer.Option("--as", help="For which member of staff.", metavar="STAFF")]
DEFAULT_DATA = Path(".data")


def folder(data: Path) -> Folder:
    """The data folder."""
    return Folder(data)
