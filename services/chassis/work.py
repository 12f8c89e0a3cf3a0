"""One unit of work: one key, one actor, one transaction, one flush, whatever door it came through.

    begin      insert the key; the clock is read in the same statement
      permission → get (visible? right version?) → domain → put     news buffered, nothing in the journal yet
      flush:   aggregate rows in a fixed order; journal; promises; audit; answer: one statement
    commit
    refused: everything rolled back, the key too; then one audit entry by itself, and only then the refusal is raised

The same key twice has one effect and gives the same answer; a refusal is not remembered. Who dies between rolling
back and the entry has refused nobody yet: there was no answer, and the same request finds everything as it was.
"""

from __future__ import annotations

import asyncio
import os
import random
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, TypeVar
from uuid import UUID

import asyncpg

from chassis import audit, journal, projection, promises, telemetry
from chassis.access import Actor, Call, asking, system
from chassis.aggregate import Aggregate, Conflict, Denied, Refused, Unmet
from chassis.audit import Entry
from chassis.database import TRY_AGAIN, Together, now
from chassis.repository import Bound, Repository
from chassis.sealed import Keyring, Keys
from chassis.shares import Pairwise

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
    from datetime import datetime

    from chassis.access import Grants
    from chassis.database import Connection, Database
    from chassis.envelope import Envelope
    from chassis.journal import News, Publications
    from chassis.projection import Row
    from chassis.promises import Changed, Deadlines
    from chassis.settings import ServiceSettings

A = TypeVar("A", bound=Aggregate)
W = TypeVar("W", bound="Work")
KEYS_KEPT_DAYS, EFFECTS_KEPT_DAYS = 7, 60
TRIES = 5
_RECEIVE = """
insert into received (key, fingerprint, command, kept_until)
values ($1, $2, $3, house_now() + make_interval(days => $4))
on conflict (key) do nothing returning house_now()
"""
# One row, whether or not the key is there still: the clock is wanted all the same.
_KEPT = """
select fingerprint, answer, now.at from (select house_now() as at) as now left join received on key = $1
"""
_ANSWER = "update received set answer = $2 where key = $1 returning 1"
_UNANSWERED: Final = object()


