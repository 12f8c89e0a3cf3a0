"""What falls due is done, and what must be done outside the house is done once: two loops per service.

A due promise leads to its command in one work: claimed, done, marked missed or kept, told and audited in one
transaction. Replicas never take the same one. A call to the outside is claimed and committed first, made without a
transaction, and recorded in a second work: a crash between the two leaves a claim, never a silent second letter.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from chassis import promises, telemetry
from chassis.aggregate import Conflict, Refused
from chassis.database import TRY_AGAIN, UNREACHABLE, now

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from uuid import UUID

    from chassis.promises import Promise
    from chassis.work import Command, Work, Works

log = telemetry.logger(__name__)
T = TypeVar("T")
O = TypeVar("O")  # noqa: E741 - the outcome
# Another process may wind the clock or make a promise: nobody waits longer than this to notice.
POLL: Final = 1.0
_AWAY: Final = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
_REST: Final = (1.0, 10.0, 60.0, 600.0, 3600.0)
_CALLS_AT_ONCE: Final = 8
_CALL_TIMEOUT: Final = 60.0


class _Nudged:
    """A wait that can be cut short."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def nudge(self) -> None:
        """Look now: the clock was wound, or something was made that may be due."""
        self._event.set()

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            pass
        self._event.clear()


class DeadlineLoop(_Nudged):
    """Runs the commands of due promises, oldest first, one work each.

    A refusal of such a command changes nothing but is audited; the promise was due and is missed all the same. A
    fault rests that one promise for a growing time, in memory, and all others go on.
    """

    def __init__(self, works: Works[Any]) -> None:
        super().__init__()
        self._works = works
        self._codes = sorted(works.deadlines.due_commands)
        self._resting: dict[UUID, tuple[int, float]] = {}

    async def run(self) -> None:
        """Until cancelled."""
        away = 0
        while self._codes:
            try:
                delay = 0.0 if await self.fire() else await self._until_next()
                away = 0
            except (*UNREACHABLE, *TRY_AGAIN) as fault:
                telemetry.count("database_faults", operation="deadlines")
                log.warning("Deadlines wait for their database", exc_info=fault)
                delay, away = _AWAY[min(away, len(_AWAY) - 1)], away + 1
            if delay:
                await self._wait(delay)

    async def fire(self) -> bool:
        """Take one due promise and do what it leads to; False where none is due."""
        clock = asyncio.get_running_loop().time()
        resting = {found for found, (_, until) in self._resting.items() if until > clock}
        async with self._works.batch() as work:
            due = await promises.claim(work.conn, at=work.now, codes=self._codes, limit=len(resting) + 1)
            promise = next((each for each in due if each.id not in resting), None)
            if promise is None:
                return False
            missed = await self._do(work, promise)
        if missed:
            telemetry.count("promises_missed", code=promise.code)
        return True

    async def _do(self, work: Work, promise: Promise) -> bool:
        """Whether it stands as missed: not where the command kept, dropped or moved it."""
        telemetry.observe("deadline_lateness_seconds", (work.now - promise.due_at).total_seconds(), code=promise.code)
        mark = await work.mark()
        with telemetry.span(f"deadline {promise.code}", code=promise.code):
            work.call = replace(work.call, traceparent=telemetry.current_traceparent())
            try:
                await self._works.deadlines.due_commands[promise.code](work, promise)
                await work.flush()
            except Conflict as conflict:
                # Somebody changed the record meanwhile: the promise is looked at again, not lost.
                await work.undo(mark)
                self._rest(promise, conflict, said=log.info)
                return False
            except Refused as refusal:
                await work.undo(mark)
                outcome = f"ignored:{refusal.reason}"
                work.audit(f"deadline.{promise.code}", record=promise.aggregate_id, outcome=outcome)
                await work.flush()
            except (*UNREACHABLE, *TRY_AGAIN):
                raise
            except Exception as fault:  # noqa: BLE001 - one promise that cannot be dealt with must not hold the others
                await work.undo(mark)
                self._rest(promise, fault)
                return False
            else:
                await work.release(mark)
            self._resting.pop(promise.id, None)
            return await promises.missed(work.conn, promise, at=work.now)

    def _rest(self, promise: Promise, fault: Exception, *, said: Callable[..., object] = log.error) -> None:
        attempts = self._resting.get(promise.id, (0, 0.0))[0]
        rest = _REST[min(attempts, len(_REST) - 1)]
        self._resting[promise.id] = (attempts + 1, asyncio.get_running_loop().time() + rest)
        said(
            "A due promise cannot be dealt with",
            code=promise.code,
            aggregate_id=promise.aggregate_id,
            attempts=attempts + 1,
            delay=rest,
            exc_info=fault,
        )

    async def _until_next(self) -> float:
        async with self._works.database.connection() as conn:
            due: datetime | None = await promises.next_due(conn)
            ahead = (due - await now(conn)).total_seconds() if due else POLL
        # What is due already but not taken rests, is another replica's, or has no command: look again later.
        return min(ahead, POLL) if ahead > 0 else POLL


