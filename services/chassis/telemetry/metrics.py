"""Counts, gauges and durations: names of one list, the labels declared here and the service's name."""

from __future__ import annotations

from typing import Any, Final, Literal, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from chassis.telemetry.fields import SPEAKER, plain

Metric = Literal[
    "answers_repeated", "applied", "assignment_size", "audit_failures", "bus_connected", "bus_faults",
    "command_seconds", "commands", "consumer_lag", "database_faults", "deadline_lateness_seconds",
    "duplicates", "external_events", "fence_refusals", "gaps_filled", "held", "ignored", "inbox_batch_seconds",
    "messages_parked", "notices", "offset_lost", "outside_calls", "parked", "pending_age_seconds",
    "pending_rows", "producers_recreated", "promises_due", "promises_kept", "promises_made",
    "promises_missed", "quarantined", "queries", "query_seconds", "rebalances", "rebuilt_rows", "refused",
    "relay_active", "relay_batch_seconds", "relay_sent", "rpc_calls", "rpc_seconds",
    "strangers_heard", "undecodable", "unknown_notices", "unknown_types", "work_retries",
]  # fmt: skip
_GAUGES: Final = {
    "assignment_size": "group", "bus_connected": "", "consumer_lag": "group topic partition",
    "held": "group", "offset_lost": "group", "parked": "group", "pending_age_seconds": "",
    "pending_rows": "", "promises_due": "", "relay_active": "shard", "unknown_notices": "channel",
}  # fmt: skip
_SECONDS: Final = {
    "command_seconds": "command", "deadline_lateness_seconds": "code", "inbox_batch_seconds": "group",
    "query_seconds": "query", "relay_batch_seconds": "", "rpc_seconds": "method",
}  # fmt: skip
_LABELS: Final = {
    "answers_repeated": "command", "audit_failures": "", "producers_recreated": "", "applied": "group type",
    "bus_faults": "operation", "commands": "command outcome", "database_faults": "operation",
    "duplicates": "group", "external_events": "outcome", "fence_refusals": "group", "gaps_filled": "group",
    "ignored": "group type reason", "messages_parked": "group reason", "notices": "channel outcome",
    "outside_calls": "operation outcome", "promises_kept": "code", "promises_made": "code",
    "promises_missed": "code", "quarantined": "group reason", "queries": "query outcome",
    "rebalances": "group", "rebuilt_rows": "group", "refused": "kind reason door", "relay_sent": "topic",
    "rpc_calls": "method outcome", "strangers_heard": "group", "undecodable": "group", "unknown_types": "group",
    "work_retries": "command",
}  # fmt: skip
_BUCKETS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 60)
REGISTRY: Final = CollectorRegistry()


def _metric(name: str) -> Counter | Gauge | Histogram:
    """Counters end in `_total`; every metric carries the service's name first."""
    full, about = f"throughcare_{name}", name.replace("_", " ")
    labels = ("service", *(_GAUGES.get(name) or _SECONDS.get(name) or _LABELS.get(name) or "").split())
    if name in _GAUGES:
        return Gauge(full, about, labels, registry=REGISTRY)
    if name in _SECONDS:
        return Histogram(full, about, labels, buckets=_BUCKETS, registry=REGISTRY)
    return Counter(full, about, labels, registry=REGISTRY)


_METRICS: Final = {name: _metric(name) for name in get_args(Metric)}
_CHILDREN: Final[dict[tuple[object, ...], Any]] = {}


def _child(metric: Metric, labels: dict[str, object]) -> Any:
    """The series of these labels; one not given is empty, one not declared is a programming error."""
    service = SPEAKER.get()[0]
    found = _CHILDREN.get(key := (metric, service, *labels.items()))
    if found is None:
        family = _METRICS[metric]
        if unknown := set(labels) - set(family._labelnames):  # noqa: SLF001 - no public name for it
            raise ValueError(f"{metric} has no label {', '.join(sorted(unknown))}")
        given = {"service": service} | {name: str(plain(value)) for name, value in labels.items()}
        found = _CHILDREN[key] = family.labels(**{name: given.get(name, "") for name in family._labelnames})  # noqa: SLF001
    return found


def count(metric: Metric, n: float = 1, **labels: object) -> None:
    """Add `n` to a counter."""
    _child(metric, labels).inc(n)


def gauge(metric: Metric, value: float, **labels: object) -> None:
    """Set a gauge."""
    _child(metric, labels).set(value)


def observe(metric: Metric, seconds: float, **labels: object) -> None:
    """Put a duration into a histogram."""
    _child(metric, labels).observe(seconds)


def exposition() -> bytes:
    """Everything counted, in Prometheus' text format."""
    return generate_latest(REGISTRY)
