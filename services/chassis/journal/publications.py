"""Which facts leave a service, and as what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from chassis.aggregate import Event

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.message import Message

    from chassis.shares import Announcement, Fed, Share

    Told = Message | Share | Announcement | Fed

F = TypeVar("F", bound=Event)


class Publications:
    """Which facts leave a service, and as what: one function each. A fact not listed stays in the house."""

    def __init__(self, service: str) -> None:
        self.service = service
        self._tells: dict[type[Event], Callable[[Any], Any]] = {}

    def tells(self, fact: type[F]) -> Callable[[Callable[[F], Any]], Callable[[F], Any]]:
        """Register the function that turns a fact into its message, messages or nothing."""

        def register(function: Callable[[F], Any]) -> Callable[[F], Any]:
            if fact in self._tells:
                raise TypeError(f"{fact.__name__} is published twice")
            self._tells[fact] = function
            return function

        return register

    def messages(self, fact: Event) -> tuple[Told, ...]:
        """What is told of this fact: in the house as it is, to other houses as shares and announcements."""
        function = self._tells.get(type(fact))
        told = function(fact) if function else None
        if told is None:
            return ()
        return told if isinstance(told, tuple) else (told,)

    @property
    def facts(self) -> tuple[type[Event], ...]:
        """Every fact that is told."""
        return tuple(self._tells)
