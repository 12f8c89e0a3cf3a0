"""Making houses known to each other: each registers its own card and those it was given, by its own public door.

From then on it signs what it tells, believes what they sign, and hears whether they are there. Done again, it changes
nothing that stands; a new address or set of contracts takes the place of the old. `python -m house.introducing DATA`.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from chassis.access import Purpose
from chassis.calendar import local_date
from house import cards, clock, output, staff
from house.clients import Clients, there_already
from house.folder import Folder
from house.trouble import Trouble

if TYPE_CHECKING:
    from collections.abc import Sequence

    from house.cards import Card

_PATIENCE: Final = 60.0


async def introduce(folder: Folder, *, patience: float = _PATIENCE) -> None:
    """Every house of this folder to every other, and to those whose cards are kept. A house alone has nobody to
    speak to."""
    here = [cards.of(folder.of(each.node)) for each in folder.plan().nodes]
    known = [*here, *(card for card in cards.kept(folder) if card.node_id not in {own.node_id for own in here})]
    if len(known) == 1:
        return
    for own in here:
        others = [card for card in known if card is not own]
        await register(folder.of(own.node_id), [own, *others], patience=patience)


async def register(folder: Folder, known: Sequence[Card], *, patience: float = _PATIENCE) -> None:
    """Register these cards at one running house, with their organisations where it knows none of that name."""
    async with Clients(folder, patience=patience) as clients:
        organisation = clients.run_now().organisation
        manager = staff.acting(staff.MANAGER, organisation=organisation, purpose=Purpose.OPERATE)
        operator = staff.acting(staff.OPERATOR, organisation=organisation, purpose=Purpose.OPERATE)
        listed = await clients.call(manager, "ListOrganisations", page_size=200)
        there = {each.org_id for each in listed.organisations}
        today = local_date(await clock.now(folder, clients.run_now())).isoformat()
        for card in known:
            if card.org_id not in there:
                about: dict[str, Any] = {"org_id": card.org_id, "name": card.name, "sector": card.sector}
                with there_already():
                    await clients.call(manager, "RegisterOrganisation", **about, effective_on=today)
            await clients.call(operator, "RegisterNode", **_request(card))


def _request(card: Card) -> dict[str, Any]:
    return {
        "node_id": card.node_id,
        "org_id": card.org_id,
        "public_key": card.public_key,
        "rpc_address": card.rpc_address,
        "authority_fingerprint": card.authority_fingerprint,
        "schema_versions": list(card.schema_versions),
    }


async def listed(folder: Folder) -> list[dict[str, Any]]:
    """The nodes that a house knows: how each stands, when it was last heard, under which key, what it reads."""
    async with Clients(folder) as clients:
        organisation = clients.run_now().organisation
        operator = staff.acting(staff.OPERATOR, organisation=organisation, purpose=Purpose.OPERATE)
        found = (await clients.call(operator, "ListNodes", page_size=200)).nodes
    return [
        {
            "node_id": each.node_id,
            "org_id": each.org_id,
            "state": each.state,
            "last_heard_at": each.last_heard_at.ToJsonString() if each.HasField("last_heard_at") else None,
            "key_id": each.keys[-1].key_id if each.keys else "",
            "rpc_address": each.rpc_address,
            "schema_versions": list(each.schema_versions),
        }
        for each in found
    ]


if __name__ == "__main__":
    try:
        asyncio.run(introduce(Folder(Path(sys.argv[1]))))
    except Trouble as trouble:
        output.trouble(trouble)
        raise SystemExit(1) from None
