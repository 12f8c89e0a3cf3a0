"""What each method leads to; a method that does not say so, or is not written, keeps the server from starting."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from google.protobuf import descriptor_pool

from chassis.work import Command, Query

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import grpc

F = TypeVar("F", bound=Callable[..., Any])
Servicer = object  # the generated base classes have no parent of their own


class _HouseAlone:
    """Answered to the services of the same house and nobody else."""

    name = "house.alone"


class _Nodes:
    """Answered to the gates of other nodes and nobody else; what it leads to judges which of them, and what of it."""

    name = "nodes.alone"


HOUSE_ALONE: Final = _HouseAlone()
NODES: Final = _Nodes()
Led = Command | _HouseAlone | _Nodes


class Undeclared(TypeError):  # noqa: N818 - a sentence to the programmer
    """A programming error: the text names the method and what is missing."""


def serves(*led: Led) -> Callable[[F], F]:
    """Declare the commands or queries a method leads to; `HOUSE_ALONE` for what only the house's services ask, and
    `NODES` beside the command or query for what only the gates of other nodes ask."""
    if not led or not all(isinstance(each, Command | _HouseAlone | _Nodes) for each in led):
        raise Undeclared("@serves names the command or query (declared by @command or @query) or HOUSE_ALONE")
    if led == (NODES,):
        raise Undeclared("@serves(NODES, …) names the command or query that judges what another node may have")

    def declare(method: F) -> F:
        method.__serves__ = led  # type: ignore[attr-defined]
        return method

    return declare


@dataclass(frozen=True, kw_only=True)
class Served:
    """One method of one service of this process."""

    service: str
    method: str
    led: tuple[Led, ...]
    handler: grpc.RpcMethodHandler[Any, Any]

    @property
    def house_alone(self) -> bool:
        """Whether only services of the house may call."""
        return any(isinstance(each, _HouseAlone) for each in self.led)

    @property
    def for_nodes(self) -> bool:
        """Whether only the gates of other nodes may call."""
        return any(isinstance(each, _Nodes) for each in self.led)

    @property
    def changes(self) -> bool:
        """Whether it leads to a command whose answer is kept: then it needs a key."""
        return any(isinstance(each, Command) and each.kept and not isinstance(each, Query) for each in self.led)


class _Recorder:
    """Stands where the generated `add_…_to_server` expects a server."""

    def __init__(self) -> None:
        self.handlers: dict[str, Mapping[str, grpc.RpcMethodHandler[Any, Any]]] = {}

    def add_generic_rpc_handlers(self, handlers: object) -> None:
        """Not needed: what follows holds the same."""

    def add_registered_method_handlers(
        self, name: str, handlers: Mapping[str, grpc.RpcMethodHandler[Any, Any]]
    ) -> None:
        """One RPC service with its handlers by method."""
        self.handlers[name] = handlers


def methods_of(service: str, servicers: Iterable[Servicer]) -> Iterator[Served]:
    """Every method of these servicers. Raises Undeclared for one that is not declared, not written or not async."""
    for servicer in servicers:
        bases = [base for base in type(servicer).__mro__ if base.__module__.endswith("_pb2_grpc")]
        if not bases:
            raise Undeclared(f"{type(servicer).__name__} extends no generated servicer")
        for base in bases:
            yield from _methods(service, servicer, base)


def _methods(service: str, servicer: Servicer, base: type) -> Iterator[Served]:
    recorder = _Recorder()
    getattr(sys.modules[base.__module__], f"add_{base.__name__}_to_server")(servicer, recorder)
    for full_name, handlers in recorder.handlers.items():
        described = descriptor_pool.Default().FindServiceByName(full_name)
        for method in described.methods:
            written = getattr(type(servicer), method.name)
            where = f"{full_name}.{method.name} in {type(servicer).__module__}.{type(servicer).__name__}"
            _check(where, written, vars(base).get(method.name), streams=method.server_streaming)
            yield Served(
                service=service,
                method=f"/{full_name}/{method.name}",
                led=written.__serves__,
                handler=handlers[method.name],
            )


def _check(where: str, written: Any, generated: object, *, streams: bool) -> None:
    if written is generated:
        raise Undeclared(f"{where} is not written")
    if not getattr(written, "__serves__", None):
        raise Undeclared(f"{where} declares no permission: @serves(command or query) is missing")
    if streams and not inspect.isasyncgenfunction(written):
        raise Undeclared(f"{where} streams, so it must be an async generator")
    if not streams and not inspect.iscoroutinefunction(written):
        raise Undeclared(f"{where} must be an async function")
