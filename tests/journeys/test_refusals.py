"""What is refused leaves one entry in the audit and nothing else, wherever on its way it was refused."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import grpc
import pytest

from chassis.rpc import error_of
from tests.journeys.cast import MANAGER, OTHER_WORKER, Journey

if TYPE_CHECKING:
    from tests.support.house import Start

pytestmark = pytest.mark.wire


async def test_each_refusal_leaves_one_entry_and_changes_no_row(house: Start) -> None:
    async with house("referral") as running:
        jay = Journey(running)
        await jay.programme_opens_in_camden()
        missing = {"referral_id": str(uuid4()), "expected_version": 1}
        refused = {
            "a form with three wrong fields": (
                "StartReferral",
                MANAGER,
                {"programme": "", "referrer_kind": "NOBODY", "identifiers": {"crn": "12"}},
            ),
            "a record that is not there": (
                "StartTriage",
                MANAGER,
                {"referral_id": str(uuid4()), "expected_version": 1},
            ),
            "a role that may not": ("StartTriage", OTHER_WORKER, missing),
        }
        async with running.database("referral").connection() as conn:
            for what, (method, actor, given) in refused.items():
                before = await _counts(conn)
                with pytest.raises(grpc.aio.AioRpcError) as answer:
                    await jay.ask(method, actor, **given)
                after = await _counts(conn)

                assert after["audit"] == before["audit"] + 1, what
                assert {t: n for t, n in after.items() if t != "audit"} == {
                    t: n for t, n in before.items() if t != "audit"
                }, what
                if what.startswith("a form"):
                    assert len(error_of(answer.value).fields) >= 3


async def _counts(conn) -> dict[str, int]:
    tables = await conn.fetch("select tablename from pg_tables where schemaname in ('public', 'keys')")
    moving = {"consumer_offset", "watermark", "journal_read", "bus_seen", "pending"}
    return {
        row["tablename"]: await conn.fetchval(
            f"select count(*) from {'keys.' if row['tablename'] == 'person_key' else ''}{row['tablename']}"
        )
        for row in tables
        if row["tablename"] not in moving
    }
