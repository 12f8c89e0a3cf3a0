"""The gRPC door of a process: mutual TLS, one identity, one deadline, one purpose and one permission per call.

One server may serve several services of a house. What all of them answer (`throughcare.chassis.v1`, details) is
told apart by the metadata `service`, which `chassis.rpc.channel` sets.
"""

from __future__ import annotations

import ipaddress
import time
from contextlib import aclosing, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from chassis import telemetry
from chassis.access import Call, Role
from chassis.aggregate import Denied, Fault, Invalid, Refused
from chassis.rpc.declared import Served, Servicer, methods_of
from chassis.rpc.identity import SERVING, Caller, Identities
from chassis.rpc.refusals import Said, said_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping, Sequence

    from chassis.settings import ServiceSettings
    from chassis.work import Works

    Context = grpc.aio.ServicerContext[Any, Any]

log = telemetry.logger(__name__)
LARGEST_REQUEST: Final = 256 * 1024
_MOST_AT_ONCE: Final = 500


class _ReaderGone(Exception):  # noqa: N818 - not an error
    """A stream cannot be written any more: its reader has ended the call, or is gone."""


class _Door(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # not subscriptable at run time
    """Finds the method and puts the house's conditions round it."""

    def __init__(self, served: Sequence[Served], identities: Identities, works: Mapping[str, Works[Any]]) -> None:
        self._identities, self._works = identities, works
        self._handlers: dict[str, dict[str, grpc.RpcMethodHandler[Any, Any]]] = {}
        for each in served:
            by_service = self._handlers.setdefault(each.method, {})
            if each.service in by_service:
                raise TypeError(f"{each.method} is served twice by {each.service}")
            by_service[each.service] = self._guarded(each)

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any] | None:
        """The handler of a call; None (unimplemented) where no service of this process answers it."""
        by_service = self._handlers.get(str(details.method), {})
        named = dict(details.invocation_metadata or ()).get("service")
        if named is None and len(by_service) == 1:
            return next(iter(by_service.values()))
        # A call that names a service is never answered by another: its journal would look empty.
        return by_service.get(str(named))

    def _guarded(self, served: Served) -> grpc.RpcMethodHandler[Any, Any]:
        handler = served.handler
        inner: Any = handler.unary_unary or handler.unary_stream or handler.stream_unary or handler.stream_stream
        coders = (handler.request_deserializer, handler.response_serializer)

        async def one(request: object, context: Context) -> object:
            async with self._entered(served, context):
                return await inner(request, context)

        async def many(request: object, context: Context) -> None:
            # Written, not yielded: a stream that is cut off ends here, in its own context, not where it is collected.
            async with self._entered(served, context), aclosing(inner(request, context)) as answers:
                async for answer in answers:
                    await _written(context, answer)

        if handler.response_streaming:
            makes = grpc.stream_stream_rpc_method_handler if handler.request_streaming else None
            return (makes or grpc.unary_stream_rpc_method_handler)(many, *coders)
        makes_one = grpc.stream_unary_rpc_method_handler if handler.request_streaming else None
        return (makes_one or grpc.unary_unary_rpc_method_handler)(one, *coders)

    async def _audited(self, refusal: Refused, served: Served, caller: Caller) -> Exception:
        """A refusal leaves one audit entry even where it never became a command; where none can be written, that is
        the answer: closed, not silent."""
        works = self._works.get(served.service)
        if works is None:
            return refusal
        action = next((led.name for led in served.led), served.method)
        call = Call(actor=caller.actor, correlation_id=caller.correlation_id, traceparent=caller.traceparent)
        try:
            await works.refused(action, call, refusal)
        except Exception as fault:  # noqa: BLE001 - it becomes a status like any other
            return fault
        return refusal

    @asynccontextmanager
    async def _entered(self, served: Served, context: Context) -> AsyncIterator[None]:
        """Establish who calls, or refuse; turn whatever is raised inside into a status."""
        began, outcome, reference = time.perf_counter(), "CANCELLED", str(uuid4())
        said: Said | None = None
        with telemetry.speaking(served.service, node=self._identities.node):
            try:
                caller = self._identities.caller(context, served.method, for_nodes=served.for_nodes)
                reference = str(caller.correlation_id)
                with _acting(caller):
                    try:
                        _conditions(served, context, caller)
                        yield
                    except Refused as refusal:
                        raise await self._audited(refusal, served, caller) from refusal
                outcome = "OK"
            except grpc.aio.AbortError:
                raise
            except _ReaderGone:
                pass  # nobody is there to be answered
            except Exception as error:  # noqa: BLE001 - the door: whatever it is becomes a status, never a text
                said = _said(error, served, reference)
                outcome = said.code.name
            finally:
                telemetry.count("rpc_calls", method=served.method, outcome=outcome)
                telemetry.observe("rpc_seconds", time.perf_counter() - began, method=served.method)
        if said is not None:
            await context.abort(said.code, said.sentence, said.trailing)


