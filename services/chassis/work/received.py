"""How a work begins: its key is taken, and the clock read, in one statement; what is kept under a key that is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chassis.aggregate import Unmet
from chassis.database import now

if TYPE_CHECKING:
    from datetime import datetime

    import asyncpg

    from chassis.access import Call
    from chassis.database import Connection

    Begun = tuple[datetime, asyncpg.Record | None]

KEYS_KEPT_DAYS, EFFECTS_KEPT_DAYS = 7, 60
RECEIVE = """
insert into received (key, fingerprint, command, kept_until)
values ($1, $2, $3, house_now() + make_interval(days => $4))
on conflict (key) do nothing returning house_now()
"""
ANSWER = "update received set answer = $2 where key = $1 returning 1"
# One row, whether or not the key is there still: the clock is wanted all the same.
_KEPT = """
select fingerprint, answer, now.at from (select house_now() as at) as now left join received on key = $1
"""


async def clock(conn: Connection, _: Call, __: str) -> Begun:
    """Read the clock."""
    return await now(conn), None


async def receive(conn: Connection, call: Call, command: str) -> Begun:
    """Take the key and read the clock; with what is kept under the key where it is known."""
    at = await conn.fetchval(RECEIVE, call.key, call.fingerprint, command, KEYS_KEPT_DAYS)
    if at is not None:
        return at, None
    (kept,) = await conn.fetch(_KEPT, call.key)
    return kept["at"], kept


def answer_of(kept: asyncpg.Record, call: Call) -> Any:
    """The answer kept under a key, or the refusal of one that was used for another request."""
    if kept["fingerprint"] == call.fingerprint:
        return kept["answer"]["is"]
    raise Unmet(
        "idempotency_mismatch",
        "This key was used for another request. Send the new one with a key of its own.",
    )