@dataclass(frozen=True, kw_only=True)
class Periodic:
    """Something the house does again and again, such as saying that it is there."""

    name: str
    seconds: float
    command: Command


class PeriodicLoop(_Nudged):
    """Gives its command at once and then every so many seconds of the machine, and whenever the clock was wound."""

    def __init__(self, works: Works[Any], periodic: Periodic) -> None:
        super().__init__()
        self._works, self._periodic, self.name = works, periodic, periodic.name

    async def run(self) -> None:
        """Until cancelled."""
        away = 0
        while True:
            try:
                await self.turn()
                delay, away = self._periodic.seconds, 0
            except (*UNREACHABLE, *TRY_AGAIN) as fault:
                telemetry.count("database_faults", operation=self.name)
                log.warning("What is done periodically waits for its database", operation=self.name, exc_info=fault)
                delay, away = _AWAY[min(away, len(_AWAY) - 1)], away + 1
            await self._wait(delay)

    async def turn(self) -> None:
        """Give the command once; a refusal is audited, and it is tried again at the next turn."""
        async with self._works.batch() as work:
            mark = await work.mark()
            try:
                await self._periodic.command.inside(work)
                await work.flush()
            except Refused as refusal:
                await work.undo(mark)
                work.audit(self._periodic.command.name, outcome=f"ignored:{refusal.reason}")
                await work.flush()
            else:
                await work.release(mark)


class Outside(Protocol[T, O]):
    """Something done outside the house, such as sending a letter.

    `claim` takes what is to be done and marks it as taken for a while; `call` does one, without a transaction, and
    returns what came of it, expected failures included; `record` writes that down. Where `call` or the process
    dies, the claim stands until `claim` itself takes it up again, which then must ask before it repeats.
    """

    name: str

    async def claim(self, work: Any) -> Sequence[T]:
        """What is to be done now, marked as taken in this work."""

    async def call(self, item: T) -> O:
        """Do it."""

    async def record(self, work: Any, item: T, outcome: O) -> None:
        """Write down what came of it."""


class OutsideLoop(_Nudged):
    """Claim, call, record; a few calls at a time."""

    def __init__(self, works: Works[Any], outside: Outside[Any, Any], *, call_timeout: float = _CALL_TIMEOUT) -> None:
        super().__init__()
        self._works, self._outside, self._timeout, self.name = works, outside, call_timeout, outside.name
        self._gate = asyncio.Semaphore(_CALLS_AT_ONCE)

    async def run(self) -> None:
        """Until cancelled; calls under way are cancelled too, and their claims stand."""
        away = 0
        while True:
            try:
                delay, away = 0.0 if await self.turn() else POLL, 0
            except (*UNREACHABLE, *TRY_AGAIN) as fault:
                telemetry.count("database_faults", operation=self._outside.name)
                log.warning(
                    "Calls to the outside wait for their database", operation=self._outside.name, exc_info=fault
                )
                delay, away = _AWAY[min(away, len(_AWAY) - 1)], away + 1
            if delay:
                await self._wait(delay)

    async def turn(self) -> int:
        """Claim once and do all that was claimed; returns how many."""
        async with self._works.batch() as work:
            items = list(await self._outside.claim(work))
            await work.flush()
        async with asyncio.TaskGroup() as calls:
            for item in items:
                calls.create_task(self._one(item))
        return len(items)

    async def _one(self, item: object) -> None:
        name = self._outside.name
        async with self._gate:
            try:
                with telemetry.span(f"outside {name}", kind="client"):
                    async with asyncio.timeout(self._timeout):
                        outcome = await self._outside.call(item)
            except Exception as fault:
                telemetry.count("outside_calls", operation=name, outcome="fault")
                log.exception("A call to the outside failed", operation=name, exc_info=fault)
                return
        await self._recorded(item, outcome)
        telemetry.count("outside_calls", operation=name, outcome="done")

    async def _recorded(self, item: object, outcome: object) -> None:
        """It has been done: so its record is tried until the database takes it."""
        attempt = 0
        while True:
            try:
                async with self._works.batch() as work:
                    await self._outside.record(work, item, outcome)
                    await work.flush()
                return
            except (*UNREACHABLE, *TRY_AGAIN):
                await asyncio.sleep(_AWAY[min(attempt, len(_AWAY) - 1)])
                attempt += 1
