"""Of the example: the organisations of the founding texts, with their names by date, and what they offer.

A house of its own publishes its organisation's offers itself; for organisations without one, the house that leads does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from house import staff
from house.clients import there_already

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable
    from typing import Protocol

    class Example(Protocol):
        """What is needed of the example."""

        async def as_(self, who: str, name: str, step: str, /, **fields: Any) -> Any: ...
        def ask(self, name: str, /, **fields: Any) -> Awaitable[Any]: ...


# Id, first name, sector, since. Days before the service began are assumed.
ORGANISATIONS: Final = (
    ("together", "Together", "VOLUNTARY", "2020-04-01"),
    ("women-in-prison", "Women in Prison", "VOLUNTARY", "2020-04-01"),
    ("sig-penrose", "Penrose", "VOLUNTARY", "2020-04-01"),
    ("camden-islington-nhs", "Camden & Islington NHS Foundation Trust", "SECONDARY_CARE", "2020-04-01"),
    ("barnet-enfield-haringey-nhs", "Barnet, Enfield & Haringey NHS Trust", "SECONDARY_CARE", "2020-04-01"),
    ("north-london-nhs", "North London NHS Foundation Trust", "SECONDARY_CARE", "2024-11-01"),
    ("oxleas-nhs", "Oxleas NHS Foundation Trust", "SECONDARY_CARE", "2020-04-01"),
    ("slam-nhs", "South London and Maudsley NHS Foundation Trust", "SECONDARY_CARE", "2020-04-01"),
    ("east-london-nhs", "East London NHS Foundation Trust", "SECONDARY_CARE", "2020-04-01"),
    (staff.PROBATION, "National Probation Service", "PROBATION", "2020-04-01"),
)
RENAMED: Final = (
    ("sig-penrose", "SIG Penrose", "2022-01-01"),
    (staff.PROBATION, "Probation Service", "2021-06-26"),
)
MERGED: Final = (
    ("camden-islington-nhs", "north-london-nhs", "2024-11-01"),
    ("barnet-enfield-haringey-nhs", "north-london-nhs", "2024-11-01"),
)
_HOUSING: Final = {
    "summary": "A supported flat for twelve months. A panel decides every fortnight who is next.",
    "aspect_codes": ["SUPPORTED_HOUSING"],
    "minimum_licence_months": 12,
    "length_months": 12,
    "panel_days": 14,
    "condition_codes": ["ON_LICENCE", "PANEL_DECIDES"],
}
_PANEL: Final = {"capacity": "ASSESSMENT_FIRST", "wait_days": 14}
OFFERS: Final[tuple[tuple[str, dict[str, Any], dict[str, Any]], ...]] = (
    ("sig-penrose", {"name": "OPD supported housing for men", "genders": ["MALE"], "places": 12, **_HOUSING}, _PANEL),
    (
        "sig-penrose",
        {"name": "OPD supported housing for women", "genders": ["FEMALE"], "places": 4, **_HOUSING},
        _PANEL,
    ),
    (
        "north-london-nhs",
        {
            "name": "Camden and Islington specialist service",
            "summary": "Psychological work with people who live in Camden or Islington and want to change.",
            "aspect_codes": ["PSYCHOLOGY"],
            "area_codes": ["E09000007", "E09000019"],
            "minimum_age": 18,
            "maximum_age": 65,
            "condition_codes": ["LIVES_IN_AREA", "DIFFICULTY_IN_DAILY_FUNCTIONING", "ABLE_TO_ENGAGE_IN_CHANGE"],
        },
        {"capacity": "ASSESSMENT_FIRST"},
    ),
    (
        "women-in-prison",
        {
            "name": "Support for women",
            "summary": "The women's partner: for women whom the service itself does not take.",
            "aspect_codes": ["WOMENS_SERVICE"],
            "genders": ["FEMALE"],
        },
        {"capacity": "HAS_CAPACITY"},
    ),
)


async def organisations(example: Example) -> None:
    """Whom we work with, under every name they had; who has merged stands for nobody any more."""
    there = {each.org_id: each for each in (await example.ask("ListOrganisations", page_size=200)).organisations}
    for org_id, name, sector, since in ORGANISATIONS:
        if org_id not in there:
            given = {"org_id": org_id, "name": name, "sector": sector, "effective_on": since}
            with there_already():
                await example.as_(staff.MANAGER, "RegisterOrganisation", f"organisation:{org_id}", **given)
    for org_id, name, since in RENAMED:
        held = (await example.ask("GetOrganisation", org_id=org_id)).organisation
        if all(each.name != name for each in held.names):
            given = {"org_id": org_id, "name": name, "effective_on": since, "expected_version": held.version}
            await example.as_(staff.MANAGER, "RenameOrganisation", f"organisation:{org_id}:{since}", **given)
    for org_id, successor, since in MERGED:
        held = (await example.ask("GetOrganisation", org_id=org_id)).organisation
        if held.state == "ACTIVE":
            following = (await example.ask("GetOrganisation", org_id=successor)).organisation
            on = max(since, following.names[0].effective_on)  # its own house may have come with a later day
            given = {"successor_id": successor, "effective_on": on, "expected_version": held.version}
            await example.as_(staff.MANAGER, "MergeOrganisation", f"organisation:{org_id}:end", org_id=org_id, **given)


async def offers(example: Example, *, own: str, housed: Iterable[str]) -> None:
    """What this house publishes: its own organisation's offers, or where it has none, those of whom no house is."""
    offering = {org_id for org_id, _, _ in OFFERS}
    mine = {own} if own in offering else offering - set(housed)
    for org_id, terms, room in OFFERS:
        if org_id not in mine:
            continue
        held = (await example.ask("ListOffers", org_id=org_id, page_size=200)).offers
        if all(each.terms.name != terms["name"] for each in held):
            step = f"offer:{org_id}:{terms['name']}"
            await example.as_(staff.MANAGER, "PublishOffer", step, org_id=org_id, terms=terms, room=room)
