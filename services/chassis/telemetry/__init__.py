"""Logs, counts and traces: only allow-listed fields and values that look like codes pass, nothing else."""

from chassis.telemetry.fields import FIELDS, speaking
from chassis.telemetry.logs import configure, configure_once, logger
from chassis.telemetry.metrics import REGISTRY, Metric, count, exposition, gauge, observe
from chassis.telemetry.traces import (
    Span,
    attach,
    collected,
    current_traceparent,
    export_to,
    span,
    stop_exporting,
)

__all__ = [
    "FIELDS",
    "REGISTRY",
    "Metric",
    "Span",
    "attach",
    "collected",
    "configure",
    "configure_once",
    "count",
    "current_traceparent",
    "export_to",
    "exposition",
    "gauge",
    "logger",
    "observe",
    "span",
    "speaking",
    "stop_exporting",
]
