"""What a command works with: repositories, clock, actor, and everything that is buffered until the flush."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar
from uuid import UUID

from chassis import audit, journal, projection, promises, telemetry
from chassis.access import Actor, Call, asking, system
from chassis.aggregate import Aggregate
from chassis.audit import Entry
from chassis.database import Together
from chassis.repository import Bound, Repository
from chassis.sealed import Keys
from chassis.work.received import ANSWER, EFFECTS_KEPT_DAYS, RECEIVE

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    import asyncpg

    from chassis.access import Grants
    from chassis.database import Connection
    from chassis.envelope import Envelope
    from chassis.journal import News
    from chassis.projection import Row
    from chassis.promises import Changed
    from chassis.work.running import Works

A = TypeVar("A", bound=Aggregate)
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
        self.record = self.outcome = ""
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
        return await self.conn.fetchval(RECEIVE, key, b"", effect, EFFECTS_KEPT_DAYS) is not None

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
            together.add(ANSWER, self.call.key, {"is": answer})
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
