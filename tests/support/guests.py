"""An agreement with the employers of guests, as a service has heard of it: without one a guest sees nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from chassis.projection import Row, write

if TYPE_CHECKING:
    from chassis.access import Agreements
    from chassis.database import Database

SINCE = datetime(2020, 4, 1, tzinfo=UTC)


async def agreed(database: Database, held: Agreements, *employers: str, house: str = "together") -> None:
    """In force since long ago and for long, between the house and each of these."""
    async with database.transaction() as conn:
        for employer in employers:
            isa_id = f"isa-{employer}"
            signed = held.signed(
                isa_id,
                parties=[house, employer],
                recipients=[employer],
                valid_from=date(2020, 4, 1),
                valid_to=date(2099, 1, 1),
                seq=1,
            )
            await write(
                conn,
                [
                    Row(*signed),
                    Row(*held.stands(isa_id, in_force=True, since=SINCE, seq=1)),
                ],
            )
