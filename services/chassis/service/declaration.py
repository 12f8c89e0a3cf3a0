"""What a service is made of, said once in its `app.py`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_type_hints

from chassis.rpc import LARGEST_REQUEST

if TYPE_CHECKING:
    from chassis.deadlines import Outside, Periodic
    from chassis.hearing import Hears, Source
    from chassis.journal import Publications
    from chassis.promises import Deadlines
    from chassis.rpc import Servicer
    from chassis.settings import ServiceSettings
    from chassis.work import Work, Works


@dataclass(frozen=True, kw_only=True)
class Service:
    """One service: its doors, what it hears, says and promises, and what it does outside the house."""

    name: str
    settings: ServiceSettings
    work: type[Work]
    publications: Publications
    hears: tuple[Hears, ...]
    deadlines: Deadlines
    servicers: Callable[[Works[Any]], Sequence[Servicer]]
    migrations: str
    outside: tuple[Outside[Any, Any], ...] = ()
    periodic: tuple[Periodic, ...] = ()
    # Where the messages of other houses can be read again, in the service that speaks to them.
    elsewhere: Callable[[Works[Any]], Source] | None = None
    largest_request: int = LARGEST_REQUEST


Compose = Callable[[Any], Service]


def settings_of(compose: Compose) -> type[ServiceSettings]:
    """The settings a service's `compose(settings: Settings)` asks for."""
    kind: type[ServiceSettings] = get_type_hints(compose)["settings"]
    return kind