async def _written(context: Context, answer: object) -> None:
    try:
        await context.write(answer)
    except (TypeError, ValueError):
        raise
    except Exception as fault:
        # gRPC's own, which it does not name in public.
        raise _ReaderGone from fault


@contextmanager
def _acting(caller: Caller) -> Iterator[None]:
    """What runs inside is this caller's, in his trace."""
    token = SERVING.set(caller)
    try:
        with telemetry.span(
            caller.method, traceparent=caller.traceparent, kind="server", correlation_id=caller.correlation_id
        ):
            yield
    finally:
        SERVING.reset(token)


def _conditions(served: Served, context: Context, caller: Caller) -> None:
    """What every call must bring beside a certificate, an actor and a purpose."""
    if context.time_remaining() is None:
        raise Invalid(Fault("deadline", "REQUIRED"), sentence="Every call needs a deadline. Set one and send it again.")
    if served.changes and caller.key is None:
        raise Invalid(
            Fault("idempotency-key", "REQUIRED"),
            sentence="A command needs an idempotency-key in its metadata: one UUID per intention.",
        )
    if served.house_alone and caller.actor.role is not Role.SYSTEM:
        raise Denied("house_alone", "Only services of this house may ask this.")
    if served.for_nodes and not caller.node:
        raise Denied("nodes_alone", "Only the partners services of other nodes may ask this.")


def _said(error: Exception, served: Served, correlation_id: str) -> Said:
    said = said_of(error, correlation_id)
    if isinstance(error, Refused):
        telemetry.count("refused", kind=said.kind, reason=said.reason, door="rpc")
        log.info("A call was refused", method=served.method, reason=said.reason, correlation_id=correlation_id)
    elif said.code is grpc.StatusCode.UNAVAILABLE:
        telemetry.count("database_faults", operation="rpc")
        log.warning(
            "A call met a database that is away",
            method=served.method,
            correlation_id=correlation_id,
            exc_info=error,
        )
    else:
        log.error("A call failed", method=served.method, correlation_id=correlation_id, exc_info=error)
    return said


class RpcServer:
    """Serves the RPCs of these services on one port, with health and reflection."""

    def __init__(
        self,
        settings: ServiceSettings,
        servicers: Mapping[str, Sequence[Servicer]],
        *,
        works: Mapping[str, Works[Any]] | None = None,
        largest_request: int = LARGEST_REQUEST,
    ) -> None:
        served = [each for name, group in servicers.items() for each in methods_of(name, group)]
        secured = settings.certificate_file is not None
        if not secured:
            _plaintext_allowed(settings)
        self._settings, self._secured = settings, secured
        self._names = sorted({each.method.split("/")[1] for each in served})
        door = _Door(served, Identities(settings, frozenset(servicers), secured=secured), works or {})
        self._server = grpc.aio.server(
            handlers=[door],
            maximum_concurrent_rpcs=_MOST_AT_ONCE,
            options=[
                ("grpc.max_receive_message_length", largest_request),
                ("grpc.so_reuseport", 0),
                ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
                ("grpc.keepalive_permit_without_calls", 1),
            ],
        )
        self._health = health.aio.HealthServicer()  # type: ignore[attr-defined]
        self.port = 0

    async def start(self) -> int:
        """Open the port and answer; returns the port bound."""
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        reflection.enable_server_reflection([*self._names, health.SERVICE_NAME, reflection.SERVICE_NAME], self._server)
        address = f"{self._settings.rpc_host}:{self._settings.rpc_port}"
        if self._secured:
            self.port = self._server.add_secure_port(address, _credentials(self._settings))
        else:
            self.port = self._server.add_insecure_port(address)
        await self._server.start()
        for name in ("", *self._names):
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)
        return self.port

    async def stop(self, grace: float = 5.0) -> None:
        """Say that no more is taken, let calls under way end within `grace` seconds, then close."""
        await self._health.enter_graceful_shutdown()
        await self._server.stop(grace)


def _credentials(settings: ServiceSettings) -> grpc.ServerCredentials:
    """A certificate of our authority is asked of every caller."""
    key, certificate, ca = settings.key_file, settings.certificate_file, settings.ca_file
    if not (key and certificate and ca):
        raise TypeError("key_file, certificate_file and ca_file go together")
    pair = (key.read_bytes(), certificate.read_bytes())
    return grpc.ssl_server_credentials([pair], root_certificates=ca.read_bytes(), require_client_auth=True)


def _plaintext_allowed(settings: ServiceSettings) -> None:
    loopback = settings.rpc_host == "localhost" or ipaddress.ip_address(settings.rpc_host).is_loopback
    if not settings.embedded_profile or not loopback:
        raise TypeError("plaintext is for the embedded profile on the loopback address: give certificates")
