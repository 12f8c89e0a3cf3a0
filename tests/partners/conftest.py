"""Fixtures of partners' tests."""

from __future__ import annotations

import secrets
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest

from chassis.database import Database
from chassis.work import Works
from partners.deadlines import DEADLINES
from partners.projections.picture.tables import AGREEMENTS
from partners.publications import PUBLICATIONS
from partners.settings import Settings
from partners.storage import Work
from tests.partners.houses import House, introduced
from tests.support.guests import agreed
from tests.support.postgres import fresh_database

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


GUESTS = ("probation", "sig-penrose", "women-in-prison")


@pytest.fixture
async def works(database: Database, tmp_path: Path) -> Works[Work]:
    """The service's works on a fresh database."""
    for name in ("wrapping", "house"):
        (tmp_path / name).write_text(secrets.token_hex(32))
    settings = Settings(
        node_id="together",
        node_organisation="together",
        database_url=database.url,
        bus_kind="kafka",
        bus_servers="",
        bus_security="PLAINTEXT",
        wrapping_key_file=tmp_path / "wrapping",
        house_key_file=tmp_path / "house",
        embedded_profile=True,
    )
    await agreed(database, AGREEMENTS, *GUESTS)
    return Works(database, Work, settings=settings, publications=PUBLICATIONS, deadlines=DEADLINES)


@pytest.fixture
async def one_house(database: Database, tmp_path: Path) -> House:
    """Together, which knows itself alone."""
    made = House("together", database, tmp_path)
    await introduced(made)
    return made


@pytest.fixture
async def two_strangers(postgres_url: str, tmp_path: Path) -> AsyncIterator[tuple[House, House]]:
    """Together and a trust, each with its own database."""
    async with AsyncExitStack() as stack:
        made = []
        for node in ("together", "north-london-nhs"):
            url = await stack.enter_async_context(fresh_database(postgres_url, "partners.migrations"))
            database = await Database(url).open()
            stack.push_async_callback(database.close)
            made.append(House(node, database, tmp_path))
        yield made[0], made[1]


@pytest.fixture
async def two_houses(two_strangers: tuple[House, House]) -> tuple[House, House]:
    """The same, introduced to each other."""
    await introduced(*two_strangers)
    return two_strangers
