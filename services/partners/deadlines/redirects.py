"""Redirects that are to be handed on: claim, read, offer, since no other service is asked inside a transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chassis.aggregate import Unmet
from partners.commands import handoffs as commands

if TYPE_CHECKING:
    from collections.abc import Sequence

    from partners.commands.handoffs import Redirect
    from partners.gateways.details import Details
    from partners.storage import Work


class Redirects:
    """Reads what may be read of whoever was redirected; while an owner cannot be asked it is tried again."""

    name = "redirects"

    def __init__(self, details: Details) -> None:
        self._details = details

    async def claim(self, work: Work) -> Sequence[Redirect]:
        """Those that nobody is reading for."""
        found: list[Redirect] = await commands.claim_redirects.inside(work)
        return found

    async def call(self, item: Redirect) -> str | None:
        """What may be read of him now; None while that cannot be asked."""
        try:
            return await self._details.snapshot(item.person_id, item.case_id, commands.SHARED)
        except Unmet:
            return None

    async def record(self, work: Work, item: Redirect, outcome: str | None) -> None:
        """It is offered; or its claim runs out, and it is tried again."""
        if outcome is not None:
            await commands.hand_on.inside(work, item, outcome)
