"""Runs works for one service: the one path every change takes."""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from uuid import UUID

import asyncpg

from chassis import audit, telemetry
from chassis.access import Call, system
from chassis.aggregate import Conflict, Refused
from chassis.database import again, now
from chassis.sealed import Keyring
from chassis.shares import Pairwise
from chassis.work.received import answer_of, clock, receive
from chassis.work.unit import Work

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from datetime import datetime

    from chassis.database import Connection, Database
    from chassis.journal import Publications
    from chassis.promises import Deadlines
    from chassis.settings import ServiceSettings
    from chassis.work.commands import Command, Query
    from chassis.work.received import Begun

W = TypeVar("W", bound=Work)


class Works(Generic[W]):
    """Runs works for one service: the one path every change takes."""

    def __init__(
        self,
        database: Database,
        kind: type[W],
        *,
        settings: ServiceSettings,
        publications: Publications,
        deadlines: Deadlines,
    ) -> None:
        self.database, self.kind, self.settings = database, kind, settings
        self.publications, self.deadlines = publications, deadlines
        self.ring = Keyring(settings.wrapping_keys, settings.shared_key)
        self.names = Pairwise(settings.shared_key)
        self.wake = asyncio.Event()

    async def do(self, command: Command, call: Call, /, **arguments: Any) -> Any:
        """Give a command. The same key and body again: the same answer, without effect; of one that is not `kept` the
        answer is made anew, and counts as a read.

        Raises what the command refuses, after one audit entry; `Unmet("idempotency_mismatch")` for the same key
        with another body. A work that PostgreSQL sends back (40001, 40P01) is tried again, five times at most.
        """
        with telemetry.span(f"command {command.name}", traceparent=call.traceparent):
            call = replace(call, traceparent=telemetry.current_traceparent() or call.traceparent)
            try:
                answer = await again(lambda: self._once(command, call, arguments))
            except Refused as refusal:
                telemetry.count("commands", command=command.name, outcome=refusal.kind)
                raise
        telemetry.count("commands", command=command.name, outcome="done")
        return answer

    async def ask(self, query: Query, call: Call, /, **arguments: Any) -> Any:
        """Ask a question; the read is audited in the same transaction, before the answer is returned."""

        async def once() -> Any:
            async with self._work(call, query.name) as work:
                answer = await query.permitted(work, **arguments)
                work.audit(query.name, record=work.record, outcome="read")
                await work.flush()
                return answer

        return await again(once)

    async def refused(self, action: str, call: Call, refusal: Refused) -> None:
        """One audit entry for what a door refused before it became a command; nothing for what has one already."""
        if refusal.audited:
            return
        async with self._work(call) as work:
            work.audit(action, outcome=f"refused:{refusal.reason}")
            await work.flush()
        refusal.audited = True

    @asynccontextmanager
    async def batch(self, clock: Callable[[Connection], Awaitable[datetime]] = now) -> AsyncIterator[W]:
        """A work of the house itself: for batches of heard facts and due promises. The caller flushes.

        `clock` may do something before all else with the statement that reads it.
        """

        async def begin(conn: Connection, _: Call, __: str) -> Begun:
            return await clock(conn), None

        call = Call(actor=system(self.settings.node_id), correlation_id=_random_id())
        async with self._work(call, begin=begin) as work:
            yield work

    @asynccontextmanager
    async def _work(
        self, call: Call, action: str = "", begin: Callable[[Connection, Call, str], Awaitable[Begun]] = clock
    ) -> AsyncIterator[W]:
        """One transaction. A refusal rolls everything back; of an `action` one audit entry is written then."""
        work: W | None = None
        try:
            async with self.database.transaction() as conn:
                at, kept = await begin(conn, call, action)
                work = self.kind(self, conn, call, at, kept)
                yield work
        except (Refused, asyncpg.UniqueViolationError) as no:
            if not action or work is None:
                raise
            refusal = no if isinstance(no, Refused) else Conflict()
            await self._enter(work, action, refusal)
            raise refusal from (None if refusal is no else no)
        self._committed(work)

    async def _enter(self, work: Work, action: str, refusal: Refused) -> None:
        """The one entry of a refusal, by itself; where it cannot be written, that is the answer."""
        entry = work.entry(action, record=work.record, outcome=f"refused:{refusal.reason}")
        async with self.database.connection() as conn:
            await audit.append(conn, entry)
        refusal.audited = True

    def _committed(self, work: Work) -> None:
        work.keys.keep()
        if work.told:
            self.wake.set()

    async def _once(self, command: Command, call: Call, arguments: dict[str, Any]) -> Any:
        call = call if command.kept else replace(call, key=None)
        async with self._work(call, command.name, receive if call.key else clock) as work:
            if work.kept is not None:
                return answer_of(work.kept, call)
            answer = await command.permitted(work, **arguments)
            outcome = work.outcome or ("done" if command.kept else "read")
            work.audit(command.name, record=work.record, outcome=outcome)
            await work.flush(answer)
            return answer


def _random_id() -> UUID:
    return UUID(bytes=os.urandom(16), version=4)
