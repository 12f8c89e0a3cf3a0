"""What each role sees of a picture, field by field, as a table for people to read (access.md 3, 4 and 6; X2).

`picture.csv` is reviewed data: one line for each field, one column for each role, `x` where it is shown. A field or a
role without a place in it fails here, and so does a field that is shown or absent otherwise.
"""

from __future__ import annotations

import csv
import dataclasses
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from chassis.access import Actor, Purpose, Role
from chassis.aggregate import Denied
from partners.projections.picture import queries
from partners.projections.picture.across import House
from partners.projections.picture.shapes import Picture
from partners.projections.picture.viewers import seen_by
from partners.projections.picture.visibility import READERS
from tests.contracts.facts import fixed
from tests.partners.people import asks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chassis.work import Works
    from partners.storage import Work

MIGRATIONS = "partners.migrations"
TABLE = Path(__file__).parent / "picture.csv"
HOUSE = House(node="together", organisation="together", organisations={"penrose-house": "sig-penrose"})
# A partner's worker is one thing at home and another as a guest of the house he works with.
COLUMNS = [role.value for role in Role if role not in (Role.SYSTEM, Role.NODE)] + ["PW guest"]


def everything() -> Picture:
    """A picture in which every field is set, and a partner takes part in all that several do."""
    made = fixed(Picture)
    mine = {"org_id": "sig-penrose"}
    return replace(
        made,
        deliveries=tuple(replace(each, **mine) for each in made.deliveries or ()),
        handoffs=tuple(replace(each, **mine) for each in made.handoffs or ()),
        contacts=tuple(replace(each, **mine) for each in made.contacts or ()),
        clashes=tuple(replace(each, org_ids=("sig-penrose", "together")) for each in made.clashes or ()),
    )


def fields_of(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every field with its value, those of parts under their own names."""
    for field in dataclasses.fields(value):
        held = getattr(value, field.name)
        name = f"{path}{field.name}"
        first = held[0] if isinstance(held, tuple) and held else held
        yield name, held
        if dataclasses.is_dataclass(first) and not isinstance(first, type):
            yield from fields_of(first, f"{name}.")


def shown(picture: Picture) -> set[str]:
    """The names of the fields that hold something."""
    return {name for name, held in fields_of(picture) if held not in (None, "", ())}


def viewer(column: str) -> Actor:
    role = Role(column.partition(" ")[0])
    employer = "sig-penrose" if column.endswith("guest") else "together"
    return Actor(id="x", role=role, organisation=employer, purpose=Purpose.DELIVER_SUPPORT)


def table() -> dict[str, dict[str, str]]:
    with TABLE.open(newline="") as file:
        return {row["field"]: row for row in csv.DictReader(file)}


def test_every_field_and_every_role_has_its_place_in_the_table() -> None:
    rows = table()

    assert list(rows) == [name for name, _ in fields_of(everything())]
    assert list(next(iter(rows.values()))) == ["field", *COLUMNS]
    assert shown(everything()) == set(rows)


@pytest.mark.parametrize("column", COLUMNS)
def test_a_role_sees_the_fields_of_its_column_and_no_other(column: str) -> None:
    wanted = {name for name, row in table().items() if row[column] == "x"}
    if not wanted:
        with pytest.raises(Denied):
            seen_by(viewer(column), everything(), HOUSE)
        return
    assert shown(seen_by(viewer(column), everything(), HOUSE)) == wanted


@pytest.mark.parametrize("column", COLUMNS)
async def test_who_has_an_empty_column_is_refused_at_the_question(works: Works[Work], column: str) -> None:
    """Whether there is such a case or not: the role itself has no picture."""
    empty = not any(row[column] for row in table().values())

    assert (viewer(column).role not in READERS) is empty
    if empty:
        with pytest.raises(Denied):
            await works.ask(queries.get_picture, asks(viewer(column)), case_id=uuid4())


def test_an_hour_at_which_others_see_him_is_not_a_partners_to_know() -> None:
    """What is absent is absent whole: of others nothing is left, no empty place and no count."""
    (clash,) = everything().clashes or ()
    with_others = replace(everything(), clashes=(replace(clash, org_ids=("nhs", "together")),))

    assert seen_by(viewer("PW guest"), with_others, HOUSE).clashes == ()
