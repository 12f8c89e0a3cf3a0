"""The owners of detail, which are other services of a house, as tests of partners alone stand in for them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from chassis.aggregate import Unmet
from chassis.deadlines import OutsideLoop
from partners.deadlines.redirects import Redirects
from tests.partners.handoff_houses import CANARY

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from partners.domain.handoff.codes import Category
    from tests.partners.houses import House


class Asked:
    """Stands for the owners of detail, which are other services of the house."""

    def __init__(self) -> None:
        self.asked: list[tuple[UUID, UUID | None, tuple[str, ...]]] = []
        self.away = False

    async def snapshot(self, person_id: UUID, case_id: UUID | None, categories: Sequence[Category]) -> str:
        if self.away:
            raise Unmet("details_unavailable")
        self.asked.append((person_id, case_id, tuple(each.value for each in categories)))
        return json.dumps({"referral": {"preferred_name": CANARY}})


async def handed_on(house: House, owners: Asked | None = None) -> None:
    """Redirects that wait to be handed on are, as the service does it."""
    await OutsideLoop(house.works, Redirects(owners or Asked())).turn()
