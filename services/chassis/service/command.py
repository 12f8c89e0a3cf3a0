"""`python -m <service> serve|migrate|rewrap|rebuild|parked`: what images and operators run."""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import TYPE_CHECKING

from chassis import parking, telemetry
from chassis.aggregate import NotFound, Refused
from chassis.database import UNREACHABLE, Database, migrate, now
from chassis.rpc import Undeclared
from chassis.sealed import Keyring, rewrap
from chassis.service.declaration import Compose, Service, settings_of
from chassis.service.parts import Parts
from chassis.service.running import BROKEN, run
from chassis.settings import ServiceSettings, SettingsWrong, read

if TYPE_CHECKING:
    from collections.abc import Sequence

WRONG_USE, AWAY, BADLY_SET = 64, 69, 78  # sysexits


def _asked(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m <service>")
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("serve", help="open the doors and run until told to stop")
    verbs.add_parser("migrate", help="bring the database's schema up to date")
    verbs.add_parser("rewrap", help="wrap the keys of persons under the first of the wrapping keys")
    verbs.add_parser("rebuild", help="rebuild the projections of a group from the journals").add_argument("group")
    parked = verbs.add_parser("parked", help="messages that wait: list, show, retry or drop them")
    actions = parked.add_subparsers(dest="action", required=True)
    actions.add_parser("list")
    for name in ("show", "retry", "drop"):
        actions.add_parser(name).add_argument("nth", type=int)
    drop = actions.choices["drop"]
    drop.add_argument("--by", required=True, help="your staff id; a second person confirms with hers")
    drop.add_argument("--reason", default="")
    return parser.parse_args(argv)


def main(argv: Sequence[str], compose: Compose) -> int:
    """Run one verb for one service; returns the exit code, and says in one line what is wrong."""
    asked = _asked(argv)
    try:
        settings = read(settings_of(compose))
        telemetry.configure_once(settings.log_level)
        return asyncio.run(_do(asked, settings, compose))
    except SettingsWrong as wrong:
        return _said(str(wrong), BADLY_SET)
    except Undeclared as wrong:
        return _said(str(wrong), BROKEN)
    except Refused as refusal:
        return _said(refusal.sentence or refusal.reason, WRONG_USE)
    except UNREACHABLE as fault:
        return _said(f"The database or the bus cannot be reached ({type(fault).__name__}).", AWAY)


async def _do(asked: argparse.Namespace, settings: ServiceSettings, compose: Compose) -> int:
    # Composed inside the loop: gateways and channels belong to it.
    service = compose(settings)
    if asked.verb == "serve":
        return await run([service])
    if asked.verb == "migrate":
        await migrate(settings.database_url.get_secret_value(), service.migrations)
        return 0
    if asked.verb == "rebuild":
        return await _rebuild(service, asked.group)
    database = await Database(settings.database_url.get_secret_value(), size=2).open()
    try:
        if asked.verb == "rewrap":
            return await _rewrap(database, settings)
        return await _parked(database, asked)
    finally:
        await database.close()


async def _rewrap(database: Database, settings: ServiceSettings) -> int:
    done = await rewrap(database, Keyring(settings.wrapping_keys, settings.shared_key))
    sys.stdout.write(f"The keys of {done} persons were under another wrapping key; now none is.\n")
    return 0


async def _rebuild(service: Service, group: str) -> int:
    parts = Parts(service)
    await parts.database.open()
    try:
        done = await parts.rebuild(group)
    finally:
        await parts.close()
    verdict = "equal to what was there" if done.equal else "not what was there: look for parked messages"
    sys.stdout.write(f"{group}: rebuilt from {done.messages} messages, {verdict}.\n")
    return 0


async def _parked(database: Database, asked: argparse.Namespace) -> int:
    async with database.transaction() as conn:
        if asked.action in {"list", "show"}:
            shown = [each for each in await parking.listed(conn) if asked.action == "list" or each.nth == asked.nth]
            if asked.action == "show" and not shown:
                raise NotFound
            sys.stdout.writelines(_line(each) + "\n" for each in shown)
        elif asked.action == "retry":
            await parking.retry(conn, asked.nth, at=await now(conn))
        elif not await parking.drop(conn, asked.nth, by=asked.by, reason=asked.reason, at=await now(conn)):
            sys.stdout.write("Proposed. A second person confirms it with: drop, the same number, and their own id.\n")
    return 0


def _line(parked: parking.Parked) -> str:
    """What a person needs to decide; neither headers nor value."""
    return (
        f"{parked.nth}  {parked.grp}  {parked.topic}  {parked.key}  {parked.sequence}  {parked.type}"
        f"  {parked.reason}: {parked.sentence}  since {parked.parked_at:%Y-%m-%d %H:%M}"
        f"  tried {parked.attempts} times"
    )


def _said(sentence: str, code: int) -> int:
    sys.stderr.write(sentence + "\n")
    return code
