"""What the code of a service declares: what it owns, hears, says and promises, what may be asked of it and by which
door. Read from the syntax, so that nothing has to run."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.architecture.source import OF_THE_CARD, decorators, dotted, functions, module, tree
from tests.contracts.messages import events, modules


@cache
def known_events() -> dict[str, str]:
    """The service that owns each event, by the event's name."""
    return {each.DESCRIPTOR.name: each.DESCRIPTOR.file.package.split(".")[1] for each in events()}


@dataclass(frozen=True)
class Subscription:
    """One entry of subscriptions.py."""

    group: str
    event: str
    leads_to: str
    ignored_when: tuple[str, ...]
    file: Path
    line: int


@dataclass(frozen=True)
class Asked:
    """One command or query: its function, its permission and who may."""

    function: str
    permission: str
    grants: str
    file: Path
    line: int


@dataclass(frozen=True)
class Served:
    """One method of an RPC service in code, and the commands and queries it is declared to lead to."""

    service: str
    method: str
    leads_to: tuple[str, ...]
    file: Path
    line: int


def _mentioned(node: ast.AST, names: frozenset[str]) -> set[str]:
    return {
        last
        for each in ast.walk(node)
        if isinstance(each, ast.Name | ast.Attribute) and (last := dotted(each).rpartition(".")[2]) in names
    }


@cache
def says(service: str) -> frozenset[str]:
    """The messages its publications tell."""
    names = frozenset(known_events())
    told: set[str] = set()
    for file in module(service, "publications"):
        for function in functions(file):
            if any(name.endswith(".tells") for name, _ in decorators(function)):
                told |= _mentioned(function, names)
        # A helper may build the message for several facts.
        told |= {n for function in functions(file) if not function.decorator_list for n in _mentioned(function, names)}
    return frozenset(told)


@cache
def facts_told(service: str) -> frozenset[str]:
    """The facts its publications list."""
    return frozenset(
        dotted(argument).rpartition(".")[2]
        for file in module(service, "publications")
        for function in functions(file)
        for name, call in decorators(function)
        if name.endswith(".tells") and call
        for argument in call.args
    )


def _groups(file: Path) -> dict[str, str]:
    """The consumer groups a file declares: variable to group."""
    return {
        target.id: str(node.value.args[0].value)
        for node in tree(file).body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)
        if dotted(node.value.func).endswith("Hears") and node.value.args
        and isinstance(node.value.args[0], ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }  # fmt: skip


@cache
def hears(service: str) -> tuple[Subscription, ...]:
    """Every subscription it declares."""
    found = []
    # A group may be declared in one file and heard for in others.
    groups = {name: group for file in module(service, "subscriptions") for name, group in _groups(file).items()}
    for file in module(service, "subscriptions"):
        for function in functions(file):
            for name, call in decorators(function):
                variable, _, leads_to = name.rpartition(".")
                if call is None or leads_to not in {"command", "projection", "effect"}:
                    continue
                ignored = next((k.value for k in call.keywords if k.arg == "ignored_when"), None)
                reasons = tuple(ast.literal_eval(ignored)) if isinstance(ignored, ast.Tuple | ast.List) else ()
                found.extend(
                    Subscription(groups.get(variable, service), event, leads_to, reasons, file, function.lineno)
                    for argument in call.args
                    if (event := dotted(argument).rpartition(".")[2]) in known_events()
                )
    return tuple(found)


PROMISE = re.compile(r"L[0-9]+")


@cache
def promises(service: str) -> frozenset[str]:
    """The codes of the promises it makes; other timers tell nobody anything and have names of their own."""
    return frozenset(
        node.args[0].value
        for file in module(service, "deadlines")
        for node in ast.walk(tree(file))
        if isinstance(node, ast.Call) and dotted(node.func).endswith("Make")
        and node.args and isinstance(node.args[0], ast.Constant) and PROMISE.fullmatch(str(node.args[0].value))
    )  # fmt: skip


@cache
def owns(service: str) -> frozenset[str]:
    """The kinds of record it keeps: the repositories its Work declares."""
    return frozenset(
        keyword.value.value
        for file in module(service, "storage")
        for node in ast.walk(tree(file))
        if isinstance(node, ast.Call) and dotted(node.func).endswith("Repository")
        for keyword in node.keywords
        if keyword.arg == "kind" and isinstance(keyword.value, ast.Constant)
    )


@cache
def asked(service: str, kind: str) -> tuple[Asked, ...]:
    """Its commands (`kind` command) or queries (`kind` query). A projection that stands alone answers for itself."""
    where = ("commands",) if kind == "command" else ("queries", "projections")
    return tuple(
        Asked(function.name, *_permission(call), file, function.lineno)
        for place in where
        for file in module(service, place)
        for function in functions(file)
        for name, call in decorators(function)
        if name.rpartition(".")[2] == kind
    )


def _permission(call: ast.Call | None) -> tuple[str, str]:
    arguments = call.args if call else []
    name = arguments[0].value if arguments and isinstance(arguments[0], ast.Constant) else ""
    return str(name), ast.unparse(arguments[1]) if len(arguments) > 1 else ""


@cache
def served(service: str) -> tuple[Served, ...]:
    """The methods of its RPC services; a service of many methods may be put together of several classes."""
    classes = {
        node.name: (file, node)
        for file in module(service, "rpc")
        for node in tree(file).body
        if isinstance(node, ast.ClassDef)
    }
    return tuple(
        Served(contract, method.name, _leads_to(method), file, method.lineno)
        for _, whole in classes.values()
        if (contract := _servicer(whole))
        for name in [whole.name, *_bases(whole)]
        if name in classes
        for file, node in [classes[name]]
        for method in node.body
        if isinstance(method, ast.AsyncFunctionDef) and method.name[0].isupper()
    )


def parts_of_doors(service: str) -> frozenset[str]:
    """The classes that an RPC service of this service is put together of."""
    return frozenset(
        base
        for file in module(service, "rpc")
        for node in tree(file).body
        if isinstance(node, ast.ClassDef) and _servicer(node)
        for base in _bases(node)
    )


def _bases(node: ast.ClassDef) -> list[str]:
    return [dotted(base).rpartition(".")[2] for base in node.bases]


def _servicer(node: ast.ClassDef) -> str:
    return next((base.removesuffix("Servicer") for base in _bases(node) if base.endswith("Servicer")), "")


def _leads_to(method: ast.AsyncFunctionDef) -> tuple[str, ...]:
    return tuple(
        dotted(argument).rpartition(".")[2]
        for name, call in decorators(method)
        if call is not None and name.rpartition(".")[2] == "serves"
        for argument in call.args
    )


@cache
def contracted(service: str) -> dict[str, frozenset[str]]:
    """The RPC services of its contract with their methods."""
    return {
        name: frozenset(method.name for method in held.methods)
        for each in modules()
        if each.DESCRIPTOR.package == f"throughcare.{service}.v1"
        for name, held in each.DESCRIPTOR.services_by_name.items()
    }


def hearers() -> dict[str, list[Subscription]]:
    """Who hears each event."""
    found: dict[str, list[Subscription]] = {}
    for service in OF_THE_CARD:
        for each in hears(service):
            found.setdefault(each.event, []).append(each)
    return found
