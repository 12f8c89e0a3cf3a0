"""The referral service by itself: real PostgreSQL, no bus; works are done as its doors would do them."""

import hashlib
import json
import secrets
from datetime import timedelta
from types import SimpleNamespace
from uuid import uuid4

import pytest

from chassis.access import Actor, Call, Purpose, Role
from chassis.database import Database, wind
from chassis.deadlines import DeadlineLoop
from chassis.work import Works
from referral.deadlines import DEADLINES
from referral.publications import PUBLICATIONS
from referral.settings import Settings
from referral.storage import AGREEMENTS, Work
from tests.referral.ears import Ears
from tests.support.guests import agreed

SM1 = Actor(id="staff-sm-1", role=Role.SM, organisation="together", purpose=Purpose.REFERRAL_TRIAGE)
SM2 = Actor(id="staff-sm-2", role=Role.SM, organisation="together", purpose=Purpose.REFERRAL_TRIAGE)
EW1 = Actor(id="staff-ew-1", role=Role.EW, organisation="together", purpose=Purpose.DELIVER_SUPPORT)
CP1 = Actor(id="staff-cp-1", role=Role.CP, organisation="together", purpose=Purpose.CLINICAL_CARE)
IG1 = Actor(id="staff-ig-1", role=Role.IG, organisation="together", purpose=Purpose.AUDIT)
PW1 = Actor(id="staff-pw-1", role=Role.PW, organisation="women-in-prison", purpose=Purpose.HANDOFF)
PP1 = Actor(id="pp-one", role=Role.PP, organisation="probation", purpose=Purpose.REFERRAL_TRIAGE)
PP2 = Actor(id="pp-two", role=Role.PP, organisation="probation", purpose=Purpose.REFERRAL_TRIAGE)
ADAPTER = Actor(id="hmpps", role=Role.ADAPTER, organisation="together", purpose=Purpose.OPERATE)


class Desk:
    """Gives commands and asks questions for somebody, and looks into the database."""

    def __init__(self, database: Database, works: Works):
        self.database, self.works = database, works

    async def do(self, command, actor, key=None, **arguments):
        body = hashlib.sha256(json.dumps(arguments, default=str, sort_keys=True).encode()).digest()
        call = Call(actor=actor, correlation_id=uuid4(), key=key or uuid4(), fingerprint=body)
        return await self.works.do(command, call, **arguments)

    async def ask(self, query, actor, **arguments):
        return await self.works.ask(query, Call(actor=actor, correlation_id=uuid4()), **arguments)

    async def rows(self, sql, *arguments):
        async with self.database.connection() as conn:
            return [SimpleNamespace(**dict(row)) for row in await conn.fetch(sql, *arguments)]

    async def value(self, sql, *arguments):
        async with self.database.connection() as conn:
            return await conn.fetchval(sql, *arguments)

    async def told(self, since=0):
        """The types of the messages told, in order."""
        rows = await self.rows(
            "select fact_type, topic is not null as told from journal where position > $1 order by position", since
        )
        return [row.fact_type for row in rows if row.told]

    async def position(self):
        return await self.value("select coalesce(max(position), 0) from journal")

    async def wind(self, **ahead):
        """Wind the clock and let what is due fire."""
        async with self.database.connection() as conn:
            await wind(conn, timedelta(**ahead))
        loop = DeadlineLoop(self.works)
        while await loop.fire():
            pass

    async def snapshot(self):
        """Everything but the audit and the keys of commands: what a refusal must not change."""
        tables = await self.rows(
            "select schemaname || '.' || relname as name from pg_stat_user_tables"
            " where relname not in ('audit', 'received', 'alembic_version')"
        )
        found = {}
        async with self.database.connection() as conn:
            for table in tables:
                rows = await conn.fetch(f"select held::text as held from {table.name} held order by 1")
                found[table.name] = [row["held"] for row in rows]
        return found


@pytest.fixture
async def desk(database: Database, tmp_path):
    for name in ("wrapping", "house"):
        (tmp_path / f"{name}.key").write_text(secrets.token_hex(32))
    settings = Settings(
        node_id="together",
        node_organisation="together",
        database_url=database.url,
        bus_kind="embedded",
        bus_servers="127.0.0.1:1",
        bus_security="PLAINTEXT",
        embedded_profile=True,
        wrapping_key_file=tmp_path / "wrapping.key",
        house_key_file=tmp_path / "house.key",
    )
    works = Works(database, Work, settings=settings, publications=PUBLICATIONS, deadlines=DEADLINES)
    await agreed(database, AGREEMENTS, "probation", "women-in-prison")
    return Desk(database, works)


@pytest.fixture
def ears(desk):
    return Ears(desk)
