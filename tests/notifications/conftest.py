"""Fixtures of the notifications tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio

from tests.notifications.house import House, a_house

if TYPE_CHECKING:
    from pathlib import Path

    from chassis.database import Database


@pytest_asyncio.fixture
async def house(database: Database, tmp_path: Path) -> House:
    """The service on a fresh database, on a Monday morning, with its contact book."""
    return await a_house(database, tmp_path)
