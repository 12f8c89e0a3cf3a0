"""The service on a fresh database of its own schema."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from casework.storage.metadata import AGREEMENTS
from chassis.database import Database
from tests.casework.house import House
from tests.support.guests import agreed
from tests.support.postgres import fresh_database


@pytest_asyncio.fixture
async def house(postgres_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[House]:
    async with fresh_database(postgres_url, "casework.migrations") as url:
        database = await Database(url).open()
        await agreed(database, AGREEMENTS, "probation")
        yield House.on(database, tmp_path)
        await database.close()


@pytest_asyncio.fixture
async def staffed(house: House) -> House:
    """With the programme heard and two cleared workers of three places each."""
    await house.programme()
    await house.a_worker("staff-ew-1")
    await house.a_worker("staff-ew-2")
    return house
