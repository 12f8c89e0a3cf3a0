"""One trace from the door through the journal and the bus to the projection, by W3C traceparents.

Until an exporter is configured a span without a traceparent is one shared object that does nothing, and one
with a traceparent only hands it on: so a trace begun elsewhere still passes through this house.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar, Token
from typing import TYPE_CHECKING, Any, Final, Literal, Self

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from chassis.telemetry.fields import FIELDS, SPEAKER, plain

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

Kind = Literal["internal", "server", "client", "producer", "consumer"]
_TRACEPARENT: Final[ContextVar[str]] = ContextVar("traceparent", default="")
_W3C: Final = TraceContextTextMapPropagator()


class _Exporting:
    """The tracer of this process, or None while no exporter is configured."""

    tracer: trace.Tracer | None = None
    provider: TracerProvider | None = None


class Span:
    """The quiet span: does nothing, or hands a given traceparent on."""

    __slots__ = ("_token", "traceparent")

    def __init__(self, traceparent: str = "") -> None:
        self.traceparent = traceparent
        self._token: Token[str] | None = None

    def mark(self, **attributes: object) -> None:
        """Put allow-listed attributes on the span."""

    def __enter__(self) -> Self:
        if self.traceparent:
            self._token = _TRACEPARENT.set(self.traceparent)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if self._token is not None:
            _TRACEPARENT.reset(self._token)
            self._token = None


class _Recorded(Span):
    """A span that will be exported; of an exception it keeps the class alone."""

    __slots__ = ("_manager", "_span")

    def __init__(self, tracer: trace.Tracer, name: str, traceparent: str, kind: Kind) -> None:
        super().__init__()
        parent = _W3C.extract({"traceparent": given}) if (given := traceparent or _TRACEPARENT.get()) else None
        self._span = tracer.start_span(name, context=parent, kind=trace.SpanKind[kind.upper()])
        found = self._span.get_span_context()
        self.traceparent = f"00-{found.trace_id:032x}-{found.span_id:016x}-{int(found.trace_flags):02x}"

    def mark(self, **attributes: object) -> None:
        for name, value in attributes.items():
            if name in FIELDS and value is not None:
                self._span.set_attribute(name, plain(value))  # type: ignore[arg-type]  # plain: str, bool or number

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if kind is not None:
            self._span.set_attribute("error", kind.__qualname__)
            self._span.set_status(trace.StatusCode.ERROR)
        self._span.end()
        super().__exit__(kind, error, _)


_QUIET: Final = Span()


def span(name: str, *, traceparent: str = "", kind: Kind = "internal", **attributes: Any) -> Span:
    """`with span("accept", traceparent=…) as s:` continues that trace, or the current one, or begins one.

    `s.traceparent` is what to store or send on.
    """
    if (tracer := _Exporting.tracer) is None:
        return Span(traceparent) if traceparent else _QUIET
    made = _Recorded(tracer, name, traceparent, kind)
    service, node = SPEAKER.get()
    made.mark(**{"service": service or None, "node": node or None} | attributes)
    return made


def current_traceparent() -> str:
    """The traceparent to store with a fact or to send on; empty where there is no trace."""
    return _TRACEPARENT.get()


@contextmanager
def attach(traceparent: str) -> Iterator[None]:
    """Continue a stored trace without a span of its own."""
    with Span(traceparent):
        yield


def _use(provider: TracerProvider | None) -> None:
    _Exporting.provider = provider
    _Exporting.tracer = provider.get_tracer("throughcare") if provider else None


def export_to(endpoint: str, *, service: str) -> None:
    """Send spans to the collector at this address (OTLP over HTTP), in batches, from a thread of its own."""
    provider = TracerProvider(resource=Resource.create({"service.name": service}), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")))
    _use(provider)


def stop_exporting() -> None:
    """Send what is left and stop; blocks for at most the exporter's own time."""
    if _Exporting.provider is not None:
        _Exporting.provider.shutdown()
    _use(None)


@contextmanager
def collected() -> Iterator[InMemorySpanExporter]:
    """Keep spans in memory instead of sending them, for tests: then `spans.get_finished_spans()`."""
    before, exporter = _Exporting.provider, InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    _use(provider)
    try:
        yield exporter
    finally:
        _use(before)
        provider.shutdown()