class Work:
    """What a command works with. A service's own Work declares its repositories on it."""

    repositories: ClassVar[tuple[Repository[Any], ...]] = ()

    def __init_subclass__(cls) -> None:
        declared = [held for held in vars(cls).values() if isinstance(held, Repository)]
        cls.repositories = (*cls.repositories, *declared)

    def __init__(
        self, works: Works[Any], conn: Connection, call: Call, now: datetime, kept: asyncpg.Record | None = None
    ) -> None:
        self.works, self.conn, self.call, self.now, self.kept = works, conn, call, now, kept
        self.keys = Keys(works.ring)
        self.grants: Grants | None = None
        self.record = ""
        self.told = False
        self._bound: dict[str, Bound[Any]] = {}
        self._news: list[News] = []
        self._changed: list[Changed] = []
        self._entries: list[Entry] = []
        self._rows: list[Row] = []
        self._besides = Together()
        self.drawn: set[UUID] = set()
        self._drawn = 0

    @property
    def actor(self) -> Actor:
        """Who acts."""
        return self.call.actor

    @property
    def node(self) -> str:
        """The house."""
        return self.works.settings.node_id

    @property
    def settings(self) -> Any:
        """The service's settings."""
        return self.works.settings

    @property
    def asking(self) -> dict[str, object]:
        """The parameters of a statement that holds `visible_to`."""
        return asking(self.actor, self.now, self.works.settings.node_organisation)

    def new_id(self) -> UUID:
        """A UUIDv7 of the house's time; ids of one work are in the order in which they were drawn."""
        self._drawn += 1
        millis = int(self.now.timestamp() * 1000)
        tail = int.from_bytes(os.urandom(8)) >> 2
        self.drawn.add(drawn := UUID(int=millis << 80 | 7 << 76 | (self._drawn & 0xFFF) << 64 | 2 << 62 | tail))
        return drawn

    def bound(self, repository: Repository[A]) -> Bound[A]:
        """This repository within this work."""
        if repository.name not in self._bound:
            self._bound[repository.name] = Bound(repository, self)
        return self._bound[repository.name]

    def tell(self, value: A, kind: str) -> A:
        """Take over the news of a value; returns it at its new version, its news told."""
        for ordinal, fact in enumerate(value.news, 1):
            self._news.append(
                journal.News(
                    fact=fact,
                    aggregate_type=kind,
                    aggregate_id=value.id,
                    version=value.version + ordinal,
                    person_id=value.person,
                    case_id=value.case,
                    call=self.call,
                )
            )
            changes = self.works.deadlines.changes(fact)
            self._changed += [
                promises.Changed(change=change, aggregate_type=kind, aggregate_id=value.id) for change in changes
            ]
        self.record = self.record or str(value.id)
        return replace(value, version=value.version + len(value.news), news=())

    def change(self, change: promises.Change, *, aggregate_type: str, aggregate_id: UUID) -> None:
        """Change a promise that no fact of this work speaks for."""
        self._changed.append(promises.Changed(change=change, aggregate_type=aggregate_type, aggregate_id=aggregate_id))

    def remember(self, rows: Iterable[Row]) -> None:
        """Rows of projections, written at the flush."""
        self._rows.extend(rows)

    def audit(self, action: str, *, record: object = "", outcome: str = "done") -> None:
        """One more audit entry, written at the flush."""
        self._entries.append(self.entry(action, record=record, outcome=outcome))

    def entry(self, action: str, *, record: object, outcome: str) -> Entry:
        """What the audit keeps of this work."""
        return Entry(
            id=self.new_id(),
            at=self.now,
            actor=self.actor,
            action=action,
            record=str(record),
            outcome=outcome,
            correlation_id=self.call.correlation_id,
        )

    def besides(self, sql: str, *arguments: object, name: str, must: tuple[int, type[Exception]]) -> None:
        """One change more, made at the flush before all others; see `Together.add`."""
        self._besides.add(sql, *arguments, name=name, must=must)

    async def blocked(self, service: str, key: object) -> bool:
        """Whether messages of this key from that service are parked or held here: then nothing told counts."""
        topic = f"{self.node}.{service}.v1"
        found = await self.conn.fetchval(
            "select exists(select 1 from parked where topic = $1 and key = $2)", topic, str(key)
        )
        return bool(found)

    async def first_time(self, key: UUID, effect: str) -> bool:
        """Whether this effect has not been had yet (grade G3): remembered for 60 days, with this work's commit."""
        return await self.conn.fetchval(_RECEIVE, key, b"", effect, EFFECTS_KEPT_DAYS) is not None

    def hearing(self, heard: Envelope) -> None:
        """What follows is done by the house because of this message."""
        self.call = Call(
            actor=system(self.node),
            correlation_id=heard.correlation_id,
            causation_id=heard.event_id,
            traceparent=telemetry.current_traceparent() or heard.traceparent,
        )

    def buffered(self) -> tuple[Any, ...]:
        """What has been buffered, for `rebuffer`."""
        buffers = (self._news, self._changed, self._entries, self._rows)
        return (
            tuple(list(buffer) for buffer in buffers),
            {name: bound.snapshot() for name, bound in self._bound.items()},
            self.keys.snapshot(),
            self.record,
        )

    def rebuffer(self, taken: tuple[Any, ...]) -> None:
        """Forget what was buffered since."""
        buffers, bounds, keys, self.record = taken
        self.keys.restore(keys)
        self._news, self._changed, self._entries, self._rows = (list(buffer) for buffer in buffers)
        for name in [name for name in self._bound if name not in bounds]:
            del self._bound[name]
        for name, held in bounds.items():
            self._bound[name].restore(held)

    async def mark(self) -> tuple[Any, ...]:
        """A point to which `undo` can go back: a savepoint, and what has been buffered."""
        point = self.conn.transaction()
        await point.start()
        return (point, self.buffered())

    async def undo(self, mark: tuple[Any, ...]) -> None:
        """Forget everything since the mark."""
        await mark[0].rollback()
        self.rebuffer(mark[1])

    async def release(self, mark: tuple[Any, ...]) -> None:
        """Keep what was done since the mark."""
        await mark[0].commit()

    async def settle(self) -> None:
        """Write the rows of projections now: a command that follows may read them."""
        if self._rows:
            await projection.write(self.conn, self._rows)
            self._rows = []

    async def flush(self, answer: object = _UNANSWERED) -> None:
        """Write what has been buffered, in a fixed order, and the answer kept under the key.

        Conflict where somebody else was first."""
        changed = [bound for name in sorted(self._bound) if (bound := self._bound[name]).changed]
        await self._have_keys(changed)
        together, self._besides = self._besides, Together()
        await projection.add(self.conn, together, self._rows)
        for bound in changed:
            await bound.flush(together)
        self.keys.write(together)
        pending = journal.write(
            together,
            self._news,
            publications=self.works.publications,
            keys=self.keys,
            node=self.node,
            recorded_at=self.now,
            new_id=self.new_id,
            names=self.works.names,
        )
        await promises.write(self.conn, together, self._changed, at=self.now, new_id=self.new_id)
        audit.write(together, self._entries)
        if answer is not _UNANSWERED and self.call.key:
            together.add(_ANSWER, self.call.key, {"is": answer})
        await together.run(self.conn)
        self.told = self.told or pending
        self._news, self._changed, self._entries, self._rows = [], [], [], []
        self.drawn.clear()

    async def _have_keys(self, changed: Iterable[Bound[Any]]) -> None:
        """The keys under which rows and facts are sealed."""
        if self._news:
            persons = {p for bound in changed for p in bound.persons()}
            persons |= {item.person_id for item in self._news if item.person_id is not None}
            await self.keys.make(self.conn, persons, drawn=self.drawn)


