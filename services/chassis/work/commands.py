"""What may be asked of a service: a verb or a question, with the roles that may."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chassis.aggregate import Denied

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from chassis.access import Grants
    from chassis.work.unit import Work


@dataclass(frozen=True)
class Command:
    """A verb of the service with the roles that may give it; `inside` runs it within a work that is allowed already.

    What is not `kept` reads and writes down what it let be read: its key is not looked at, so that no answer of before
    stands for one that would be judged otherwise now.
    """

    name: str
    grants: Grants
    function: Callable[..., Awaitable[Any]]
    kept: bool = True

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


def command(name: str, grants: Grants, *, kept: bool = True) -> Callable[[Callable[..., Awaitable[Any]]], Command]:
    """Declare a command: its name in the audit and who may give it. A command without roles does not exist."""
    if not grants:
        raise TypeError(f"{name} names no role")
    return lambda function: Command(name, grants, function, kept)


def query(name: str, grants: Grants) -> Callable[[Callable[..., Awaitable[Any]]], Query]:
    """Declare a question: its name in the audit and who may ask it."""
    if not grants:
        raise TypeError(f"{name} names no role")
    return lambda function: Query(name, grants, function)
