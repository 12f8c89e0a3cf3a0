"""Logs, counts and traces: nothing personal passes, names are of one list, one trace spans every door."""

from __future__ import annotations

import ast
import io
import json
import logging
import sys
from pathlib import Path
from typing import get_args
from uuid import uuid4

import pytest

from chassis import telemetry
from chassis.telemetry.metrics import _GAUGES, _LABELS, _SECONDS, Metric

CANARY = "Canary Person-7731"
SERVICES = Path(telemetry.__file__).parents[2]


@pytest.fixture
def lines(monkeypatch):
    """The log lines of this test, as one process would write them."""
    root, out = logging.getLogger(), io.StringIO()
    before, level = root.handlers[:], root.level
    monkeypatch.setattr(sys, "stdout", out)
    telemetry.configure("DEBUG")
    yield lambda: [json.loads(line) for line in out.getvalue().splitlines()]
    root.handlers[:] = before
    root.setLevel(level)


def test_a_field_outside_the_list_is_dropped_and_counted(lines):
    telemetry.logger("some.module").info("Something happened", topic="together.referral.v1", given_names=CANARY)

    [line] = lines()
    assert line["event"] == "Something happened"
    assert line["topic"] == "together.referral.v1"
    assert line["count_cut"] == 1
    assert "given_names" not in line


@pytest.mark.parametrize("value", [CANARY, "o'brien@example.org", ["a"], {"a": 1}, b"bytes", "x" * 201, "tab\t"])
def test_a_value_that_is_no_code_id_number_or_instant_is_cut_from_an_allowed_field(lines, value):
    telemetry.logger("some.module").info("Something happened", reason=value, record=value)

    text = json.dumps(lines())
    assert "Canary" not in text
    assert "example.org" not in text
    assert json.loads(text)[0]["reason"] == "…"


@pytest.mark.logs_errors("It failed")
def test_an_exception_is_logged_by_class_and_place_alone(lines):
    try:
        raise ValueError(CANARY)
    except ValueError:
        telemetry.logger("some.module").exception("It failed", event_id=uuid4())

    [line] = lines()
    assert line["error"] == "ValueError"
    assert line["where"].startswith("tests.chassis.test_telemetry:")
    assert "Canary" not in json.dumps(line)


@pytest.mark.logs_errors("Handler failed with", "Failed")
def test_what_a_library_logs_is_shown_as_its_template_and_never_with_its_values(lines):
    library = logging.getLogger("some.library")
    library.warning("Could not reach %s", CANARY)
    library.error(f"Handler failed with {CANARY}", extra={"message_body": CANARY})
    library.log(logging.CRITICAL, "Failed", exc_info=ValueError(CANARY))

    first, second, third = lines()
    assert first["event"] == "Could not reach %s"
    assert second["event"] == "A library logged something"
    assert third["error"] == "ValueError"
    assert "Canary" not in json.dumps([first, second, third])


def test_a_service_of_the_house_speaks_under_its_name(lines):
    with telemetry.speaking("referral", node="together"):
        telemetry.logger("some.module").info("Said inside")
        telemetry.count("relay_sent", topic="together.referral.v1")
    telemetry.logger("some.module").info("Said outside")

    inside, outside = lines()
    assert (inside["service"], inside["node"]) == ("referral", "together")
    assert "service" not in outside
    assert b'throughcare_relay_sent_total{service="referral",topic="together.referral.v1"}' in telemetry.exposition()


def calls(*names, of):
    """Calls of these names on something called one of `of`, in all code: (where, call)."""
    for path in SERVICES.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in names
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id in of
            ):
                yield f"{path.relative_to(SERVICES)}:{node.lineno}", node


LOGGING = {"debug", "info", "warning", "error", "exception", "critical"}


def test_every_log_call_in_the_code_is_one_constant_and_fields_of_the_list():
    bad = [
        where
        for where, node in calls(*LOGGING, of={"log", "LOG", "logger"})
        if len(node.args) != 1
        or not isinstance(node.args[0], ast.Constant)
        or not {each.arg for each in node.keywords} <= telemetry.FIELDS | {"exc_info"}
    ]
    assert bad == []


def test_everything_counted_in_the_code_has_the_labels_and_the_kind_that_are_declared():
    kinds = {"count": _LABELS, "gauge": _GAUGES, "observe": _SECONDS}
    bad = [
        f"{where} {node.args[0].value}"
        for where, node in calls(*kinds, of={"telemetry"})
        if (declared := kinds[node.func.attr].get(node.args[0].value)) is None
        or not {each.arg for each in node.keywords} <= set(declared.split())
    ]
    assert bad == []


def test_the_list_of_metrics_and_their_declarations_agree():
    declared = sorted([*_GAUGES, *_SECONDS, *_LABELS])
    assert declared == sorted(get_args(Metric))


def test_a_label_that_is_not_declared_is_a_programming_error():
    with pytest.raises(ValueError, match="relay_sent has no label person"):
        telemetry.count("relay_sent", person="x")


def test_a_personal_value_given_as_a_label_is_cut():
    telemetry.count("ignored", group="g", type="t", reason=CANARY)

    assert b"Canary" not in telemetry.exposition()


def test_a_trace_travels_by_its_traceparent_through_storage():
    with telemetry.collected() as spans:
        with telemetry.span("door", kind="server") as door:
            stored = telemetry.current_traceparent()
        with telemetry.span("send", traceparent=stored, kind="producer") as sent:
            header = sent.traceparent
        with telemetry.span("apply", traceparent=header, kind="consumer"), telemetry.span("inner"):
            pass

    assert stored == door.traceparent
    finished = {each.name: each for each in spans.get_finished_spans()}
    assert len({each.context.trace_id for each in finished.values()}) == 1
    assert finished["send"].parent.span_id == finished["door"].context.span_id
    assert finished["apply"].parent.span_id == finished["send"].context.span_id
    assert finished["inner"].parent.span_id == finished["apply"].context.span_id
    assert telemetry.current_traceparent() == ""


def test_a_span_holds_no_text_of_an_exception_and_no_field_outside_the_list():
    with (
        telemetry.collected() as spans,
        pytest.raises(ValueError, match="Canary"),
        telemetry.span("door", given_names=CANARY, reason=CANARY, command="referral.accept"),
    ):
        raise ValueError(CANARY)

    text = spans.get_finished_spans()[0].to_json()
    assert "Canary" not in text
    assert "referral.accept" in text
    assert "ValueError" in text


def test_without_an_exporter_a_given_trace_still_passes_through():
    given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with telemetry.span("apply", traceparent=given) as passed:
        assert telemetry.current_traceparent() == given == passed.traceparent
        with telemetry.span("inner"):
            assert telemetry.current_traceparent() == given
    assert telemetry.current_traceparent() == ""
