"""`throughcare parked`: messages that wait for a person, in all services of a house.

A message is known as `service:number`. People see ids, reason and age, never what is in it. It is dropped by two
people: the first proposes with a reason, the second confirms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import asyncpg

from chassis import parking
from chassis.aggregate import Refused
from chassis.database import now, prepare
from house.environment import read_url
from house.names import SERVICES
from house.postgres import AWAY, database_of, named
from house.trouble import Trouble

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from chassis.database import Connection
    from house.folder import Folder, Run

_PAGE: Final = 200


async def listed(folder: Folder, run: Run) -> list[dict[str, Any]]:
    """Everything that is parked or held, service by service, oldest first."""
    found = []
    for service in run.services:

        async def rows(conn: Connection) -> list[parking.Parked]:
            held: list[parking.Parked] = []
            while page := await parking.listed(conn, limit=_PAGE, after=held[-1].nth if held else 0):
                held += page
            return held

        at = await _in(folder, run, service, now)
        found += [_shown(service, each, at) for each in await _in(folder, run, service, rows)]
    return found


async def shown(folder: Folder, run: Run, name: str) -> dict[str, Any]:
    """One message. Raises `Trouble` where nothing is parked under this name."""
    for each in await listed(folder, run):
        if each["id"] == name:
            return each
    raise _unknown(name)


async def retry(folder: Folder, run: Run, name: str) -> None:
    """Try its stream again now, from the oldest message."""
    service, nth = _parted(name)

    async def again(conn: Connection) -> None:
        await parking.retry(conn, nth, at=await now(conn))

    await _in(folder, run, service, again, name=name)


async def drop(folder: Folder, run: Run, name: str, *, by: str, reason: str) -> bool:
    """Propose to drop it or, as a second person, confirm; True once it is dropped."""
    service, nth = _parted(name)

    async def gone(conn: Connection) -> bool:
        return await parking.drop(conn, nth, by=by, reason=reason, at=await now(conn))

    return bool(await _in(folder, run, service, gone, name=name))


def _shown(service: str, parked: parking.Parked, at: datetime) -> dict[str, Any]:
    return {
        "id": f"{service}:{parked.nth}",
        "service": service,
        "group": parked.grp,
        "topic": parked.topic,
        "key": parked.key,
        "sequence": parked.sequence,
        "type": parked.type,
        "state": "held" if parked.reason == parking.GAP else "parked",
        "reason": parked.reason,
        "sentence": parked.sentence,
        "parked_at": parked.parked_at.isoformat(),
        "age_seconds": int((at - parked.parked_at).total_seconds()),
        "attempts": parked.attempts,
        "next_try_at": parked.next_try_at.isoformat() if parked.next_try_at else None,
        "drop_proposed_by": parked.drop_proposed_by,
        "drop_reason": parked.drop_reason,
    }


def _parted(name: str) -> tuple[str, int]:
    service, _, number = name.partition(":")
    if service not in SERVICES or not number.isdigit():
        raise Trouble(
            "A parked message is named service:number, such as casework:12.",
            mend="See them with: throughcare parked list",
            code=2,
        )
    return service, int(number)


async def _in(
    folder: Folder, run: Run, service: str, what: Callable[[Connection], Awaitable[Any]], *, name: str = ""
) -> Any:
    try:
        conn = await asyncpg.connect(named(read_url(folder), database_of(run.node, service)), timeout=10)
    except AWAY:
        raise Trouble(f"The database of {service} does not answer.", mend="Look with: throughcare status") from None
    try:
        await prepare(conn)
        async with conn.transaction():
            return await what(conn)
    except Refused as refused:
        if refused.kind == "NF":
            raise _unknown(name) from None
        raise Trouble(refused.sentence or refused.reason) from None
    finally:
        await conn.close()


def _unknown(name: str) -> Trouble:
    return Trouble(f"Nothing is parked as {name}.", mend="See what is with: throughcare parked list", code=3)
