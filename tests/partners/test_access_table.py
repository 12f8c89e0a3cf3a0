"""Who may give which command and ask which question of partners, as a table for people to read (access.md 7, X1).

`access.csv` is reviewed data: one line for each, the roles with their reach. A command or question without a line, a
line without one, and a role more or less fail here, and so does a role that is let in or kept out otherwise.
"""

from __future__ import annotations

import csv
import importlib
import pkgutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from chassis.access import Actor, Purpose, Role, by
from chassis.aggregate import Denied
from chassis.work import Command, Query
from tests.partners.people import asks

if TYPE_CHECKING:
    from chassis.work import Works
    from partners.storage import Work

MIGRATIONS = "partners.migrations"
TABLE = Path(__file__).parent / "access.csv"


def declared() -> dict[str, Command]:
    """Everything that may be asked of the service, by the name of its permission."""
    found: dict[str, Command] = {}
    for package in ("partners.commands", "partners.queries", "partners.projections.picture"):
        module = importlib.import_module(package)
        for each in pkgutil.walk_packages(module.__path__, f"{package}."):
            values = vars(importlib.import_module(each.name)).values()
            found |= {value.name: value for value in values if isinstance(value, Command)}
    return found


def rows() -> dict[str, tuple[str, str]]:
    with TABLE.open(newline="") as file:
        return {row["permission"]: (row["kind"], row["roles"]) for row in csv.DictReader(file)}


def test_every_command_and_question_stands_in_the_table_as_it_stands_in_the_code() -> None:
    code, table = declared(), rows()

    assert sorted(code) == list(table)
    for name, each in code.items():
        kind, roles = table[name]
        assert kind == ("question" if isinstance(each, Query) else "command"), name
        assert dict(each.grants) == by(roles), name


@pytest.mark.parametrize("role", Role)
async def test_whoever_is_not_in_its_line_is_refused_before_anything_is_looked_up(
    works: Works[Work], role: Role
) -> None:
    """Called without arguments, what lets somebody in fails for want of them; what keeps him out says so first."""
    actor = Actor(id="x", role=role, organisation="together", purpose=Purpose.OPERATE)
    for name, each in declared().items():
        if role in by(rows()[name][1]):
            continue
        with pytest.raises(Denied):
            await (works.ask if isinstance(each, Query) else works.do)(each, asks(actor))
