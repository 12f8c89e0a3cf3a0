"""Organisations as the service keeps them: told once, refused without a trace but one audit entry."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from chassis.access import Actor, Role
from chassis.aggregate import Conflict, Denied, Exists, NotFound, Refused
from partners.commands import organisations as commands
from partners.domain.organisation import Sector, Status
from partners.queries import organisations as queries
from tests.partners.people import MANAGER, PRACTITIONER, asks

if TYPE_CHECKING:
    from chassis.work import Works

MIGRATIONS = "partners.migrations"
ADMINISTRATOR = Actor(id="staff-pa-1", role=Role.PA, organisation="together")
BEGAN = date(2020, 4, 1)


async def register(works: Works[Any], org_id: str, name: str = "Some trust", *, actor: Actor = MANAGER) -> int:
    return await works.do(
        commands.register_organisation,
        asks(actor),
        org_id=org_id,
        name=name,
        sector=Sector.SECONDARY_CARE,
        effective_on=BEGAN,
    )


async def merge(works: Works[Any], one: str, other: str, on: date = date(2024, 11, 1), expected: int = 1) -> int:
    return await works.do(
        commands.merge_organisation,
        asks(MANAGER),
        org_id=one,
        successor_id=other,
        effective_on=on,
        expected=expected,
    )


async def count(works: Works[Any], sql: str) -> int:
    async with works.database.connection() as conn:
        return await conn.fetchval(f"select count(*) from {sql}")


async def test_registered_once_and_told_without_its_name(works: Works[Any]) -> None:
    assert await register(works, "women-in-prison", "Women in Prison", actor=ADMINISTRATOR) == 1

    async with works.database.connection() as conn:
        (told,) = await conn.fetch("select topic, key, aggregate_id, fact_type, message from journal")
    assert (told["topic"], told["key"]) == ("together.partners.v1", str(told["aggregate_id"]))
    assert told["fact_type"] == "Registered"
    assert b"women-in-prison" in told["message"]
    assert b"Women in Prison" not in told["message"]
    assert await count(works, "pending") == 1


async def test_the_same_id_is_not_registered_twice(works: Works[Any]) -> None:
    await register(works, "women-in-prison")

    with pytest.raises(Exists, match="organisation_exists"):
        await register(works, "women-in-prison", "Another")

    assert await count(works, "organisation") == 1
    assert await count(works, "journal") == 1
    assert await count(works, "audit where outcome = 'refused:organisation_exists'") == 1


async def test_registered_at_the_same_moment_it_is_there_once(works: Works[Any]) -> None:
    answers = await asyncio.gather(*(register(works, "women-in-prison") for _ in range(4)), return_exceptions=True)

    assert answers.count(1) == 1
    assert all(isinstance(answer, Exists | Conflict) for answer in answers if answer != 1)
    assert await count(works, "organisation") == 1


async def test_only_managers_and_administrators_may(works: Works[Any]) -> None:
    with pytest.raises(Denied):
        await register(works, "women-in-prison", actor=PRACTITIONER)

    assert await count(works, "organisation") == 0
    assert await count(works, "audit where outcome = 'refused:not_permitted'") == 1


async def test_an_old_version_is_refused(works: Works[Any]) -> None:
    await register(works, "sig-penrose", "Penrose")
    given = {"org_id": "sig-penrose", "effective_on": date(2022, 1, 1)}
    await works.do(commands.rename_organisation, asks(MANAGER), name="SIG Penrose", expected=1, **given)

    with pytest.raises(Conflict):
        await works.do(commands.close_organisation, asks(MANAGER), expected=1, **given)


async def test_an_unknown_one_is_not_found(works: Works[Any]) -> None:
    await register(works, "one-trust")

    with pytest.raises(NotFound):
        await merge(works, "one-trust", "no-trust")
    with pytest.raises(NotFound):
        await works.do(commands.close_organisation, asks(MANAGER), org_id="no-trust", effective_on=BEGAN, expected=1)


async def test_what_is_kept_under_an_old_id_resolves_to_the_last_successor_of_that_day(works: Works[Any]) -> None:
    for org_id in ("camden-islington-nhs", "north-london-nhs", "all-london-nhs"):
        await register(works, org_id)
    await merge(works, "camden-islington-nhs", "north-london-nhs")
    await merge(works, "north-london-nhs", "all-london-nhs", on=date(2025, 11, 1))

    async def standing(on: date) -> tuple[str, Status]:
        seen = await works.ask(queries.get_organisation, asks(PRACTITIONER), org_id="camden-islington-nhs", on=on)
        return seen.successor_id, seen.status

    assert await standing(date(2024, 10, 31)) == ("camden-islington-nhs", Status.ACTIVE)
    assert await standing(date(2024, 11, 1)) == ("north-london-nhs", Status.MERGED_INTO)
    assert await standing(date(2026, 1, 1)) == ("all-london-nhs", Status.MERGED_INTO)


async def test_mergers_that_cross_leave_one_of_the_two(works: Works[Any]) -> None:
    await register(works, "one-trust")
    await register(works, "two-trust")

    answers = await asyncio.gather(
        merge(works, "one-trust", "two-trust"), merge(works, "two-trust", "one-trust"), return_exceptions=True
    )

    assert sum(isinstance(answer, Refused) for answer in answers) == 1
    assert await count(works, "organisation where status = 'MERGED_INTO'") == 1


async def test_they_are_listed_by_id_under_the_names_of_the_day(works: Works[Any]) -> None:
    await register(works, "sig-penrose", "Penrose")
    await register(works, "oxleas")
    await works.do(
        commands.rename_organisation,
        asks(MANAGER),
        org_id="sig-penrose",
        name="SIG Penrose",
        effective_on=date(2022, 1, 1),
        expected=1,
    )

    today = await works.ask(queries.list_organisations, asks(PRACTITIONER))
    before = await works.ask(queries.list_organisations, asks(PRACTITIONER), on=date(2021, 1, 1))
    second = await works.ask(queries.list_organisations, asks(PRACTITIONER), after="oxleas", most=1)

    assert [(seen.org_id, seen.name) for seen in today] == [("oxleas", "Some trust"), ("sig-penrose", "SIG Penrose")]
    assert [seen.name for seen in before] == ["Some trust", "Penrose"]
    assert [seen.org_id for seen in second] == ["sig-penrose"]


async def test_the_same_key_again_gives_the_same_answer(works: Works[Any]) -> None:
    call = asks(MANAGER)
    given = {"org_id": "oxleas", "name": "Oxleas", "sector": Sector.SECONDARY_CARE, "effective_on": BEGAN}

    first = await works.do(commands.register_organisation, call, **given)
    again = await works.do(commands.register_organisation, call, **given)

    assert (first, again) == (1, 1)
    assert await count(works, "journal") == 1