@dataclass(frozen=True)
class Command:
    """A verb of the service with the roles that may give it; `inside` runs it within a work that is allowed already."""

    name: str
    grants: Grants
    function: Callable[..., Awaitable[Any]]

    async def inside(self, work: Any, *args: Any, **arguments: Any) -> Any:
        """Run it as part of another command, a heard fact or a due promise."""
        return await self.function(work, *args, **arguments)

    async def permitted(self, work: Work, **arguments: Any) -> Any:
        """Run it for the actor of this work; Denied where his role has no grant."""
        if work.actor.role not in self.grants:
            raise Denied
        work.grants = self.grants
        return await self.function(work, **arguments)


class Query(Command):
    """A question with the roles that may ask it; asking is audited before the answer goes out."""


def command(name: str, grants: Grants) -> Callable[[Callable[..., Awaitable[Any]]], Command]:
    """Declare a command: its name in the audit and who may give it. A command without roles does not exist."""
    if not grants:
        raise TypeError(f"{name} names no role")
    return lambda function: Command(name, grants, function)


def query(name: str, grants: Grants) -> Callable[[Callable[..., Awaitable[Any]]], Query]:
    """Declare a question: its name in the audit and who may ask it."""
    if not grants:
        raise TypeError(f"{name} names no role")
    return lambda function: Query(name, grants, function)


Begun = tuple["datetime", asyncpg.Record | None]


async def _clock(conn: Connection, _: Call, __: str) -> Begun:
    """Read the clock."""
    return await now(conn), None


async def _receive(conn: Connection, call: Call, command: str) -> Begun:
    """Take the key and read the clock; with what is kept under the key where it is known."""
    at = await conn.fetchval(_RECEIVE, call.key, call.fingerprint, command, KEYS_KEPT_DAYS)
    if at is not None:
        return at, None
    (kept,) = await conn.fetch(_KEPT, call.key)
    return kept["at"], kept


def _answer_of(kept: asyncpg.Record, call: Call) -> Any:
    """The answer kept under a key, or the refusal of one that was used for another request."""
    if kept["fingerprint"] == call.fingerprint:
        return kept["answer"]["is"]
    raise Unmet(
        "idempotency_mismatch",
        "This key was used for another request. Send the new one with a key of its own.",
    )


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
        self.ring = Keyring(settings.wrapping_key, settings.shared_key)
        self.names = Pairwise(settings.shared_key)
        self.wake = asyncio.Event()

    async def do(self, command: Command, call: Call, /, **arguments: Any) -> Any:
        """Give a command. The same key and body again: the same answer, without effect.

        Raises what the command refuses, after one audit entry; `Unmet("idempotency_mismatch")` for the same key
        with another body. A work that PostgreSQL sends back (40001, 40P01) is tried again, five times at most.
        """
        with telemetry.span(f"command {command.name}", traceparent=call.traceparent):
            call = replace(call, traceparent=telemetry.current_traceparent() or call.traceparent)
            try:
                answer = await self._again(lambda: self._once(command, call, arguments))
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

        return await self._again(once)

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
        self, call: Call, action: str = "", begin: Callable[[Connection, Call, str], Awaitable[Begun]] = _clock
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

    async def _again(self, once: Callable[[], Awaitable[Any]]) -> Any:
        for attempt in range(1, TRIES + 1):
            try:
                return await once()
            except TRY_AGAIN:
                if attempt == TRIES:
                    raise
                await asyncio.sleep(random.uniform(0, 0.02 * 2**attempt))  # noqa: S311 - jitter
        raise AssertionError

    async def _once(self, command: Command, call: Call, arguments: dict[str, Any]) -> Any:
        async with self._work(call, command.name, _receive if call.key else _clock) as work:
            if work.kept is not None:
                return _answer_of(work.kept, call)
            answer = await command.permitted(work, **arguments)
            work.audit(command.name, record=work.record)
            await work.flush(answer)
            return answer


def _random_id() -> UUID:
    return UUID(bytes=os.urandom(16), version=4)
