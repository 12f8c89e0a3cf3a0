"""Fixtures of partners' tests."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from chassis.work import Works
from partners.deadlines import DEADLINES
from partners.publications import PUBLICATIONS
from partners.settings import Settings
from partners.storage import Work

if TYPE_CHECKING:
    from pathlib import Path

    from chassis.database import Database


@pytest.fixture
def works(database: Database, tmp_path: Path) -> Works[Work]:
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
    return Works(database, Work, settings=settings, publications=PUBLICATIONS, deadlines=DEADLINES)
