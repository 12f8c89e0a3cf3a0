"""Rows with a due time, made, kept and missed in the transaction that says so."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

from chassis.aggregate import Event

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from chassis.database import Connection, Together

On = TypeVar("On", bound="Callable[[Any], Iterable[Change]]")
D = TypeVar("D", bound="Callable[[Any, Promise], Awaitable[object]]")


@dataclass(frozen=True)
class Make:
    """A promise is made; one that is open already moves to the new due time."""

    code: str
    due_at: datetime
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Keep:
    """What was promised has been done."""

    code: str


@dataclass(frozen=True)
class Move:
    """The due time of an open promise changes, for instance after a pause."""

    code: str
    due_at: datetime


@dataclass(frozen=True)
class Drop:
    """Nobody waits for it any more; it counts neither as kept nor as missed."""

    code: str


Change = Make | Keep | Move | Drop


@dataclass(frozen=True, kw_only=True)
class Promise:
    """One promise as it stands."""

    id: UUID
    aggregate_type: str
    aggregate_id: UUID
    code: str
    due_at: datetime
    made_at: datetime
    detail: Mapping[str, Any]


class Deadlines:
    """A service's table of promises: which fact makes, keeps or moves one, and what a due one leads to."""

    def __init__(self) -> None:
        self._on: dict[type[Event], list[Callable[[Any], Iterable[Change]]]] = {}
        self.due_commands: dict[str, Callable[[Any, Promise], Awaitable[object]]] = {}

    def on(self, *facts: type[Event]) -> Callable[[On], On]:
        """What these facts change; a pure function of the fact."""

        def register(function: On) -> On:
            for fact in facts:
                self._on.setdefault(fact, []).append(function)
            return function

        return register

    def due(self, *codes: str) -> Callable[[D], D]:
        """What happens when a promise with one of these codes falls due: one command, in one work."""

        def register(function: D) -> D:
            for code in codes:
                if code in self.due_commands:
                    raise TypeError(f"{code} has two commands")
                self.due_commands[code] = function
            return function

        return register

    def changes(self, fact: Event) -> tuple[Change, ...]:
        """What this fact does to the promises of its aggregate."""
        return tuple(change for function in self._on.get(type(fact), ()) for change in function(fact))


@dataclass(frozen=True, kw_only=True)
class Changed:
    """A change to a promise of one aggregate."""

    change: Change
    aggregate_type: str
    aggregate_id: UUID


# More than these go by themselves, many in a round trip: a statement is not to grow with what it changes.
FEW = 8
_MAKE = """
insert into promises (id, aggregate_type, aggregate_id, code, due_at, made_at, detail)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (aggregate_id, code) where kept_at is null and missed_at is null
do update set due_at = excluded.due_at, detail = excluded.detail returning 1
"""
_KEEP = """
update promises set kept_at = $3 where aggregate_id = $1 and code = $2 and kept_at is null and missed_at is null
returning 1
"""
_MOVE = """
update promises set due_at = $3 where aggregate_id = $1 and code = $2 and kept_at is null and missed_at is null
returning 1
"""
_DROP = """
delete from promises where aggregate_id = $1 and code = $2 and kept_at is null and missed_at is null returning 1
"""


def _statement(changed: Changed, at: datetime, new_id: Callable[[], UUID]) -> tuple[str, tuple[object, ...]]:
    subject, change = changed.aggregate_id, changed.change
    match change:
        case Make(code, due_at, detail):
            return _MAKE, (new_id(), changed.aggregate_type, subject, code, due_at, at, dict(detail))
        case Keep(code):
            return _KEEP, (subject, code, at)
        case Move(code, due_at):
            return _MOVE, (subject, code, due_at)
        case Drop(code):
            return _DROP, (subject, code)


async def write(
    conn: Connection, together: Together, changes: Sequence[Changed], *, at: datetime, new_id: Callable[[], UUID]
) -> None:
    """Apply the changes in order: a few, each of another promise, together with all else, many by themselves."""
    changes = _folded(changes)
    if len({(each.aggregate_id, each.change.code) for each in changes}) < len(changes) or len(changes) > FEW:
        await _in_order(conn, changes, at=at, new_id=new_id)
        return
    for changed in changes:
        sql, arguments = _statement(changed, at, new_id)
        together.add(sql, *arguments)


def _folded(changes: Sequence[Changed]) -> Sequence[Changed]:
    """What one work makes or moves and then makes, moves or drops again comes to the last of it."""
    folded: list[Changed] = []
    of: dict[tuple[UUID, str], int] = {}
    for changed in changes:
        place = of.setdefault((changed.aggregate_id, changed.change.code), len(folded))
        if place < len(folded) and (both := _both(folded[place].change, changed.change)):
            folded[place] = replace(changed, change=both)
        else:
            of[changed.aggregate_id, changed.change.code] = len(folded)
            folded.append(changed)
    return folded


def _both(first: Change, then: Change) -> Change | None:
    """One change that does what two of the same promise do, where there is one."""
    match first, then:
        case (Make(), Move(_, due_at)):
            return replace(first, due_at=due_at)
        case (Make(), Make() | Drop()) | (Move(), Make() | Move() | Drop()):
            return then
    return None


async def _in_order(conn: Connection, changes: Sequence[Changed], *, at: datetime, new_id: Callable[[], UUID]) -> None:
    """Neighbours of one kind go in one round trip."""
    waiting: list[tuple[object, ...]] = []
    sql = ""
    for changed in changes:
        following, arguments = _statement(changed, at, new_id)
        if following != sql and waiting:
            await conn.executemany(sql, waiting)
            waiting = []
        sql = following
        waiting.append(arguments)
    if waiting:
        await conn.executemany(sql, waiting)


_CLAIM = """
select id, aggregate_type, aggregate_id, code, due_at, made_at, detail from promises
where kept_at is null and missed_at is null and due_at <= $1 and code = any($2)
order by due_at, id limit $3 for update skip locked
"""


async def claim(conn: Connection, *, at: datetime, codes: Sequence[str], limit: int = 1) -> list[Promise]:
    """Due promises, oldest first, locked for this transaction; two replicas never take the same one."""
    return [Promise(**dict(row)) for row in await conn.fetch(_CLAIM, at, list(codes), limit)]


async def missed(conn: Connection, promise: Promise, *, at: datetime) -> bool:
    """The promise was due and is not kept: say so, once. False where it was kept, dropped or moved meanwhile."""
    return bool(
        await conn.fetchval(
            "update promises set missed_at = $2 where id = $1 and kept_at is null and missed_at is null"
            " and due_at <= $2 returning true",
            promise.id,
            at,
        )
    )


async def next_due(conn: Connection) -> datetime | None:
    """When the next open promise falls due."""
    return await conn.fetchval(  # type: ignore[no-any-return]
        "select min(due_at) from promises where kept_at is null and missed_at is null"
    )
