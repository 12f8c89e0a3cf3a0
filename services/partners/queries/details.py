"""What the gate does not know: it keeps nobody's address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chassis.access import by
from chassis.aggregate import NotFound
from chassis.work import query

if TYPE_CHECKING:
    from partners.storage import Work


@query("contact.get", by("SYSTEM"))
async def get_contact(work: Work) -> None:
    """Nobody is reached through the gate; a service of the house that asks here has the wrong owner."""
    raise NotFound
