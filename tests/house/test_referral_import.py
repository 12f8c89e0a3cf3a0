"""A large file of referrals, from the command line's own client to the service's door: memory stays what it was."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
import pytest_asyncio

from chassis.access import Purpose
from chassis.rpc import RpcServer
from chassis.work import Works
from house import identity, nodes, staff
from house.clients import Clients
from house.demo.papers import referral_file
from house.environment import DATABASE_URL
from house.folder import Doors, Folder, Run, Running
from house.names import MANAGER, NODE
from house.referral_import import ReferralImport
from referral.deadlines import DEADLINES
from referral.publications import PUBLICATIONS
from referral.rpc import servicers
from referral.settings import Settings
from referral.storage import Work
from tests.referral import steps
from tests.referral.conftest import Desk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from chassis.database import Database
    from house.referral_import import Imported

MIGRATIONS = "referral.migrations"
MIB = 2**20
# `make faults` takes ten thousand rows; every run takes enough to see memory that grows with them.
FEW, MANY = (1_000, 10_000) if os.environ.get("THROUGHCARE_FAULTS") == "long" else (200, 2_000)


@pytest_asyncio.fixture
async def house(database: Database, tmp_path: Path) -> AsyncIterator[tuple[Folder, Desk]]:
    """The referral service behind its door, and a folder that says where it is."""
    folder = Folder(tmp_path / "house", NODE)
    folder.make()
    identity.ensure(folder, [nodes.read(NODE)])
    folder.write_secret(DATABASE_URL, database.url)
    own = identity.files(folder, NODE, "referral")
    settings = Settings(
        service="referral", node_id=NODE, node_organisation=NODE, database_url=database.url, bus_kind="embedded",
        bus_servers="127.0.0.1:1", bus_security="PLAINTEXT", embedded_profile=True, ca_file=own.ca,
        certificate_file=own.certificate, key_file=own.key, may_assert=identity.may_assert(NODE),
        wrapping_key_file=folder.secrets / "wrapping.key", house_key_file=folder.secrets / "house.key",
        email_domains="probation.example",
    )  # fmt: skip
    works = Works(database, Work, settings=settings, publications=PUBLICATIONS, deadlines=DEADLINES)
    server = RpcServer(settings, {"referral": servicers(works)}, works={"referral": works})
    address = f"127.0.0.1:{await server.start()}"
    alone = Running(name="supervisor", pid=None, started=0, restarts=0, state="running")
    folder.say(
        Run(
            supervisor=alone, node=NODE, bus="embedded", bus_servers="127.0.0.1:1", processes=(),
            houses={NODE: Doors(organisation=NODE, addresses={"referral": address}, ops={})},
        )
    )  # fmt: skip
    yield folder, Desk(database, works)
    await server.stop(0)


async def imported(folder: Folder, file: Path) -> Imported:
    """As `throughcare import referrals` does it."""
    async with Clients(folder) as clients:
        who = staff.acting(MANAGER, organisation=NODE, purpose=Purpose.REFERRAL_TRIAGE)
        return await ReferralImport(clients, who, file, file.with_name(f"{file.name}.report.csv")).run()


def a_file(path: Path, rows: int, today) -> Path:
    path.write_text(referral_file(today, rows), encoding="utf-8")
    return path


@pytest.mark.slow
@pytest.mark.timeout(1500)
async def test_ten_times_the_rows_take_no_more_memory_and_once_more_they_change_nothing(house, tmp_path):
    folder, desk = house
    await steps.a_programme(desk)
    today = await steps.today(desk)
    few, many = a_file(tmp_path / "few.csv", FEW, today), a_file(tmp_path / "many.csv", MANY, today)
    process = psutil.Process()

    first = await imported(folder, few)
    taken = process.memory_info().rss
    second = await imported(folder, many)
    grown = process.memory_info().rss - taken
    kept = await what_is_kept(desk)
    third = await imported(folder, many)

    assert first.outcomes == {"SUBMITTED": FEW, "DRAFT": 1, "REFUSED": 1, "SEEN_BEFORE": 1}
    # The few stand in the larger file again, and so does the draft; the refused one comes mended.
    assert second.outcomes == {"SUBMITTED": MANY - FEW - 1, "DRAFT": 1, "REFUSED": 1, "SEEN_BEFORE": FEW + 2}
    assert third.outcomes == {"SEEN_BEFORE": MANY + 2, "REFUSED": 1}
    assert await what_is_kept(desk) == kept
    assert kept["referral"] == MANY + 1
    # Client and service together, in this one process: nine times the rows, and next to nothing more is held.
    assert grown < 16 * MIB, f"{grown / MIB:.1f} MiB more"


async def what_is_kept(desk: Desk) -> dict[str, int]:
    """How many rows each table has, but for the audit, which notes that the file came again."""
    tables = await desk.rows(
        "select schemaname || '.' || relname as name, relname from pg_stat_user_tables where relname <> 'audit'"
    )
    return {each.relname: await desk.value(f"select count(*) from {each.name}") for each in tables}
