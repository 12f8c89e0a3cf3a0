"""An agreement with the employers of guests, as a service has heard of it: without one a guest sees nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from chassis.access import Category, Purpose
from chassis.projection import Row, write

if TYPE_CHECKING:
    from chassis.access import Agreements
    from chassis.database import Database

SINCE = datetime(2020, 4, 1, tzinfo=UTC)


def everything(house: str, employer: str) -> dict[str, Any]:
    """What such an agreement covers: all categories for all purposes, by a statute, without asking him each time."""
    return {
        "terms": {house: ["PART2", "LEGITIMATE_INTERESTS"], employer: ["PART3", "LAW_ENFORCEMENT_TASK"]},
        "purposes": [each.value for each in Purpose],
        "categories": [each.value for each in Category],
        "confidentiality_bases": [],
        "statutes": ["OMA_2007_S14"],
        "standing_basis": "STATUTE",
        "standing_reference": "OMA_2007_S14",
        "standing_recipients": [employer],
        "associates": [],
    }


async def agreed(
    database: Database, held: Agreements, *employers: str, house: str = "together", seq: int = 1, **limits: Any
) -> None:
    """In force since long ago and for long, between the house and each of these; `limits` are other things covered."""
    async with database.transaction() as conn:
        for employer in employers:
            isa_id = f"isa-{employer}"
            signed = held.signed(
                isa_id,
                parties=[house, employer],
                recipients=[employer],
                valid_from=date(2020, 4, 1),
                valid_to=date(2099, 1, 1),
                seq=seq,
                covers=everything(house, employer) | limits,
            )
            await write(
                conn,
                [
                    Row(*signed),
                    Row(*held.stands(isa_id, in_force=True, since=SINCE, seq=seq)),
                ],
            )
