"""What a service hears: one table of subscriptions, and one message as it was heard.

A projection turns a message into rows; a command subscription gives one command of the service. A refusal whose
code a subscription declares is a race and is ignored; every other refusal parks the message.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from chassis.envelope import topic_of
from chassis.shares import between_houses

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable
    from datetime import datetime

    from google.protobuf.message import Message
    from sqlalchemy import Table

    from chassis.database import Connection
    from chassis.envelope import Envelope
    from chassis.projection import Row
    from chassis.shares import Trust

M_co = TypeVar("M_co", bound="Message", covariant=True)
C = TypeVar("C", bound="Callable[..., Awaitable[None]]")
P = TypeVar("P", bound="Callable[..., Iterable[Row]]")


@dataclass(frozen=True, slots=True)
class Heard(Generic[M_co]):
    """One message with its envelope, and the stream it came on."""

    message: M_co
    envelope: Envelope
    topic: str
    key: str

    @property
    def seq(self) -> int:
        """Its place in its stream: what a projection row carries as `seq`."""
        return self.envelope.stream_sequence


@dataclass(frozen=True)
class Subscription:
    """What one type of message leads to."""

    kind: type[Message]
    handler: Callable[..., Any]
    projects: bool
    ignored_when: frozenset[str] = frozenset()


class Source(Protocol):
    """Where the messages of a topic can be read again: the journal of the service that told them."""

    def read(
        self, topic: str, *, key: str = "", from_sequence: int = 0, from_position: int = 0
    ) -> AsyncIterator[tuple[int, str, list[tuple[str, bytes]], bytes]]:
        """(position, key, headers, value), oldest first."""


class Hears:
    """The subscriptions of one consumer group of one service.

    `tables` are the projections the group alone writes: a rebuild replaces them. `caught_up(conn, topic, at)` is
    called when this group has read a topic to its end. `trust(conn)` says which other houses are believed, where the
    group hears them.
    """

    def __init__(
        self,
        group: str,
        *,
        tables: Iterable[Table] = (),
        caught_up: Callable[[Connection, str, datetime], Awaitable[None]] | None = None,
        trust: Trust | None = None,
    ) -> None:
        self.group, self.tables, self.caught_up, self.trust = group, tuple(tables), caught_up, trust
        self.subscriptions: list[Subscription] = []
        self._of: dict[type[Message], tuple[Subscription, ...]] = {}

    def _add(self, subscription: Subscription) -> None:
        self.subscriptions.append(subscription)
        self._of[subscription.kind] = (*self._of.get(subscription.kind, ()), subscription)

    def command(self, *kinds: type[Message], ignored_when: Iterable[str] = ()) -> Callable[[C], C]:
        """These messages lead to a command; refusals with these codes are races and are ignored."""

        def register(handler: C) -> C:
            for kind in kinds:
                self._add(Subscription(kind, handler, projects=False, ignored_when=frozenset(ignored_when)))
            return handler

        return register

    def projection(self, *kinds: type[Message]) -> Callable[[P], P]:
        """These messages are remembered as rows; a pure function, run again at every rebuild."""

        def register(handler: P) -> P:
            for kind in kinds:
                self._add(Subscription(kind, handler, projects=True))
            return handler

        return register

    def of(self, kind: type[Message]) -> tuple[Subscription, ...]:
        """What this type leads to."""
        return self._of.get(kind, ())

    def topics(self, node: str, services: Collection[str] | None = None) -> tuple[str, ...]:
        """The topics this group reads in one house; where it is known which services the house runs, of those alone:
        another's topic is not there, and nobody would be let read it."""
        found = sorted({topic_of(kind, node) for kind in self._of})
        return tuple(t for t in found if services is None or between_houses(t) or t.split(".")[1] in services)
