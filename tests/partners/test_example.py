"""The organisations of the founding texts, registered through the door: names by date, successors kept."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from partners.commands import organisations as commands
from partners.domain.organisation import Sector
from partners.queries import organisations as queries
from tests.partners.people import MANAGER, asks

if TYPE_CHECKING:
    from chassis.work import Works

MIGRATIONS = "partners.migrations"
NHS, CHARITY = Sector.SECONDARY_CARE, Sector.VOLUNTARY
# Id, first name, sector, since. Days before the service began are assumed.
REGISTERED = (
    ("together", "Together", CHARITY, "2020-04-01"),
    ("women-in-prison", "Women in Prison", CHARITY, "2020-04-01"),
    ("sig-penrose", "Penrose", Sector.HOUSING, "2020-04-01"),
    ("camden-islington-nhs", "Camden & Islington NHS FT", NHS, "2020-04-01"),
    ("barnet-enfield-haringey-nhs", "Barnet, Enfield & Haringey Mental Health NHS Trust", NHS, "2020-04-01"),
    ("north-london-nhs", "North London NHS FT", NHS, "2024-11-01"),
    ("oxleas-nhs", "Oxleas NHS FT", NHS, "2020-04-01"),
    ("slam-nhs", "South London and Maudsley NHS FT", NHS, "2020-04-01"),
    ("east-london-nhs", "East London NHS FT", NHS, "2020-04-01"),
    ("probation", "National Probation Service", Sector.PROBATION, "2020-04-01"),
)
RENAMED = (("sig-penrose", "SIG Penrose", "2022-01-01"), ("probation", "Probation Service", "2021-06-26"))
MERGED = (
    ("camden-islington-nhs", "north-london-nhs", "2024-11-01"),
    ("barnet-enfield-haringey-nhs", "north-london-nhs", "2024-11-01"),
)


async def test_they_are_registered_renamed_and_merged(works: Works[Any]) -> None:
    for org_id, name, sector, since in REGISTERED:
        given = {"org_id": org_id, "name": name, "sector": sector, "effective_on": date.fromisoformat(since)}
        await works.do(commands.register_organisation, asks(MANAGER), **given)
    for org_id, name, since in RENAMED:
        given = {"org_id": org_id, "name": name, "effective_on": date.fromisoformat(since), "expected": 1}
        await works.do(commands.rename_organisation, asks(MANAGER), **given)
    for org_id, successor, since in MERGED:
        given = {"org_id": org_id, "successor_id": successor, "effective_on": date.fromisoformat(since)}
        await works.do(commands.merge_organisation, asks(MANAGER), **given, expected=1)

    async def standing(on: str) -> dict[str, tuple[str, str]]:
        found = await works.ask(queries.list_organisations, asks(MANAGER), on=date.fromisoformat(on))
        return {seen.org_id: (seen.name, seen.successor_id) for seen in found}

    then, now = await standing("2021-01-01"), await standing("2026-01-01")
    assert then["camden-islington-nhs"] == ("Camden & Islington NHS FT", "camden-islington-nhs")
    assert now["camden-islington-nhs"][1] == now["barnet-enfield-haringey-nhs"][1] == "north-london-nhs"
    assert (then["probation"][0], now["probation"][0]) == ("National Probation Service", "Probation Service")
    assert (then["sig-penrose"][0], now["sig-penrose"][0]) == ("Penrose", "SIG Penrose")
