"""Calling a service of this house, or any of ours: mutual TLS, long-lived channels, a deadline on every call."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid4

import grpc

from chassis.certificates import Authorities
from chassis.telemetry import current_traceparent

if TYPE_CHECKING:
    from collections.abc import Callable

    from chassis.access import Actor
    from chassis.settings import ServiceSettings

DEADLINE: Final = 10.0
STREAM_DEADLINE: Final = 600.0
# Commands carry a key, so a second try has no second effect; a refusal is never tried again.
_RETRIES: Final = {
    "methodConfig": [
        {
            "name": [{}],
            "retryPolicy": {
                "maxAttempts": 3,
                "initialBackoff": "0.1s",
                "maxBackoff": "1s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ]
}
_OPTIONS: Final = [
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.service_config", json.dumps(_RETRIES)),
]


def _completed(details: grpc.aio.ClientCallDetails, service: str, deadline: float) -> grpc.aio.ClientCallDetails:
    metadata = grpc.aio.Metadata(*(details.metadata or ()))
    metadata.set_all("service", [service])
    if (traceparent := current_traceparent()) and "traceparent" not in metadata:
        metadata.add("traceparent", traceparent)
    return grpc.aio.ClientCallDetails(
        method=details.method,
        timeout=details.timeout or deadline,
        metadata=metadata,
        credentials=details.credentials,
        wait_for_ready=details.wait_for_ready,
    )


class _One(grpc.aio.UnaryUnaryClientInterceptor):  # type: ignore[type-arg]  # not subscriptable at run time
    def __init__(self, service: str) -> None:
        self._service = service

    async def intercept_unary_unary(
        self,
        continuation: Callable[..., Any],
        client_call_details: grpc.aio.ClientCallDetails,
        request: Any,
    ) -> Any:
        """Name the service, hand the trace on, set a deadline where none is set."""
        return await continuation(_completed(client_call_details, self._service, DEADLINE), request)


class _Many(grpc.aio.UnaryStreamClientInterceptor):  # type: ignore[type-arg]  # the same
    def __init__(self, service: str) -> None:
        self._service = service

    async def intercept_unary_stream(
        self,
        continuation: Callable[..., Any],
        client_call_details: grpc.aio.ClientCallDetails,
        request: Any,
    ) -> Any:
        """The same for streams."""
        return await continuation(_completed(client_call_details, self._service, STREAM_DEADLINE), request)


def channel(settings: ServiceSettings, service: str, *, address: str = "", authority: str = "") -> grpc.aio.Channel:
    """A channel to a service of this house (its address from `peers`), under this process's own certificate.

    It must prove itself with a certificate of the authority that has issued ours; that of another house, whose address
    is given, of the `authority` it is registered with (a digest). Raises ValueError where that one is not trusted.
    Keep it: a new connection costs a handshake. Close it when the process stops.
    """
    target = address or settings.peers[service]
    interceptors: list[Any] = [_One(service), _Many(service)]
    key, certificate, ca = settings.key_file, settings.certificate_file, settings.ca_file
    if key and certificate and ca:
        authorities = Authorities(ca)
        root = authorities.trusted(authority or authorities.own(certificate))
        credentials = grpc.ssl_channel_credentials(root, key.read_bytes(), certificate.read_bytes())
        return grpc.aio.secure_channel(target, credentials, options=_OPTIONS, interceptors=interceptors)
    if not settings.embedded_profile:
        raise TypeError("plaintext is for the embedded profile: give ca_file, certificate_file and key_file")
    return grpc.aio.insecure_channel(target, options=_OPTIONS, interceptors=interceptors)


def acting_as(
    actor: Actor, *, key: UUID | None = None, correlation_id: UUID | None = None
) -> tuple[tuple[str, str], ...]:
    """The metadata of a call made for a person: believed from certificates in `may_assert`. A key per intention."""
    given = [
        ("actor-id", actor.id),
        ("actor-role", actor.role.value),
        ("actor-organisation", actor.organisation),
        ("purpose", actor.purpose.value),
        ("idempotency-key", str(key or uuid4())),
    ]
    if correlation_id is not None:
        given.append(("correlation-id", str(correlation_id)))
    return tuple(given)
