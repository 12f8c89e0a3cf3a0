"""Calling the services of a house by their public doors, for a member of staff.

One generic client for the four services: a method by its name, its request as plain values. The same key goes with
every try of one call, so what happened is not done again; a service that is away is waited for.
"""

from __future__ import annotations

import asyncio
import importlib
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Self
from uuid import UUID, uuid4

import grpc
from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message_factory import GetMessageClass

from chassis import rpc
from house import environment, identity
from house.names import SERVICES
from house.trouble import Trouble

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from google.protobuf.descriptor import MethodDescriptor
    from google.protobuf.message import Message

    from chassis.access import Actor
    from house.folder import Folder, Run

_AWAY: Final = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED)
_STREAM_DEADLINE: Final = 3600.0
_EOF: Final = grpc.aio.EOF  # type: ignore[attr-defined]  # its stubs lack it
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0


class Refusal(Trouble):
    """A service refused; `kind`, `reason` and `fields` are its own words, no value given is among them."""

    def __init__(self, answered: rpc.Answered) -> None:
        fields = ", ".join(f"{fault.path}: {fault.code}" for fault in answered.fields)
        sentence = answered.sentence or answered.reason
        super().__init__(
            f"{sentence} ({answered.reason})" if answered.reason not in sentence else sentence, mend=fields
        )
        self.answered = answered
        self.kind, self.reason, self.fields = answered.kind, answered.reason, answered.fields


@contextmanager
def there_already() -> Iterator[None]:
    """Let stand what somebody else has made meanwhile."""
    try:
        yield
    except Refusal as refusal:
        if refusal.kind != "DUP":
            raise


@dataclass(frozen=True)
class Method:
    """One method of the contracts."""

    service: str
    descriptor: MethodDescriptor

    @property
    def path(self) -> str:
        """Its name on the wire."""
        return f"/{self.descriptor.containing_service.full_name}/{self.descriptor.name}"

    def request(self, fields: Mapping[str, Any]) -> Message:
        """Its request from plain values; an unknown field is a mistake of ours."""
        try:
            message: Message = ParseDict(dict(fields), GetMessageClass(self.descriptor.input_type)())
        except ParseError as wrong:
            raise TypeError(f"{self.descriptor.name}: {wrong}") from None
        return message

    def answer(self, wire: bytes) -> Message:
        """Its answer."""
        return GetMessageClass(self.descriptor.output_type).FromString(wire)


@cache
def method(name: str) -> Method:
    """A method by its name, which is its own among all services."""
    for service in SERVICES:
        contract = importlib.import_module(f"throughcare.{service}.v1.service_pb2")
        for described in contract.DESCRIPTOR.services_by_name.values():
            if name in described.methods_by_name:
                return Method(service, described.methods_by_name[name])
    raise LookupError(name)


class Clients:
    """Channels to the services of the house in a folder, under one certificate; follows the house when it moves.

    `patience` is how long a call waits for a service that is away, `through_restarts` whether for a whole house.
    Use as an asynchronous context manager.
    """

    def __init__(
        self,
        folder: Folder,
        *,
        name: str = identity.OPERATOR,
        patience: float = 15.0,
        through_restarts: bool = False,
    ) -> None:
        self._folder, self._name, self._patience = folder, name, patience
        self._through_restarts = through_restarts
        self._channels: dict[str, tuple[str, grpc.aio.Channel]] = {}

    async def __aenter__(self) -> Self:
        self.run_now()
        return self

    async def __aexit__(self, *_: object) -> None:
        for _address, channel in self._channels.values():
            await channel.close(None)

    def run_now(self) -> Run:
        """The house as it is now. Raises `Trouble` where none was started."""
        run = self._folder.run()
        if run is None:
            raise Trouble(
                f"No house is running in {self._folder.path}.",
                mend="Start one with: throughcare up --example, or give its folder with --data.",
            )
        return run

    async def call(self, actor: Actor, name: str, /, *, key: UUID | None = None, **fields: Any) -> Any:
        """Ask one method once, however many tries that takes. Raises `Refusal`, or `Trouble` when nobody answers."""
        found = method(name)
        request = found.request(fields).SerializeToString(deterministic=True)
        metadata = rpc.acting_as(actor, key=key or uuid4())
        until = asyncio.get_running_loop().time() + self._patience
        pause = _FIRST_PAUSE
        while True:
            try:
                unary: Any = (await self._channel(found.service)).unary_unary(found.path, None, None)
                return found.answer(await unary(request, metadata=metadata))
            except grpc.aio.AioRpcError as error:
                if error.code() not in _AWAY:
                    raise Refusal(rpc.error_of(error)) from None
                if asyncio.get_running_loop().time() > until:
                    raise _unreachable(found.service) from None
            except Trouble:  # its supervisor is being started again
                if not self._through_restarts or asyncio.get_running_loop().time() > until:
                    raise
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def stream(
        self, actor: Actor, name: str, requests: AsyncIterator[Mapping[str, Any]], *, key: UUID
    ) -> AsyncIterator[Any]:
        """One try of a method that takes and gives many; in step, so that neither side piles them up."""
        found = method(name)
        many: Any = (await self._channel(found.service)).stream_stream(found.path, None, None)
        metadata = (*rpc.acting_as(actor, key=key), ("service", found.service))
        call = many(metadata=metadata, timeout=_STREAM_DEADLINE)
        writing = asyncio.create_task(_write(call, found, requests))
        try:
            while (wire := await call.read()) is not _EOF:
                yield found.answer(wire)
            await writing
        except grpc.aio.AioRpcError as error:
            if error.code() not in _AWAY:
                raise Refusal(rpc.error_of(error)) from None
            raise _unreachable(found.service) from None
        finally:
            writing.cancel()
            with suppress(asyncio.CancelledError, grpc.aio.AioRpcError, asyncio.InvalidStateError):
                await writing

    async def _channel(self, service: str) -> grpc.aio.Channel:
        run = self.run_now()
        address = run.addresses[service]
        if service in self._channels:
            before, channel = self._channels[service]
            if before == address:
                return channel
            await channel.close(None)
        settings = environment.of_command_line(self._folder, run, self._name, service)
        channel = rpc.channel(settings, service)
        self._channels[service] = (address, channel)
        return channel


async def _write(call: Any, found: Method, requests: AsyncIterator[Mapping[str, Any]]) -> None:
    async for fields in requests:
        await call.write(found.request(fields).SerializeToString())
    await call.done_writing()


def _unreachable(service: str) -> Trouble:
    return Trouble(f"The {service} service does not answer.", mend="Look at the house with: throughcare status")
