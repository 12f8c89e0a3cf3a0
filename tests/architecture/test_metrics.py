"""Every metric that the code counts is of the one list; mypy says the same, this says it without mypy."""

import ast
from typing import get_args

from chassis.telemetry.metrics import Metric
from tests.architecture.source import PACKAGES, dotted, files, shown, tree

COUNTING = {"telemetry.count", "telemetry.gauge", "telemetry.observe", "count", "gauge", "observe"}


def counted():
    for package in PACKAGES:
        for file in files(package):
            if "telemetry" in file.parts:
                continue
            for node in ast.walk(tree(file)):
                if isinstance(node, ast.Call) and dotted(node.func) in COUNTING and node.args:
                    yield file, node


def test_every_metric_is_of_the_list():
    found = [
        f"{shown(file, node)} {node.args[0].value}"
        for file, node in counted()
        if isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str)
        if node.args[0].value not in get_args(Metric)
    ]
    assert found == []


def test_the_names_of_metrics_say_one_thing_each():
    names = get_args(Metric)
    assert len(names) == len(set(names))
    assert all(name.islower() and name.replace("_", "").isalnum() for name in names)
