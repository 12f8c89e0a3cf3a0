"""`throughcare up` and `down`: houses from their first start to their end, in the foreground of their supervisor."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from house import bus_access, cards, environment, nodes
from house.buses import BusUnavailable
from house.composition import KAFKA, Houses, planned
from house.folder import Doors, Plan, Run, Running
from house.processes import alive, end, end_leftovers, started
from house.supervisor import Supervisor
from house.trouble import Trouble

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from house.folder import Folder

_SUPERVISOR: Final = "supervisor"
_DOWN_PATIENCE: Final = 60.0
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


def wanted(
    folder: Folder,
    *,
    houses: Sequence[str] = (),
    bus: str | None,
    split: bool,
    postgres: str | None,
    ports: Mapping[str, int] | None = None,
) -> Plan:
    """The plan of this start: what is kept in the folder, changed by what is asked. Raises `Trouble`."""
    kept = folder.plan()
    if bus is not None and bus not in ("embedded", KAFKA) and ":" not in bus:
        raise Trouble(f"There is no bus {bus}.", mend="Say --bus embedded, --bus kafka or --bus host:port.", code=2)
    found = nodes.read_all(houses or [each.file for each in kept.nodes])
    plan = Plan(
        nodes=found,
        bus=bus or _bus_of(found, kept),
        postgres=postgres or kept.postgres,
        split=split or kept.split,
        ports=kept.ports,
    )
    return planned(folder, plan, ports)


def _bus_of(houses: Sequence[nodes.Node], kept: Plan) -> str:
    """The bus that the houses' files name, if they name any; else that of the last start."""
    named = {each.bus_servers for each in houses if each.bus_servers}
    if len(named) > 1:
        raise Trouble(
            f"These houses name different buses: {', '.join(sorted(named))}.",
            mend="Start each in a folder of its own with --data.",
            code=2,
        )
    return named.pop() if named else kept.bus


async def up(
    folder: Folder,
    plan: Plan,
    *,
    ready: Callable[[Run], None] = lambda _: None,
    example: bool = False,
) -> int:
    """Run the house until it is asked to stop; the exit code. One supervisor a folder."""
    with folder.held():
        _end_old(folder)
        house = Houses(folder, plan)
        house.prepare()
        supervisor = Supervisor(house.children(), logs=folder.logs, changed=lambda now: _say(house, now))
        loop = asyncio.get_running_loop()
        for each in _SIGNALS:
            loop.add_signal_handler(each, supervisor.stop)
        _say(house, supervisor.running)
        keeping = asyncio.create_task(supervisor.run())
        following = asyncio.create_task(_when_ready(house, supervisor, ready, example=example))
        try:
            await asyncio.wait({keeping, following}, return_when=asyncio.FIRST_EXCEPTION)
            if following.done() and following.exception() is not None:
                supervisor.stop()
            await keeping
        except BusUnavailable as why:
            raise Trouble(str(why)) from None
        finally:
            following.cancel()
            folder.run_file.unlink(missing_ok=True)
        with suppress(asyncio.CancelledError):
            await following
    return 0


async def _when_ready(house: Houses, supervisor: Supervisor, ready: Callable[[Run], None], *, example: bool) -> None:
    if house.plan.bus not in ("embedded", KAFKA) and not bus_access.is_secured(house.folder):
        await house.make_topics()  # with users and rules it is the business of the bus's own operator
    await supervisor.until_ready()
    if not all(each.state == "running" for each in supervisor.running):
        return
    several = len(house.plan.nodes) > 1
    if example:
        await _beside("house.example", house.folder)
    if several or cards.kept(house.folder):
        await _beside("house.introducing", house.folder)
    if example and several:
        await _beside("house.example", house.folder, "--offers")
    run = house.folder.run()
    if run is not None:
        ready(run)


async def _beside(module: str, folder: Folder, *arguments: str) -> None:
    """In a process of its own: the supervisor keeps processes and does nothing else."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        str(folder.path),
        *arguments,
        env={**os.environ, "PYTHONPATH": environment.import_path()},
    )
    if await process.wait():
        raise Trouble("What the houses need could not be made; what happened stands above.")


def _say(house: Houses, now: Sequence[Running]) -> None:
    own = Running(name=_SUPERVISOR, pid=os.getpid(), started=started(os.getpid()), restarts=0, state="running")
    house.folder.say(
        Run(
            supervisor=own,
            bus=house.plan.bus,
            bus_servers=house.bus_servers,
            houses={each.node: _doors(house.plan, each) for each in house.plan.nodes},
            processes=tuple(now),
            node=house.plan.lead.node,
        )
    )


def _doors(plan: Plan, node: nodes.Node) -> Doors:
    rpc, ops = environment.addresses(plan, node, "rpc"), environment.addresses(plan, node, "ops")
    return Doors(organisation=node.organisation, addresses=rpc, ops=ops)


def _end_old(folder: Folder) -> None:
    """The lock is ours, so whoever is named in run.json has no supervisor any more."""
    run = folder.run()
    if run is not None:
        end_leftovers(reversed(run.processes))
        folder.run_file.unlink(missing_ok=True)


def down(folder: Folder, *, keep: bool) -> list[str]:
    """Stop the house, and delete its data unless told to keep it; what was done, in words."""
    folder.must_exist()
    done = []
    run = folder.run()
    if run is not None and alive(run.supervisor) and run.supervisor.pid is not None:
        end(run.supervisor.pid, how=signal.SIGTERM, patience=_DOWN_PATIENCE)
        done.append("The house is stopped.")
    with folder.held():
        _end_old(folder)
    if not keep:
        folder.remove()
        done.append(f"Its data in {folder.path} is deleted.")
    return done or ["No house was running."]
